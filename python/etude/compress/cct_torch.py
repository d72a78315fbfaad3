# SPDX-License-Identifier: Apache-2.0
"""CCT-2 in PyTorch's words, for training on the host. Imported only where PyTorch is installed."""

import numpy as np
import torch
import torch.nn.functional as F

WIDTH, HEADS, DEPTH = 128, 2, 2


def forward(p: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Logits of images [N,3,32,32]: workloads/networks/cct.cpp in PyTorch's words."""

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        y = x @ p[name + ".weight"]
        return y + p[name + ".bias"] if name + ".bias" in p else y

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"])

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    for i in range(2):
        x = F.max_pool2d(F.relu(F.conv2d(x, p[f"tokenizer.{i}.weight"], padding=1)), 3, 2, 1)
    x = x.flatten(2).transpose(1, 2) + p["positional_emb"]
    for i in range(DEPTH):
        at = f"blocks.{i}."
        normed = norm(x, at + "pre_norm")
        q, k, v = (heads(linear(normed, at + layer)) for layer in "qkv")
        weights = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        x = norm(x + linear(mixed, at + "proj"), at + "norm1")
        hidden = F.gelu(linear(x, at + "linear1") + p[at + "gelu_bias"])
        x = x + linear(hidden, at + "linear2")
    x = norm(x, "norm")
    weights = torch.softmax(linear(x, "attention_pool"), 1)
    return linear((weights.transpose(1, 2) @ x).squeeze(1), "fc")


def turn(images: torch.Tensor, degrees: float) -> torch.Tensor:
    """Images [N,1,32,32] turned about their middle, zeros from outside."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = torch.tensor([[c, -s, 0], [s, c, 0]], dtype=torch.float32).expand(len(images), 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
