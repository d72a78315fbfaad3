#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formatting of C++ (clang-format) and Python (ruff). Usage: scripts/lint.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t cpp < <(git ls-files '*.h' '*.cpp' '*.c')
mapfile -t py < <(git ls-files '*.py')
if [[ "${1:-}" == "--fix" ]]; then
  clang-format-19 -i "${cpp[@]}"
  if ((${#py[@]})); then .venv/bin/ruff format -q "${py[@]}"; .venv/bin/ruff check -q --fix "${py[@]}"; fi
else
  clang-format-19 --dry-run --Werror "${cpp[@]}"
  if ((${#py[@]})); then .venv/bin/ruff format --check -q "${py[@]}"; .venv/bin/ruff check -q "${py[@]}"; fi
fi
