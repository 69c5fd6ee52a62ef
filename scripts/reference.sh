#!/usr/bin/env bash
# The plain-Python core alone: a copy of the tree without the extension, built into a wheel with
# no compiler, installed in an environment of its own, and its tests run.
# Usage: scripts/reference.sh PYTHON
set -euo pipefail

python=$(realpath -s "${1:?python}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
done | xargs -0 cp --parents -t "$work"
cd "$work"

export HALIA_CORE=reference CC=/bin/false
"$python" -m pip wheel -qq --no-deps --no-build-isolation -w wheel . 2>wheel.log || {
    cat wheel.log >&2
    exit 1
}
if "$python" -m zipfile -l wheel/halia-*.whl | grep -E '\.so( |$)'; then
    echo "reference: the wheel holds an extension although there was no compiler" >&2
    exit 1
fi
"$python" -m venv --without-pip alone
"$python" -m pip --python alone/bin/python install -qq --no-deps wheel/halia-*.whl
capture=$(find tests/data -type f \( -name '*.pcap' -o -name '*.pcapng' \) 2>/dev/null | sort | sed -n 1p)
if [ -n "$capture" ]; then
    (cd alone && bin/halia info "../$capture" --json >/dev/null)
    echo "reference: the wheel without an extension reads $capture"
fi
find plugin -name '*.so' | grep . && exit 1
if [ -d tests/unit/core ]; then
    "$python" -m pytest -q -rfE -p no:cacheprovider tests/unit/core
fi
