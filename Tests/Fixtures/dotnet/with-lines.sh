#!/bin/sh
# Gives an assembly of mcs, with its .mdb beside it, a portable PDB and Roslyn's names:
#
#   with-lines.sh TOOLS beside|embedded IN.dll OUT.dll        TOOLS: the folder of what build.sh built
set -eu
export MONO_PATH=/usr/lib/mono/gac/Mono.Cecil/0.11.0.0__0738eb9f132ed756
between=$(mktemp -d)
trap 'rm -rf "$between"' EXIT
mono "$1/portable-pdb.exe" beside "$3" "$between/lined.dll"
mono "$1/roslyn-names.exe" "$2" "$between/lined.dll" "$4"
