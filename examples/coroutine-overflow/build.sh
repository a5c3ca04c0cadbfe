#!/bin/sh
# Builds the example: examples/coroutine-overflow/build.sh DEST, then DEST/coroutine-overflow MODE. With musl-gcc
# there also is DEST/coroutine-overflow.musl.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh DEST" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
machine=$(uname -m)

build() { # product compiler
    # Under another name first: a program that runs is never written to. Some distributions have their compiler probe
    # every page of a large frame, which is the cure for what coroutine-leap shows.
    $2 -O1 -g -fno-stack-clash-protection -std=gnu11 -Wall -Wextra -Wno-infinite-recursion -pthread -o "$1.partial" "$here"/*.c \
        "$here/switch_$machine.S" && mv "$1.partial" "$1"
}

build "$1/coroutine-overflow" "${CC:-cc}"
if command -v musl-gcc >/dev/null; then build "$1/coroutine-overflow.musl" musl-gcc; fi
