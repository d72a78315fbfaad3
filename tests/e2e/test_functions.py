# SPDX-License-Identifier: Apache-2.0
"""Functions of one element, Max and Min from ONNX files: a step on the chip against PyTorch, and what is refused."""

import json

import numpy as np
import onnx_file
import pytest
from support import run

BATCH, CHANNELS, EXTENT, CLASSES = 3, 5, 7, 4  # odd on purpose


def number(value: float) -> np.ndarray:
    return np.float32(value)


def one(op: str, *ends, **attributes):
    """A node of x, with constants beside it."""

    def nodes(x: str, y: str):
        names = ["" if end is None else f"{y}.{i}" for i, end in enumerate(ends)]
        held = {name: number(end) for name, end in zip(names, ends, strict=True) if end is not None}
        return [onnx_file.node(op, [x, *names], [y], **attributes)], held

    return nodes


def chain(*ops: str):
    """Nodes one behind the other."""

    def nodes(x: str, y: str):
        names = [x, *(f"{y}.{op}" for op in ops[:-1]), y]
        return [onnx_file.node(op, [a], [b]) for op, a, b in zip(ops, names[:-1], names[1:], strict=True)], {}

    return nodes


def positive(op: str, *ends, at: float = 0.25):
    """The function of |x| + at."""

    def nodes(x: str, y: str):
        made, held = one(op, *ends)(f"{y}.positive", y)
        first = [
            onnx_file.node("Abs", [x], [f"{y}.abs"]),
            onnx_file.node("Add", [f"{y}.abs", f"{y}.at"], [f"{y}.positive"]),
        ]
        return first + made, held | {f"{y}.at": number(at)}

    return nodes


def small(op: str, *ends):
    """The function of x / 4: powers of larger numbers would leave no digits to the others."""

    def nodes(x: str, y: str):
        made, held = one(op, *ends)(f"{y}.small", y)
        return [onnx_file.node("Mul", [x, f"{y}.k"], [f"{y}.small"]), *made], held | {f"{y}.k": number(0.25)}

    return nodes


def prelu(x: str, y: str):
    return [onnx_file.node("PRelu", [x, "slope"], [y])], {"slope": np.float32([0.3])}


def softplus_of_torch(beta: float | None, threshold: float = 20.0):
    """Where(beta x > threshold, x, softplus(beta x) / beta), as the exporter writes nn.Softplus."""

    def nodes(x: str, y: str):
        held = {f"{y}.threshold": number(threshold)} | ({} if beta is None else {f"{y}.beta": number(beta)})
        scaled, soft = (x, f"{y}.soft") if beta is None else (f"{y}.scaled", f"{y}.divided")
        made = [] if beta is None else [onnx_file.node("Mul", [x, f"{y}.beta"], [scaled])]
        made.append(onnx_file.node("Softplus", [scaled], [f"{y}.soft"]))
        made += [] if beta is None else [onnx_file.node("Div", [f"{y}.soft", f"{y}.beta"], [soft])]
        made.append(onnx_file.node("Greater", [scaled, f"{y}.threshold"], [f"{y}.large"]))
        return [*made, onnx_file.node("Where", [f"{y}.large", x, soft], [y])], held

    return nodes


# name: (opset, nodes, the same in PyTorch with its module `t` and `f` for torch.nn.functional)
FUNCTIONS = {
    "LeakyRelu": (17, one("LeakyRelu", alpha=0.2), lambda t, f, x: f.leaky_relu(x, np.float32(0.2).item())),
    "HardSigmoid": (17, one("HardSigmoid", alpha=1 / 6), lambda t, f, x: f.hardsigmoid(x)),
    "HardSigmoid of Keras": (17, one("HardSigmoid"), lambda t, f, x: t.clamp(np.float32(0.2).item() * x + 0.5, 0, 1)),
    "HardSwish": (17, one("HardSwish"), lambda t, f, x: f.hardswish(x)),
    "Abs": (17, one("Abs"), lambda t, f, x: x.abs()),
    "Neg": (17, one("Neg"), lambda t, f, x: -x),
    "Elu": (17, one("Elu", alpha=0.5), lambda t, f, x: f.elu(x, 0.5)),
    "Selu": (17, one("Selu"), lambda t, f, x: f.selu(x)),
    "Celu": (17, one("Celu", alpha=2.0), lambda t, f, x: f.celu(x, 2.0)),
    "Softplus": (17, one("Softplus"), lambda t, f, x: t.log1p(t.exp(x))),
    "Softplus of PyTorch": (17, softplus_of_torch(None), lambda t, f, x: f.softplus(x)),
    "Softplus with beta": (17, softplus_of_torch(2.0), lambda t, f, x: f.softplus(x, 2.0)),
    "Softsign": (17, one("Softsign"), lambda t, f, x: f.softsign(x)),
    "Mish": (18, one("Mish"), lambda t, f, x: f.mish(x)),
    "Swish": (24, one("Swish"), lambda t, f, x: f.silu(x)),
    "Swish with alpha": (24, one("Swish", alpha=1.5), lambda t, f, x: x * t.sigmoid(1.5 * x)),
    "PRelu": (17, prelu, lambda t, f, x: f.prelu(x, t.tensor([0.3], dtype=x.dtype))),
    "Clip": (17, one("Clip", -0.5, 1.25), lambda t, f, x: t.clamp(x, -0.5, 1.25)),
    "Clip of one end": (17, one("Clip", None, 0.5), lambda t, f, x: t.clamp(x, max=0.5)),
    "Clip of opset 10": (10, one("Clip", min=-0.25), lambda t, f, x: t.clamp(x, min=-0.25)),
    "Max": (17, one("Max", 0.25, -3.0), lambda t, f, x: t.maximum(x, t.tensor(0.25))),
    "Min": (17, one("Min", 0.25), lambda t, f, x: t.minimum(x, t.tensor(0.25))),
    "Exp": (17, one("Exp"), lambda t, f, x: t.exp(x)),
    "Erf": (17, one("Erf"), lambda t, f, x: t.erf(x)),
    "Sin": (17, one("Sin"), lambda t, f, x: t.sin(x)),
    "Cos": (17, one("Cos"), lambda t, f, x: t.cos(x)),
    "Log": (17, positive("Log"), lambda t, f, x: t.log(x.abs() + 0.25)),
    "Sqrt": (17, positive("Sqrt"), lambda t, f, x: t.sqrt(x.abs() + 0.25)),
    "Reciprocal": (17, positive("Reciprocal"), lambda t, f, x: 1 / (x.abs() + 0.25)),
    "Pow 1.5": (17, positive("Pow", 1.5), lambda t, f, x: (x.abs() + 0.25) ** 1.5),
    "Pow -2": (17, positive("Pow", -2.0, at=1.0), lambda t, f, x: (x.abs() + 1) ** -2),
    "Pow 4": (17, small("Pow", 4.0), lambda t, f, x: (x / 4) ** 4),
    "Pow 5": (17, small("Pow", 5.0), lambda t, f, x: (x / 4) ** 5),
    "Pow 0": (17, one("Pow", 0.0), lambda t, f, x: x**0),
}


def parameters() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    width = 2 * EXTENT * EXTENT
    return {
        "filter": (rng.standard_normal((2, CHANNELS, 3, 3)) / 4).astype(np.float32),
        "w": (rng.standard_normal((width, 9)) / 8).astype(np.float32),
        "b": (rng.standard_normal(9) / 4).astype(np.float32),
        "head": (rng.standard_normal((9, CLASSES)) / 3).astype(np.float32),
    }


def inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    x = rng.standard_normal((BATCH, CHANNELS, EXTENT, EXTENT)).astype(np.float32)
    return {"x": x, "labels": rng.integers(0, CLASSES, BATCH)}


def write(tmp_path, nodes, opset: int):
    """A convolution and a layer, each with the function behind it, and a last layer: a configuration."""
    first, held = nodes("c", "d")
    second, more = nodes("z", "y")
    layers = [
        onnx_file.node("Conv", ["x", "filter"], ["c"], pads=[1, 1, 1, 1]),
        *first,
        onnx_file.node("Flatten", ["d"], ["e"]),
        onnx_file.node("Gemm", ["e", "w", "b"], ["z"]),
        *second,
        onnx_file.node("Gemm", ["y", "head"], ["logits"]),
    ]
    constants = [onnx_file.constant(k, v) for k, v in (parameters() | held | more).items()]
    shape = (BATCH, CHANNELS, EXTENT, EXTENT)
    ends = [onnx_file.value("x", shape)], [onnx_file.value("logits", (BATCH, CLASSES))]
    onnx_file.write(tmp_path / "model.onnx", layers, constants, *ends, opset=opset)
    np.savez(tmp_path / "inputs.npz", **inputs())
    workload = {"onnx": str(tmp_path / "model.onnx"), "inputs": str(tmp_path / "inputs.npz")}
    config = {"platform": "platform/traindeeploy.json", "workload": workload, "train": {"loss": "cross_entropy"}}
    (tmp_path / "run.json").write_text(json.dumps(config))
    return tmp_path / "run.json"


def torch_step(function) -> dict[str, np.ndarray]:
    import torch

    functional = torch.nn.functional
    p = {name: torch.tensor(v.astype(np.float64), requires_grad=True) for name, v in parameters().items()}
    given = inputs()
    d = function(
        torch, functional, functional.conv2d(torch.tensor(given["x"].astype(np.float64)), p["filter"], padding=1)
    )
    y = function(torch, functional, d.flatten(1) @ p["w"] + p["b"])
    loss = functional.cross_entropy(y @ p["head"], torch.tensor(given["labels"]))
    loss.backward()
    zero = {name: np.zeros(v.shape) for name, v in p.items()}
    return {"loss": loss.item()} | {n: zero[n] if v.grad is None else v.grad.numpy() for n, v in p.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_step_on_the_chip_equals_torch(tmp_path, name):
    pytest.importorskip("torch", reason="skipped: needs PyTorch (scripts/setup.sh --tests)")
    opset, nodes, function = FUNCTIONS[name]
    config = write(tmp_path, nodes, opset)
    run("run", config, "--out", tmp_path / "out", "--quiet", check=0)
    wanted = torch_step(function)
    got = np.load(tmp_path / "out/outputs.npz")
    assert abs(float(got["loss"]) - wanted["loss"]) <= 1e-5 * abs(wanted["loss"])
    largest = max(np.abs(wanted[n]).max() for n in parameters())
    for n in parameters():
        allowed = 1e-5 * np.abs(wanted[n]).max() + 1e-7 * largest
        assert np.abs(got[n + ".grad"] - wanted[n]).max() <= allowed, n


def test_what_was_written_and_read_back_trains_alike(tmp_path):
    def all_of_them(x: str, y: str):
        made, held = [], {}
        for i, (_, nodes, _) in enumerate(FUNCTIONS.values()):
            some, more = nodes(x, f"{y}.{i}")
            made += some
            held |= more
        terms = [f"{y}.{i}" for i, _ in enumerate(FUNCTIONS)]
        sums = [terms[i : i + 8] for i in range(0, len(terms), 8)]  # as many as Add takes
        made += [onnx_file.node("Sum", some, [f"{y}.sum{i}"]) for i, some in enumerate(sums)]
        made += [onnx_file.node("Sum", [f"{y}.sum{i}" for i, _ in enumerate(sums)], [f"{y}.all"])]
        return [*made, onnx_file.node("Mul", [f"{y}.all", f"{y}.k"], [y])], held | {f"{y}.k": number(1 / 32)}

    config = write(tmp_path, all_of_them, 10)
    text = config.read_text()
    run("run", config, "--out", tmp_path / "out", "--quiet", check=0)
    run("describe", config, "--onnx", tmp_path / "step.onnx", check=0)
    config.write_text(text.replace("model.onnx", "step.onnx").replace(', "train": {"loss": "cross_entropy"}', ""))
    run("run", config, "--out", tmp_path / "again", "--quiet", check=0)
    first, again = (np.load(tmp_path / out / "outputs.npz") for out in ("out", "again"))
    for n in parameters():
        np.testing.assert_allclose(again[n + ".updated"], first[n], rtol=2e-6, atol=2e-7)


def shapes(x: str, y: str):
    return [onnx_file.node("Pow", [x, x], [y])], {}


@pytest.mark.parametrize(
    ("nodes", "opset", "reason"),
    [
        (shapes, 17, "'d' (Pow): its exponent 'c' is computed"),
        (one("Pow", np.inf), 17, "'d' (Pow): has the exponent inf"),
        (one("Clip", np.nan), 17, "'d' (Clip): its input 'd.0', an end, is no constant number"),
        (one("Clip", min=1.0), 13, "'d' (Clip): has the attribute 'min'"),
        (softplus_of_torch(None, 2.0), 17, "'d' (Where): has a condition that is computed from data"),
        (one("Celu", alpha=-1.0), 17, "'d' (Celu): has alpha -1"),
        (one("Swish", beta=1.0), 24, "'d' (Swish): has the attribute 'beta'"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_node(tmp_path, nodes, opset, reason):
    done = run("run", write(tmp_path, nodes, opset), "--out", tmp_path / "out", check=2)
    assert reason in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("op", ["Exp", "Log", "Sqrt"])
def test_a_step_that_leaves_the_numbers_ends_as_diverged(tmp_path, op):
    """e^(1000 x), the logarithm and the root of negative numbers: one line, exit status 3."""

    def nodes(x: str, y: str):
        return [onnx_file.node("Mul", [x, f"{y}.k"], [f"{y}.x"]), onnx_file.node(op, [f"{y}.x"], [y])], {
            f"{y}.k": number(1000)
        }

    done = run("run", write(tmp_path, nodes, 17), "--out", tmp_path / "out", "--quiet", check=3)
    assert "diverged" in done.stderr
    assert json.loads((tmp_path / "out/result.json").read_text())["diverged"]
