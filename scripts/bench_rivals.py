# SPDX-License-Identifier: Apache-2.0
"""Rivals under the same costs: tables that scripts/bench_schedule.py prints behind its own.

A72: what each policy's schedule of ResNet-18 costs above keeping everything, and how much more a rival's overhead is
than ours. TX2: POFO against ours, at its peak by throughput and at its time by peak; the profile has no FLOP rates, so
that two are assumed.
"""

import json
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEVICES = ROOT / "configs/devices"
SECONDS = 20  # of a search


def ask(network: str, device: Path, policy: str, budget: float, *more) -> dict:
    command = [ROOT / "build/etude-sim", "schedule", network, "--device", device, "--policy", policy, "--json"]
    command += ["--budget", str(budget), "--time-limit", str(SECONDS), *map(str, more)]
    return json.loads(subprocess.run(command, capture_output=True, text=True).stdout)


def a72() -> None:
    """Energy above keep on the Raspberry Pi's two tables, in parts of keep's energy."""
    print(
        f"\n{'ResNet-18 on Cortex-A72':34} {'part':5} {'ours':>9} {'Capuchin':>9} {'POFO':>9} {'page':>9} {'sqrt':>9}"
        f"  Capuchin's overhead above ours"
    )
    for network in ("resnet18", "resnet18_cifar"):
        for table in ("raspberry_pi_4", "raspberry_pi_4_no_cache"):
            device = DEVICES / f"{table}.json"
            keep = ask(network, device, "keep", 1)
            for part in (0.9, 0.7, 0.5, 0.4):
                rows = {p: ask(network, device, p, part) for p in ("optimal", "capuchin", "pofo", "page", "sqrt")}
                over = {p: r["overhead"] for p, r in rows.items() if r["status"] in ("optimal", "feasible")}
                shown = " ".join(
                    f"{100 * over[p] / keep['energy_j']:7.3f} %" if p in over else f"{'-':>9}" for p in rows
                )
                more = f"{100 * (over['capuchin'] / over['optimal'] - 1):+.0f} %" if "capuchin" in over else "-"
                print(f"{network + ', ' + table:34.34} {part:<5} {shown}  {more}", flush=True)


def tx2() -> None:
    """POFO's own peak and time, then ours at the same peak and at the same time."""
    print(
        f"\n{'ResNet-18 on Jetson TX2':24} {'part':5} {'POFO: peak':>13} {'time above keep':>16}"
        f" {'ours at its peak: throughput':>29} {'ours in its time: peak':>23}"
    )
    table = json.loads((DEVICES / "jetson_tx2.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for rate in (2e9, 2e10):
            changed = json.loads(json.dumps(table))
            changed["flop_per_s"]["value"] = rate
            changed["flop_per_j"]["value"] = rate / table["compute_w"]["value"]
            device = Path(folder) / f"{rate}.json"
            device.write_text(json.dumps(changed))
            keep = ask("resnet18", device, "keep", 1)
            for part in (0.5, 0.4, 0.37):
                pofo = ask("resnet18", device, "pofo", part)
                name = f"{rate:.0e} FLOP/s"
                if pofo["status"] != "feasible":
                    print(f"{name:24} {part:<5} {pofo['reason']}", flush=True)
                    continue
                fast = ask("resnet18", device, "optimal", pofo["peak_bytes"], "--objective", "time")
                small = ask(
                    "resnet18",
                    device,
                    "optimal",
                    pofo["peak_bytes"],
                    "--objective",
                    "peak",
                    "--deadline",
                    pofo["time_s"],
                )
                print(
                    f"{name:24} {part:<5} {pofo['peak_bytes']:11,} B"
                    f" {100 * (pofo['time_s'] / keep['time_s'] - 1):+14.2f} %"
                    f" {100 * (pofo['time_s'] / fast['time_s'] - 1):+27.2f} %"
                    f" {100 * (small['peak_bytes'] / pofo['peak_bytes'] - 1):+21.2f} %",
                    flush=True,
                )


def main() -> None:
    a72()
    tx2()
