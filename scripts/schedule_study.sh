#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# When to page and when to recompute: schedules found, executed and compared, in results/schedule/. Usage:
#   scripts/schedule_study.sh [--jobs N] [--resume] [--sections NAME,...] [--out DIR]
# Sections: executed, front, sizes, ten_budgets, raspberry_pi_4, jetson_tx2. All of it takes about an hour of two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "schedule_study.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh --program
export PYTHONPATH=python
exec .venv/bin/python -m etude.schedule_study "$@"
