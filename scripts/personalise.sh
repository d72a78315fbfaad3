#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Personalises CCT-2 by LoRA on the simulated chip and writes results/personalisation/.
# Usage: scripts/personalise.sh [--steps N] [--every K] [--set /POINTER=VALUE]... [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "personalise.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
# Sums in one order on every machine, and other work keeps its cores.
export OPENBLAS_NUM_THREADS=1 PYTHONPATH=python
exec .venv/bin/python -m etude.studies.personalise "$@"
