#!/usr/bin/env bash
# Build the compiled core in place. Where it cannot be built, the plain-Python one does the same
# work; this then says so, and fails in CI, which is to test both.
# Usage: scripts/core.sh PYTHON
set -euo pipefail

python=${1:?python}
[ -e plugin/core/_core.c ] || exit 0
"$python" setup.py -q build_ext --inplace
if ! "$python" -c 'import plugin.core._core' 2>/dev/null; then
    echo "core: no compiled core here; Halia works with the plain-Python one, slower" >&2
    [ -z "${CI:-}" ]
fi
