# SPDX-License-Identifier: Apache-2.0
"""Models written node by node, as tf2onnx writes Keras networks and as people write them with onnx.helper: each with
the same computation in PyTorch, over the file's own parameters."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Written:
    """`forward`(p, x): PyTorch's, p the parameters by name; `frozen`: initializers that are no parameters; `samples`:
    the name of a symbolic first extent."""

    nodes: list
    parameters: dict
    shape: tuple
    forward: object
    constants: dict
    opset: int = 13
    samples: str | None = None
    classes: int = 3

    def write(self, file: Path) -> None:
        held = self.parameters | self.constants
        first = self.samples or self.shape[0]
        graph = helper.make_graph(
            self.nodes,
            "tf2onnx",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [first, *self.shape[1:]])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [first, self.classes])],
            [numpy_helper.from_array(value, name) for name, value in held.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, file)

    def truth(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, list]:
        """Loss, and (name, value, gradient) of every parameter, in float64."""
        p = {n: torch.tensor(v.astype(np.float64), requires_grad=True) for n, v in self.parameters.items()}
        loss = F.cross_entropy(self.forward(p, torch.tensor(x.astype(np.float64))), torch.tensor(labels))
        loss.backward()
        return loss.item(), [(n, t.detach().numpy(), t.grad.numpy()) for n, t in p.items()]


def n(op, inputs, output, name=None, **attributes):
    return helper.make_node(op, inputs, [output], name=name or output, **attributes)


def whole(*values):
    return np.array(values, np.int64)


def keras_cnn(f):
    """NHWC outside, NCHW around the convolutions, weights folded; flattened in NHWC."""
    at = "StatefulPartitionedCall/sequential/"
    names = [f"{at}{part}/ReadVariableOp:0" for part in
             ("conv2d/Conv2D", "conv2d/BiasAdd", "conv2d_1/Conv2D", "conv2d_1/BiasAdd", "dense/MatMul", "dense/BiasAdd",
              "dense_1/MatMul", "dense_1/BiasAdd")]  # fmt: skip
    shapes = [(4, 2, 3, 3), (4,), (5, 4, 3, 3), (5,), (20, 6), (6,), (6, 3), (3,)]
    w0, b0, w1, b1, w2, b2, w3, b3 = names
    nodes = [
        n("Transpose", ["x"], "t0", at + "conv2d/Conv2D__6", perm=[0, 3, 1, 2]),
        n("Conv", ["t0", w0, b0], "c0", at + "conv2d/Conv2D", kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
        n("Relu", ["c0"], "r0", at + "conv2d/Relu"),
        n("MaxPool", ["r0"], "p0", at + "pooling/MaxPool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
        n("Conv", ["p0", w1, b1], "c1", at + "conv2d_1/Conv2D", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
        n("Relu", ["c1"], "r1", at + "conv2d_1/Relu"),
        n("Transpose", ["r1"], "t1", at + "max_pooling2d/MaxPool__21", perm=[0, 2, 3, 1]),
        n("Reshape", ["t1", at + "flatten/Const:0"], "flat", at + "flatten/Reshape"),
        n("MatMul", ["flat", w2], "m2", at + "dense/MatMul"),
        n("Add", ["m2", b2], "a2", at + "dense/BiasAdd"),
        n("Relu", ["a2"], "r2", at + "dense/Relu"),
        n("MatMul", ["r2", w3], "m3", at + "dense_1/MatMul"),
        n("Add", ["m3", b3], "a3", at + "dense_1/BiasAdd"),
        n("Softmax", ["a3"], "y", at + "dense_1/Softmax", axis=-1),
    ]  # fmt: skip

    def forward(p, x):
        h = F.max_pool2d(F.relu(F.conv2d(x.permute(0, 3, 1, 2), p[w0], p[b0], padding=1)), 2)
        h = F.relu(F.conv2d(F.pad(h, (0, 1, 0, 1)), p[w1], p[b1], stride=2))
        h = F.relu(h.permute(0, 2, 3, 1).flatten(1) @ p[w2] + p[b2])
        return h @ p[w3] + p[b3]

    parameters = dict(zip(names, (f(*s) for s in shapes), strict=True))
    constants = {at + "flatten/Const:0": whole(-1, 20)}
    return Written(nodes, parameters, (4, 8, 8, 2), forward, constants, samples="unk__47")


def keras_cnn_raw(f):
    """Without the converter's optimiser: every weight is transposed by a node, biases are sums in NHWC."""
    w0, b0 = "model/conv2d/Conv2D/ReadVariableOp:0", "model/conv2d/BiasAdd/ReadVariableOp:0"
    w1, b1 = "model/dense/MatMul/ReadVariableOp:0", "model/dense/BiasAdd/ReadVariableOp:0"
    nodes = [
        n("Transpose", ["x"], "t0", "model/conv2d/Conv2D__10", perm=[0, 3, 1, 2]),
        n("Transpose", [w0], "tw", "model/conv2d/Conv2D__12", perm=[3, 2, 0, 1]),
        n("Conv", ["t0", "tw"], "c0", "model/conv2d/Conv2D", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
        n("Transpose", ["c0"], "t1", "model/conv2d/Conv2D__14", perm=[0, 2, 3, 1]),
        n("Add", ["t1", b0], "a0", "model/conv2d/BiasAdd"),
        n("Relu", ["a0"], "r0", "model/conv2d/Relu"),
        n("ReduceMean", ["r0"], "g", "model/global_average_pooling2d/Mean", axes=[1, 2], keepdims=0),
        n("MatMul", ["g", w1], "m", "model/dense/MatMul"),
        n("Add", ["m", b1], "y", "model/dense/BiasAdd"),
    ]

    def forward(p, x):
        h = F.conv2d(F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1)), p[w0].permute(3, 2, 0, 1), stride=2)
        return F.relu(h.permute(0, 2, 3, 1) + p[b0]).mean((1, 2)) @ p[w1] + p[b1]

    parameters = {w0: f(3, 3, 2, 5), b0: f(5), w1: f(5, 3), b1: f(3)}
    return Written(nodes, parameters, (3, 6, 6, 2), forward, {}, opset=12)


def keras_dense(f):
    """Dense layers with normalisations on vectors, as MLPerf Tiny's anomaly detector has them."""
    parameters, nodes, x = {}, [], "x"
    statistics = {}
    for i, (a, b) in enumerate([(7, 8), (8, 4), (4, 3)]):
        at = f"model/dense_{i}/" if i else "model/dense/"
        norm = f"model/batch_normalization_{i}/" if i else "model/batch_normalization/"
        parameters |= {at + "MatMul/ReadVariableOp:0": f(a, b), at + "BiasAdd/ReadVariableOp:0": f(b)}
        nodes += [
            n("MatMul", [x, at + "MatMul/ReadVariableOp:0"], f"m{i}", at + "MatMul"),
            n("Add", [f"m{i}", at + "BiasAdd/ReadVariableOp:0"], f"a{i}" if i < 2 else "y", at + "BiasAdd"),
        ]
        if i < 2:
            names = [f"{norm}{part}/ReadVariableOp:0" for part in ("gamma", "beta", "mean", "variance")]
            parameters |= {names[0]: 1 + f(b) / 3, names[1]: f(b)}
            statistics |= {names[2]: f(b), names[3]: np.abs(f(b)) + np.float32(0.5)}
            nodes += [
                n("BatchNormalization", [f"a{i}", *names], f"n{i}", norm + "batchnorm/add_1", epsilon=1e-3),
                n("Relu", [f"n{i}"], f"r{i}", at + "Relu"),
            ]
        x = f"r{i}"

    def forward(p, x):
        keys = list(parameters)
        fixed = list(statistics)
        for i in range(3):
            w, b = keys[4 * i], keys[4 * i + 1]
            x = x @ p[w] + p[b]
            if i < 2:
                mean, variance = (torch.tensor(statistics[k].astype(np.float64)) for k in fixed[2 * i : 2 * i + 2])
                x = F.relu(F.batch_norm(x, mean, variance, p[keys[4 * i + 2]], p[keys[4 * i + 3]], eps=1e-3))
        return x

    return Written(nodes, parameters, (5, 7), forward, statistics, samples="unk__9")


def keras_conv1d(f):
    """A convolution of a signal as tf2onnx writes it: an extent of one more, and away again."""
    w, b = "model/conv1d/Conv1D/ExpandDims_1:0", "model/conv1d/BiasAdd/ReadVariableOp:0"
    fw, fb = "model/dense/kernel:0", "model/dense/bias:0"
    nodes = [
        n("Transpose", ["x"], "t", "model/conv1d/Conv1D__5", perm=[0, 2, 1]),
        n("Unsqueeze", ["t", "axis"], "u", "model/conv1d/Conv1D/ExpandDims"),
        n("Conv", ["u", w], "c", "model/conv1d/Conv1D", kernel_shape=[1, 3], strides=[1, 2]),
        n("Squeeze", ["c", "axis"], "s", "model/conv1d/Conv1D/Squeeze"),
        n("Transpose", ["s"], "t2", "model/conv1d/Conv1D/Squeeze__8", perm=[0, 2, 1]),
        n("Add", ["t2", b], "a", "model/conv1d/BiasAdd"),
        n("Relu", ["a"], "r", "model/conv1d/Relu"),
        n("ReduceMean", ["r"], "g", "model/pool/Mean", axes=[1], keepdims=0),
        n("MatMul", ["g", fw], "m", "model/dense/MatMul"),
        n("Add", ["m", fb], "y", "model/dense/BiasAdd"),
    ]

    def forward(p, x):
        h = F.conv2d(x.permute(0, 2, 1).unsqueeze(2), p[w], stride=(1, 2)).squeeze(2).permute(0, 2, 1)
        return F.relu(h + p[b]).mean(1) @ p[fw] + p[fb]

    parameters = {w: f(4, 2, 1, 3), b: f(4), fw: f(4, 3), fb: f(3)}
    return Written(nodes, parameters, (3, 9, 2), forward, {"axis": whole(2)}, samples="batch")


def keras_mobilenet(f):
    """Depthwise and pointwise, normalisations merged into the weights, Clip at 6, a Reshape behind the mean."""
    names = ["model/conv1/Conv2D_weights_fused_bn", "model/conv1/Conv2D_bias_fused_bn",
             "model/dw/depthwise_weights_fused_bn", "model/dw/depthwise_bias_fused_bn",
             "model/pw/Conv2D_weights_fused_bn", "model/pw/Conv2D_bias_fused_bn",
             "model/preds/MatMul/ReadVariableOp:0", "model/preds/BiasAdd/ReadVariableOp:0"]  # fmt: skip
    shapes = [(4, 3, 3, 3), (4,), (4, 1, 3, 3), (4,), (6, 4, 1, 1), (6,), (6, 3), (3,)]
    w0, b0, w1, b1, w2, b2, w3, b3 = names
    six = ["zero", "six"]
    nodes = [
        n("Transpose", ["x"], "t", perm=[0, 3, 1, 2]),
        n("Conv", ["t", w0, b0], "c0", "model/conv1/Conv2D", strides=[2, 2], pads=[0, 0, 1, 1]),
        n("Clip", ["c0", *six], "r0", "model/conv1_relu/Relu6"),
        n("Conv", ["r0", w1, b1], "c1", "model/dw/depthwise", group=4, auto_pad="SAME_UPPER"),
        n("Clip", ["c1", *six], "r1", "model/dw_relu/Relu6"),
        n("Conv", ["r1", w2, b2], "c2", "model/pw/Conv2D"),
        n("Clip", ["c2", *six], "r2", "model/pw_relu/Relu6"),
        n("GlobalAveragePool", ["r2"], "g", "model/pool/AvgPool"),
        n("Squeeze", ["g", "axes"], "s", "model/pool/Squeeze"),
        n("MatMul", ["s", w3], "m", "model/preds/MatMul"),
        n("Add", ["m", b3], "y", "model/preds/BiasAdd"),
    ]

    def forward(p, x):
        h = F.relu6(F.conv2d(F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1)), p[w0], p[b0], stride=2))
        h = F.relu6(F.conv2d(h, p[w1], p[b1], padding=1, groups=4))
        return F.relu6(F.conv2d(h, p[w2], p[b2])).mean((2, 3)) @ p[w3] + p[b3]

    parameters = dict(zip(names, (f(*s) for s in shapes), strict=True))
    constants = {"zero": np.float32(0).reshape(()), "six": np.float32(6).reshape(()), "axes": whole(2, 3)}
    constants = {k: np.asarray(v) for k, v in constants.items()}
    return Written(nodes, parameters, (3, 8, 8, 3), forward, constants, samples="unk__3")


def written_gemm(f):
    """Gemm in all its forms: alpha, beta, both transposes, biases of other shapes."""
    nodes = [
        n("Gemm", ["x", "a.weight", "a.bias"], "a", transB=1, alpha=0.5, beta=2.0),
        n("Tanh", ["a"], "ta"),
        n("Gemm", ["ta", "b.weight", "b.bias"], "b"),
        n("Sigmoid", ["b"], "sb"),
        n("Gemm", ["sb", "c.weight"], "y", transB=1),
    ]

    def forward(p, x):
        h = torch.tanh(0.5 * x @ p["a.weight"].T + 2 * p["a.bias"])
        return torch.sigmoid(h @ p["b.weight"] + p["b.bias"]) @ p["c.weight"].T

    parameters = {"a.weight": f(6, 5), "a.bias": f(6), "b.weight": f(6, 4), "b.bias": f(1, 4), "c.weight": f(3, 4)}
    return Written(nodes, parameters, (4, 5), forward, {}, opset=11, samples="N")


def written_shared(f):
    """One matrix in three places: as it is, by transB, and through a Transpose node."""
    nodes = [
        n("MatMul", ["x", "shared"], "a"),
        n("Tanh", ["a"], "ta"),
        n("Gemm", ["ta", "shared"], "b", transB=1),
        n("Tanh", ["b"], "tb"),
        n("Transpose", ["shared"], "turned", perm=[1, 0]),
        n("Gemm", ["tb", "turned"], "c", transB=1),
        n("MatMul", ["c", "out"], "y"),
    ]

    def forward(p, x):
        w = p["shared"]
        return torch.tanh(torch.tanh(x @ w) @ w.T) @ w @ p["out"]

    return Written(nodes, {"shared": f(5, 6), "out": f(6, 3)}, (4, 5), forward, {}, opset=17)


def written_attention(f):
    """Attention with matrices [heads, features, width] and a sum over heads."""
    nodes = [
        n("Unsqueeze", ["x", "one"], "u"),
        n("MatMul", ["u", "wq"], "q"),
        n("MatMul", ["u", "wk"], "k"),
        n("MatMul", ["u", "wv"], "v"),
        n("Transpose", ["k"], "kt", perm=[0, 1, 3, 2]),
        n("MatMul", ["q", "kt"], "s"),
        n("Mul", ["s", "scale"], "ss"),
        n("Softmax", ["ss"], "a", axis=-1),
        n("MatMul", ["a", "v"], "h"),
        n("ReduceSum", ["h", "one"], "sum", keepdims=0),
        n("ReduceMean", ["sum"], "g", axes=[1], keepdims=0),
        n("Gemm", ["g", "fc.weight", "fc.bias"], "y"),
    ]

    def forward(p, x):
        u = x.unsqueeze(1)
        q, k, v = u @ p["wq"], u @ p["wk"], u @ p["wv"]
        h = torch.softmax(0.5 * q @ k.transpose(2, 3), -1) @ v
        return h.sum(1).mean(1) @ p["fc.weight"] + p["fc.bias"]

    parameters = {"wq": f(2, 5, 4), "wk": f(2, 5, 4), "wv": f(2, 5, 6), "fc.weight": f(6, 3), "fc.bias": f(3)}
    constants = {"one": whole(1), "scale": np.array(0.5, np.float32)}
    return Written(nodes, parameters, (3, 7, 5), forward, constants, opset=13)


def written_fresh_norm(f):
    """A normalisation before training: the file has scale and variance, bias and mean once."""
    nodes = [
        n("Gemm", ["x", "w", "c"], "h"),
        n("BatchNormalization", ["h", "scale", "bias", "bias", "scale"], "i", epsilon=1e-3),
        n("Relu", ["i"], "r"),
        n("MatMul", ["r", "v"], "y"),
    ]

    def forward(p, x):
        scale, bias = p["scale"].detach(), p["bias"].detach()
        return F.relu((x @ p["w"] + p["c"] - bias) / (scale + 1e-3).sqrt() * p["scale"] + p["bias"]) @ p["v"]

    parameters = {"w": f(6, 5), "c": f(5), "scale": 1 + f(5) / 4, "bias": f(5), "v": f(5, 3)}
    return Written(nodes, parameters, (4, 6), forward, {})


def written_mask(f):
    """Causal attention whose mask is a buffer of numbers, cut and compared in the graph; pooled by a vector."""
    nodes = [
        n("Slice", ["buffer", "zero", "four", "axes"], "part"),
        n("Equal", ["part", "none"], "hidden"),
        n("MatMul", ["x", "w"], "k"),
        n("Transpose", ["k"], "kt", perm=[0, 2, 1]),
        n("MatMul", ["k", "kt"], "scores"),
        n("Where", ["hidden", "infinite", "scores"], "masked"),
        n("Softmax", ["masked"], "weights", axis=-1),
        n("MatMul", ["weights", "k"], "h"),
        n("MatMul", ["h", "query"], "levels"),
        n("Softmax", ["levels"], "shares", axis=1),
        n("Unsqueeze", ["shares", "last"], "column"),
        n("Mul", ["h", "column"], "parts"),
        n("ReduceSum", ["parts", "axis"], "pooled", keepdims=0),
        n("MatMul", ["pooled", "v"], "y"),
    ]

    def forward(p, x):
        k = x @ p["w"]
        scores = (k @ k.transpose(1, 2)).masked_fill(torch.ones(4, 4).tril() == 0, -torch.inf)
        h = scores.softmax(-1) @ k
        return (h * (h @ p["query"]).softmax(1)[..., None]).sum(1) @ p["v"]

    constants = {
        "buffer": np.tril(np.ones((1, 6, 6), np.float32)),
        "zero": whole(0, 0),
        "four": whole(4, 4),
        "axes": whole(1, 2),
        "none": np.float32(0),
        "infinite": np.float32(-np.inf),
        "last": whole(2),
        "axis": whole(1),
    }
    return Written(nodes, {"w": f(6, 5), "query": f(5), "v": f(5, 3)}, (2, 4, 6), forward, constants)


def written_reductions(f):
    """What reduces, over axes in front, between and behind."""
    nodes = [
        n("MatMul", ["x", "w"], "h"),
        n("ReduceMax", ["h"], "a", axes=[1], keepdims=0),
        n("ReduceMin", ["h"], "b", axes=[-2], keepdims=0),
        n("ReduceL2", ["h"], "c", axes=[1], keepdims=0),
        n("ReduceSumSquare", ["h"], "d", axes=[1], keepdims=0),
        n("ReduceL1", ["h"], "e", axes=[1], keepdims=0),
        n("ReduceLogSumExp", ["h"], "g", axes=[1], keepdims=0),
        n("ReduceLogSumExp", ["h"], "i", axes=[1, 2], keepdims=1),
        n("Squeeze", ["i", "last"], "j"),
        n("Sum", ["a", "b", "c", "d", "e", "g", "j"], "k"),
        n("MatMul", ["k", "v"], "y"),
    ]

    def forward(p, x):
        h = x @ p["w"]
        parts = [h.amax(1), h.amin(1), h.norm(dim=1), (h * h).sum(1), h.abs().sum(1), h.logsumexp(1)]
        return (sum(parts) + h.logsumexp((1, 2))[:, None]) @ p["v"]

    return Written(nodes, {"w": f(6, 5), "v": f(5, 3)}, (2, 4, 6), forward, {"last": whole(2)})


WRITTEN = {
    made.__name__: made
    for made in (
        keras_cnn,
        keras_cnn_raw,
        keras_dense,
        keras_conv1d,
        keras_mobilenet,
        written_gemm,
        written_shared,
        written_attention,
        written_fresh_norm,
        written_mask,
        written_reductions,
    )
}


def written(name: str) -> tuple[Written, np.ndarray, np.ndarray]:
    """The model, an input and labels."""
    rng = np.random.default_rng(23)
    model = WRITTEN[name](lambda *shape: (rng.normal(size=shape) / 2).astype(np.float32))
    x = rng.normal(size=model.shape).astype(np.float32)
    return model, x, rng.integers(0, model.classes, len(x))
