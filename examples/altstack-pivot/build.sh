#!/bin/sh
# Builds the example: examples/altstack-pivot/build.sh DEST, then: DEST/altstack-pivot detect, and
# dotnet DEST/NullReferences.dll unhandled. DEST/altstack-pivot-musl is made where there is a musl-gcc. Does
# nothing when DEST is newer than the sources. Needs mcs (mono-mcs).
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
mkdir -p "$dest" || fail "cannot create $dest"
partial=$dest/.partial.$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT TERM HUP
machine=$(uname -m)

build() { # product compiler
    [ "$dest/$1" -nt "$here/altstack-pivot.c" ] && [ "$dest/$1" -nt "$here/$machine/pivot.h" ] &&
        [ "$dest/$1" -nt "$here/build.sh" ] && return
    # A call stays a call, so that each function is seen on the stack.
    "$2" -std=c11 -O1 -g -fno-optimize-sibling-calls -Wall -Wextra -pthread -I"$here/$machine" \
        -o "$partial" "$here/altstack-pivot.c" || fail "cannot build $1"
    mv "$partial" "$dest/$1"
}
build altstack-pivot "${CC:-cc}"
if command -v musl-gcc >/dev/null; then build altstack-pivot-musl musl-gcc; fi

built=$dest/NullReferences.dll
if [ "$built" -nt "$here/NullReferences.cs" ] && [ "$built" -nt "$here/NullReferences.runtimeconfig.json" ]; then
    exit 0
fi
command -v mcs >/dev/null || fail "no mcs; on Debian: apt-get install mono-mcs"
mcs -out:"$partial" "$here/NullReferences.cs" || fail "mcs failed on NullReferences.cs"
cp "$here/NullReferences.runtimeconfig.json" "$dest/"
mv "$partial" "$built"
