#!/bin/sh
# Builds the native programs that the collector is tested on:
#
#   Tests/Fixtures/native/build.sh DEST
#
# Each X.c becomes DEST/X; threads and names also get an X.stripped, musl_hello an X.static. Rebuilds
# what is older than its source. -O1 without frame pointers is what production binaries look like to an
# unwinder. Needs cc, c++ and musl-gcc.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
command -v musl-gcc >/dev/null || fail "no musl-gcc; on Debian: apt-get install musl-tools"
mkdir -p "$dest" || fail "cannot create $dest"

flags="-O1 -g -fomit-frame-pointer -Wall -Wextra -Wno-infinite-recursion -D_GNU_SOURCE -pthread"
partial=$dest/.partial.$$
trap 'rm -f "$partial" "$partial.o"' EXIT
trap 'exit 130' INT TERM HUP

is_current() { # product source
    [ "$1" -nt "$2" ] && [ "$1" -nt "$here/fixture.h" ] && [ "$1" -nt "$here/build.sh" ]
}

# Builds under another name and renames, so that a running test never sees half a program.
make_program() { # product source compiler arguments…
    product=$dest/$1
    source=$here/$2
    shift 2
    is_current "$product" "$source" && return
    "$@" $flags -o "$partial" "$source" || fail "cannot build $product"
    mv "$partial" "$product"
}

cc=${CC:-cc}
for program in threads spin zombie_leader vfork_parent exiting deleted signal_frame null_call deep rounds nondumpable stopped; do
    make_program $program $program.c "$cc"
done
make_program names names.cpp "${CXX:-c++}"
make_program inlined inlined.cpp "${CXX:-c++}"
make_program threads.stripped threads.c "$cc" -s
make_program names.stripped names.cpp "${CXX:-c++}" -s
make_program musl_hello musl_hello.c musl-gcc
make_program musl_hello.static musl_hello.c musl-gcc -static

if ! is_current "$dest/no_cfi" "$here/no_cfi.c"; then
    # -g0: with debug information cc would write the same tables into .debug_frame.
    "$cc" -DMIDDLE $flags -g0 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables \
        -c -o "$partial.o" "$here/no_cfi.c" || fail "cannot build the middle of no_cfi"
    make_program no_cfi no_cfi.c "$cc" "$partial.o"
fi
