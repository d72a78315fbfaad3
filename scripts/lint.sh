#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formatting of C++ (clang-format) and Python (ruff). Usage: scripts/lint.sh [--fix | --tidy [FILE.cpp...]]
#   --fix   writes what it can;  --tidy  runs clang-tidy (.clang-tidy) over the C++ sources, or over the
#           named files, with the compile commands of build/: some ten minutes, so scripts/test.sh leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t cpp < <(git ls-files '*.h' '*.cpp' '*.c')
mapfile -t py < <(git ls-files '*.py')
case "${1:-}" in
  --fix)
    clang-format-19 -i "${cpp[@]}"
    if ((${#py[@]})); then .venv/bin/ruff format -q "${py[@]}"; .venv/bin/ruff check -q --fix "${py[@]}"; fi
    ;;
  --tidy)
    shift
    [[ -f build/compile_commands.json ]] || scripts/build.sh
    sources=("$@")
    (($#)) || mapfile -t sources < <(git ls-files 'models/*.cpp' 'sim/*.cpp' 'program/*.cpp' 'compiler/*.cpp' 'run/*.cpp' 'cli/*.cpp' 'workloads/*.cpp')
    # Silent but for findings: clang-tidy counts what it suppressed on stderr.
    printf '%s\0' "${sources[@]}" |
      xargs -0 -n 1 -P "${ETUDE_JOBS:-$(nproc)}" clang-tidy-19 -p build --quiet 2>/dev/null ||
      { echo "lint.sh: clang-tidy has findings" >&2; exit 1; }
    ;;
  "")
    clang-format-19 --dry-run --Werror "${cpp[@]}"
    if ((${#py[@]})); then .venv/bin/ruff format --check -q "${py[@]}"; .venv/bin/ruff check -q "${py[@]}"; fi
    ;;
  *)
    echo "usage: scripts/lint.sh [--fix | --tidy [FILE.cpp...]]" >&2
    exit 2
    ;;
esac
