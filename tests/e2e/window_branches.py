# SPDX-License-Identifier: Apache-2.0
"""Random sliding windows as branches of one ONNX model, beside what PyTorch makes of them in float64.

The model's output is the sum over its branches of sum(y * target), so that the gradient of each result is a target of
its own. Shapes are drawn so that they are odd: kernels up to 9, pads that differ, strides beyond the kernel, dilations.
"""

import numpy as np
import onnx_file as of

try:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
except ImportError:
    torch = None

KINDS = ("conv", "grouped", "depthwise", "multiplier", "transposed", "max", "mean", "padded_mean", "global", "nearest")


class Branches:
    """Nodes, weights, inputs and the loss of the branches so far."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.losses, self.forward = [], {}, {}, [], []
        self.what = []

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def array(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def add(self, kind: str, axes: int, most: int = 11) -> None:
        """A branch of `kind` over images (2 axes) or signals (1) of up to `most` + 9 elements an axis."""
        name = f"b{len(self.what)}"
        op, attributes, image, call = getattr(self, "_" + kind)(name, axes, most)
        x = self.inputs[name + ".x"] = self.array(*image)
        self.what.append(f"{name}: {op} {kind} {list(image)} {attributes}")
        read = name + ".x"
        if name + ".w" not in self.weights:  # what is in front of a pooling is trained
            self.weights[name + ".p"] = self.array(*image)
            self.nodes.append(of.node("Add", [read, name + ".p"], [name + ".sum"]))
            read = name + ".sum"
        operands = [read, *(n for n in (name + ".w", name + ".b") if self.given(n))]
        if op == "Resize":
            operands = [read, "", name + ".s"]
        self.nodes.append(of.node(op, operands, [name + ".y"], **attributes))
        shape = call(torch.tensor(x), {k: torch.tensor(v) for k, v in self.weights.items()}).shape
        self.inputs[name + ".t"] = self.array(*shape)
        self.nodes.append(of.node("Mul", [name + ".y", name + ".t"], [name + ".m"]))
        self.nodes.append(of.node("ReduceSum", [name + ".m"], [name + ".l"], keepdims=0))
        self.losses.append(name + ".l")
        self.forward.append((name, call))

    def given(self, name: str) -> bool:
        return name in self.weights

    @property
    def constants(self) -> list[str]:
        """Scales of upsamplings are no weights."""
        return [name for name in self.weights if name.endswith(".s")]

    def write(self, file) -> None:
        sums = [self.losses[0], *(f"sum{i}" for i in range(1, len(self.losses) - 1)), "loss"]
        total = [of.node("Add", [sums[i - 1], self.losses[i]], [sums[i]]) for i in range(1, len(self.losses))]
        constants = [of.constant(n, v) for n, v in self.weights.items()]
        inputs = [of.value(n, v.shape) for n, v in self.inputs.items()]
        of.write(file, [*self.nodes, *total], constants, inputs, [of.value("loss", ())], opset=13)

    def expected(self) -> tuple[float, dict]:
        """Loss and gradients by PyTorch in float64."""
        weights = {n: torch.tensor(v.astype(np.float64), requires_grad=True) for n, v in self.weights.items()}
        loss = torch.zeros((), dtype=torch.float64)
        for name, call in self.forward:
            y = call(torch.tensor(self.inputs[name + ".x"].astype(np.float64)), weights)
            loss = loss + (y * torch.tensor(self.inputs[name + ".t"].astype(np.float64))).sum()
        loss.backward()
        return loss.item(), {n: w.grad.numpy() for n, w in weights.items() if w.grad is not None}

    # Each kind returns operator, attributes, shape of x and a function (x, weights) -> y of PyTorch.

    def _window(self, axes: int, most: int) -> tuple:
        kernel = [1 + self.below(9 if self.below(4) == 0 else 3) for _ in range(axes)]
        dilation = [1 + self.below(3) for _ in range(axes)]
        stride = [1 + self.below(4 if self.below(3) == 0 else 2) for _ in range(axes)]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        pads = [self.below(min(r, 4)) for r in reach * 2]
        room = [max(1, r - pads[i] - pads[i + axes]) for i, r in enumerate(reach)]
        return kernel, dilation, stride, pads, [n + self.below(most) for n in room]

    def _conv(self, name, axes, most, group=1, inputs=None, outputs=None):
        kernel, dilation, stride, pads, extent = self._window(axes, most)
        inputs = inputs or group * (1 + self.below(4))
        outputs = outputs or group * (1 + self.below(5))
        self.weights[name + ".w"] = self.array(outputs, inputs // group, *kernel)
        bias = self.below(2) == 0
        if bias:
            self.weights[name + ".b"] = self.array(outputs)
        attributes = {"kernel_shape": kernel, "strides": stride, "pads": pads, "dilations": dilation, "group": group}

        def call(x, w):
            x = F.pad(x, sides(pads))
            conv = F.conv2d if axes == 2 else F.conv1d
            return conv(x, w[name + ".w"], w[name + ".b"] if bias else None, stride, 0, dilation, group)

        return "Conv", attributes, (1 + self.below(3), inputs, *extent), call

    def _grouped(self, name, axes, most):
        return self._conv(name, axes, most, group=2 + self.below(2))

    def _depthwise(self, name, axes, most):
        channels = 2 + self.below(9)
        return self._conv(name, axes, most, channels, channels, channels)

    def _multiplier(self, name, axes, most):
        channels = 2 + self.below(3)
        return self._conv(name, axes, most, channels, channels, 2 * channels)

    def _transposed(self, name, axes, most):
        kernel, dilation, stride, _, _ = self._window(axes, most)
        extent = [1 + self.below(7) for _ in range(axes)]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        pads = [self.below(min(r, 3)) for r in reach]
        pads = [p if (n - 1) * s + r > 2 * p else 0 for p, n, s, r in zip(pads, extent, stride, reach, strict=True)]
        more = [self.below(s) for s in stride]
        group = 1 + self.below(3)
        each = 1 + self.below(2) if group > 1 else 2 + self.below(3)
        depthwise = group == 3 and self.below(2) == 0
        inputs = group if depthwise else group * (1 + self.below(3))
        self.weights[name + ".w"] = self.array(inputs, 1 if depthwise else each, *kernel)
        bias = self.below(2) == 0
        if bias:
            self.weights[name + ".b"] = self.array(group * (1 if depthwise else each))
        attributes = {"strides": stride, "pads": pads * 2, "dilations": dilation, "group": group}
        attributes["output_padding"] = more

        def call(x, w):
            conv = F.conv_transpose2d if axes == 2 else F.conv_transpose1d
            return conv(x, w[name + ".w"], w[name + ".b"] if bias else None, stride, pads, more, group, dilation)

        return "ConvTranspose", attributes, (1 + self.below(3), inputs, *extent), call

    def _pooled(self, axes, most):
        """Kernel, stride, symmetric pads of at most half a kernel, extents."""
        kernel = [1 + self.below(5 if self.below(3) == 0 else 3) for _ in range(axes)]
        stride = [1 + self.below(3) for _ in range(axes)]
        pads = [self.below(k // 2 + 1) for k in kernel]
        extent = [k + self.below(most) for k in kernel]
        return kernel, stride, pads, extent

    def _max(self, name, axes, most):
        kernel, stride, pads, extent = self._pooled(axes, most)
        dilation = [1 + self.below(3) for _ in range(axes)]
        extent = [n + (k - 1) * (d - 1) for n, k, d in zip(extent, kernel, dilation, strict=True)]
        ceil = self.below(2)
        attributes = {"kernel_shape": kernel, "strides": stride, "pads": pads * 2, "dilations": dilation}
        attributes["ceil_mode"] = ceil

        def call(x, w):
            pool = F.max_pool2d if axes == 2 else F.max_pool1d
            return pool(x + w[name + ".p"], kernel, stride, pads, dilation, bool(ceil))

        return "MaxPool", attributes, (2 + self.below(2), 2 + self.below(9), *extent), call

    def _mean(self, name, axes, most, counted=0):
        kernel, stride, pads, extent = self._pooled(axes, most)
        ceil = self.below(2)
        attributes = {"kernel_shape": kernel, "strides": stride, "pads": pads * 2, "ceil_mode": ceil}
        attributes["count_include_pad"] = counted

        def call(x, w):
            pool = F.avg_pool2d if axes == 2 else F.avg_pool1d
            return pool(x + w[name + ".p"], kernel, stride, pads, bool(ceil), bool(counted))

        return "AveragePool", attributes, (2 + self.below(2), 2 + self.below(9), *extent), call

    def _padded_mean(self, name, axes, most):
        return self._mean(name, axes, most, counted=1)

    def _global(self, name, axes, most):
        image = (2 + self.below(2), 2 + self.below(9), *(1 + self.below(most) for _ in range(axes)))
        over = tuple(range(2, 2 + axes))
        if self.below(2) == 0:
            return "GlobalMaxPool", {}, image, lambda x, w: (x + w[name + ".p"]).amax(over, keepdim=True)
        return "GlobalAveragePool", {}, image, lambda x, w: (x + w[name + ".p"]).mean(over, keepdim=True)

    def _nearest(self, name, axes, most):
        factors = [1 + self.below(3) for _ in range(axes)]
        image = (2 + self.below(2), 2 + self.below(4), *(1 + self.below(6) for _ in range(axes)))
        self.weights[name + ".s"] = np.array([1, 1, *factors], np.float32)
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return (
            "Resize",
            attributes,
            image,
            lambda x, w: F.interpolate(x + w[name + ".p"], scale_factor=[float(f) for f in factors], mode="nearest"),
        )


def sides(pads: list[int]) -> list[int]:
    """ONNX's pads (begins, then ends) as PyTorch's: last axis first, begin and end of each."""
    axes = len(pads) // 2
    return [pads[i + end] for i in reversed(range(axes)) for end in (0, axes)]
