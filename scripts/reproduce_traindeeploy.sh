#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fine-tunes CCT-2 and Deep-AE with and without RedMulE on the simulated chip and writes
# results/traindeeploy/ beside what is published. Usage:
#   scripts/reproduce_traindeeploy.sh [--jobs N] [--resume] [--no-fp16] [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "reproduce_traindeeploy.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.studies.traindeeploy "$@"
