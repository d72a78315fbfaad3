#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Loss curves in FP32 and in mixed precision, side by side, in results/mixed_precision/. Usage:
#   scripts/mixed_precision.sh [--jobs N] [--resume] [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "mixed_precision.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.studies.mixed_precision "$@"
