#!/usr/bin/env bash
# Make or renew the project's own Python environment.
# Usage: scripts/environment.sh FOLDER EXTRA     PYTHON=… chooses the interpreter
set -euo pipefail

folder=${1:?folder} extra=${2:?extra}

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if ! [ -x "$folder/bin/python" ] || ! usable "$folder/bin/python"; then
    python=
    for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11}; do
        if usable "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || {
        echo "environment: no Python >= 3.11 with venv; on Debian: apt-get install python3-venv" >&2
        exit 1
    }
    "$python" -m venv --clear "$folder"
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "environment: installing halia[$extra] in $folder"
# setuptools stays in the environment: the compiled core is rebuilt in place with it.
"$folder/bin/python" -m pip install -qq --upgrade pip 'setuptools>=77' wheel
"$folder/bin/python" -m pip install -qq --editable ".[$extra]"
