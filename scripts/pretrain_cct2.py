#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pretrains CCT-2/3x2 on handwritten digits and deals the data of a personalisation.

Writes into workloads/data:
  cct2_digits.npz     parameters of network cct2, by name, float32
  digits_tilted.npz   `x` [160,3,32,32] float32 and `y` [160]: images of the new domain to train on
  digits_heldout.npz  360 images that no training sees, `upright` and `tilted` [360,32,32] and
                      `labels`, uint8; intensity = value / 64

    python3 -m venv /tmp/pretrain && /tmp/pretrain/bin/pip install torch scikit-learn
    /tmp/pretrain/bin/python scripts/pretrain_cct2.py

Run by hand, once; what it made is committed, because sums in another order on another machine give
other last digits. The digits are scikit-learn's bundled ones (UCI "Optical Recognition of
Handwritten Digits", 1797 images of 8 by 8), split 80/20, scaled to 32 by 32 and to three equal
channels. The new domain is a tilted camera: every image turned by 40 degrees.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python/etude/compress"))
from cct_torch import DEPTH, WIDTH, forward, turn  # noqa: E402

SEED = 20
TRAINED = 1437  # 80 % of 1797
TILT = 40.0  # degrees
PERSONAL = 160  # images to personalise with
LEVELS = 64  # intensities are multiples of 1/64, so that files stay small
EPOCHS = 15
BATCH = 32
RATE = 1e-3
CLASSES = 10


def make_parameters() -> dict[str, torch.Tensor]:
    """Initial parameters by the names that `etude-sim describe` shows."""
    generator = torch.Generator().manual_seed(SEED)
    made = {}

    def draw(name: str, *shape: int, deviation: float) -> None:
        made[name] = (torch.randn(*shape, generator=generator) * deviation).requires_grad_()

    def constant(name: str, size: int, value: float = 0.0) -> None:
        made[name] = torch.full((size,), value).requires_grad_()

    def norm(name: str) -> None:
        constant(name + ".weight", WIDTH, 1.0)
        constant(name + ".bias", WIDTH)

    draw("tokenizer.0.weight", 64, 3, 3, 3, deviation=(2 / 27) ** 0.5)
    draw("tokenizer.1.weight", WIDTH, 64, 3, 3, deviation=(2 / 576) ** 0.5)
    draw("positional_emb", 64, WIDTH, deviation=0.2)
    for i in range(DEPTH):
        at = f"blocks.{i}."
        norm(at + "pre_norm")
        norm(at + "norm1")
        for layer in ("q", "k", "v", "proj", "linear1", "linear2"):
            draw(f"{at}{layer}.weight", WIDTH, WIDTH, deviation=WIDTH**-0.5)
            if layer not in "qkv":
                constant(f"{at}{layer}.bias", WIDTH)
        constant(at + "gelu_bias", WIDTH)
    norm("norm")
    draw("attention_pool.weight", WIDTH, 1, deviation=WIDTH**-0.5)
    constant("attention_pool.bias", 1)
    draw("fc.weight", WIDTH, CLASSES, deviation=WIDTH**-0.5)
    constant("fc.bias", CLASSES)
    return made


def levels(images: torch.Tensor) -> torch.Tensor:
    return torch.round(images.clamp(0, 1) * LEVELS) / LEVELS


def colour(images: torch.Tensor) -> torch.Tensor:
    return images.expand(-1, 3, -1, -1)


@torch.no_grad()
def accuracy(p: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor) -> float:
    return float((forward(p, colour(images)).argmax(1) == labels).float().mean())


def pretrain(images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """AdamW on slightly moved and turned digits."""
    p = make_parameters()
    optimizer = torch.optim.AdamW(p.values(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    generator = torch.Generator().manual_seed(SEED + 1)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        for batch in order[: len(images) // BATCH * BATCH].split(BATCH):
            shift = torch.randint(-3, 4, (2,), generator=generator).tolist()
            angle = 20 * (torch.rand(1, generator=generator).item() - 0.5)
            x = turn(torch.roll(images[batch], shift, (2, 3)), angle)
            loss = F.cross_entropy(forward(p, colour(x)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {loss.item():.3f}", flush=True)
    return {name: value.detach() for name, value in p.items()}


def dealt_by_class(labels: torch.Tensor) -> list[int]:
    """PERSONAL indices in which each ten samples hold every class once, in an order that mixes."""
    of_class = [torch.nonzero(labels == k).flatten().tolist() for k in range(CLASSES)]
    return [of_class[k][j] for j in range(PERSONAL // CLASSES) for k in (0, 5, 1, 6, 2, 7, 3, 8, 4, 9)]


def bytes_of(images: torch.Tensor) -> np.ndarray:
    return (images[:, 0] * LEVELS).round().to(torch.uint8).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[1] / "workloads/data"
    parser.add_argument("--out", type=Path, default=default, help="folder of the archives")
    out = parser.parse_args().out
    torch.set_num_threads(1)  # sums in one order
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    small = torch.tensor(digits.images[order] / 16.0, dtype=torch.float32)[:, None]
    upright = levels(F.interpolate(small, size=(32, 32), mode="bilinear", align_corners=False))
    labels = torch.tensor(digits.target[order])
    tilted = levels(turn(upright, TILT))
    p = pretrain(upright[:TRAINED], labels[:TRAINED])
    held = labels[TRAINED:]
    print(f"held-out accuracy: upright {accuracy(p, upright[TRAINED:], held):.3f},", end=" ")
    print(f"tilted {accuracy(p, tilted[TRAINED:], held):.3f}")
    np.savez(out / "cct2_digits.npz", **{name: value.numpy().astype("<f4") for name, value in p.items()})
    chosen = dealt_by_class(labels[:TRAINED])
    np.savez_compressed(
        out / "digits_tilted.npz",
        x=colour(tilted[chosen]).numpy().astype("<f4"),
        y=labels[chosen].numpy().astype("<i8"),
    )
    np.savez_compressed(
        out / "digits_heldout.npz",
        upright=bytes_of(upright[TRAINED:]),
        tilted=bytes_of(tilted[TRAINED:]),
        labels=held.to(torch.uint8).numpy(),
    )


if __name__ == "__main__":
    main()
