#!/bin/sh
# Builds the programs on which our frames are compared with gdb's:
#
#   Tests/Fixtures/accuracy/build.sh DEST
#
# DEST/VARIANT/hard, the C++ program, once per way to compile it, each with its library and plugins;
# DEST/rust-O*/hard and DEST/go/hard. Needs c++, rustc, go; clang++ comes with Swift.
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
mkdir -p "$dest" || fail "cannot create $dest"
# Everything is built under another name first, so that a running test never sees half a program.
partial=$dest/.partial.$$
trap 'rm -rf "$partial" "$partial.cache"' EXIT
trap 'exit 130' INT TERM HUP

is_current() { # product
    [ -e "$1" ] && [ -z "$(find "$here" -newer "$1" -type f)" ]
}

# Moves what was built into its place.
publish() { # variant
    rm -rf "${dest:?}/$1"
    mv "$partial" "$dest/$1"
}

parts="hard language objects exceptions library signals shared"

cxx() { # variant arguments…
    variant=$1
    shift
    is_current "$dest/$variant/hard" && return
    mkdir -p "$partial"
    (
        cd "$partial"
        flags="-std=c++20 -g -Wall -Wno-infinite-recursion -Wno-deprecated-declarations -Wno-unused-function -pthread"
        # The sources by their full path, as a build system has them.
        for part in $parts; do sources="${sources:-} $here/$part.cpp"; done
        case "$*" in
            *-static*) "$@" $flags -DSTATIC $sources -o hard ;;
            *)
                "$@" $flags -fPIC -shared "$here/sharedlib.cpp" -o libaccuracy.so
                "$@" $flags -fPIC -shared "$here/plugin.cpp" -o libaccuracy-plugin.so -L. -laccuracy
                "$@" $flags -fPIC -shared -DSECOND "$here/plugin.cpp" -o libaccuracy-second.so -L. -laccuracy
                "$@" $flags $sources -o hard -L. -laccuracy -Wl,-rpath,'$ORIGIN'
                ;;
        esac
    ) || fail "cannot build $variant"
    publish "$variant"
}

# A copy without symbols; with `link`, these lie beside it and the file says so.
stripped() { # variant source [link]
    is_current "$dest/$1/hard" && return
    mkdir -p "$partial"
    (
        cd "$partial"
        for file in "$dest/$2"/*; do
            name=${file##*/}
            cp "$file" "$name"
            if [ $# -eq 3 ]; then
                objcopy --only-keep-debug "$file" "$name.debug"
                strip "$name"
                objcopy --add-gnu-debuglink="$name.debug" "$name"
            else
                strip "$name"
            fi
        done
    ) || fail "cannot strip $1"
    publish "$1"
}

cxx gcc-O0 g++ -O0
cxx gcc-O2 g++ -O2 -fomit-frame-pointer
cxx gcc-O3-lto g++ -O3 -flto
cxx gcc-Os-no-pie g++ -Os -no-pie -fno-plt
cxx gcc-static-pie g++ -O2 -static-pie
cxx clang-O2 clang++ -O2 -fno-omit-frame-pointer
stripped gcc-O2-stripped gcc-O2
stripped gcc-O3-lto-stripped gcc-O3-lto
stripped gcc-O2-debuglink gcc-O2 link

rust() { # optimisation level
    is_current "$dest/rust-O$1/hard" && return
    mkdir -p "$partial"
    rustc --edition 2021 -g -C opt-level="$1" -o "$partial/hard" "$here/rust/hard.rs" ||
        fail "cannot build rust-O$1"
    publish "rust-O$1"
}

rust 0
rust 3
stripped rust-O3-stripped rust-O3

if ! is_current "$dest/go/hard"; then
    mkdir -p "$partial"
    # No modules, no network; the cache lives as long as the build.
    (cd "$here/go" && GO111MODULE=off GOFLAGS= GOPROXY=off GOCACHE="$partial.cache" CGO_ENABLED=1 \
        go build -o "$partial/hard" hard.go waiting.go) || fail "cannot build go"
    publish go
fi
