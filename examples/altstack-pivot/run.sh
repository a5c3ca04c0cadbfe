#!/bin/bash
# run.sh STAGE BUILD RUNTIMES: builds the example into BUILD, and shows what each of its programs does.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Paths that a person can read and type.
inquest=${1#"$PWD"/}/bin/inquest
dotnet=${3#"$PWD"/}/8.0.4/dotnet
built=${2#"$PWD"/}
"$here/build.sh" "$built"
mkdir -p "$built/reports"
export INQUEST_DIR=$(cd "$built/reports" && pwd)
# A core file would be one more thing to look at.
ulimit -c 0

# Runs a program, and says how it ended. The shell's own word about a death is for nobody.
show() {
    printf '\n$ %s\n' "$*"
    local status=0
    bash -c '"$@" 2>&3; exit $?' bash "$@" 3>&2 2>/dev/null || status=$?
    printf '(exit status %s)\n' "$status"
}

show "$built/altstack-pivot" detect
show "$built/altstack-pivot" detect --autodisarm
show "$dotnet" "$built/NullReferences.dll" unhandled
show "$inquest" run -- "$dotnet" "$built/NullReferences.dll" unhandled

# The walk from the failed check to the fault, and the stacks on its way.
export INQUEST_CATCH=1
for mode in crash-after-pivot "crash-on-alternate --thread"; do
    show "$inquest" run -- "$built/altstack-pivot" $mode
    printf '\n$ %s show\n…\n' "$inquest"
    PAGER=cat "$inquest" show | sed -n '/^Thread/,/^Other\|^Registers/{/^Other\|^Registers/!p}'
done
