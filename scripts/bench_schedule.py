#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schedules of graphs with published costs: what is found, how far from proven, in which time.

Usage: scripts/bench.sh schedule [--quick] [FILTER]: lines whose name contains FILTER; --quick leaves out what takes
more than some seconds. The rivals' tables (bench_rivals.py) follow, alone by FILTER rivals; they take some minutes.
The graphs are JSON files in cases/schedule of ETUDE_SHARED_DIR (default ../shared); the deadline is 1.5
times the sum of all operators. Wall time is of the machine as it is; CPU time is the solver's own.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import bench_rivals

ROOT = Path(__file__).resolve().parents[1]
CASES = Path(os.environ.get("ETUDE_SHARED_DIR", ROOT.parent / "shared")) / "cases/schedule"
# Graph, part of keep's peak, overhead in J that is wanted (None: infeasible), seconds that it may take.
LINES = [
    ("resnet18_cifar_m4f", 0.9, 1.06e-4, 10),
    ("resnet18_cifar_m4f", 0.7, 3.18e-4, 10),
    ("resnet18_cifar_m4f", 0.5, 6.78e-4, 10),
    ("resnet18_cifar_m4f", 0.35, 1.031e-3, 10),
    ("resnet18_cifar_a72", 0.5, 8.78e-3, 13),
    ("resnet18_m4f", 0.7, 3.48e-3, 7),
    ("resnet18_m4f", 0.5, 8.10e-3, 11),
    ("resnet18_m4f", 0.35, None, 1),
    ("bert_base_m4f", 0.9, 0.019, 15),
    ("bert_base_m4f", 0.7, 0.146, 15),
    ("bert_base_m4f", 0.5, 2.33, 120),
    ("bert_base_m4f", 0.35, 3.738, 120),
    ("resnet50_m4f", 0.7, 0.01627, 120),
    ("resnet50_m4f", 0.5, 0.03149, 120),
]
SLOW = {("bert_base_m4f", 0.5), ("bert_base_m4f", 0.35)}


def deadline(file: Path) -> float:
    return 1.5 * sum(slot["time_s"] for slot in json.loads(file.read_text())["slots"])


def measure(name: str, part: float, wanted, seconds: float) -> str:
    file = CASES / f"{name}.json"
    command = [ROOT / "build/etude-sim", "schedule", "--device", file, "--budget", str(part), "--json"]
    command += ["--deadline", str(deadline(file)), "--time-limit", str(seconds)]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime
    got = json.loads(done.stdout)
    times = f"{wall:7.2f} s  {cpu:7.2f} s  {seconds:5g} s"
    head = f"{name:20} {part:<5} {got['status']:10}"
    if "overhead" not in got:
        needs = got.get("needs", {})
        return f"{head} {needs.get('operator', '-')}: {needs.get('bytes', '-')} B".ljust(78) + f"  {times}"
    shown = "infeasible" if wanted is None else f"{wanted:.4g} J"
    found = f"{got['overhead']:.5g} J".ljust(13) + f"{got['bound']:.5g} J".ljust(13) + f"{100 * got['gap']:6.2f} %"
    return f"{head} {found} {shown:>11}".ljust(78) + f"  {times}"


def main() -> None:
    arguments = [a for a in sys.argv[1:] if a != "--quick"]
    quick = "--quick" in sys.argv[1:]
    if arguments == ["rivals"]:
        bench_rivals.main()
        return
    if not CASES.is_dir():
        sys.exit(f"bench_schedule.py: {CASES} is missing; set ETUDE_SHARED_DIR")
    head = f"{'graph':20} {'part':5} {'status':10} {'overhead':13}{'bound':13}{'gap':>8} {'wanted':>11}"
    print(head.ljust(78) + f"  {'wall':>9}  {'CPU':>9}  {'within':>7}")
    for name, part, wanted, seconds in LINES:
        chosen = not arguments or any(a in f"{name} {part}" for a in arguments)
        if chosen and not (quick and (name, part) in SLOW):
            print(measure(name, part, wanted, seconds), flush=True)
    if not arguments and not quick:
        bench_rivals.main()


if __name__ == "__main__":
    main()
