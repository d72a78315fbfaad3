#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checks beyond scripts/test.sh, one named job each, so that any CI can call them.
usage='usage: scripts/check.sh JOB [ARGUMENT...]
  asan               address and undefined-behaviour sanitizers: build-asan/, every suite and tests/e2e
  tidy [FILE.cpp...] clang-tidy (.clang-tidy) over the C++ sources, or the named files; some ten minutes
  fuzz [OPTION...]   damaged input files to the sanitized program (tests/tools/fuzz_inputs.py; 2,000 of them)
  order [FIRST LAST] whether random steps leave the same bits at every home, size of L2 and schedule (100 of them)
  bench [OPTION...]  speed of the simulator itself (scripts/bench.sh sim)'
set -euo pipefail
cd "$(dirname "$0")/.."

wrong() { echo "$usage" >&2; exit 2; }

build_asan() {
  [[ -f build-asan/build.ninja ]] || cmake --preset asan >/dev/null
  cmake --build build-asan --target "${1:-all}" -- --quiet
}

asan() {
  build_asan
  ctest --test-dir build-asan --output-on-failure -j "${ETUDE_JOBS:-$(nproc)}"
  ETUDE_BUILD_DIR=build-asan .venv/bin/python -m pytest -q -rs tests/e2e
}

tidy() {
  [[ -f build/compile_commands.json ]] || scripts/build.sh
  local sources=("$@")
  (($#)) || mapfile -t sources < <(git ls-files '*.cpp' ':!tests')
  # Silent but for findings: clang-tidy counts what it suppressed on stderr.
  printf '%s\0' "${sources[@]}" |
    xargs -0 -n 1 -P "${ETUDE_JOBS:-$(nproc)}" clang-tidy-19 -p build --quiet 2>/dev/null ||
    { echo "check.sh: clang-tidy has findings" >&2; exit 1; }
}

fuzz() {
  build_asan etude-sim
  build_asan kernels/all
  exec .venv/bin/python tests/tools/fuzz_inputs.py --build build-asan "$@"
}

order() {
  [[ -f build/build.ninja ]] || cmake --preset release >/dev/null
  cmake --build build --target sum_order -- --quiet
  exec build/sum_order "$@"
}

bench() { exec scripts/bench.sh sim "$@"; }

# Looked at before anything is installed or built.
job=${1:-}
shift || true
case "$job" in
  asan) (($# == 0)) || wrong ;;
  bench) ;;  # its own options, checked by the tool
  tidy) for file in "$@"; do [[ $file == *.cpp && -f $file ]] || wrong; done ;;
  fuzz) ;;  # its own options, checked by the tool
  order) for number in "$@"; do [[ $number =~ ^[0-9]+$ ]] || wrong; done ;;
  *) wrong ;;
esac
scripts/setup.sh --tests
"$job" "$@"
