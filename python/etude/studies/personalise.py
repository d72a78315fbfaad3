# SPDX-License-Identifier: Apache-2.0
"""Personalises a pretrained CCT-2 on the simulated chip and evaluates its weights on the host.

The chip trains adapters on the tilted digits of the configuration; every few steps its trained
parameters are saved, put into the network on the host, and the network classifies images that no
training has seen: tilted ones (the new domain) and upright ones (what it was pretrained on).
"""

import json
from pathlib import Path

import numpy as np

from etude.errors import UserError
from etude.result import engineering, load_result
from etude.studies.cct_host import Cct, Parameters, accuracy, cross_entropy
from etude.studies.runs import ROOT, command, keys_of, options_of, results_of, run_study
from etude.svg_chart import Series, line_chart

DATA = ROOT / "workloads/data"
INTENSITIES = 64  # digits_heldout.npz holds intensities in 64ths


def held_out_images(archive: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Images [N,3,32,32] by domain, and their labels."""
    with np.load(archive) as data:
        labels = data["labels"].astype(np.int64)
        images = {domain: np.repeat(data[domain][:, None] / INTENSITIES, 3, axis=1) for domain in ("tilted", "upright")}
    return images, labels


def evaluate(parameters: Parameters, scale: float, images: dict[str, np.ndarray], labels: np.ndarray) -> dict:
    """Accuracy and cross entropy of a network on every domain."""
    found = {}
    network = Cct(parameters, adapter_scale=scale)
    for domain, x in images.items():
        logits = network.logits(x)
        found[domain] = {
            "accuracy": round(accuracy(logits, labels), 4),
            "loss": round(cross_entropy(logits, labels), 4),
        }
    return found


def asked(config: Path, steps: int, every: int, sets: list[str]) -> dict:
    """The sweep: one training run, with the trained parameters saved each `every` steps."""
    keys = {**keys_of(sets), "/train/steps": steps, "/run/save_every": every}
    return {
        "base": str(config.resolve()),
        "axes": {"training": {f"{steps} steps": keys}},
        "objectives": {"step.cycles": "min", "step.energy_j": "min", "loss": "min"},
    }


def curve_of(run: Path, initial: Parameters) -> dict:
    """Accuracies over the steps of a run, beside what the run cost."""
    result = load_result(run)
    train = json.loads((run / "config.resolved.json").read_text())["train"]
    workload = json.loads((run / "config.resolved.json").read_text())["workload"]
    scale = train["alpha"] / train["rank"] if train["alpha"] else 1.0
    images, labels = held_out_images(DATA / "digits_heldout.npz")
    saved = sorted(int(file.stem) for file in (run / "steps").glob("*.npz"))
    points = [{"steps": 0, **evaluate(initial, 1.0, images, labels)}]
    for steps in saved:
        with np.load(run / "steps" / f"{steps}.npz") as trained:
            parameters = {**initial, **{name: trained[name] for name in trained.files}}
        points.append({"steps": steps, **evaluate(parameters, scale, images, labels)})
        tilted = points[-1]["tilted"]["accuracy"]
        print(
            f"after {steps} steps: tilted {100 * tilted:.1f} %, upright {100 * points[-1]['upright']['accuracy']:.1f} %"
        )
    cycles = [step["cycles"] for step in result["steps"]]
    return {
        "schema": 1,
        "title": result.get("title", ""),
        "config_hash": result["config_hash"],
        "batch": workload["batch"],
        "learning_rate": train["lr"],
        "held_out_images": len(labels),
        "points": points,
        "training_losses": [step["loss"] for step in result["steps"]],
        "cycles": sum(cycles),
        "cycles_per_step": round(sum(cycles) / len(cycles)),
        "latency_per_step_s": result["step"]["latency_s"],
        "energy_per_step_j": result["step"]["energy_j"],
        "trainable_bytes": result["memory"]["trainable"],
        "check_passed": result["check"]["passed"],
    }


def markdown(curve: dict) -> str:
    """The curve as a page."""
    points = curve["points"]
    first, last = points[0], points[-1]
    gain = 100 * (last["tilted"]["accuracy"] - first["tilted"]["accuracy"])
    steps = last["steps"]

    def cost(times: int) -> str:
        time, energy = times * curve["latency_per_step_s"], times * curve["energy_per_step_j"]
        return f"{engineering(time, 's')} and {engineering(energy, 'J')}"

    lines = [
        "# Personalisation of CCT-2 on the simulated chip",
        f"{curve['title']}, learning rate {curve['learning_rate']:g}. Pretrained on upright digits; the chip trains on "
        f"digits tilted by 40 degrees; accuracy on {curve['held_out_images']} images that no training has seen.",
        "",
        f"**Tilted: {100 * first['tilted']['accuracy']:.1f} % before, {100 * last['tilted']['accuracy']:.1f} % after "
        f"{steps} steps on {steps * curve['batch']} images ({gain:+.1f} points).** Every step was checked against "
        f"float64: {'passed' if curve['check_passed'] else 'NOT passed'}.",
        "",
        f"A step takes {curve['cycles_per_step']:,} cycles, {cost(1)}; all of them {cost(steps)}. "
        f"What the device has to keep of it: {curve['trainable_bytes']:,} bytes.",
        "",
        "![Accuracy over steps](curve.svg)",
        "",
        "| steps | tilted | its cross entropy | upright | its cross entropy |",
        "|--:|--:|--:|--:|--:|",
    ]
    for point in points:
        cells = [f"{100 * point[d]['accuracy']:.1f} % | {point[d]['loss']:.3f}" for d in ("tilted", "upright")]
        lines.append(f"| {point['steps']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Made by `scripts/personalise.sh`.", ""])


def chart(curve: dict) -> str:
    """The curve as an image."""
    series = [
        Series(domain, [100 * point[domain]["accuracy"] for point in curve["points"]])
        for domain in ("tilted", "upright")
    ]
    steps = [point["steps"] for point in curve["points"]]
    return line_chart(
        "Held-out accuracy while the chip trains", "training steps", "accuracy in %", steps, series, 100.0
    )


def main() -> None:
    """Command line; see scripts/personalise.sh."""
    parser = options_of("personalise", __doc__, "personalisation")
    parser.add_argument("--evaluate-only", action="store_true", dest="resume", help="the same as --resume")
    parser.add_argument("--config", type=Path, default=ROOT / "configs/cct2_lora.json")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--every", type=int, default=10, help="steps between evaluations")
    parser.add_argument("--set", action="append", default=[], metavar="/POINTER=VALUE", dest="sets")
    options = parser.parse_args()
    if options.steps < 1 or options.every < 1:
        raise UserError("--steps, --every: give at least 1")
    wanted = asked(options.config, options.steps, options.every, options.sets)
    study = run_study(wanted, options.runs, options.jobs, options.resume)
    ((_, result),) = results_of(study)
    if "error" in result:
        raise UserError(result["error"])
    with np.load(DATA / "cct2_digits.npz") as archive:
        initial = {name: archive[name] for name in archive.files}
    curve = curve_of(Path(result["folder"]), initial)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "curve.json").write_text(json.dumps(curve, indent=1) + "\n")
    (options.out / "personalisation.md").write_text(markdown(curve))
    (options.out / "curve.svg").write_text(chart(curve))
    first, last = curve["points"][0]["tilted"]["accuracy"], curve["points"][-1]["tilted"]["accuracy"]
    print(f"tilted digits: {100 * first:.1f} % before, {100 * last:.1f} % after; see {options.out}/personalisation.md")


if __name__ == "__main__":
    command(main)
