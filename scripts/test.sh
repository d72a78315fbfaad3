#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test; the last lines are the runners' own.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "test.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh --tests
scripts/build.sh
scripts/lint.sh
if compgen -G 'tests/*/test_*.py' >/dev/null; then
  .venv/bin/python -m pytest -q -rs tests
fi
ctest --test-dir build --output-on-failure -j "$(nproc)"
