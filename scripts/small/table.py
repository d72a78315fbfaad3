# SPDX-License-Identifier: Apache-2.0
"""results/small: every model of the digits on every target, every score compared with the host's."""

import json
import tempfile
from pathlib import Path

import numpy as np

from . import digits, firmware, models
from .device import JOULES_PER_CYCLE

RV32_MHZ = 300  # clock of the default platform (configs/README.md)
ROWS = {
    "digits_mlp_int8": "MLP 64-26-10, int8",
    "digits_tree_int8": "Bonsai-class tree, width 16, depth 1, int8",
    "knn": "1-NN of all 1,437 training images, int8",
    "digits_mlp_float": "MLP 64-128-10, float32",
}
SMALL = ("digits_mlp_int8", "digits_tree_int8")  # these run on all 1,797 images, the others on COMPARED held-out ones
COMPARED = 36


def model_of(name: str) -> models.Model:
    return digits.nearest_neighbour() if name == "knn" else models.load(digits.DATA / f"{name}.npz")


def point(name: str, target: str, sim: Path) -> dict:
    """Figures of a model on a target, or why it does not run there."""
    model, (x, _) = model_of(name), digits.load()
    held_out = x[digits.TRAINED :] if name in SMALL else x[digits.TRAINED :][:COMPARED]
    # What is reported is of held-out images; the others are compared as well.
    order = np.concatenate([held_out, x[: digits.TRAINED]]) if name in SMALL else held_out
    wanted = models.scores(model, order)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = firmware.run(model, order, target, Path(folder), sim, Path(folder) / "profile")
        except firmware.DoesNotFit as error:
            return {"model": name, "target": target, "why": str(error)}
        profile = Path(folder) / "profile/profile.json"
        regions = json.loads(profile.read_text())["regions"] if profile.exists() else []
    cycles = run.cycles[: len(held_out)]
    made = {
        "model": name,
        "target": target,
        "compared": len(order),
        "equal": int((run.scores == firmware.score_bits(wanted)).all(1).sum()),
        "cycles_mean": round(float(cycles.mean()), 1),
        "cycles_least": int(cycles.min()),
        "cycles_most": int(cycles.max()),
        "ms": float(cycles.mean()) / (1e3 * (firmware.MHZ if target == "avr" else RV32_MHZ)),
        "code": run.code,
        "parameters": run.parameters,
        "ram": run.variables + run.stack + models.features(model),
    }
    if target == "avr":
        made["uj"] = float(cycles.mean()) * JOULES_PER_CYCLE * 1e6
    for region in regions:
        of = {"busy": region["busy"], **region["stalls"]}
        made["where"] = {cause: round(n / region["passes"], 1) for cause, n in of.items() if n}
    return made


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows_of(points: list[dict], accuracies: dict[str, list[float]]) -> list[str]:
    """The table of models, one line for each model and target."""
    columns = (
        "model",
        "held out, %",
        "five seeds, %",
        "target",
        "code + parameters, B",
        "RAM, B",
        "cycles",
        "ms",
        "uJ",
    )
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for p in points:
        name = p["model"]
        seeds = accuracies.get(name, [])
        spread = f"{np.mean(seeds):.2f} ± {np.std(seeds, ddof=1):.2f}" if len(seeds) > 1 else ""
        head = f"| {ROWS[name]} | {p['accuracy']:.2f} | {spread} | {p['target']} "
        if "why" in p:
            lines.append(f"{head}| does not fit: {p['why']} | | | | |")
            continue
        cells = [f"{p['code']:,} + {p['parameters']:,}", f"{p['ram']:,}", f"{p['cycles_mean']:,.0f}", number(p["ms"])]
        lines.append(f"{head}| {' | '.join(cells)} | {number(p['uj']) if 'uj' in p else ''} |")
    return lines


def where_lines(points: list[dict]) -> list[str]:
    """Where the cycles of a prediction go on the RV32 core."""
    causes = list(dict.fromkeys(cause for p in points for cause in p.get("where", {})))
    lines = ["| model | target | " + " | ".join(causes) + " |", "|---|---|" + "---|" * len(causes)]
    for p in points:
        if "where" in p:
            cells = [number(p["where"].get(cause, 0)) for cause in causes]
            lines.append(f"| {ROWS[p['model']]} | {p['target']} | {' | '.join(cells)} |")
    return lines


BEGIN, END = "<!-- written by scripts/small_models.py -->\n", "<!-- end -->\n"


def write(out: Path, sim: Path) -> int:
    """Writes points.json and the tables of README.md in `out`; 1 if a score differs from the host's."""
    accuracies = json.loads((out / "training.json").read_text())
    points = []
    for name in ROWS:
        for target in firmware.TARGETS:
            if target == "rv32-simd" and name not in SMALL:
                continue  # no dot products of int8 in them
            points.append({**point(name, target, sim), "accuracy": round(digits.correct(model_of(name)), 2)})
            print(points[-1], flush=True)
    ran = [p for p in points if "why" not in p]
    differ = sum(p["compared"] - p["equal"] for p in ran)
    compared = f"Equal to the host's, to the bit of every score: {sum(p['equal'] for p in ran):,} of "
    compared += (
        f"{sum(p['compared'] for p in ran):,} predictions (all 1,797 images by the small models on every target, "
    )
    compared += f"{COMPARED} held-out ones by the others).\n"
    before = [
        f"{name.removesuffix(', float')} {np.mean(a):.2f} ± {np.std(a, ddof=1):.2f}"
        for name, a in accuracies.items()
        if name.endswith(", float") and len(a) > 1
    ]
    text = "\n".join(rows_of(points, accuracies)) + "\n\n" + compared
    text += f"\nBefore quantisation, five seeds: {', '.join(before)} %.\n"
    text += "\n## Where the cycles go on the RV32 core\n"
    text += "Mean of a prediction, by cause ([docs/profile.md](../../docs/profile.md)).\n\n"
    text += "\n".join(where_lines(points)) + "\n"
    page = (out / "README.md").read_text()
    head, rest = page.split(BEGIN)
    (out / "README.md").write_text(head + BEGIN + text + END + rest.split(END)[1])
    (out / "points.json").write_text(json.dumps(points, indent=2) + "\n")
    return 1 if differ else 0
