#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A LoRA step of CCT-2 on other arrays, banks and sizes of L1: cycles, energy, area in results/array_sizing/. Usage:
#   scripts/array_sizing.sh [--jobs N] [--resume] [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "array_sizing.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.studies.array_sizing "$@"
