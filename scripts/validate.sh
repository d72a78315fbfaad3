#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every comparison with the reference data (ETUDE_SHARED_DIR, else ../shared, else the records of
# tests/data) and writes results/validation/ and docs/validation.md. Exit status 1: a required figure is missed.
# Usage: scripts/validate.sh [--only BLOCK]...
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "validate.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
[[ -f build/build.ninja ]] || cmake --preset release >/dev/null
cmake --build build --target etude-sim fidelity_tests timing_tests unit_tests -- --quiet
trap - ERR
exec .venv/bin/python scripts/validate.py "$@"
