#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast what is slow is. Usage: scripts/bench.sh [SUBJECT] [ARGUMENT]...
#   sim [REPEATS]               (default) the simulator itself: counters on, one host thread
#   schedule [--quick] [FILTER]  the scheduler on graphs with published costs (scripts/bench_schedule.py)
# sim prints simulated Mcycle/s (cycles that were stepped, not jumped over, per second inside the engine): best and
# median of REPEATS runs (default 5). Machines are noisy: compare figures of one run only.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "bench.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
scripts/setup.sh
scripts/build.sh
subject=sim
case "${1:-}" in
  sim | schedule) subject=$1; shift ;;
  "" | [0-9]*) ;;
  *) echo "bench.sh: unknown subject '$1'; give sim or schedule" >&2; exit 2 ;;
esac
if [[ $subject == schedule ]]; then
  exec .venv/bin/python scripts/bench_schedule.py "$@"
fi
repeats=${1:-5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
clang-19 --target=riscv32 -march=rv32imc_zfinx_zicsr_xcvelw -mabi=ilp32 -nostdlib -static -fuse-ld=lld-19 \
  -Wl,-Ttext=0x1C008080 -Wl,--no-relax -DJOBS=600 -o "$folder/redmule_jobs.elf" kernels/bench/redmule_jobs.S

measure() {  # measure NAME TARGET COMMAND...
  local name=$1 target=$2
  shift 2
  for ((i = 0; i < repeats; i++)); do
    "$@" 2>/dev/null | tail -n 1 | .venv/bin/python -c 'import json,sys; print(json.load(sys.stdin)["mcycles_per_s"])'
  done | sort -g | awk -v name="$name" -v target="$target" \
    '{v[NR]=$1} END {printf "%-52s best %7.2f  median %7.2f Mcycle/s  (wanted %s)\n", name, v[NR], v[int((NR+1)/2)], target}'
}
sim=build/etude-sim
measure "8 cores, FP32 blocked matmul in TCDM, fast" 8 $sim elf build/kernels/gemm_bench.elf --json
measure "8 cores, FP32 blocked matmul in TCDM, lockstep" 4 $sim elf build/kernels/gemm_bench.elf --json --engine lockstep
measure "RedMulE 96x96x96 FP16 back to back, cores asleep, fast" 40 $sim elf "$folder/redmule_jobs.elf" --json
measure "RedMulE 96x96x96 FP16 back to back, lockstep" - $sim elf "$folder/redmule_jobs.elf" --json --engine lockstep
for engine in fast lockstep; do
  $sim run configs/deep_ae.json --engine $engine --out "$folder/$engine" --quiet
  .venv/bin/python - "$folder/$engine/result.json" "$engine" <<'PY'
import json, sys
result = json.load(open(sys.argv[1]))
simulator, steps = result["simulator"], len(result["steps"])
print(f"main job, {sys.argv[2]:8s}: {simulator['wall_s'] / steps:.3f} s per step, {simulator['mcycles_per_s']:.2f} Mcycle/s")
PY
done
