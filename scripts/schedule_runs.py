#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what every policy chooses, on an L2 of exactly budget + l2_fixed, and compares it with the run that keeps all.

Usage: scripts/schedule_runs.py [--networks N,...] [--policies P,...] [--parts X,...] [--home extmem|l2|auto]
                                [--set POINTER=VALUE]...
Each line: network, budget (a part of keep's peak), policy; predicted and executed cycles and energy; the highest
address of L2 and the L2 that was given; whether every output has keep's bits. A refusal is shown as it is printed.
Exit status 1 if a run differs from keep, passes its L2, or ends in any other way than a result or one line of refusal.
"rises" marks a policy whose objects reach higher in L2 than with a larger budget before.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build/etude-sim"
LORA = json.loads((ROOT / "configs/cct2_lora.json").read_text())
POLICIES = "optimal,checkmate,page,capuchin,pofo,poet,sqrt"
NETWORKS = {
    "cct2_full": {"train": {"method": "full", "steps": 2, "initial": "initial"}},
    "cct2_lora": {},
    "deep_ae": None,
    "resnet8": {"workload": {"network": "resnet8", "batch": 1}, "train": {"steps": 2}},
    "bert": {"workload": {"network": "bert", "batch": 2}, "train": {"steps": 2}},
}


def configuration(name: str, folder: Path) -> Path:
    """The file of a network's step, in a folder of its own."""
    if name == "deep_ae":
        return ROOT / "configs/deep_ae.json"
    if name == "cct2_lora":
        return ROOT / "configs/cct2_lora.json"
    file = folder / f"{name}.json"
    platform, energy = ROOT / "configs/platform/traindeeploy.json", ROOT / "configs/energy/22fdx.json"
    config = {"platform": str(platform), "energy": str(energy)} | NETWORKS[name]
    if name == "cct2_full":
        data = ROOT / "workloads/data"
        config["workload"] = LORA["workload"] | {"inputs": str(data / "digits_tilted.npz")}
        config["train"] |= {"initial": str(data / "cct2_digits.npz"), "lr": 0.01, "seed": 1}
    file.write_text(json.dumps(config))
    return file


def call(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def run(file: Path, out: Path, sets: list[str]) -> tuple[dict | None, str]:
    """The result, or None and the line of a refusal."""
    done = call("run", file, "--out", out, "--quiet", *(a for s in sets for a in ("--set", s)))
    if done.returncode == 2 and done.stderr.count("\n") == 1:
        return None, done.stderr.strip()
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr[-300:]}")
    return json.loads((out / "result.json").read_text()), ""


class Study:
    """Runs of one network."""

    def __init__(self, name: str, sets: list[str], folder: Path):
        self.name, self.sets, self.folder, self.bad = name, sets, folder, 0
        self.lowest = {}  # end of the highest object so far, by policy
        self.file = configuration(name, folder)
        out = folder / f"{name}.keep"
        self.kept, refusal = run(self.file, out, [*sets, "/platform/l2/size=16777216"])
        if self.kept is None:
            raise RuntimeError(refusal)
        self.outputs = (out / "outputs.npz").read_bytes()

    def line(self, policy: str, part: float) -> str:
        head = f"{self.name:10} {part:<9g} {policy:10}"
        sets = [*self.sets, f"/schedule/policy={policy}", f"/schedule/budget={part}"]
        out = self.folder / "run"
        try:
            asked = call("schedule", self.file, "--json", *(a for s in sets for a in ("--set", s)))
            if asked.returncode == 2 and asked.stderr.count("\n") == 1:
                return f"{head} {asked.stderr.strip().removeprefix('etude-sim: ')}"
            answer = json.loads(asked.stdout)
            budget = answer["budget"]
            size = budget + answer["l2_fixed"]
            result, refusal = run(self.file, out, [*sets, f"/platform/l2/size={size}"])
            if result is None:
                raise RuntimeError(f"refused in {size} bytes of L2: {refusal}")
        except (RuntimeError, KeyError, ValueError) as error:
            self.bad += 1
            return f"{head} DEFECT {error!r}"
        same = (out / "outputs.npz").read_bytes() == self.outputs
        peak = result["memory"]["l2_peak"]
        self.bad += not same or peak > size
        clock = result["platform"].get("clock_hz", 400e6)
        cycles, joules = result["step"]["cycles"], result["energy"]["total"]
        wanted = f"{answer['time_s'] * clock:12,.0f} {1e3 * answer['energy_j']:7.3f}"
        objects = peak - result["memory"]["l2_fixed"]
        rises = " rises" if objects > self.lowest.get(policy, objects) else ""
        self.lowest[policy] = min(objects, self.lowest.get(policy, objects))
        again = rises + " solved again" if any("schedule was solved" in w for w in result["warnings"]) else ""
        ran = f"{cycles:12,} {1e3 * joules:7.3f} mJ {peak:10,} of {size:10,}"
        return f"{head} {budget:10,} {wanted} mJ {ran}  {'same bits' if same else 'OTHER BITS'}{again}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--policies", default=POLICIES)
    parser.add_argument("--parts", default="0.9,0.7,0.5,0.3", help="budgets; at most 1: parts of keep's peak")
    parser.add_argument("--home", default="extmem", help="of parameters")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    print(f"{'network':10} {'part':9} {'policy':10} {'budget, B':>10} {'predicted: cycles, energy':>23}", end=" ")
    print(f"{'executed: cycles, energy':>23} {'l2_peak':>10} of {'L2, B':>10}")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in given.networks.split(","):
            study = Study(name, [*given.set, f"/workload/home={given.home}"], Path(folder))
            for part in map(float, given.parts.split(",")):
                for policy in given.policies.split(","):
                    print(study.line(policy, part), flush=True)
            bad += study.bad
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
