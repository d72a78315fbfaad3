#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formatting of C++ (clang-format) and Python (ruff). Usage: scripts/lint.sh [--fix]   (--fix writes what it can)
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t cpp < <(git ls-files '*.h' '*.cpp' '*.c')
mapfile -t py < <(git ls-files '*.py' '*.ipynb')
case "$*" in
  --fix)
    clang-format-19 -i "${cpp[@]}"
    if ((${#py[@]})); then .venv/bin/ruff format -q "${py[@]}"; .venv/bin/ruff check -q --fix "${py[@]}"; fi
    ;;
  "")
    clang-format-19 --dry-run --Werror "${cpp[@]}"
    if ((${#py[@]})); then .venv/bin/ruff format --check -q "${py[@]}"; .venv/bin/ruff check -q "${py[@]}"; fi
    ;;
  *)
    echo "usage: scripts/lint.sh [--fix]" >&2
    exit 2
    ;;
esac
