# SPDX-License-Identifier: Apache-2.0
"""Loss over the steps of training: FP32, and products in FP16 on RedMulE with FP32 weights and a scaled loss."""

import json

from etude.studies.runs import OBJECTIVES, command, kept, options_of
from etude.studies.traindeeploy import LOSS_SCALE, cct, deep_ae, run_sweeps
from etude.svg_chart import Series, line_chart

# workload -> shown as, steps of a curve
WORKLOADS = {"deep_ae": ("Deep-AE, batch 24", 32), "lora": ("CCT-2, LoRA of rank 4, four passes of one image", 20)}
FP16_ARRAY = "platform/siracusa_redmule.json"


def curve_config(workload: str, steps: int) -> dict:
    """A run of many steps."""
    if workload == "deep_ae":
        config = deep_ae(24, "auto")
        config["train"]["lr"] = 0.01
    else:
        config = cct({"method": "lora", "k": 2, "rank": 4}, "fp32")
        config["train"]["accumulate"] = 4
        config["train"]["lr"] = 0.02
    config["train"]["steps"] = steps
    return config


def sweeps() -> dict[str, dict]:
    """Both curves of both workloads, called WORKLOAD-fp32 (on the FP32 array) and WORKLOAD-mixed (on the FP16 one)."""
    mixed = {"/platform": FP16_ARRAY, "/train/precision": "mixed_fp16", "/train/loss_scale": LOSS_SCALE}
    configs = {workload: curve_config(workload, steps) for workload, (_, steps) in WORKLOADS.items()}
    workloads = {
        workload: {"/workload": config["workload"], "/train": config["train"]} for workload, config in configs.items()
    }
    axes = {"step": workloads, "products": {"fp32": {}, "mixed": mixed}}
    return {"curves": {"base": configs["deep_ae"], "axes": axes, "objectives": {**OBJECTIVES, "loss": "min"}}}


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
    options = options_of("mixed_precision", __doc__, "mixed_precision").parse_args()
    results = run_sweeps(sweeps(), options.runs, options.jobs, options.resume)
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
    command(main)
