#!/bin/sh
# Builds the example: examples/sigreturn/build.sh DEST, then: DEST/sigreturn, and DEST/sigreturn-musl where there
# is a musl-gcc. Does nothing when DEST is newer than the source.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh DEST" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
partial=$1/.partial.$$
trap 'rm -f "$partial"' EXIT

build() { # product compiler
    [ "$1" -nt "$here/sigreturn.c" ] && [ "$1" -nt "$here/build.sh" ] && return
    # A stack protector would notice, and turn the crash into an abort.
    "$2" -std=c11 -O1 -g -fno-stack-protector -fno-optimize-sibling-calls -Wall -Wextra -pthread \
        -o "$partial" "$here/sigreturn.c"
    mv "$partial" "$1"
}
build "$1/sigreturn" "${CC:-cc}"
if command -v musl-gcc >/dev/null; then build "$1/sigreturn-musl" musl-gcc; fi
