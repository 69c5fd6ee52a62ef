#!/usr/bin/env bash
# Build the container image with Debian's buildah and run it on a capture. Nothing is pulled:
# the base is made by mmdebstrap, and the packages come in as a folder of wheels, so that the
# build itself needs no network. All storage is private to this script and goes at its end.
# Usage: scripts/image.sh PYTHON
set -euo pipefail

python=$(realpath -s "${1:?python}")
skip() {
    echo "image: skipped: $*"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "chroot isolation needs root"
for tool in buildah mmdebstrap; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
image() { buildah --root "$work/root" --runroot "$work/run" "$@"; }

# The base is kept for a week: it changes only with Debian.
base=build/image-base.tar
mkdir -p build
find "$base" -mtime +7 -delete 2>/dev/null || true
if ! [ -s "$base" ]; then
    if ! mmdebstrap --quiet --variant=minbase --include=python3,python3-venv \
        bookworm "$work/base.tar" >"$work/log" 2>&1; then
        sed 's/^/image: /' "$work/log" >&2
        echo "image: mmdebstrap could not make a base (see above)" >&2
        exit 1
    fi
    mv "$work/base.tar" "$base"
fi
container=$(image from scratch)
image add -q "$container" "$base" / >/dev/null
image commit -q "$container" localhost/halia-base >/dev/null 2>&1
image rm "$container" >/dev/null
container=$(image from localhost/halia-base)
version=$(image run "$container" -- python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
image rm "$container" >/dev/null

# The build context: the tree as git sees it, and the wheels for the base's own Python.
mkdir -p "$work/context/wheels"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
done | xargs -0 cp --parents -t "$work/context"
wheels=$work/context/wheels
(cd "$work/context" && "$python" -m pip wheel -qq --no-deps --no-build-isolation -w "$wheels" . &&
    rm -rf build halia.egg-info) # from the copy: a build folder of the checkout may be stale
"$python" -m pip download -qq --only-binary=:all: --python-version "$version" \
    --platform "linux_$(uname -m)" --platform "manylinux2014_$(uname -m)" \
    --platform "manylinux_2_17_$(uname -m)" --platform "manylinux_2_28_$(uname -m)" \
    --dest "$wheels" "$(echo "$wheels"/halia-*.whl)[zstd,live]"

image bud -q --layers=false --build-arg BASE=localhost/halia-base -t localhost/halia \
    "$work/context" >/dev/null
echo "image: built on Python $version, $(image images --format '{{.Size}}' localhost/halia)"

capture=$(find tests/data -type f \( -name '*.pcap' -o -name '*.pcapng' \) 2>/dev/null | sort | sed -n 1p)
container=$(image from localhost/halia)
run() { image run -v "$PWD/tests/data:/captures:ro" "$container" -- "$@"; }
[ "$(run id -u)" -ne 0 ] || {
    echo "image: runs as root" >&2
    exit 1
}
run halia --version
run halia demo --recorded | tail -n 2 # the daemon's parts, on the run that comes with it
if [ -n "$capture" ]; then
    run halia info "/captures/${capture#tests/data/}"
    run halia classify "/captures/${capture#tests/data/}"
fi
