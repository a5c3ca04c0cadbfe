#!/bin/sh
# Builds Crash.cs and native.c for both runtimes:
#
#   Tests/Fixtures/dotnet/build.sh DEST        then: dotnet DEST/8.0.4/Crash.dll MODE
#                                                    dotnet DEST/3.1.23/Crash.dll MODE
#
# The assembly and libcrash.so are the same in both; only runtimeconfig.json differs.
# Does nothing when DEST is newer than the sources. Needs mcs (mono-mcs) and cc.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
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

# Each product is made under another name and renamed, so that a killed build leaves none half done.
partial=$dest/.partial.$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT TERM HUP
for version in 8.0.4 3.1.23; do
    config=$here/runtimeconfig-${version%.*}.json
    ! up_to_date "$dest/$version/Crash.dll" "$here/Crash.cs" "$here/native.c" "$config" "$here/build.sh" || continue
    mkdir -p "$partial" "$dest/$version"
    if [ ! -e "$partial/Crash.dll" ]; then
        mcs -debug -unsafe -optimize- -out:"$partial/Crash.dll" "$here/Crash.cs" || fail "mcs failed on Crash.cs"
        ${CC:-cc} -shared -fPIC -O1 -g -fomit-frame-pointer -Wall -Wextra -Wno-infinite-recursion \
            -o "$partial/libcrash.so" "$here/native.c" || fail "cc failed on native.c"
    fi
    cp "$config" "$partial/Crash.runtimeconfig.json"
    for file in libcrash.so Crash.runtimeconfig.json Crash.dll.mdb Crash.dll; do
        cp "$partial/$file" "$partial/moving"
        mv "$partial/moving" "$dest/$version/$file"
    done
done
