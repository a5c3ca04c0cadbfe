#!/bin/bash
# run.sh STAGE BUILD: every mode with the program's own handler, then the overflows under Inquest with their reports.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
stage=$1
build=$2
"$here/build.sh" "$build"
program=$build/coroutine-overflow
reports=$build/reports
rm -rf "$reports"
ulimit -c 0

# Runs a program and says how it ended. The shell's own "Segmentation fault" is left out.
crash() {
  local code=0
  { "$@" 2>&3 || code=$?; } 3>&2 2>/dev/null
  echo "(exit status $code)"
}

for mode in coroutine coroutine-on-thread coroutine-leap wild-far wild-near thread main; do
  printf '\n$ coroutine-overflow %s\n' $mode
  crash "$program" $mode 2>&1
done

export INQUEST_DIR=$reports INQUEST_CATCH=1 PAGER=cat
for mode in coroutine coroutine-leap wild-near thread main; do
  printf '\n$ INQUEST_CATCH=1 inquest run -- coroutine-overflow %s --no-handler\n' $mode
  crash "$stage/bin/inquest" run -- "$program" $mode --no-handler 2>&1
  [ -d "$reports" ] || { echo "no report" >&2; exit 1; }
  printf '\n$ inquest show\n'
  "$stage/bin/inquest" show | sed -n '/^Registers/q;p'
done
