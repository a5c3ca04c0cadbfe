#!/bin/bash
# run.sh STAGE BUILD: libunwind's double unmap hits a tool that is written the usual way, and not ours; then our
# collector crashes in each of its stages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
inquest=$1/bin/inquest
build=$2
"$here/build.sh" "$build"
ulimit -c 0
export PAGER=cat

# 300 threads, each 10 calls deep in code that is in no ELF file: 3,000 such frames for one collector.
coproc victim { exec "$build/victim" "$build/no-elf" 300 10; }
to=${victim[1]}
from=${victim[0]}
trap 'exec {to}>&-; rm -f "$build/no-elf"' EXIT
read -r _ spinner <&"$from"
read -r _ pid <&"$from"

is_alive() { # prints how far it got
  local word count
  echo >&"$to"
  read -r word count <&"$from"
  [ "$word" = alive ] && echo "$count"
}

echo "A tool on stock libunwind-ptrace, two steps:"
status=0
"$build/stock" "$spinner" || status=$?
case $status in
3) ;;
0) echo "this libunwind has the error no more" ;;
*) exit 1 ;;
esac

echo
echo "Our collector on the same process, 20 times 300 stacks:"
frames=0
for _ in $(seq 20); do
  "$inquest" capture "$pid" -o "$build/report.json"
  frames=$((frames + $(python3 "$here/count.py" "$build/report.json")))
done
echo "  $frames frames of code that is in no ELF file, nothing missing, nothing lost"

echo
echo "Our collector, killed by SIGSEGV at the beginning of each of its stages:"
for stage in managed freeze images walk symbols evidence lines debuginfod diagnosis; do
  before=$(is_alive)
  option=
  [ $stage != debuginfod ] || option=--debuginfod
  status=0
  INQUEST_FAULT=$stage "$inquest" capture "$pid" $option -o "$build/report.json" || status=$?
  printf '\n$ INQUEST_FAULT=%s inquest capture %s   (exit status %s: a partial report)\n' $stage "$pid" $status
  [ $status -eq 3 ]
  "$inquest" show "$build/report.json" | sed -n '/^What this report cannot say/,/^$/p' | sed '1d;$d'
  [ "$(is_alive)" -gt "$before" ]
  echo "  the process runs on"
done
