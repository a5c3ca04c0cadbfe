#!/bin/sh
# Builds the contract table, a program for each theme, for glibc and for musl:
#
#   Tests/Contract/build.sh DEST
#
# Each THEME.c becomes DEST/glibc/contract-THEME and DEST/musl/contract-THEME; cxx.cpp is for glibc alone.
# DEST/collector stands in for the collector, and ends at once. Rebuilds what is older than its source.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
command -v musl-gcc >/dev/null || fail "no musl-gcc; on Debian: apt-get install musl-tools"
mkdir -p "$dest/glibc" "$dest/musl" || fail "cannot create $dest"

flags="-O1 -g -Wall -Wextra -Wno-infinite-recursion -D_GNU_SOURCE -pthread"
partial=$dest/.partial.$$
trap 'rm -f "$partial" "$partial.o"' EXIT
trap 'exit 130' INT TERM HUP

# Builds under another name and renames, so that a running test never sees half a program.
make_program() { # product source compiler arguments…
    product=$dest/$1
    source=$here/$2
    shift 2
    for part in "$source" "$here/contract.h" "$here/stacks.h" "$here/contract.c" "$here/build.sh"; do
        [ "$product" -nt "$part" ] || break
    done
    [ "$product" -nt "$part" ] && return
    "$@" -o "$partial" "$source" || fail "cannot build $product"
    mv "$partial" "$product"
}

cc=${CC:-cc}
# For the kernel's headers, which musl's package has not; its own come first.
kernel="-idirafter /usr/include -idirafter /usr/include/$("$cc" -print-multiarch)"
for source in "$here"/*.c; do
    theme=$(basename "$source" .c)
    [ "$theme" = contract ] && continue
    make_program "glibc/contract-$theme" "$theme.c" "$cc" -std=gnu11 $flags "$here/contract.c"
    make_program "musl/contract-$theme" "$theme.c" musl-gcc -std=gnu11 $flags $kernel "$here/contract.c"
done
if ! [ "$dest/glibc/contract-cxx" -nt "$here/cxx.cpp" ]; then
    "$cc" -std=gnu11 $flags -c -o "$partial.o" "$here/contract.c" || fail "cannot build contract.o"
    make_program glibc/contract-cxx cxx.cpp "${CXX:-c++}" -std=c++17 $flags "$partial.o"
fi
if ! [ -x "$dest/collector" ]; then
    echo 'int main(void) { return 0; }' | musl-gcc -static -O1 -x c -o "$partial" - &&
        mv "$partial" "$dest/collector" || fail "cannot build the collector's stand-in"
fi
