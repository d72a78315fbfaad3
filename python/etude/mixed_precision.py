# SPDX-License-Identifier: Apache-2.0
"""Loss over the steps of training: FP32, and products in FP16 on RedMulE with FP32 weights and a scaled loss."""

import argparse
import json
from pathlib import Path

from etude.points import Point, kept, run_points
from etude.svg_chart import Series, line_chart
from etude.traindeeploy import LOSS_SCALE, cct, deep_ae

ROOT = Path(__file__).resolve().parents[2]
# workload -> shown as, steps of a curve
WORKLOADS = {"deep_ae": ("Deep-AE, batch 24", 32), "lora": ("CCT-2, LoRA of rank 4, four passes of one image", 20)}
FP16_ARRAY = "platform/siracusa_redmule.json"


def curve_config(workload: str, steps: int, mixed: bool) -> dict:
    """A run of many steps, FP32 on the FP32 array or mixed on the FP16 one."""
    if workload == "deep_ae":
        config = deep_ae(24, "auto")
        config["train"]["lr"] = 0.01
    else:
        config = cct({"method": "lora", "k": 2, "rank": 4}, "fp32")
        config["train"]["accumulate"] = 4
        config["train"]["lr"] = 0.02
    config["train"]["steps"] = steps
    if mixed:
        config["platform"] = FP16_ARRAY
        config["train"].update({"precision": "mixed_fp16", "loss_scale": LOSS_SCALE})
    return config


def all_points() -> list[Point]:
    """Both curves of both workloads."""
    return [
        Point(f"{workload}-{'mixed' if mixed else 'fp32'}", curve_config(workload, steps, mixed))
        for workload, (_, steps) in WORKLOADS.items()
        for mixed in (False, True)
    ]


def losses(result: dict) -> list[float | None]:
    """Loss of every step; None where it was not finite."""
    return [step["loss"] for step in result["steps"]]


def page(results: dict[str, dict]) -> str:
    """The curves as a table of few steps."""
    lines = [
        "# Mixed precision",
        "Made by `scripts/mixed_precision.sh`: training in FP32 (`configs/platform/traindeeploy.json`) and with",
        f"products in FP16 on the RTL's array (`{FP16_ARRAY}`), FP32 weights and the loss scaled by {LOSS_SCALE}.",
    ]
    for workload, (shown, steps) in WORKLOADS.items():
        fp32, mixed = (results[f"{workload}-{kind}"] for kind in ("fp32", "mixed"))
        lines += ["", f"## {shown}", f"![Loss]({workload}.svg)", "", "| step | FP32 | mixed | difference |"]
        lines.append("|--:|--:|--:|--:|")
        for step in sorted({1, 2, steps // 4, steps // 2, 3 * steps // 4, steps}):
            a, b = losses(fp32)[step - 1], losses(mixed)[step - 1]
            assert a is not None  # FP32 does not diverge here
            cells = ("not finite", "") if b is None else (f"{b:.4f}", f"{100 * (b / a - 1):+.2f} %")
            lines.append(f"| {step} | {a:.4f} | {cells[0]} | {cells[1]} |")
        lines.append("")
        lines.append(
            f"Cycles of a step: {fp32['step']['cycles']:,} and {mixed['step']['cycles']:,}; "
            f"{mixed['check']['redmule_jobs']:,} FP16 products replayed."
        )
        for kind, result in (("FP32", fp32), ("mixed", mixed)):
            failures = result["check"].get("failures", [])
            told = "passed" if result["check"]["passed"] else f"FAILED, first at {failures[0]}"
            lines.append(f"Check of the {kind} run: {told}.")
    return "\n".join([*lines, ""])


def main() -> None:
    """Command line; see scripts/mixed_precision.sh."""
    parser = argparse.ArgumentParser(prog="mixed_precision", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--resume", action="store_true", help="keep runs that are there already")
    parser.add_argument("--runs", type=Path, default=ROOT / "out/mixed_precision")
    parser.add_argument("--out", type=Path, default=ROOT / "results/mixed_precision")
    options = parser.parse_args()
    results = run_points(all_points(), options.runs, options.jobs, options.resume)
    options.out.mkdir(parents=True, exist_ok=True)
    data = {name: {**kept(result), "losses": losses(result)} for name, result in results.items()}
    (options.out / "curves.json").write_text(json.dumps(data, indent=1) + "\n")
    (options.out / "mixed_precision.md").write_text(page(results))
    for workload, (shown, steps) in WORKLOADS.items():
        series = [Series(kind, losses(results[f"{workload}-{kind}"])) for kind in ("fp32", "mixed")]
        chart = line_chart(f"Loss: {shown}", "training steps", "loss", range(1, steps + 1), series)
        (options.out / f"{workload}.svg").write_text(chart)
    print(f"see {options.out}/mixed_precision.md")


if __name__ == "__main__":
    main()
