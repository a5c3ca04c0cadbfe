#!/bin/sh
# Builds the example: examples/dotnet-service/build.sh DEST, then: dotnet DEST/Shop.dll
# Does nothing when DEST is newer than the sources. Needs mcs (mono-mcs).
set -eu

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: build.sh DEST"
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
command -v mcs >/dev/null || fail "no mcs; on Debian: apt-get install mono-mcs"
mkdir -p "$dest" || fail "cannot create $dest"

built=$dest/Shop.dll
if [ -e "$built" ] && [ "$built" -nt "$here/Shop.cs" ] && [ "$built" -nt "$here/Shop.runtimeconfig.json" ]; then
    exit 0
fi

# Renamed into place, so that a killed build leaves nothing half done.
partial=$dest/.partial.$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$partial"
mcs -debug -out:"$partial/Shop.dll" "$here/Shop.cs" || fail "mcs failed on Shop.cs"
cp "$here/Shop.runtimeconfig.json" "$partial/"
for file in Shop.runtimeconfig.json Shop.dll.mdb Shop.dll; do
    mv "$partial/$file" "$dest/$file"
done
