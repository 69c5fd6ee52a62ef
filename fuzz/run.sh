#!/bin/sh
# Fuzz the compiled core under AddressSanitizer and UndefinedBehaviorSanitizer.
# usage: [PYTHON=python3] [FUZZ_SECONDS=60] fuzz/run.sh [options of fuzz/mutate.py]
# A long run: FUZZ_SECONDS=3600 fuzz/run.sh --inputs 50000000 --seed 7
set -eu
python=${PYTHON:-python3}
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python") ;; esac
cd "$(dirname "$0")/.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
${CC:-gcc} -std=c11 -g -O1 -ffp-contract=off -fno-omit-frame-pointer -shared -fPIC \
    -fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra -Werror \
    -I"$include" -o "$build/_core.so" plugin/core/_core.c -lm
# The interpreter was not built with the sanitizers: its runtime comes first by preload, and leaks of
# the interpreter itself are not looked for.
preload=$(${CC:-gcc} -print-file-name=libasan.so)
ASAN_OPTIONS=detect_leaks=0:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 \
    LD_PRELOAD="$preload" "$python" fuzz/mutate.py "$build/_core.so" --seconds "${FUZZ_SECONDS:-60}" "$@"
# The readers of labels are plain Python: no sanitizer, and a sixth of the time is enough.
"$python" fuzz/readers.py --seconds "$((${FUZZ_SECONDS:-60} / 6))"
