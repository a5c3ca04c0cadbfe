#!/bin/bash
# run.sh STAGE BUILD: builds sigreturn into BUILD and shows the report that each death of it leaves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Paths that a person can read and type.
inquest=${1#"$PWD"/}/bin/inquest
built=${2#"$PWD"/}
"$here/build.sh" "$built"
mkdir -p "$built/reports"
export INQUEST_CATCH=1 INQUEST_DIR=$(cd "$built/reports" && pwd)
# A core file would be one more thing to look at.
ulimit -c 0

for program in "$built"/sigreturn "$built"/sigreturn-musl; do
    [ -e "$program" ] || continue
    printf '\n$ INQUEST_CATCH=1 %s run -- %s\n' "$inquest" "$program"
    status=0
    # The shell's own word about the death is for nobody.
    bash -c '"$@" 2>&3; exit $?' bash "$inquest" run -- "$program" 3>&2 2>/dev/null || status=$?
    printf '(exit status %s)\n\n$ %s show\n\n' "$status" "$inquest"
    PAGER=cat "$inquest" show
    [ "$status" -eq 139 ]
done
