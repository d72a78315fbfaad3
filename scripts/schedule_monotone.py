#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether answers of `etude-sim schedule` get worse as budget or deadline grows, or are worse than a rival's.

    scripts/schedule_monotone.py --seeds 3                       # random networks, ten budgets, all objectives
    scripts/schedule_monotone.py --config configs/deep_ae.json --budgets 0.8,0.9,1 --objectives time

Energy without a deadline is that of the replay, which its search minimises; all else is what the program is predicted
to take. One line for each answer that is worse, then how many were compared. Exit status 1 if one is worse by more than
--within (default 0.1 %, the gap of a search).
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build/etude-sim"
RIVALS = ("keep", "checkmate", "page", "sqrt", "capuchin", "pofo")
OBJECTIVES = ("energy", "time", "edp", "peak")


def network(seed: int) -> dict:
    """A small random configuration: a chain of dense layers, or a transformer."""
    draw = random.Random(seed)
    if draw.random() < 0.7:
        sizes = [draw.choice((16, 32, 64)), *(draw.choice((32, 48, 64, 96)) for _ in range(draw.randint(3, 6))), 8]
        workload = {"network": "mlp", "sizes": sizes, "batch": draw.choice((8, 16, 32))}
    else:
        workload = {"network": "bert", "sizes": [8, 16, 2, 32, draw.randint(1, 2), 3]}
    workload["home"] = draw.choice(("l2", "extmem"))
    return {"platform": str(ROOT / "configs/platform/traindeeploy.json"), "workload": workload}


def answer(config: Path, policy: str, budget: float, objective: str, deadline: float | None) -> dict | None:
    words = ["--policy", policy, "--budget", str(budget), "--objective", objective, "--json"]
    words += ["--deadline", repr(deadline)] if deadline else []
    done = subprocess.run([PROGRAM, "schedule", config, *words], cwd=ROOT, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def value(found: dict | None, objective: str, deadline: float | None) -> float | None:
    if found is None:
        return None
    if objective == "peak":
        return found["peak_bytes"]
    if objective == "energy" and not deadline:  # its replay has the static power of the program's time: without it
        return found["overhead"]
    seconds, joules = found["time_s"], found["energy_j"]
    return {"energy": joules, "time": seconds, "edp": joules * seconds}[objective]


class Study:
    def __init__(self, within: float):
        self.within, self.compared, self.worse = within, 0, 0

    def no_worse(self, what: str, ours: float | None, other: float | None, scale: float) -> None:
        if other is None:
            return
        self.compared += 1
        if ours is None or ours > other + self.within * scale:
            self.worse += 1
            print(f"{what}: {ours} after {other}", flush=True)


def study(config: Path, arguments, result: Study) -> None:
    name = config.stem
    keep = answer(config, "keep", 1, "energy", None)
    deadlines = [None, *(float(part) * keep["time_s"] for part in arguments.deadlines.split(",") if part)]
    budgets = sorted(map(float, arguments.budgets.split(",")))
    cases = [(o, b, d) for o in arguments.objectives.split(",") for b in budgets for d in deadlines]
    policies = ("optimal", *(() if arguments.no_rivals else RIVALS))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = {
            (case, policy): pool.submit(answer, config, policy, case[1], case[0], case[2])
            for case in cases
            for policy in policies
        }
    values = {key: value(future.result(), key[0][0], key[0][2]) for key, future in found.items()}
    ours = {case: values[case, "optimal"] for case in cases}
    for objective, budget, deadline in cases:
        case, mine = f"{name} {objective} {budget:g} {deadline}", ours[objective, budget, deadline]
        scale = keep["energy_j"] if objective == "energy" and not deadline else abs(mine or 1)
        at_b, at_d = budgets.index(budget), deadlines.index(deadline)
        if at_b:
            result.no_worse(f"{case} budget", mine, ours[objective, budgets[at_b - 1], deadline], scale)
        if at_d > 1:
            result.no_worse(f"{case} deadline", mine, ours[objective, budget, deadlines[at_d - 1]], scale)
        for rival in policies[1:]:
            result.no_worse(f"{case} {rival}", mine, values[(objective, budget, deadline), rival], scale)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="random networks, where no --config is given")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--config", type=Path, action="append", default=[])
    parser.add_argument("--budgets", default="0.55,0.6,0.65,0.7,0.75,0.8,0.85,0.9,0.95,1")
    parser.add_argument("--objectives", default=",".join(OBJECTIVES))
    parser.add_argument("--deadlines", default="0.97,1.02,1.1", help="parts of what keep takes, besides none")
    parser.add_argument("--within", type=float, default=1e-3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-rivals", action="store_true")
    arguments = parser.parse_args()
    result = Study(arguments.within)
    with tempfile.TemporaryDirectory() as folder:
        configs = arguments.config
        for seed in range(arguments.first, arguments.first + (0 if configs else arguments.seeds)):
            file = Path(folder) / f"random{seed}.json"
            file.write_text(json.dumps(network(seed)))
            configs = [*configs, file]
        for config in configs:
            study(config, arguments, result)
    print(f"{result.compared} compared, {result.worse} worse")
    return 1 if result.worse else 0


if __name__ == "__main__":
    sys.exit(main())
