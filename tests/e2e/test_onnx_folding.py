# SPDX-License-Identifier: Apache-2.0
"""Constants of ONNX graphs as ONNX Runtime computes them, and shapes that follow from inputs."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import run

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
helper, numpy_helper = pytest.importorskip("onnx.helper"), pytest.importorskip("onnx.numpy_helper")


class Chains:
    """A graph of random constant nodes; every result ends in one row of floats."""

    def __init__(self, opset: int, seed: int):
        self.opset, self.random, self.nodes, self.rows = opset, np.random.default_rng(seed), [], []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.nodes)}"
        tensor = numpy_helper.from_array(np.asarray(value), name)
        self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def node(self, op: str, *inputs, outputs: int = 1, **attributes) -> str | list[str]:
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        values = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, values, names, **attributes))
        return names[0] if outputs == 1 else names

    def keep(self, *values: str) -> None:
        for value in values:
            as_float = self.node("Cast", value, to=onnx.TensorProto.FLOAT)
            self.rows.append(self.node("Reshape", as_float, np.array([1, -1], np.int64)))

    def ints(self, *shape: int, low: int = -9, high: int = 9) -> np.ndarray:
        return self.random.integers(low, high + 1, shape)

    def floats(self, *shape: int) -> np.ndarray:
        return self.random.normal(size=shape).astype(np.float32)

    def axes(self, op: str, value, axes: list[int], by_input: int, **attributes) -> str:
        """Axes as an attribute up to an opset, then as an input."""
        if self.opset < by_input:
            return self.node(op, value, axes=axes, **attributes)
        return self.node(op, value, np.array(axes, np.int64), **attributes)

    def slice(self, value, starts: list[int], ends: list[int], axes: list[int], steps: list[int]) -> str:
        if self.opset < 10:
            return self.node("Slice", value, starts=starts, ends=ends, axes=axes)
        return self.node("Slice", value, *(np.array(each, np.int64) for each in (starts, ends, axes, steps)))


def arithmetic(c: Chains) -> None:
    nonzero = np.where((d := c.ints(4)) == 0, 3, d)
    for op in ("Add", "Sub", "Mul"):
        c.keep(c.node(op, c.ints(3, 4), c.ints(4)), c.node(op, c.floats(2, 1, 4), c.floats(3, 1)))
    c.keep(c.node("Div", c.ints(3, 4), nonzero), c.node("Div", c.floats(3), c.floats(1)))
    c.keep(c.node("Sqrt", np.abs(c.floats(5))), c.node("Reciprocal", c.floats(5)))
    c.keep(c.node("Floor", c.floats(6) * 3), c.node("Ceil", c.floats(6) * 3), c.node("Neg", c.ints(4)))
    c.keep(c.node("Abs", c.ints(4)), c.node("Abs", c.floats(4)), c.node("Cast", c.floats(9) * 4, to=7))
    # Powers that float32 holds: of others ONNX Runtime's last digit is its library's.
    squares, cubes = np.float32([0, 0.25, 9, 100]), np.float32([-2, 0.5, 3, 1.25])
    c.keep(c.node("Pow", squares, np.float32(0.5)), c.node("Pow", cubes, np.float32(3)))
    c.keep(c.node("Min", c.floats(5), c.floats(5), c.floats(5)), c.node("Max", c.floats(5), c.floats(5)))
    if c.opset >= 10:
        c.keep(c.node("Mod", c.ints(9), np.where((m := c.ints(9)) == 0, 2, m)))
        c.keep(c.node("Mod", c.ints(9), np.where(m == 0, 2, m), fmod=1))
    if c.opset >= 12:
        c.keep(c.node("Max", c.ints(5), c.ints(5)), c.node("Pow", c.ints(5, low=0), np.int64(3)))


def logic(c: Chains) -> None:
    a, b = c.ints(3, 4, low=-2, high=2), c.ints(4, low=-2, high=2)
    yes = [c.node("Equal", a, b), c.node("Not", c.node("Equal", a, b))]
    if c.opset >= 9:
        yes += [c.node("Less", a, b), c.node("Greater", c.floats(3, 4), c.floats(4))]
        c.keep(c.node("Where", yes[0], c.ints(1, 4), c.ints(3, 1)), c.node("Where", yes[0], c.floats(4), c.floats(1)))
    if c.opset >= 12:
        yes += [c.node("LessOrEqual", a, b), c.node("GreaterOrEqual", a, b)]
    yes += [c.node("And", yes[0], yes[1]), c.node("Or", yes[0], yes[1]), c.node("Xor", yes[0], yes[-1])]
    c.keep(*yes)


def movement(c: Chains) -> None:
    x = c.ints(3, 4, 5)
    f = c.floats(2, 6)
    for value in (c.constant(x), c.constant(x.astype(np.float32))):
        c.keep(c.node("Transpose", value), c.node("Transpose", value, perm=[1, 2, 0]))
        c.keep(c.node("Gather", value, c.ints(2, 2, low=0, high=3), axis=1), c.node("Gather", value, np.int64(1)))
        c.keep(c.slice(value, [1, 0], [3, 2**31 - 1], [1, -1], [1, 2]), c.slice(value, [-2], [9], [0], [1]))
        c.keep(c.node("Concat", value, c.slice(value, [0], [1], [1], [1]), value, axis=1))
        c.keep(c.node("Reshape", value, np.array([0, -1], np.int64)), c.node("Identity", value))
        c.keep(c.axes("Squeeze", c.axes("Unsqueeze", value, [0, 3], 13), [3], 13))
        c.keep(c.node("Tile", value, np.array([1, 2, 1], np.int64)))
    if c.opset >= 10:
        c.keep(c.slice(c.constant(x), [-1, 4], [-9, 0], [0, 2], [-1, -2]))
    if c.opset >= 8:
        c.keep(c.node("Expand", c.ints(3, 1), np.array([2, 1, 4], np.int64)))
    c.keep(*c.split(f))
    if c.opset >= 11:
        c.keep(c.node("Range", np.int64(7), np.int64(-4), np.int64(-3)))
        c.keep(c.node("Range", np.float32(0.125), np.float32(2), np.float32(0.25)))
    if c.opset >= 9:
        shape = c.node("Shape", f)
        c.keep(c.node("ConstantOfShape", shape, value=helper.make_tensor("v", 7, [1], [-3])))
    if c.opset >= 14:
        c.keep(c.node("Trilu", c.floats(2, 4, 5), np.int64(1)), c.node("Trilu", c.floats(4, 5), upper=0))
    c.keep(c.node("Size", f), c.node("Shape", f), c.node("Flatten", x.astype(np.float32), axis=2))


def split(c: Chains, value: np.ndarray) -> list[str]:
    if c.opset < 13:
        return c.node("Split", value, outputs=2, axis=1, split=[2, 4])
    return c.node("Split", value, np.array([2, 4], np.int64), outputs=2, axis=1)


Chains.split = split


def reductions(c: Chains) -> None:
    x = c.floats(2, 3, 4)
    for op, since in (("ReduceSum", 13), ("ReduceProd", 18), ("ReduceMax", 18), ("ReduceMin", 18), ("ReduceMean", 18)):
        small = np.round(x * 4) / 4  # sums and products of these are exact in any order
        c.keep(c.axes(op, small, [0, -1], since), c.node(op, small[:, :1], keepdims=0))
        if op != "ReduceMean":
            c.keep(c.axes(op, c.ints(2, 3), [1], since, keepdims=0))


def loss_of(tmp_path: Path, c: Chains) -> float:
    """Of 0 W + constants and ONNX Runtime's constants: 0 where every element is equal."""
    row = c.node("Concat", *c.rows, axis=1)
    c.nodes.append(helper.make_node("MatMul", ["x", "w"], ["product"]))
    c.nodes.append(helper.make_node("Add", ["product", row], ["y"]))
    imports = [helper.make_opsetid("", c.opset)]
    alone = helper.make_graph(c.nodes[:-2], "g", [], [helper.make_tensor_value_info(row, 1, [1, None])])
    session = ort.InferenceSession(
        helper.make_model(alone, opset_imports=imports, ir_version=8).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    expected = session.run(None, {})[0]
    assert np.isfinite(expected).all() and expected.size > 20
    weight = numpy_helper.from_array(np.ones((2, expected.size), np.float32), "w")
    shapes = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [1, 2]), ("y", [1, expected.size]))]
    graph = helper.make_graph(c.nodes, "g", shapes[:1], shapes[1:], [weight])
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "in.npz", x=np.zeros((1, 2), np.float32), target=expected)
    config = {
        "platform": "platform/traindeeploy.json",
        "workload": {"onnx": "m.onnx", "inputs": "in.npz"},
        "train": {"loss": "mse"},
    }
    (tmp_path / "run.json").write_text(json.dumps(config))
    run("run", tmp_path / "run.json", "--out", tmp_path / "out", "--quiet", "--no-verify", check=0)
    return json.loads((tmp_path / "out" / "result.json").read_text())["loss"]


@pytest.mark.parametrize("opset", [8, 9, 11, 13, 18, 20])
@pytest.mark.parametrize("chain", [arithmetic, logic, movement, reductions], ids=lambda f: f.__name__)
def test_constants_are_those_of_onnx_runtime(tmp_path, opset, chain):
    chains = Chains(opset, seed=opset)
    chain(chains)
    assert loss_of(tmp_path, chains) == 0
