#!/bin/sh
# Builds the example: examples/dotnet-service/build.sh DEST, then: dotnet DEST/Shop.dll
# Does nothing when DEST is newer than the sources. Needs mcs (mono-mcs), and for source lines in reports
# Mono.Cecil (libmono-cecil-private-cil) and mono: mcs writes no portable PDB, `dotnet build` always does.
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
mkdir "$partial/plain" "$partial/lined"
mcs -debug -out:"$partial/plain/Shop.dll" "$here/Shop.cs" || fail "mcs failed on Shop.cs"
cecil=/usr/lib/mono/gac/Mono.Cecil/0.11.0.0__0738eb9f132ed756
mcs -out:"$partial/portable-pdb.exe" -r:/usr/lib/mono/4.5/mcs.exe -r:$cecil/Mono.Cecil.dll \
    "$here/../../tools/portable-pdb.cs" ||
    fail "no Mono.Cecil; on Debian: apt-get install libmono-cecil-private-cil mono-runtime"
MONO_PATH=$cecil mono "$partial/portable-pdb.exe" beside "$partial/plain/Shop.dll" "$partial/lined/Shop.dll" ||
    fail "Shop.dll gets no PDB"
cp "$here/Shop.runtimeconfig.json" "$partial/lined/"
for file in Shop.runtimeconfig.json Shop.pdb Shop.dll; do
    mv "$partial/lined/$file" "$dest/$file"
done
