#!/bin/sh
# make-images.sh DEST STAGE DOTNET APP: root file systems as small as images get. DEST/inquest is what Dockerfile
# makes; DEST/shop has glibc, a C++ library, the .NET runtime and the service; both have busybox.
set -eu
[ $# -eq 4 ] || { echo "usage: make-images.sh DEST STAGE DOTNET APP" >&2; exit 64; }
dest=$1
stage=$2
dotnet=$3
app=$4

make_root() { # name programs… whose libraries it has
    root=$dest/$1
    shift
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/tmp"
    for library in $(ldd "$@" | grep -o '/lib[^ ]*' | grep -v ':$' | sort -u); do
        cp -L --parents "$library" "$root"
    done
    cp "$(command -v busybox)" "$root/bin/busybox"
    for tool in sh cp ls; do ln -s busybox "$root/bin/$tool"; done
}

make_root inquest "$(command -v busybox)"
cp -R "$stage" "$dest/inquest/inquest"
# Where the manifest mounts volumes: a container runtime makes these folders itself.
mkdir "$dest/inquest/tree"

runtime=$dotnet/shared/Microsoft.NETCore.App
make_root shop "$(command -v busybox)" "$dotnet/dotnet" "$runtime"/*/libcoreclr.so
mkdir -p "$dest/shop/usr/share" "$dest/shop/app" "$dest/shop/inquest" "$dest/shop/reports"
cp -R "$dotnet" "$dest/shop/usr/share/dotnet"
cp "$app"/* "$dest/shop/app"
