# SPDX-License-Identifier: Apache-2.0
"""A small encoder in PyTorch, exported for Etude: python export.py FOLDER [--legacy] [--batch].

Writes FOLDER/encoder.onnx and FOLDER/encoder.npz (32 samples with labels), and prints the loss of the first 4 samples
that PyTorch computes. --legacy takes the exporter of before PyTorch 2.9; --batch leaves the number of samples open.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        weights = torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    """16 tokens of 12 features, two blocks, 5 classes."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(12, 32)
        self.blocks = nn.ModuleList([Block(32, 4) for _ in range(2)])
        self.norm = nn.LayerNorm(32)
        self.fc = nn.Linear(32, 5)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.fc(self.norm(x).mean(dim=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--batch", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(7)
    model = Encoder().eval()
    with torch.no_grad():  # as after training: what is equal (fresh ones and zeros) is stored once, and trains as one
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) / 20)
    x, labels = torch.randn(32, 16, 12), torch.randint(5, (32,))
    np.savez(arguments.folder / "encoder.npz", x=x.numpy(), labels=labels.numpy())

    file = str(arguments.folder / "encoder.onnx")
    if arguments.legacy:
        axes = {"x": {0: "batch"}} if arguments.batch else None
        torch.onnx.export(model, (x[:4],), file, dynamo=False, input_names=["x"], dynamic_axes=axes)
    else:
        shapes = {"x": {0: torch.export.Dim("batch")}} if arguments.batch else None
        torch.onnx.export(model, (x[:4],), file, dynamo=True, verbose=False, dynamic_shapes=shapes)

    loss = F.cross_entropy(model.double()(x[:4].double()), labels[:4])
    print(f"loss of the first 4 samples: {loss.item():.6f}")


if __name__ == "__main__":
    main()
