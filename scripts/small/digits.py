# SPDX-License-Identifier: Apache-2.0
"""The small models of handwritten digits: the data, how it is split, and what is trained on it.

workloads/data/digits_8x8.npz: `x` int8 [1797, 64], 0 to 16, and `y`, scikit-learn's digits in the order
in which scripts/pretrain_cct2.py deals them: the first 1,437 are for training, the last 360 held out.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from . import models, quantise, train

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "workloads/data"
TRAINED, CLASSES, HIGH = 1437, 10, 16
UNIT = 1 / HIGH  # what an intensity of 1 is to a float model
BATCH, SMOOTH = 64, 0.05
TURN, SCALE, SHIFT = 6, 0.06, 0.4  # of images while training: degrees, ratio, pixels
TAUGHT = 0.7  # how much the larger network's answer counts for the small perceptron
LARGE, MLP = [64, 128, 10], [64, 26, 10]
WIDTH, DEPTH = 16, 1
STEPS = {"large": 5000, "mlp": 10000, "tree": 6000}
RATE, DECAY = 5e-3, 0.02


def load() -> tuple[np.ndarray, np.ndarray]:
    """All images and labels: x int8 [1797, 64], y [1797]."""
    with np.load(DATA / "digits_8x8.npz") as file:
        return file["x"], file["y"]


def trained(kind: str, seed: int, steps: int, teacher: train.Parameters | None = None) -> train.Parameters:
    """Float parameters of "large", "mlp" (which `teacher` may teach) or "tree"."""
    x, y = load()
    x, y = x[:TRAINED] * UNIT, y[:TRAINED]
    rng = np.random.default_rng([seed, list(STEPS).index(kind)])
    if kind == "tree":
        p, gradient = train.tree_start(x.shape[1], WIDTH, DEPTH, CLASSES, rng), train.tree_gradient
    else:
        p, gradient = train.mlp_start(LARGE if kind == "large" else MLP, rng), train.mlp_gradient

    def batch(_: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = rng.integers(0, len(x), BATCH)
        images = train.moved(x[chosen], rng, TURN, SCALE, SHIFT)
        wanted = np.eye(CLASSES)[y[chosen]] * (1 - SMOOTH) + SMOOTH / CLASSES
        if teacher is not None:
            wanted = (1 - TAUGHT) * wanted + TAUGHT * train.softmax(train.mlp_scores(teacher, images))
        return images, wanted

    return train.adam(p, gradient, batch, steps, RATE, DECAY)


def float_model(p: train.Parameters) -> models.Model:
    """Float parameters as a model that keeps them."""
    ends = {"kind": np.array("mlp_float"), "low": np.int16(0), "high": np.int16(HIGH), "unit": np.float32(UNIT)}
    return ends | {name: value.astype(np.float32) for name, value in p.items()}


def nearest_neighbour() -> models.Model:
    """All training images."""
    x, y = load()
    ends = {"kind": np.array("knn"), "low": np.int16(0), "high": np.int16(HIGH)}
    return ends | {"points": x[:TRAINED], "labels": y[:TRAINED]}


def all_models(seed: int, steps: dict[str, int]) -> dict[str, models.Model]:
    """The three trained models, by name; the integer ones are calibrated on the training images."""
    x, _ = load()
    large = trained("large", seed, steps["large"])
    made = {"digits_mlp_float": float_model(large)}
    for kind, teacher in (("mlp", large), ("tree", None)):
        p = trained(kind, seed, steps[kind], teacher)
        made[f"digits_{kind}_int8"] = quantise.quantise(p, x[:TRAINED], UNIT, (0, HIGH))
        made[f"{kind}, float"] = {"float": np.array(0), **p}
    return made


def correct(model: models.Model) -> float:
    """% of the held-out images."""
    x, y = load()
    x, y = x[TRAINED:], y[TRAINED:]
    answers = quantise.float_scores(model, x * UNIT).argmax(1) if "float" in model else models.predict(model, x)
    return 100 * float((answers == y).mean())


def train_command(arguments: argparse.Namespace) -> int:
    """Trains with each seed; keeps the first one's models and all accuracies (training.json)."""
    accuracies: dict[str, list[float]] = {}
    for seed in range(arguments.seeds):
        for name, model in all_models(seed, STEPS).items():
            accuracies.setdefault(name, []).append(round(correct(model), 2))
            if seed == 0 and "float" not in model:
                models.save(arguments.out / f"{name}.npz", model)
            print(f"seed {seed}: {name} {accuracies[name][-1]:.2f} % of the held-out images", flush=True)
    arguments.record.parent.mkdir(parents=True, exist_ok=True)
    arguments.record.write_text(json.dumps(accuracies, indent=2) + "\n")
    return 0
