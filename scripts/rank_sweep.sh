#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# LoRA of CCT-2 with ranks 1 to 32: cycles, energy and memory in results/rank_sweep/. Usage:
#   scripts/rank_sweep.sh [--jobs N] [--resume] [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "rank_sweep.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.studies.rank_sweep "$@"
