#!/bin/sh
# Builds the .NET programs of this folder for both runtimes:
#
#   Tests/Fixtures/dotnet/build.sh DEST        then: dotnet DEST/8.0.4/Crash.dll MODE
#                                                    dotnet DEST/3.1.23/Throws.dll MODE
#                                                    dotnet DEST/3.1.23/embedded/Throws.dll MODE
#
# The assemblies and libcrash.so are the same in both; only runtimeconfig.json differs. Throws.dll has a
# portable PDB: beside it, or inside of the one in embedded/. What mcs made, and the tools that made this of it,
# stay in DEST for tests that want other builds.
# Does nothing when DEST is newer than the sources. Needs mcs (mono-mcs), mono with Mono.Cecil, and cc.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../../tools
dest=$1
cecil=/usr/lib/mono/gac/Mono.Cecil/0.11.0.0__0738eb9f132ed756/Mono.Cecil.dll
command -v mcs >/dev/null || fail "no mcs; on Debian: apt-get install mono-mcs"
mkdir -p "$dest" || fail "cannot create $dest"

up_to_date() { # product source…
    product=$1
    shift
    [ -e "$product" ] || return 1
    for source; do
        [ "$product" -nt "$source" ] || return 1
    done
}

compile() { # name source…
    name=$1
    shift
    mcs -debug -unsafe -optimize- -out:"$partial/$name.dll" "$@" || fail "mcs failed on $name"
}

build_all() {
    mkdir -p "$partial/beside" "$partial/embedded"
    compile Crash "$here/Crash.cs"
    compile Throws "$here"/Throws*.cs
    for tool in "$tools/portable-pdb" "$here/roslyn-names"; do
        mcs -out:"$partial/${tool##*/}.exe" -r:/usr/lib/mono/4.5/mcs.exe -r:"$cecil" "$tool.cs" ||
            fail "mcs failed on $tool.cs; on Debian: apt-get install libmono-cecil-private-cil"
    done
    for kind in beside embedded; do
        "$here/with-lines.sh" "$partial" $kind "$partial/Throws.dll" "$partial/$kind/Throws.dll" ||
            fail "Throws.dll gets no PDB"
    done
    ${CC:-cc} -shared -fPIC -O1 -g -fomit-frame-pointer -Wall -Wextra -Wno-infinite-recursion \
        -o "$partial/libcrash.so" "$here/native.c" || fail "cc failed on native.c"
}

place() { # built-file destination
    cp "$partial/$1" "$partial/moving"
    mkdir -p "$(dirname "$2")"
    mv "$partial/moving" "$2"
}

# Each product is made under another name and renamed, so that a killed build leaves none half done. What is
# asked for in up_to_date comes last.
partial=$dest/.partial.$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT TERM HUP
for version in 8.0.4 3.1.23; do
    config=$here/runtimeconfig-${version%.*}.json
    ! up_to_date "$dest/$version/Crash.dll" "$here"/*.cs "$tools/portable-pdb.cs" "$here/native.c" "$config" "$here"/*.sh || continue
    [ -e "$partial" ] || build_all
    cp "$config" "$partial/runtimeconfig.json"
    to=$dest/$version
    place portable-pdb.exe "$dest/portable-pdb.exe"
    place roslyn-names.exe "$dest/roslyn-names.exe"
    place Throws.dll "$dest/unlined/Throws.dll"
    place Throws.dll.mdb "$dest/unlined/Throws.dll.mdb"
    for folder in "$to" "$to/embedded"; do
        place libcrash.so "$folder/libcrash.so"
        place runtimeconfig.json "$folder/Throws.runtimeconfig.json"
    done
    place embedded/Throws.dll "$to/embedded/Throws.dll"
    place beside/Throws.pdb "$to/Throws.pdb"
    place beside/Throws.dll "$to/Throws.dll"
    place runtimeconfig.json "$to/Crash.runtimeconfig.json"
    place Crash.dll.mdb "$to/Crash.dll.mdb"
    place Crash.dll "$to/Crash.dll"
done
