# SPDX-License-Identifier: Apache-2.0
"""Networks that slice, join, pad, look up and normalise as exporters write it: a step on the chip against PyTorch."""

import json

import numpy as np
import onnx_file
import pytest
from onnx_file import constant, node, value
from support import run

BATCH = 3
TOLERANCE = 1e-5, 1e-7  # of a tensor's largest, and of the step's largest gradient


def numbers(*shape: int, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) / 2).astype(np.float32)


def integers(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


class Model:
    """Nodes and constants of a file, one after the other."""

    def __init__(self, opset: int = 17):
        self.opset, self.nodes, self.weights, self.constants = opset, [], {}, []

    def weight(self, name: str, array: np.ndarray) -> str:
        self.weights[name] = array
        return name

    def fixed(self, name: str, array: np.ndarray) -> str:
        self.constants.append(constant(name, array))
        return name

    def add(self, op: str, inputs: list[str], outputs: str | list[str], **attributes) -> str:
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(node(op, inputs, outputs, **attributes))
        return outputs[0]

    def write(self, file, inputs: list[bytes], output: str, shape: tuple) -> None:
        held = [constant(name, array) for name, array in self.weights.items()]
        onnx_file.write(file, self.nodes, held + self.constants, inputs, [value(output, shape)], self.opset)


def linear(m: Model, x: str, name: str, n: int, k: int) -> str:
    m.weight(f"{name}.w", numbers(n, k, seed=len(m.nodes) + 7))
    m.weight(f"{name}.b", numbers(k, seed=len(m.nodes) + 8))
    return m.add("Add", [m.add("MatMul", [x, f"{name}.w"], f"{name}.product"), f"{name}.b"], f"{name}.y")


def dense(x, p: dict, name: str):
    return x @ p[f"{name}.w"] + p[f"{name}.b"]


def embedding(m: Model) -> tuple[str, list[bytes], dict]:
    """Rows of a table, attention over q, k and v by Split, the class token by Gather."""
    m.weight("table", numbers(11, 6))
    m.weight("token", numbers(1, 1, 6, seed=2))
    rows = m.add("Gather", ["table", "ids"], "rows")
    m.fixed("three", integers([BATCH, 1, 6]))
    token = m.add("Expand", ["token", "three"], "tokens")
    x = m.add("Concat", [token, rows], "joined", axis=1)
    qkv = linear(m, x, "qkv", 6, 18)
    m.add("Split", [qkv], ["q", "k", "v"], axis=-1)
    scores = m.add("MatMul", ["q", m.add("Transpose", ["k"], "kt", perm=[0, 2, 1])], "scores")
    mixed = m.add("MatMul", [m.add("Softmax", [scores], "p", axis=-1), "v"], "mixed")
    m.fixed("zero", np.int64(0))
    first = m.add("Gather", [mixed, "zero"], "first", axis=1)
    return linear(m, first, "head", 6, 4), [value("ids", (BATCH, 5), "int64")], {"ids": ids((BATCH, 5), 11)}


def ids(shape: tuple, rows: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, rows, shape)


def embedding_torch(torch, p, data):
    x = torch.cat([p["token"].expand(BATCH, -1, -1), p["table"][data["ids"]]], 1)
    q, k, v = dense(x, p, "qkv").split(6, -1)
    return dense((torch.softmax(q @ k.transpose(1, 2), -1) @ v)[:, 0], p, "head")


def image(shape: tuple) -> tuple[list[bytes], dict]:
    return [value("x", shape)], {"x": numbers(*shape, seed=5)}


def unet(m: Model) -> tuple[str, list[bytes], dict]:
    """A convolution, half of its pixels through another one and padded back, both joined."""
    m.weight("w", numbers(4, 2, 3, 3))
    m.weight("v", numbers(3, 4, 1, 1))
    full = m.add("Relu", [m.add("Conv", ["x", "w"], "c", pads=[1, 1, 1, 1])], "full")
    for name, values in (("starts", [-1, 1]), ("ends", [-99, 99]), ("axes", [2, 3]), ("steps", [-2, 1])):
        m.fixed(name, integers(values))
    part = m.add("Slice", [full, "starts", "ends", "axes", "steps"], "part")
    small = m.add("Conv", [part, "v"], "small")
    m.fixed("pads", integers([0, 0, 1, 2, 0, 0, 1, -1]))
    m.fixed("fill", np.float32(0.25))
    padded = m.add("Pad", [small, "pads", "fill"], "padded")
    joined = m.add("Concat", [full, padded], "joined", axis=1)
    flat = m.add("Flatten", [m.add("Relu", [joined], "open")], "flat")
    return linear(m, flat, "head", 7 * 30, 3), *image((BATCH, 2, 5, 6))


def unet_torch(torch, p, data):
    functional = torch.nn.functional
    full = torch.relu(functional.conv2d(data["x"], p["w"], padding=1))
    small = functional.conv2d(full.flip(2)[:, :, ::2, 1:], p["v"])
    padded = functional.pad(small, (2, -1, 1, 1), value=0.25)
    return dense(torch.relu(torch.cat([full, padded], 1)).flatten(1), p, "head")


def groups(m: Model) -> tuple[str, list[bytes], dict]:
    m.weight("w", numbers(6, 2, 3, 3))
    c = m.add("Conv", ["x", "w"], "c", pads=[1, 1, 1, 1])
    m.weight("scale", 1 + numbers(6, seed=3))
    m.weight("bias", numbers(6, seed=4))
    y = m.add("Relu", [m.add("GroupNormalization", [c, "scale", "bias"], "g", num_groups=3)], "y")
    m.weight("scales", 1 + numbers(6, seed=5))
    m.weight("biases", numbers(6, seed=6))
    y = m.add("InstanceNormalization", [y, "scales", "biases"], "i", epsilon=1e-3)
    m.weight("gamma", 1 + numbers(6, 4, 5, seed=7))
    m.weight("beta", numbers(6, 4, 5, seed=8))
    y = m.add("LayerNormalization", [y, "gamma", "beta"], "l", axis=1)
    flat = m.add("Flatten", [m.add("Relu", [y], "open")], "flat")
    return linear(m, flat, "head", 120, 3), *image((BATCH, 2, 4, 5))


def groups_torch(torch, p, data):
    functional = torch.nn.functional
    c = functional.conv2d(data["x"], p["w"], padding=1)
    y = torch.relu(functional.group_norm(c, 3, p["scale"], p["bias"]))
    y = functional.instance_norm(y, weight=p["scales"], bias=p["biases"], eps=1e-3)
    y = functional.layer_norm(y, (6, 4, 5), p["gamma"], p["beta"])
    return dense(torch.relu(y).flatten(1), p, "head")


def roots(m: Model) -> tuple[str, list[bytes], dict]:
    """RMSNorm, a log softmax in the middle over another axis than the last, rows by index, tiles and an einsum."""
    h = linear(m, "x", "a", 7, 10)
    m.weight("gain", 1 + numbers(10, seed=3))
    h = m.add("RMSNormalization", [h, "gain"], "r", axis=-1, epsilon=1e-6)
    h = m.add("LogSoftmax", [h], "l", axis=1)
    m.fixed("rows", integers([-1, 2, 2, 0]))
    h = m.add("Gather", [h, "rows"], "chosen", axis=1)
    m.fixed("repeats", integers([1, 2, 1]))
    h = m.add("Tile", [h, "repeats"], "t")
    m.weight("mix", numbers(5, 8, 10, seed=4))
    h = m.add("Einsum", [h, "mix"], "e", equation="btd,ctd->bc")
    return linear(m, m.add("Softmax", [h], "s", axis=0), "head", 5, 3), *image((BATCH, 4, 7))


def roots_torch(torch, p, data):
    h = torch.nn.functional.rms_norm(dense(data["x"], p, "a"), (10,), p["gain"], 1e-6)
    h = torch.log_softmax(h, 1)[:, [-1, 2, 2, 0]].repeat(1, 2, 1)
    h = torch.einsum("btd,ctd->bc", h, p["mix"])
    return dense(torch.softmax(h, 0), p, "head")


NETWORKS = {
    "embedding": (embedding, embedding_torch, 17),
    "unet": (unet, unet_torch, 17),
    "groups": (groups, groups_torch, 21),
    "roots": (roots, roots_torch, 23),
}


def configure(tmp_path, model: Model, made: tuple) -> dict:
    """Writes model, inputs and configuration; returns the inputs."""
    output, inputs, data = made
    model.write(tmp_path / "model.onnx", inputs, output, (BATCH, model.weights["head.b"].size))
    data["labels"] = ids((BATCH,), model.weights["head.b"].size)
    np.savez(tmp_path / "in.npz", **data)
    workload = {"onnx": str(tmp_path / "model.onnx"), "inputs": str(tmp_path / "in.npz"), "batch": BATCH}
    (tmp_path / "run.json").write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    return data


@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_gradients_on_the_chip_equal_torch(tmp_path, name):
    torch = pytest.importorskip("torch", reason="skipped: needs PyTorch (scripts/setup.sh --tests)")
    build, reference, opset = NETWORKS[name]
    model = Model(opset)
    data = configure(tmp_path, model, build(model))
    p = {key: torch.tensor(w.astype(np.float64), requires_grad=True) for key, w in model.weights.items()}
    given = {key: torch.tensor(d.astype(np.float64) if d.dtype == np.float32 else d) for key, d in data.items()}
    loss = torch.nn.functional.cross_entropy(reference(torch, p, given), given["labels"])
    loss.backward()
    largest = max(float(w.grad.abs().max()) for w in p.values())
    cycles = []
    for engine in ("fast", "lockstep") if name == "embedding" else ("fast",):
        run(
            "run",
            tmp_path / "run.json",
            "--out",
            tmp_path / engine,
            "--set",
            f"/run/engine={engine}",
            "--quiet",
            check=0,
        )
        found = np.load(tmp_path / engine / "outputs.npz")
        assert found["loss"] == pytest.approx(loss.item(), rel=1e-5)
        for key, w in p.items():
            allowed = TOLERANCE[0] * float(w.grad.abs().max()) + TOLERANCE[1] * largest
            assert np.abs(found[key + ".grad"] - w.grad.numpy()).max() <= allowed, key
        cycles.append(json.loads((tmp_path / engine / "result.json").read_text())["step"]["cycles"])
    assert all(each == cycles[0] for each in cycles)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_step_written_as_onnx_is_the_same_step(tmp_path, name):
    build, _, opset = NETWORKS[name]
    model = Model(opset)
    configure(tmp_path, model, build(model))
    run("run", tmp_path / "run.json", "--out", tmp_path / "first", "--set", "/train/lr=0.05", "--quiet", check=0)
    run("describe", tmp_path / "run.json", "--onnx", tmp_path / "step.onnx", "--set", "/train/lr=0.05", check=0)
    workload = {"onnx": str(tmp_path / "step.onnx"), "inputs": str(tmp_path / "in.npz")}
    config = {"platform": "platform/traindeeploy.json", "workload": workload}
    (tmp_path / "again.json").write_text(json.dumps(config))
    run("run", tmp_path / "again.json", "--out", tmp_path / "again", "--quiet", check=0)
    first, again = (np.load(tmp_path / out / "outputs.npz") for out in ("first", "again"))
    for key in model.weights:
        np.testing.assert_allclose(again[key + ".updated"], first[key], rtol=2e-6, atol=2e-7)


def refused(tmp_path, model: Model, inputs: list[bytes], output: str = "y") -> str:
    model.write(tmp_path / "model.onnx", inputs, output, (BATCH, 4))
    workload = {"onnx": str(tmp_path / "model.onnx")}
    (tmp_path / "run.json").write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    done = run("describe", tmp_path / "run.json", check=2)
    assert done.stdout == "" and done.stderr.count("\n") == 1
    return done.stderr


BAD = {
    "a mode of Pad": ("Pad", {"pads": [0, 1, 0, 1]}, {"mode": "reflect"}, "'reflect'"),
    "an empty slice": ("Slice", {"starts": [3], "ends": [3]}, {}, "no element of axis 0"),
    "a step of 0": ("Slice", {"starts": [0], "ends": [3], "axes": [1], "steps": [0]}, {}, "a step of 0"),
    "an axis twice": ("Slice", {"starts": [0, 0], "ends": [3, 3], "axes": [1, -1]}, {}, "axis 1 twice"),
    "an index outside": ("Gather", {"indices": [4]}, {"axis": 1}, "index 4 is outside of axis 1"),
    "an equation": ("Einsum", {}, {"equation": "ii->i"}, "'ii->i'"),
    "blocks that do not fit": ("SpaceToDepth", {}, {"blocksize": 2}, "blocks of 2"),
    "an axis of a softmax": ("Softmax", {}, {"axis": 2}, "axis 2 of [3,4]"),
    "elements by index": ("GatherElements", {"indices": [0]}, {}, "GatherElements"),
    "a scatter": ("ScatterND", {"indices": [0], "updates": [0]}, {}, "ScatterND"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_supported_is_refused_in_one_line(tmp_path, case):
    op, fixed, attributes, message = BAD[case]
    model = Model()
    names = [model.fixed(name, integers(values)) for name, values in fixed.items()]
    model.add(op, ["x", *names], "y", **attributes)
    error = refused(tmp_path, model, [value("x", (BATCH, 4))])
    assert message in error and f"({op})" in error or f"{op} (" in error


@pytest.mark.parametrize("wrong", [11, -1])
def test_an_index_that_no_row_has_is_refused_with_its_sample(tmp_path, wrong):
    model = Model()
    data = configure(tmp_path, model, embedding(model))
    data["ids"][1, 2] = wrong
    np.savez(tmp_path / "in.npz", **data)
    done = run("run", tmp_path / "run.json", "--out", tmp_path / "out", check=2)
    assert f"an index of sample 1 is {wrong}; indices are integers from 0 to 10" in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
