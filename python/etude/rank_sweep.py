# SPDX-License-Identifier: Apache-2.0
"""LoRA of CCT-2 over its rank: cycles, energy and memory in one table."""

import argparse
import json
from pathlib import Path

from etude.points import Point, kept, run_points
from etude.result import engineering
from etude.svg_chart import Series, line_chart
from etude.traindeeploy import cct

ROOT = Path(__file__).resolve().parents[2]
RANKS = (1, 2, 4, 8, 16, 32)
BLOCKS = (1, 2)


def all_points(ranks: tuple[int, ...]) -> list[Point]:
    """A run for each number of trained blocks and each rank, and full-rank fine-tuning of the same blocks."""
    points = []
    for k in BLOCKS:
        for rank in ranks:
            train = {"method": "lora", "k": k, "rank": rank, "adapters_in": "all"}
            points.append(Point(f"lora{k}-r{rank}", cct(train, "fp32")))
        points.append(Point(f"ft{k}", cct({"method": "last_k", "k": k}, "fp32")))
    return points


def row(shown: str, result: dict) -> str:
    """A line of the table."""
    step, memory, traffic = result["step"], result["memory"], result["traffic"]
    l3 = traffic["l3_l2_read"] + traffic["l3_l2_write"]
    cells = [shown, f"{memory['trainable'] // 4:,}", f"{step['macs']:,}", f"{step['cycles']:,}"]
    cells += [f"{step['flop_per_cycle']:.1f}", engineering(step["latency_s"], "s"), engineering(step["energy_j"], "J")]
    cells += [f"{memory[key]:,}" for key in ("gradients", "activations_peak", "activations_peak_gradients_kept")]
    cells += [f"{l3:,}", "passed" if result["check"]["passed"] else "FAILED"]
    return f"| {' | '.join(cells)} |"


def page(results: dict[str, dict], ranks: tuple[int, ...]) -> str:
    """The tables of both depths."""
    head = (
        "| | trainable | MACs | cycles | FLOP/cycle | latency | energy | gradient bytes | dynamic memory "
        "| with gradients kept | L3-L2 bytes | check |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    )
    lines = [
        "# LoRA rank sweep of CCT-2",
        "Made by `scripts/rank_sweep.sh`: a step at batch 1 on `configs/platform/traindeeploy.json`, parameters at "
        "home in HyperRAM, adapters on all six matrices of each block, frozen ones kept in the other's forward pass.",
        "",
        "![Cycles over rank](cycles.svg) ![Energy over rank](energy.svg)",
    ]
    for k in BLOCKS:
        lines += ["", f"## {'Last block' if k == 1 else 'Both blocks'}", head]
        lines += [row(f"rank {rank}", results[f"lora{k}-r{rank}"]) for rank in ranks]
        lines.append(row("the matrices themselves", results[f"ft{k}"]))
    return "\n".join([*lines, ""])


def chart(results: dict[str, dict], ranks: tuple[int, ...], title: str, unit: str, pick) -> str:
    """A quantity over rank for both depths."""
    series = [
        Series(f"{k} block{'s' if k > 1 else ''}", [pick(results[f"lora{k}-r{rank}"]) for rank in ranks])
        for k in BLOCKS
    ]
    return line_chart(title, "rank", unit, ranks, series)


def main() -> None:
    """Command line; see scripts/rank_sweep.sh."""
    parser = argparse.ArgumentParser(prog="rank_sweep", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--resume", action="store_true", help="keep runs that are there already")
    parser.add_argument("--runs", type=Path, default=ROOT / "out/rank_sweep")
    parser.add_argument("--out", type=Path, default=ROOT / "results/rank_sweep")
    options = parser.parse_args()
    results = run_points(all_points(RANKS), options.runs, options.jobs, options.resume)
    options.out.mkdir(parents=True, exist_ok=True)
    points = {name: kept(result) for name, result in results.items()}
    (options.out / "points.json").write_text(json.dumps(points, indent=1) + "\n")
    (options.out / "rank_sweep.md").write_text(page(results, RANKS))
    cycles = chart(results, RANKS, "Cycles of a LoRA step", "Mcycles", lambda r: 1e-6 * r["step"]["cycles"])
    energy = chart(results, RANKS, "Energy of a LoRA step", "mJ", lambda r: 1e3 * r["step"]["energy_j"])
    (options.out / "cycles.svg").write_text(cycles)
    (options.out / "energy.svg").write_text(energy)
    print(f"see {options.out}/rank_sweep.md")


if __name__ == "__main__":
    main()
