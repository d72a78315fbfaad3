# SPDX-License-Identifier: Apache-2.0
"""The digits that network cct2 knows: what a compressed one is trained with, and measured on (workloads/data)."""

import hashlib

import numpy as np

from etude import native
from etude.studies.cct_host import Cct, Parameters, accuracy

LEVELS = 64  # intensities are multiples of 1/64
TRAINED = 1437  # digits of digits_8x8.npz that cct2 was pretrained on: the first
SMALL, LARGE = 8, 32  # pixels of a side, as scanned and as the network sees them
DOMAINS = ("upright", "tilted")
EXTENTS = {"tokenizer.0.weight": (64, 3, 3, 3), "positional_emb": (64, 128), "fc.weight": (128, 10)}


def knows(parameters: Parameters) -> bool:
    """Whether an archive is of network cct2 on digits."""
    return all(name in parameters and parameters[name].shape == shape for name, shape in EXTENTS.items())


def _file(name: str) -> str:
    inside = native.folder() / "workloads/data" / name
    return str(inside if inside.exists() else native.SOURCE / "workloads/data" / name)


def enlarged(small: np.ndarray) -> np.ndarray:
    """Images [N,8,8] of 0..16 as [N,32,32] of multiples of 1/64 up to 1: bilinear, pixels as areas."""
    weights = np.zeros((LARGE, SMALL))
    for i in range(LARGE):
        at = max((i + 0.5) * SMALL / LARGE - 0.5, 0.0)
        low = int(at)
        weights[i, low] += 1 - (at - low)
        weights[i, min(low + 1, SMALL - 1)] += at - low
    large = weights @ (small / 16.0) @ weights.T
    return np.round(np.clip(large, 0, 1) * LEVELS) / LEVELS


def training_digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,437 upright digits that cct2 was pretrained on: images [N,32,32] and labels."""
    with np.load(_file("digits_8x8.npz")) as data:
        small = data["x"][:TRAINED].reshape(-1, SMALL, SMALL)
        return enlarged(small), data["y"][:TRAINED].astype(np.int64)


def held_out(images_of: int | None = None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Images [N,3,32,32] by domain that no training has seen, and their labels; the first so many."""
    with np.load(_file("digits_heldout.npz")) as data:
        labels = data["labels"].astype(np.int64)[:images_of]
        images = {d: np.repeat(data[d][:images_of, None] / LEVELS, 3, axis=1) for d in DOMAINS}
    return images, labels


def accuracies(parameters: Parameters) -> dict[str, float]:
    """Share of the held-out digits that a network classifies rightly, by domain."""
    images, labels = held_out()
    network = Cct(parameters, dtype=np.float32)
    return {domain: round(accuracy(network.logits(x), labels), 4) for domain, x in images.items()}


def data_name() -> str:
    """What accuracies are measured on, with the content of its file."""
    with open(_file("digits_heldout.npz"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return f"360 held-out digits, workloads/data/digits_heldout.npz, sha256 {digest[:16]}"
