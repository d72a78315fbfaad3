#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Speed of the project's own programs. Usage: scripts/bench.sh [SUBJECT] [OPTION...]
#   sim (without SUBJECT)        the simulator: scripts/bench_sim.py --help
#   schedule [--quick] [FILTER]  the scheduler on graphs with published costs, and its rivals: scripts/bench_schedule.py --help
# Machines are noisy: compare figures of one run only.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "bench.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
subject=sim
if (($#)) && [[ $1 != -* ]]; then
  subject=$1
  shift
fi
case $subject in
  sim) program=scripts/bench_sim.py ;;
  schedule) program=scripts/bench_schedule.py ;;
  *) echo "bench.sh: no subject '$subject'; there are: sim, schedule" >&2; exit 2 ;;
esac
scripts/setup.sh
scripts/build.sh --program
exec .venv/bin/python "$program" "$@"
