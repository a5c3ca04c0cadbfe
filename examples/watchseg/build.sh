#!/bin/sh
# Builds the example: examples/watchseg/build.sh DEST, then: DEST/watchseg, and DEST/watchseg-musl where there
# is a musl-gcc. Does nothing when DEST is newer than the source.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh DEST" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
partial=$1/.partial.$$
trap 'rm -f "$partial"' EXIT

build() { # product compiler
    [ "$1" -nt "$here/watchseg.c" ] && [ "$1" -nt "$here/build.sh" ] && return
    "$2" -std=c11 -O1 -g -Wall -Wextra -o "$partial" "$here/watchseg.c"
    mv "$partial" "$1"
}
build "$1/watchseg" "${CC:-cc}"
if command -v musl-gcc >/dev/null; then build "$1/watchseg-musl" musl-gcc; fi
