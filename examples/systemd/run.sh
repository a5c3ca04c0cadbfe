#!/bin/bash
# run.sh STAGE BUILD: checks meter.service with its drop-in, and runs it as systemd would until it crashes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
stage=$1
build=$2
"$here/build.sh" "$build"

# A file system with the unit, the service and Inquest where the unit has them.
root=$build/root
rm -rf "$root"
mkdir -p "$root/etc/systemd/system/meter.service.d" "$root/usr/local" "$root/var/lib"
cp "$here/meter.service" "$root/etc/systemd/system"
cp "$here/inquest.conf" "$root/etc/systemd/system/meter.service.d"
cp -R "$stage/." "$root/usr/local"
cp "$build/meter" "$root/usr/local/bin"
units=("$root/etc/systemd/system/meter.service" "$root/etc/systemd/system/meter.service.d/inquest.conf")

echo "systemd-analyze verify:"
# What it complains of may be no error to it.
complaints=$(systemd-analyze --root="$root" --recursive-errors=no verify meter.service 2>&1) || true
if [ -n "$complaints" ]; then echo "$complaints"; exit 1; fi
echo "  nothing to complain of"

printf '\nThe service:\n'
status=0
"$here/as_service.py" "${units[@]}" --local "$root/usr/local" --state "$root/var/lib" || status=$?
printf '(exit status %s)\n\nIts report in /var/lib/meter/inquest:\n\n' $status
PAGER=cat "$stage/bin/inquest" show --dir "$root/var/lib/private/meter/inquest"
[ $status -eq 139 ]
