#!/bin/sh
# Builds the example: examples/systemd/build.sh DEST
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh DEST" >&2; exit 64; }
mkdir -p "$1"
# Under another name first: a program that runs is never written to.
"${CC:-cc}" -O1 -g -Wall -Wextra -o "$1/meter.partial" "$(dirname "$0")/meter.c"
mv "$1/meter.partial" "$1/meter"
