# SPDX-License-Identifier: Apache-2.0
"""Whole networks: loss and every gradient of the float64 reference against PyTorch's, in float64."""

import subprocess

import numpy as np
import pytest
from support import BUILD

try:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)  # small tensors: threads would only wait for each other
except ImportError:  # each test is counted as skipped, not the file as one
    torch = None
pytestmark = pytest.mark.skipif(torch is None, reason="needs PyTorch (scripts/setup.sh --tests)")


class Net:
    """Layers by the names of their parameters."""

    def __init__(self, archive):
        self.batch = len(archive["input"])
        self.p = {
            name: torch.tensor(value.astype(np.float64), requires_grad=True)
            for name, value in archive.items()
            if name not in ("input", "labels", "target", "loss") and not name.endswith(".grad")
        }

    def linear(self, x, name):
        y = x @ self.p[name + ".weight"]
        if name + ".bias" in self.p:
            y = y + self.p[name + ".bias"]
        if name + ".lora_a" in self.p:
            y = y + 2.0 * (x @ self.p[name + ".lora_a"] @ self.p[name + ".lora_b"])
        return y

    def conv(self, x, name, stride=1, pads=None, groups=1):
        """`pads` none: TensorFlow's "same"."""
        weight = self.p[name + ".weight"]
        if pads is None:
            total = [
                max(0, (-(-n // stride) - 1) * stride + k - n)
                for n, k in zip(x.shape[2:], weight.shape[2:], strict=True)
            ]
            pads = [total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2]
        return F.conv2d(F.pad(x, pads), weight, self.p.get(name + ".bias"), stride, groups=groups)

    def batch_norm(self, x, name):
        return F.batch_norm(x, None, None, self.p[name + ".weight"], self.p[name + ".bias"], training=True)

    def layer_norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.p[name + ".weight"], self.p[name + ".bias"])

    def conv_unit(self, x, name, stride=1, groups=1):
        return F.relu(self.batch_norm(self.conv(x, name, stride, groups=groups), name + ".norm"))

    def attention(self, x, at, heads):
        """`x`: [samples, sequence, width]."""

        def split(y):
            return y.unflatten(-1, (heads, -1)).transpose(1, 2)

        q, k, v = (split(self.linear(x, at + layer)) for layer in "qkv")
        weights = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
        return self.linear((weights @ v).transpose(1, 2).flatten(2), at + "proj")


def mlp(net, x, sizes):
    last = len(sizes) - 2
    for i in range(last + 1):
        x = net.linear(x, f"fc{i}")
        x = F.relu(x) if i < last else x
    return x


def cct(net, x, depth, heads, tokenizer):
    for i in range(tokenizer):
        x = F.max_pool2d(F.relu(net.conv(x, f"tokenizer.{i}", pads=(1, 1, 1, 1))), 3, 2, 1)
    x = x.flatten(2).transpose(1, 2) + net.p["positional_emb"]
    for i in range(depth):
        at = f"blocks.{i}."
        x = net.layer_norm(x + net.attention(net.layer_norm(x, at + "pre_norm"), at, heads), at + "norm1")
        h = net.linear(x, at + "linear1")
        x = x + net.linear(F.gelu(h + net.p.get(at + "gelu_bias", 0)), at + "linear2")
    x = net.layer_norm(x, "norm")
    weights = torch.softmax(net.linear(x, "attention_pool"), 1)
    return net.linear((weights.transpose(1, 2) @ x).squeeze(1), "fc")


def bert(net, x, sequence, heads, depth):
    x = x.unflatten(0, (-1, sequence))
    for i in range(depth):
        at = f"blocks.{i}."
        x = net.layer_norm(x + net.attention(x, at, heads), at + "norm1")
        x = net.layer_norm(x + net.linear(F.gelu(net.linear(x, at + "linear1")), at + "linear2"), at + "norm2")
    return net.linear(x.mean(1), "fc")


def resnet8(net, x):
    x = net.conv_unit(x, "conv")
    for channels in (16, 32, 64):
        at, stride = f"stack{channels}", 1 if channels == 16 else 2
        y = net.conv_unit(x, at + ".conv1", stride)
        y = net.batch_norm(net.conv(y, at + ".conv2"), at + ".conv2.norm")
        x = net.conv(x, at + ".shortcut", 2) if stride == 2 else x
        x = F.relu(x + y)
    return net.linear(x.mean((2, 3)), "fc")


def separable(net, x, stem_stride, strides):
    x = net.conv_unit(x, "conv", stem_stride)
    for i, stride in enumerate(strides):
        x = net.conv_unit(x, f"unit{i}.depthwise", stride, groups=x.shape[1])
        x = net.conv_unit(x, f"unit{i}.pointwise")
    return net.linear(x.mean((2, 3)), "fc")


BERT = [7, 12, 3, 20, 2, 5]
MOBILENET = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
CASES = [
    ("mlp", 3, "full", [9, 7, 5, 4], lambda net, x: mlp(net, x, [9, 7, 5, 4])),
    ("deep_ae", 2, "full", [], lambda net, x: mlp(net, x, range(11))),
    ("deep_ae", 2, "lora", [], lambda net, x: mlp(net, x, range(11))),
    ("cct2", 2, "full", [], lambda net, x: cct(net, x, 2, 2, 2)),
    ("cct2", 1, "lora", [], lambda net, x: cct(net, x, 2, 2, 2)),
    ("cct2", 1, "last_k", [], lambda net, x: cct(net, x, 2, 2, 2)),
    ("cct2", 1, "linear_probe", [], lambda net, x: cct(net, x, 2, 2, 2)),
    ("bert", 3, "full", BERT, lambda net, x: bert(net, x, 7, 3, 2)),
    ("bert", 2, "lora", BERT, lambda net, x: bert(net, x, 7, 3, 2)),
    ("resnet8", 2, "full", [], resnet8),
    ("ds_cnn", 2, "full", [], lambda net, x: separable(net, x, 2, (1, 1, 1, 1))),
    ("mobilenet_v1_025", 1, "full", [], lambda net, x: separable(net, x, 2, MOBILENET)),
]


@pytest.mark.parametrize("network,batch,method,sizes,forward", CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_loss_and_gradients_equal_torch(tmp_path, network, batch, method, sizes, forward):
    out = tmp_path / "step.npz"
    subprocess.run([BUILD / "reference_step", out, network, str(batch), method, *map(str, sizes)], check=True)
    archive = dict(np.load(out))
    net = Net(archive)
    x = torch.tensor(archive["input"].astype(np.float64))
    y = forward(net, x)
    if "labels" in archive:
        loss = F.cross_entropy(y, torch.tensor(archive["labels"].astype(np.int64)))
    else:
        loss = F.mse_loss(y, torch.tensor(archive["target"].astype(np.float64)) if "target" in archive else x)
    loss.backward()
    assert abs(loss.item() - archive["loss"]) <= 1e-11 * abs(loss.item())
    gradients = {name[:-5]: value for name, value in archive.items() if name.endswith(".grad")}
    assert gradients
    largest = max(np.abs(value).max() for value in gradients.values())
    for name, value in gradients.items():
        wanted = net.p[name].grad.numpy()
        assert value.shape == wanted.shape
        # Some gradients are exactly zero by symmetry: there both sides hold rounding noise.
        assert np.abs(value - wanted).max() <= 1e-9 * np.abs(wanted).max() + 1e-12 * largest, name
