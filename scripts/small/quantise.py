# SPDX-License-Identifier: Apache-2.0
"""Float parameters of a perceptron or of a Bonsai-class tree (names as in train.py) as an integer model."""

from itertools import product

import numpy as np

from . import train
from .models import Model, ModelError, check, expect, layers, predict, refuse, scores

T_LIMIT = 64  # what hard_tanh = 1 is in integers
LIMITS = (31, 63, 127)  # of 8-bit results between layers
SHIFTS = range(0, 13)
SAME_CLASS = 0.99  # 16-bit sums are taken if they keep the class of so many samples


def worst(w: np.ndarray, b: np.ndarray, low: int, high: int) -> np.ndarray:
    """Of each row of float weights: the largest part of a sum, as check() counts it."""
    ends = np.stack([w * low, w * high])
    return np.maximum(ends.max(0).clip(0).sum(-1), -ends.min(0).clip(None, 0).sum(-1)) + np.abs(b)


def row_scales(w: np.ndarray, b: np.ndarray, low: int, high: int, bits: int) -> np.ndarray:
    """The largest factor of each row with which it is int8 and its sums stay in `bits`."""
    room = (1 << (bits - 1)) - 1
    spare = room // 8  # roundings of weights and of results
    by_sum = (room - spare) / np.maximum(worst(w, b, low, high), 1e-12)
    return np.minimum(127 / np.maximum(np.abs(w).max(-1), 1e-12), by_sum)


def rounded(w: np.ndarray, bits: int = 8) -> np.ndarray:
    top = (1 << (bits - 1)) - 1
    return np.clip(np.floor(w + 0.5), -top, top).astype({8: np.int8, 16: np.int16, 32: np.int32}[bits])


def quantised_mlp(
    p: dict, x: np.ndarray, unit: float, ends: tuple[int, int], bits: int, limit: int, shift: int
) -> Model:
    """One choice of limit and shift for all hidden layers. ReLU commutes with positive factors: each row has its own
    scale, and the next layer's columns make up for it."""
    low, high = ends
    layers = len(p) // 2
    made: Model = {"shift": np.full(layers - 1, shift, np.uint8), "limit": np.full(layers - 1, limit, np.uint8)}
    column = np.full(p["w0"].shape[1], unit)  # what 1 of each input stands for
    real = x * unit
    for layer in range(layers):
        w, b = p[f"w{layer}"] * column, p[f"b{layer}"]
        scale = row_scales(w, b, low, high, bits)
        total = real @ p[f"w{layer}"].T + b
        if layer < layers - 1:
            real = np.maximum(total, 0)
            top = np.maximum(real.max(0), 1e-12)
            scale = np.minimum(scale, limit * 2.0**shift / top)
        else:
            scale = np.full(len(w), scale.min())
        made[f"w{layer}"] = rounded(w * scale[:, None])
        made[f"b{layer}"] = rounded(b * scale, bits)
        column, low, high = 2.0**shift / scale, 0, limit
    return made


def quantised_tree(
    p: dict, x: np.ndarray, unit: float, ends: tuple[int, int], bits: int, limit: int, shift: int
) -> Model:
    """One choice of z's limit and shift. z may be scaled by coordinate: W, V and theta make up for it."""
    z = (x * unit) @ p["Z"].T + p["bz"]
    scale = row_scales(p["Z"] * unit, p["bz"], *ends, bits)
    scale = np.minimum(scale, limit * 2.0**shift / np.maximum(np.abs(z).max(0), 1e-12))
    column = 2.0**shift / scale
    w, v, theta = p["W"] * column, p["V"] * column, p["theta"] * column
    nodes, classes, width = w.shape
    none = np.zeros(1)
    w_scale = row_scales(w.reshape(-1, width), none, -limit, limit, bits).min()
    v_most = row_scales(v.reshape(-1, width), none, -limit, limit, bits).min()
    v_shift = int(np.clip(np.floor(np.log2(max(v_most / T_LIMIT, 1e-9))), 0, 12))
    theta_scale = row_scales(theta, none, -limit, limit, bits)[:, None] if len(theta) else np.ones((0, 1))
    return {
        "Z": rounded(p["Z"] * unit * scale[:, None]),
        "bz": rounded(p["bz"] * scale, bits),
        "W": rounded(w * w_scale),
        "V": rounded(v * (T_LIMIT * 2.0**v_shift)),
        "theta": rounded(theta * theta_scale),
        "z_shift": np.uint8(shift),
        "z_limit": np.uint8(limit),
        "v_shift": np.uint8(v_shift),
        "t_limit": np.uint8(T_LIMIT),
    }


def float_scores(p: dict, x: np.ndarray) -> np.ndarray:
    """Scores [N, classes] of float parameters, of inputs in the units that they were trained in."""
    return train.tree_scores(p, x) if "Z" in p else train.mlp_scores({k: v for k, v in p.items() if k != "float"}, x)


def check_float(p: dict) -> None:
    """Errors: ModelError if p is neither a perceptron nor a tree."""
    if "Z" in p:
        width = expect(p, "Z", "f", (None, None)).shape[0]
        nodes, classes, _ = expect(p, "W", "f", (None, None, width)).shape
        if nodes + 1 & nodes or not nodes:
            refuse("W", f"has {nodes} nodes; a tree of a whole depth has 1, 3, 7, ...")
        expect(p, "V", "f", (nodes, classes, width))
        expect(p, "theta", "f", (nodes // 2, width))
        expect(p, "bz", "f", (width,))
        known = {"Z", "bz", "W", "V", "theta"}
    else:
        fan_in, known = None, set()
        for i in range(max(1, layers(p))):
            fan_in = expect(p, f"w{i}", "f", (None, fan_in)).shape[0]
            expect(p, f"b{i}", "f", (fan_in,))
            known |= {f"w{i}", f"b{i}"}
    if unknown := sorted(set(p) - known):
        refuse(unknown[0], "is no parameter of a perceptron or of a tree")


def quantise(p: dict, x: np.ndarray, unit: float, ends: tuple[int, int], bits: int | None = None) -> Model:
    """Float parameters (names as in train.py) as an integer model: the limit and shift whose scores are nearest to the
    float ones on the calibration inputs x [N, features] (integers; one stands for `unit`), which lie in `ends`.
    bits: of sums; without it 16 where that keeps the class of 99 % of them, else 32. Errors: ModelError."""
    check_float(p)
    fan_in = p["Z" if "Z" in p else "w0"].shape[1]
    if x.ndim != 2 or x.shape[1] != fan_in or x.min() < ends[0] or x.max() > ends[1]:
        raise ModelError(
            f"calibration inputs are {list(x.shape)}, {x.min()} to {x.max()}; [samples, {fan_in}], {ends} needed"
        )
    kind, make = ("tree", quantised_tree) if "Z" in p else ("mlp", quantised_mlp)
    wanted = float_scores(p, x * unit)
    for width in (bits,) if bits else (16, 32):
        best, least = None, np.inf
        for limit, shift in product(LIMITS, SHIFTS):
            model = make(p, x, unit, ends, width, limit, shift)
            model |= {"kind": np.array(kind), "acc_bits": np.uint8(width)}
            model |= {"low": np.int16(ends[0]), "high": np.int16(ends[1])}
            try:
                check(model)
            except ModelError:
                continue
            got = scores(model, x).astype(float)
            unit_of_score = (got * wanted).sum() / max((got * got).sum(), 1e-12)
            error = ((got * unit_of_score - wanted) ** 2).mean()
            if error < least:
                best, least = model, error
        if best is not None and (bits or width == 32 or (predict(best, x) == wanted.argmax(1)).mean() >= SAME_CLASS):
            return best
    raise ModelError("no scale keeps the sums in their bits")
