#!/bin/sh
# Builds the example: examples/crash-in-the-collector/build.sh DEST. Needs libunwind-dev.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh DEST" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
# -fomit-frame-pointer: as production code is; the mapped code alone has a frame pointer.
flags="-O1 -g -std=gnu11 -Wall -Wextra -fomit-frame-pointer -fno-optimize-sibling-calls -pthread"
cc=${CC:-cc}
# Under another name first: a program that runs is never written to.
"$cc" $flags -o "$1/victim.partial" "$here/victim.c" && mv "$1/victim.partial" "$1/victim"
"$cc" $flags -o "$1/stock.partial" "$here/stock.c" -lunwind-ptrace -lunwind-"$(uname -m)" &&
    mv "$1/stock.partial" "$1/stock"
