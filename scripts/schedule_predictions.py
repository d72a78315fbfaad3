#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far schedules that run are from what `etude-sim schedule` predicted of them.

    scripts/schedule_predictions.py                                 # all networks, 0.9 to 0.5, three policies
    scripts/schedule_predictions.py --networks bert --budgets 0.8 --policies page --objectives time --set /train/seed=2

Each schedule is asked for, then run on an L2 of its budget and what the answer says stands below. One line each:
cycles and energy predicted and executed, by how many percent the run takes more, and in brackets the same against what
the run itself predicted of its program and against the replay of the problem that was solved; then the mean of the
absolute differences, and the worst. What is refused is a line with the reason. Exit status 1 if a difference is larger
than --within (default 3 percent).
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build/etude-sim"
LORA, PLAIN = "configs/cct2_lora.json", ["/train/initial=", "/workload/inputs=", "/train/method=full"]
NETWORKS = {
    "cct2_lora": (LORA, []),
    "cct2_full": (LORA, ["/train/method=full"]),
    "deep_ae": ("configs/deep_ae.json", []),
    "resnet8": (LORA, ["/workload/network=resnet8", *PLAIN]),
    "bert": (LORA, ["/workload/network=bert", *PLAIN]),
}


def call(command: str, config: str, sets: list[str], *more: str) -> subprocess.CompletedProcess:
    arguments = [argument for each in sets for argument in ("--set", each)]
    return subprocess.run([PROGRAM, command, config, *arguments, *more], cwd=ROOT, capture_output=True, text=True)


def compare(case: tuple, more: list[str]) -> tuple[str, float, float]:
    """The line of a case, and the relative differences of cycles and energy (NaN where it is refused)."""
    network, budget, policy, objective = case
    config, sets = NETWORKS[network]
    sets = [*sets, *more, f"/schedule/policy={policy}", f"/schedule/budget={budget}"]
    sets += [f"/schedule/objective={objective}", "/train/steps=1", "/run/verify=false"]
    head = f"{network:10} {budget:<5} {policy:9} {objective:6} "
    asked = call("schedule", config, sets, "--json")
    if asked.returncode != 0:
        return head + asked.stderr.strip(), float("nan"), float("nan")
    answer = json.loads(asked.stdout)
    if "predicted" not in answer:
        return head + "; ".join(answer["notes"]), float("nan"), float("nan")
    with tempfile.TemporaryDirectory() as folder:
        size = f"/platform/l2/size={answer['budget'] + answer['l2_fixed']}"
        done = call("run", config, [*sets, size], "--out", folder, "--quiet")
        if done.returncode != 0:
            return head + done.stderr.strip(), float("nan"), float("nan")
        result = json.loads((Path(folder) / "result.json").read_text())
    step, predicted, replay = result["step"], answer["predicted"], answer["replay"]
    own, differences = result["schedule"]["predicted"], []
    line = ""
    for name, of_replay, unit in (
        ("cycles", step["cycles"] * replay["time_s"] / step["latency_s"], 1),
        ("energy_j", replay["energy_j"], 1e6),
    ):
        difference, *others = (step[name] / value - 1 for value in (predicted[name], own[name], of_replay))
        differences.append(difference)
        line += f"{unit * predicted[name]:9.0f} {unit * step[name]:9.0f} {difference:+7.2%} "
        line += "({:+7.2%} {:+7.2%})  ".format(*others)
    return head + line, *differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--budgets", nargs="+", type=float, default=[0.9, 0.8, 0.7, 0.6, 0.5])
    parser.add_argument("--policies", nargs="+", default=["optimal", "checkmate", "page"])
    parser.add_argument("--objectives", nargs="+", default=["energy", "time"])
    parser.add_argument("--set", dest="sets", action="append", default=[], help="of every configuration")
    parser.add_argument("--within", type=float, default=3, help="percent")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    cases = itertools.product(arguments.networks, arguments.budgets, arguments.policies, arguments.objectives)
    differences = []
    with ThreadPoolExecutor(arguments.workers) as pool:
        for line, *both in pool.map(lambda case: compare(case, arguments.sets), cases):
            print(line, flush=True)
            if both[0] == both[0]:
                differences.append([abs(each) for each in both])
    if not differences:
        sys.exit("schedule_predictions.py: nothing ran")
    for name, each in zip(("cycles", "energy"), zip(*differences, strict=True), strict=True):
        print(f"{name}: {len(each)} schedules, mean {sum(each) / len(each):.2%}, worst {max(each):.2%}")
    return int(max(map(max, differences)) > arguments.within / 100)


if __name__ == "__main__":
    sys.exit(main())
