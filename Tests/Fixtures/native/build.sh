#!/bin/sh
# Builds the native programs that the collector is tested on:
#
#   Tests/Fixtures/native/build.sh DEST
#
# Each X.c becomes DEST/X, watch.c a library; threads and names also get an X.stripped, musl_hello an
# X.static, threads variants with their unwind information elsewhere. Rebuilds what is older than its source.
# -O1 without frame pointers is what production binaries look like to an unwinder. Needs cc, c++, musl-gcc,
# rustc and go.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
command -v musl-gcc >/dev/null || fail "no musl-gcc; on Debian: apt-get install musl-tools"
command -v go >/dev/null || fail "no go; on Debian: apt-get install golang-go"
mkdir -p "$dest" || fail "cannot create $dest"

flags="-O1 -g -fomit-frame-pointer -Wall -Wextra -Wno-infinite-recursion -D_GNU_SOURCE -pthread"
partial=$dest/.partial.$$
trap 'rm -f "$partial" "$partial.o"' EXIT
trap 'exit 130' INT TERM HUP

is_current() { # product source
    [ "$1" -nt "$2" ] && [ "$1" -nt "$here/fixture.h" ] && [ "$1" -nt "$here/catching.h" ] && [ "$1" -nt "$here/build.sh" ]
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
for program in threads spin zombie_leader vfork_parent exiting deleted signal_frame null_call deep rounds nondumpable stopped \
    vdso mapped_code big_stacks fibre locks; do
    make_program $program $program.c "$cc"
done
make_program watch.so watch.c "$cc" -shared -fPIC
make_program names names.cpp "${CXX:-c++}"
make_program inlined inlined.cpp "${CXX:-c++}"
make_program dies dies.cpp "${CXX:-c++}" -fstack-protector-all
make_program dies.stripped dies.cpp "${CXX:-c++}" -fstack-protector-all -s
make_program dies.static dies.cpp "${CXX:-c++}" -fstack-protector-all -static
make_program threads.stripped threads.c "$cc" -s
make_program names.stripped names.cpp "${CXX:-c++}" -s
# Unwind information that no header leads to, and such as is never loaded: in the program, packed in the two
# ways, and in a file beside it.
make_program threads.no_header threads.c "$cc" -Wl,--no-eh-frame-hdr
bare="-fno-asynchronous-unwind-tables -fno-unwind-tables"
if ! is_current "$dest/no_tables" "$here/no_tables.c"; then
    "$cc" $flags $bare -g0 -o "$partial" "$here/no_tables.c" && mv "$partial" "$dest/no_tables" ||
        fail "cannot build no_tables"
fi
make_program threads.debug_frame threads.c "$cc" $bare
make_program threads.packed threads.c "$cc" $bare -gz=zlib
if ! is_current "$dest/threads.packed_old" "$here/threads.c"; then
    objcopy --compress-debug-sections=zlib-gnu "$dest/threads.debug_frame" "$partial" &&
        mv "$partial" "$dest/threads.packed_old" || fail "cannot build threads.packed_old"
fi
if ! is_current "$dest/threads.separate" "$here/threads.c"; then
    objcopy --only-keep-debug "$dest/threads.debug_frame" "$dest/threads.separate.debug" &&
        objcopy --strip-debug --add-gnu-debuglink="$dest/threads.separate.debug" \
            "$dest/threads.debug_frame" "$partial" &&
        mv "$partial" "$dest/threads.separate" || fail "cannot build threads.separate"
fi
make_program locks.static locks.c "$cc" -static
make_program locks.musl locks.c musl-gcc
make_program locks.musl_static locks.c musl-gcc -static
make_program mutexes mutexes.cpp "${CXX:-c++}"
if ! is_current "$dest/mutexes.rust" "$here/mutexes.rs"; then
    rustc --edition 2021 -O -o "$partial" "$here/mutexes.rs" && mv "$partial" "$dest/mutexes.rust" ||
        fail "cannot build mutexes.rust"
fi
if ! is_current "$dest/rusty" "$here/rusty.rs"; then
    rustc --edition 2021 -O -g -C panic=abort -o "$partial" "$here/rusty.rs" && mv "$partial" "$dest/rusty" ||
        fail "cannot build rusty.rs"
fi
# As a service would: each way to die is a function of its own, and a copy of a copy is not checked away.
fatal="-Wno-div-by-zero -Wno-uninitialized -fno-builtin -U_FORTIFY_SOURCE"
make_program ways_to_die ways_to_die.c "$cc" $fatal
# musl-gcc leaves the kernel's headers out.
make_program ways_to_die.musl ways_to_die.c musl-gcc $fatal -idirafter /usr/include \
    -idirafter "/usr/include/$(uname -m)-linux-gnu"
make_program musl_hello musl_hello.c musl-gcc
make_program musl_hello.static musl_hello.c musl-gcc -static

if ! is_current "$dest/no_cfi" "$here/no_cfi.c"; then
    # -g0: with debug information cc would write the same tables into .debug_frame.
    "$cc" -DMIDDLE $flags -g0 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables \
        -c -o "$partial.o" "$here/no_cfi.c" || fail "cannot build the middle of no_cfi"
    make_program no_cfi no_cfi.c "$cc" "$partial.o"
fi

if ! is_current "$dest/goroutines.stripped" "$here/goroutines.go"; then
    for strip in "" "-s -w"; do
        GOCACHE=$(cd "$dest" && pwd)/.go GO111MODULE=off go build -ldflags="$strip" -o "$partial" "$here/goroutines.go" &&
            mv "$partial" "$dest/goroutines${strip:+.stripped}" || fail "cannot build goroutines"
    done
fi
