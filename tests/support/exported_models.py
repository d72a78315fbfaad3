# SPDX-License-Identifier: Apache-2.0
"""PyTorch models as users write and export them, small: what tests/e2e/test_exports.py trains.

A case is a module, the shape of its inputs and how it is exported; exported_cases.py has them by name.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Case:
    """`exporter`: "legacy" (torch.onnx.export(dynamo=False)) or "dynamo"; `dynamic`: extents of the first input that
    are symbolic, by name; `classes`: of labels, none for a target of the output's shape; `training`: exported and
    trained in training mode; `tokens`: the input is integers below it; `fused`: normalisations that exporters merge
    into the convolution before, as (convolution, normalisation)."""

    make: object
    shape: tuple
    exporter: str = "legacy"
    opset: int = 17
    dynamic: dict = field(default_factory=dict)
    classes: int | None = 3
    loss: str | None = None
    training: bool = False
    tokens: int | None = None
    options: dict = field(default_factory=dict)
    fused: tuple = ()


def mlp(*sizes, activation=nn.ReLU, bias=True):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(a, b, bias=bias), activation()]
    return nn.Sequential(*layers[:-1])


class Lambda(nn.Module):
    """A parameter-free step."""

    def __init__(self, of):
        super().__init__()
        self.of = of

    def forward(self, x):
        return self.of(x)


class TokenMlp(nn.Module):
    """Linear layers on [samples, tokens, features], without biases, and a raw parameter beside them."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(6, 10, bias=False)
        self.down = nn.Linear(10, 6, bias=False)
        self.gain = nn.Parameter(torch.rand(6) + 0.5)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = x + self.gain * self.down(F.relu(self.up(x)))
        return self.fc(x.mean(dim=1))


class LeNet(nn.Module):
    def __init__(self, activation=torch.tanh, pool=F.avg_pool2d, view=False):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 5, padding=2)
        self.conv2 = nn.Conv2d(3, 5, 3)
        self.fc1 = nn.Linear(5 * 2 * 2, 9)
        self.fc2 = nn.Linear(9, 3)
        self.activation, self.pool, self.view = activation, pool, view

    def forward(self, x):
        x = self.pool(self.activation(self.conv1(x)), 2)
        x = self.pool(self.activation(self.conv2(x)), 2)
        x = x.view(x.size(0), -1) if self.view else torch.flatten(x, 1)
        return self.fc2(self.activation(self.fc1(x)))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(4, 4))
        self.layer2 = nn.Sequential(BasicBlock(4, 6, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


RESNET_FUSED = (
    ("conv1", "bn1"),
    ("layer1.0.conv1", "layer1.0.bn1"),
    ("layer1.0.conv2", "layer1.0.bn2"),
    ("layer2.0.conv1", "layer2.0.bn1"),
    ("layer2.0.conv2", "layer2.0.bn2"),
    ("layer2.0.downsample.0", "layer2.0.downsample.1"),
)


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, activation):
        super().__init__()
        hidden = inputs * 2
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            activation(),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            activation(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.skip else self.conv(x)


class SqueezeExcite(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, 2, 1), nn.Conv2d(2, width, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


def mobilenet(activation, squeeze=False):
    features = [nn.Conv2d(3, 4, 3, 2, 1), activation(), Inverted(4, 4, 1, activation)]
    features += [SqueezeExcite(4)] if squeeze else []
    features += [Inverted(4, 6, 2, activation)]
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))


MOBILENET_FUSED = tuple((f"{i}.conv.{j}", f"{i}.conv.{j + 1}") for i in (2, 3) for j in (0, 3, 6))


class Conv1d(nn.Module):
    def __init__(self, dilation=1, norm=False):
        super().__init__()
        self.conv1 = nn.Conv1d(2, 5, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(5) if norm else nn.Identity()
        self.conv2 = nn.Conv1d(5, 6, 3, stride=2)
        self.pool = nn.MaxPool1d(2)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv1(x))))
        return self.fc(F.relu(self.conv2(x)).mean(-1))


def dilated():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, dilation=(1, 3), groups=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 7 * 3, 3),
    )


class AutoEncoder(nn.Module):
    """Strided convolutions down, transposed ones up."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 5, 3, 2, 1), nn.ReLU())
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(5, 4, 2, 2), nn.ReLU(), nn.ConvTranspose2d(4, 1, 3, 2, 1, output_padding=1)
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Encoder(nn.Module):
    """torch.nn's own encoder layer, and a classifier on the mean token."""

    def __init__(self, layers=1, **options):
        super().__init__()
        one = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, **options)
        self.batch_first = options.get("batch_first", False)
        self.encoder = nn.TransformerEncoder(one, layers, enable_nested_tensor=False)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.encoder(x) if self.batch_first else self.encoder(x.transpose(0, 1)).transpose(0, 1)
        return self.fc(x.mean(dim=1))


class Attention(nn.Module):
    def __init__(self, width, heads, form, bias=True):
        super().__init__()
        self.heads, self.form, self.scale = heads, form, (width // heads) ** -0.5
        self.q = nn.Linear(width, width, bias=bias)
        self.k = nn.Linear(width, width, bias=bias)
        self.v = nn.Linear(width, width, bias=bias)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        if self.form == "einsum":
            q, k, v = (f(x).reshape(b, n, self.heads, c // self.heads) for f in (self.q, self.k, self.v))
            weights = torch.einsum("bqhd,bkhd->bhqk", q, k) / (c // self.heads) ** 0.5
            y = torch.einsum("bhqk,bkhd->bqhd", weights.softmax(-1), v).reshape(b, n, c)
        else:
            q, k, v = (f(x).view(b, n, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
            if self.form == "sdpa":
                y = F.scaled_dot_product_attention(q, k, v)
            elif self.form == "scaled":
                y = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1) @ v
            else:
                y = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(dim=-1) @ v
            y = y.transpose(1, 2).reshape(b, n, c)
        return self.proj(y)


class Block(nn.Module):
    def __init__(self, width, heads, form, bias):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, form, bias)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """A hand-written encoder on patches, with a class token and positions."""

    def __init__(self, form="matmul", depth=2, bias=True):
        super().__init__()
        self.patch = nn.Conv2d(1, 8, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 8) / 4)
        self.pos = nn.Parameter(torch.randn(1, 5, 8) / 4)
        self.blocks = nn.ModuleList([Block(8, 2, form, bias) for _ in range(depth)])
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class TokenEncoder(nn.Module):
    """A hand-written encoder on vectors."""

    def __init__(self, form="matmul", depth=1, bias=True):
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.blocks = nn.ModuleList([Block(8, 2, form, bias) for _ in range(depth)])
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean(1))


class Words(nn.Module):
    """Embedding, mean, classifier."""

    def __init__(self, hidden=False):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.hidden = nn.Linear(6, 6) if hidden else nn.Identity()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(torch.tanh(self.hidden(self.embedding(x))).mean(dim=1))


class Tied(nn.Module):
    """One matrix there and back, and another module called twice."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(6, 9)
        self.mix = nn.Linear(9, 9)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = torch.tanh(self.up(x))
        x = self.mix(torch.tanh(self.mix(x)))
        return self.fc(torch.tanh(x) @ self.up.weight)


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def normed(norm, images=True):
    if images:
        return nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
        )
    return nn.Sequential(nn.Linear(5, 8), norm, nn.ReLU(), nn.Linear(8, 3))


class Glu(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 10), nn.Linear(5, 3)

    def forward(self, x):
        value, gate = self.fc1(x).chunk(2, dim=-1)
        return self.fc2(value * torch.sigmoid(gate))


class Fused(nn.Module):
    """Queries, keys and values of one matrix, split."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj, self.fc = nn.Linear(6, 18), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        q, k, v = self.qkv(x).split(6, dim=-1)
        y = torch.softmax(q @ k.transpose(1, 2) / 6**0.5, -1) @ v
        return self.fc((x + self.proj(y)).mean(1))


class Moves(nn.Module):
    """Slices with steps, padding, concatenation, stacking."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.fc = nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(12, 3)

    def forward(self, x):
        a, b = torch.tanh(self.a(x[:, ::2])), torch.tanh(self.b(x[:, 1::2]))
        y = torch.cat([a, b], dim=1)
        return self.fc(F.pad(y, (1, 1))[:, :] * 0.5)


class Dense(nn.Module):
    """Channels concatenated, as DenseNet does, and padded images."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 3), nn.Conv2d(5, 4, 3)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        y = F.relu(self.conv1(F.pad(x, (1, 1, 1, 1))))
        y = F.relu(self.conv2(torch.cat([x, y], dim=1)))
        return self.fc(y.mean(dim=(2, 3)))


class Split(nn.Module):
    """Shuffled halves, as ShuffleNet does."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 6, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1, groups=3)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        a, b = x.chunk(2, dim=1)
        y = torch.cat([a, F.relu(self.conv2(b))], dim=1)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.fc(y.mean((2, 3)))


class Unet(nn.Module):
    def __init__(self, mode="nearest"):
        super().__init__()
        self.mode = mode
        self.down, self.up, self.out = nn.Conv2d(1, 3, 3, 2, 1), nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        y = F.interpolate(F.relu(self.up(F.relu(self.down(x)))), scale_factor=2, mode=self.mode)
        return self.out(torch.cat([x, y], 1))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.rnn, self.fc = kind(5, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


class Arithmetic(nn.Module):
    """What users write by hand: exp, sqrt, powers, a softmax over the first axis of tokens."""

    def __init__(self):
        super().__init__()
        self.fc1, self.score, self.fc2 = nn.Linear(5, 6), nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x):
        y = torch.tanh(self.fc1(x))
        y = torch.exp(-(y**2)) + torch.sqrt(y.abs() + 0.5)
        weights = torch.softmax(self.score(y), dim=1)
        return self.fc2((weights * y).sum(1))


class Gains(nn.Module):
    """Parameters of one number."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 3)
        self.gain, self.first.scale = nn.Parameter(torch.tensor([0.3])), nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.second(x * 2 + self.gain * torch.tanh(self.first(x)) * self.first.scale)
