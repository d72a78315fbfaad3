# SPDX-License-Identifier: Apache-2.0
"""Trains a multilayer perceptron and a Bonsai-class tree in float64 NumPy, deterministically for a seed.

The tree is that of Kumar, Goyal and Varma, "Resource-efficient machine learning in 2 KB RAM for the
Internet of Things" (ICML 2017): a projection z = Z x, and for each node k on the path of z the scores
(W_k z) * tanh(sigma V_k z); theta_k z > 0 goes left. The trainer is a simple one of our own, not the
published one: dense, all parameters at once, Adam, soft branches that harden, and hard_tanh(x) =
clamp(x, -1, 1) for tanh (sigma is part of V).
"""

from collections.abc import Callable

import numpy as np

Parameters = dict[str, np.ndarray]

SIDE = 8  # pixels of an image's side


def moved(images: np.ndarray, rng: np.random.Generator, turn: float, scale: float, shift: float) -> np.ndarray:
    """Images [N, 64] turned (degrees), scaled (ratio) and shifted (pixels) at random, bilinear; zeros from outside."""
    count = len(images)
    angle = np.deg2rad(rng.uniform(-turn, turn, count))
    size = np.exp(rng.uniform(-scale, scale, (2, count)))
    move = rng.uniform(-shift, shift, (2, count))
    shear = rng.uniform(-scale, scale, count)
    middle = (SIDE - 1) / 2
    row, column = np.mgrid[0:SIDE, 0:SIDE].reshape(2, -1) - middle
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    y = size[0][:, None] * (c * row - s * column) + middle + move[0][:, None]
    x = size[1][:, None] * (s * row + c * column + shear[:, None] * row) + middle + move[1][:, None]
    padded = np.pad(images.reshape(count, SIDE, SIDE), ((0, 0), (1, 2), (1, 2)))
    y, x = np.clip(y + 1, 0, SIDE + 0.999), np.clip(x + 1, 0, SIDE + 0.999)
    top, left = y.astype(int), x.astype(int)
    fy, fx = y - top, x - left
    n = np.arange(count)[:, None]
    above = padded[n, top, left] * (1 - fx) + padded[n, top, left + 1] * fx
    below = padded[n, top + 1, left] * (1 - fx) + padded[n, top + 1, left + 1] * fx
    return above * (1 - fy) + below * fy


def softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def mlp_start(sizes: list[int], rng: np.random.Generator) -> Parameters:
    """`w0` [out, in], `b0` [out], `w1`, ...: the names of every archive of a perceptron."""
    p = {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        p[f"w{layer}"] = rng.normal(0, (2 / fan_in) ** 0.5, (fan_out, fan_in))
        p[f"b{layer}"] = np.zeros(fan_out)
    return p


def mlp_scores(p: Parameters, x: np.ndarray) -> np.ndarray:
    """Scores [N, classes] of inputs [N, features]: ReLU between the layers."""
    last = len(p) // 2 - 1
    for layer in range(last + 1):
        x = x @ p[f"w{layer}"].T + p[f"b{layer}"]
        if layer < last:
            x = np.maximum(x, 0)
    return x


def mlp_gradient(p: Parameters, x: np.ndarray, wanted: np.ndarray, _: float) -> Parameters:
    """Gradient of the mean cross-entropy against `wanted` [N, classes]."""
    last = len(p) // 2 - 1
    seen = [x]
    for layer in range(last + 1):
        y = seen[-1] @ p[f"w{layer}"].T + p[f"b{layer}"]
        seen.append(np.maximum(y, 0) if layer < last else y)
    d = (softmax(seen[-1]) - wanted) / len(x)
    g = {}
    for layer in range(last, -1, -1):
        g[f"w{layer}"], g[f"b{layer}"] = d.T @ seen[layer], d.sum(0)
        d = (d @ p[f"w{layer}"]) * (seen[layer] > 0)
    return g


def tree_start(features: int, width: int, depth: int, classes: int, rng: np.random.Generator) -> Parameters:
    """`Z` [width, features], `bz` [width]; `W`, `V` [nodes, classes, width]; `theta` [inner nodes, width]."""
    nodes = 2 ** (depth + 1) - 1
    return {
        "Z": rng.normal(0, features**-0.5, (width, features)),
        "bz": np.zeros(width),
        "W": rng.normal(0, width**-0.5, (nodes, classes, width)),
        "V": rng.normal(0, width**-0.5, (nodes, classes, width)),
        "theta": rng.normal(0, width**-0.5, (nodes // 2, width)),
    }


def tree_scores(p: Parameters, x: np.ndarray) -> np.ndarray:
    """Scores [N, classes] along the one path that each input takes."""
    z = x @ p["Z"].T + p["bz"]
    node = np.zeros(len(x), int)
    scores = np.zeros((len(x), p["W"].shape[1]))
    while True:
        a = np.einsum("ncd,nd->nc", p["W"][node], z)
        v = np.einsum("ncd,nd->nc", p["V"][node], z)
        scores += a * np.clip(v, -1, 1)
        if node[0] >= len(p["theta"]):
            return scores
        node = 2 * node + np.where(np.einsum("nd,nd->n", p["theta"][node], z) > 0, 1, 2)


def tree_gradient(p: Parameters, x: np.ndarray, wanted: np.ndarray, sharp: float) -> Parameters:
    """Gradient with soft branches: a node counts by the product of (1 +- tanh(sharp theta z)) / 2 above it."""
    z = x @ p["Z"].T + p["bz"]
    nodes, inner = len(p["W"]), len(p["theta"])
    a = np.einsum("kcd,nd->nkc", p["W"], z)
    v = np.einsum("kcd,nd->nkc", p["V"], z)
    t = np.clip(v, -1, 1)
    branch = np.tanh(sharp * (z @ p["theta"].T))
    part = np.ones((len(x), nodes))
    for k in range(1, nodes):
        part[:, k] = part[:, (k - 1) // 2] * (1 + (1 if k % 2 else -1) * branch[:, (k - 1) // 2]) / 2
    d = (softmax(np.einsum("nk,nkc->nc", part, a * t)) - wanted) / len(x)
    of_node = part[:, :, None] * d[:, None, :]
    da = of_node * t
    dv = of_node * a * (np.abs(v) < 1)
    dpart = np.einsum("nc,nkc->nk", d, a * t)
    dbranch = np.zeros_like(branch)
    for k in range(nodes - 1, 0, -1):
        above, sign = (k - 1) // 2, 1 if k % 2 else -1
        dbranch[:, above] += dpart[:, k] * part[:, above] * sign / 2
        dpart[:, above] += dpart[:, k] * (1 + sign * branch[:, above]) / 2
    dtheta_z = dbranch * sharp * (1 - branch**2)
    dz = np.einsum("nkc,kcd->nd", da, p["W"]) + np.einsum("nkc,kcd->nd", dv, p["V"])
    if inner:
        dz += dtheta_z @ p["theta"]
    return {
        "Z": dz.T @ x,
        "bz": dz.sum(0),
        "W": np.einsum("nkc,nd->kcd", da, z),
        "V": np.einsum("nkc,nd->kcd", dv, z),
        "theta": dtheta_z.T @ z,
    }


def adam(
    p: Parameters,
    gradient: Callable[[Parameters, np.ndarray, np.ndarray, float], Parameters],
    batches: Callable[[int], tuple[np.ndarray, np.ndarray]],
    steps: int,
    rate: float,
    decay: float,
) -> Parameters:
    """`steps` of Adam with decoupled decay of matrices; the rate falls as a cosine, branches harden from 1 to 8."""
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    for step in range(steps):
        x, wanted = batches(step)
        part = step / steps
        now = rate * min(1, step / 200) * (1 + np.cos(np.pi * part)) / 2
        for key, g in gradient(p, x, wanted, 1 + 7 * part).items():
            first[key] += 0.1 * (g - first[key])
            second[key] += 0.001 * (g * g - second[key])
            root = np.sqrt(second[key] / (1 - 0.999 ** (step + 1))) + 1e-8
            p[key] -= now * first[key] / (1 - 0.9 ** (step + 1)) / root
            if g.ndim > 1:
                p[key] *= 1 - now * decay
    return p
