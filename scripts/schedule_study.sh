#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# When to page and when to recompute: schedules found, executed and compared, in results/schedule/. Usage:
#   scripts/schedule_study.sh [--jobs N] [--resume] [--sections NAME,...] [--out DIR]
# Sections: in_l2, executed, front, sizes, ten_budgets, networks, batch_8, cct7, raspberry_pi_4, jetson_tx2. Each says how
# long it took, and is written when it is done; all of them take more than an hour of two cores. --resume goes on within a
# section that was ended, as long as the program is the same.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "schedule_study.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.schedule_study "$@"
