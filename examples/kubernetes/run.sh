#!/bin/bash
# run.sh STAGE BUILD [RUNTIMES]: the pod of service.yaml without a cluster: minimal images, read-only roots, no
# capabilities, the service as PID 1. It crashes, and its report is in the volume.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
stage=$1
build=$2
runtimes=${3:-$repository/.cache/dotnet}

"$repository/tools/fetch-dotnet.sh" "$runtimes"
"$repository/examples/dotnet-service/build.sh" "$build/app"
"$here/make-images.sh" "$build/images" "$stage" "$runtimes/8.0.4" "$build/app"
rm -rf "$build/volumes"
ulimit -c 0

printf '\nThe pod without Inquest:\n'
status=0
"$here/as_pod.py" "$here/service.yaml" "$build/images" "$build/volumes" --without LD_PRELOAD || status=$?
printf '(exit status %s)\n\nThe pod with it:\n' $status
with=0
"$here/as_pod.py" "$here/service.yaml" "$build/images" "$build/volumes" || with=$?
printf '(exit status %s)\n\nThe report in the volume:\n\n' $with
[ $with -eq $status ]
PAGER=cat "$stage/bin/inquest" show --dir "$build/volumes/reports/shop"
