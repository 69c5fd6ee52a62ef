#!/usr/bin/env bash
# Make the lab's controllers, and who writes their files: each in an environment of its own under
# build/faucet, kept until its version here changes. All have the top-level module `faucet`, so never
# two in one environment.
# Usage: scripts/faucet.sh [c65faucet|faucet|confrpc]…     without any: c65faucet, which CI uses
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A packages=(
    [c65faucet]=c65faucet==1.0.106
    [faucet]=faucet==1.10.12
    [confrpc]=faucetconfrpc==0.55.79
)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
[ $# -gt 0 ] || set -- c65faucet

for name in "$@"; do
    [ -n "${packages[$name]:-}" ] || {
        echo "faucet: no such controller: $name; known: ${!packages[*]}" >&2
        exit 2
    }
    wanted=${packages[$name]} folder=build/faucet/$name
    [ "$(cat "$folder/made" 2>/dev/null)" = "$wanted" ] && continue
    echo "faucet: installing $wanted in $folder"
    rm -rf "$folder"
    mkdir -p build/faucet
    "${PYTHON:-python3}" -m venv "$folder"
    "$folder/bin/python" -m pip install -qq "$wanted"
    echo "$wanted" >"$folder/made"
done
