#!/bin/sh
# Make the demo's model anew: record labs, learn from them, test on labs that it has not seen.
#
#   scripts/demo_model.sh [FOLDER]     FOLDER for the captures (default: a temporary one)
#
# Seeds 1001-1024 are learned, 3001-3016 tested; 2001-2008 are for whoever tries recipes. The demo's
# own networks have other seeds. JOBS labs at a time (4). Takes a quarter of an hour; needs what a
# lab needs (docs/lab.md).
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} jobs=${JOBS:-4}
halia() { "$python" -m plugin "$@"; }
if [ $# -gt 0 ]; then
    folder=$1
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
halia lab record --seeds 1001-1024 --windows 2 --gadgets 0 --strangers 4 --jobs "$jobs" \
    --out "$folder/train"
halia train "$folder/train" --algorithm forest --features service-ports --window 25s --seed 1 \
    --out models/demo --force
halia lab record --seeds 3001-3016 --jobs "$jobs" --out "$folder/test"
halia evaluate demo "$folder/test"
