# SPDX-License-Identifier: Apache-2.0
"""LoRA of CCT-2 over its rank: cycles, energy and memory in one table."""

import json

from etude.result import engineering
from etude.studies.runs import OBJECTIVES, command, kept, options_of
from etude.studies.traindeeploy import cct, run_sweeps
from etude.svg_chart import Series, line_chart

RANKS = (1, 2, 4, 8, 16, 32)
BLOCKS = (1, 2)


def sweeps(ranks: tuple[int, ...]) -> dict[str, dict]:
    """A point for each number of trained blocks and each rank, called loraK-rRANK, and full-rank fine-tuning of the
    same blocks, called ftK."""
    methods = {}
    for k in BLOCKS:
        for rank in ranks:
            train = {"method": "lora", "k": k, "rank": rank, "adapters_in": "all"}
            methods[f"lora{k}-r{rank}"] = {"/train": cct(train, "fp32")["train"]}
        methods[f"ft{k}"] = {"/train": cct({"method": "last_k", "k": k}, "fp32")["train"]}
    objectives = {**OBJECTIVES, "memory.trainable": "min"}
    return {"cct2": {"base": cct({}, "fp32"), "axes": {"method": methods}, "objectives": objectives}}


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
    options = options_of("rank_sweep", __doc__, "rank_sweep").parse_args()
    results = run_sweeps(sweeps(RANKS), options.runs, options.jobs, options.resume)
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
    command(main)
