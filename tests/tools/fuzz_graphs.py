# SPDX-License-Identifier: Apache-2.0
"""ONNX models that are wrong in ways that flipped bytes hardly reach: external data that points elsewhere, and shape
arithmetic drawn at random. A drawn model may be right, too."""

import os
import random
import struct
import sys
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import onnx_file as of

WEIGHTS = (4, 3)
BYTES = 4 * WEIGHTS[0] * WEIGHTS[1]
LIMITS = (-(2**63), -(2**31), -5, -1, 0, 1, 2, 3, 4, 5, 2**31 - 1, 2**31, 2**62, 2**63 - 1)


def write_data(folder: Path) -> None:
    """The files that external() points to: right, shorter, longer, empty, not finite; a folder, a link out of it."""
    right = numpy.linspace(-1, 1, WEIGHTS[0] * WEIGHTS[1], dtype=numpy.float32).tobytes()
    odd = bytearray(right)
    odd[8:12] = struct.pack("<f", float("nan"))
    huge = bytearray(right)
    huge[8:12] = struct.pack("<f", 3e38)
    (folder / "inner").mkdir()
    files = {"data.bin": right + b"\0" * 64, "short.bin": right[:-1], "long.bin": right * 40, "empty.bin": b""}
    for name, content in (files | {"nan.bin": odd, "huge.bin": huge, "inner/data.bin": right}).items():
        (folder / name).write_bytes(content)
    os.symlink("/etc/passwd", folder / "link.bin")


def entry(key: str, value: str) -> bytes:
    return of._bytes(13, of._bytes(1, key) + of._bytes(2, value))


def tensor(draw: random.Random | None) -> bytes:
    """An initializer w [4,3] whose data lie in another file; without `draw` as they should."""
    location, offset, length, extents, kind = "data.bin", "0", str(BYTES), list(WEIGHTS), 1
    keys = ["location", "offset", "length"]
    numbers = [
        "0",
        "1",
        "4",
        "47",
        "48",
        "49",
        "64",
        "-1",
        "",
        "x",
        "1e3",
        " 4",
        "0x10",
        "+4",
        str(2**64),
        str(2**63 - 1),
    ]
    places = ["short.bin", "long.bin", "empty.bin", "nan.bin", "huge.bin", "inner", "inner/data.bin", "./data.bin"]
    places += [
        "../data.bin",
        "inner/../data.bin",
        "inner/../../x",
        "/etc/passwd",
        "link.bin",
        "none.bin",
        "",
        ".",
        "..",
    ]
    places += ["a" * 5000, "data.bin\n", "d\0ta.bin", "\\data.bin", "file:data.bin", "\u00e9.bin"]
    held = b""
    for _ in range(draw.choice((1, 1, 2, 3)) if draw else 0):
        what = draw.randrange(8)
        if what <= 1:
            location = draw.choice(places)
        elif what == 2:
            offset = draw.choice(numbers)
        elif what == 3:
            length = draw.choice(numbers)
        elif what == 4:
            keys = draw.sample(["location", "offset", "length", "checksum", "basepath", "location"], draw.randrange(5))
        elif what == 5:
            extents[draw.randrange(2)] = draw.choice((-1, 0, 1, 5, 2**31, 2**62))
        elif what == 6:
            kind = draw.choice((0, 2, 6, 7, 8, 9, 10, 11, 16, 99))
        else:
            held = of._bytes(9, b"\0" * draw.choice((0, 4, BYTES)))  # raw data beside it
    values = {"location": location, "offset": offset, "length": length, "checksum": "00", "basepath": "/"}
    outside = b"".join(entry(key, values[key]) for key in keys)
    dims = b"".join(of._number(1, extent % 2**64) for extent in extents)
    return dims + of._number(2, kind) + of._bytes(8, "w") + held + outside + of._number(14, 1)


def written(nodes: list[bytes], constants: list[bytes], outputs: list[bytes], opset: int) -> bytes:
    """The bytes of a model with the input x [3,4]."""
    graph = b"".join(of._bytes(1, node) for node in nodes) + of._bytes(2, "fuzz")
    graph += b"".join(of._bytes(5, constant) for constant in constants)
    graph += of._bytes(11, of.value("x", (3, 4))) + b"".join(of._bytes(12, output) for output in outputs)
    return of._number(1, 8) + of._bytes(7, graph) + of._bytes(8, of._bytes(1, "") + of._number(2, opset))


def external(_: bytes, draw: random.Random | None) -> bytes:
    """x w, with w in another file."""
    return written([of.node("MatMul", ["x", "w"], ["y"])], [tensor(draw)], [of.value("y", (3, 3))], 17)


class Shapes:
    """Values of integers that grow out of the input's shape, one operator after the other."""

    def __init__(self, draw: random.Random):
        self.draw = draw
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []
        self.values = [self.node("Shape", ["x"])]

    def node(self, op: str, inputs: list[str], **attributes) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(of.node(op, inputs, [name], **attributes))
        return name

    def integers(self, scalar: bool = False, most: int = 4) -> str:
        small = [
            self.draw.choice(LIMITS) if self.draw.random() < 0.3 else self.draw.randrange(-2, 5) for _ in range(most)
        ]
        held = numpy.array(small[0] if scalar else small[: self.draw.randrange(most + 1)], numpy.int64)
        if self.draw.random() < 0.1:
            held = held.astype(self.draw.choice((numpy.int32, numpy.bool_, numpy.float32)))
        name = f"c{len(self.constants)}"
        self.constants.append(of.constant(name, held))
        return name

    def any(self) -> str:
        return self.draw.choice(self.values) if self.draw.random() < 0.7 else self.integers(self.draw.random() < 0.5)

    def step(self) -> None:
        draw = self.draw
        axis = draw.choice((0, 0, 0, -1, 1, -2, 7))
        op = draw.choice(
            [
                "Gather",
                "Gather",
                "Slice",
                "Slice",
                "Concat",
                "Concat",
                "Arithmetic",
                "Arithmetic",
                "Unsqueeze",
                "Squeeze",
            ]
            + ["Cast", "ConstantOfShape", "Range", "Where", "Equal", "Expand", "Reshape", "ReduceProd", "Shape", "Size"]
            + ["Identity", "Floor", "Split", "Tile", "Not", "Neg", "Trilu", "Transpose"]
        )
        if op == "Arithmetic":
            made = self.node(
                draw.choice(("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Pow")), [self.any(), self.any()]
            )
        elif op == "Gather":
            made = self.node(op, [self.any(), self.integers(draw.random() < 0.6, 2)], axis=axis)
        elif op == "Slice":
            extra = [self.integers(most=1) for _ in range(draw.randrange(3))]
            made = self.node(op, [self.any(), self.integers(most=2), self.integers(most=2), *extra])
        elif op == "Concat":
            made = self.node(op, [self.any() for _ in range(draw.randrange(1, 4))], axis=axis)
        elif op in ("Unsqueeze", "Squeeze"):
            made = self.node(op, [self.any(), self.integers(most=2)][: draw.choice((1, 2, 2))])
        elif op == "Cast":
            made = self.node(op, [self.any()], to=draw.choice((1, 6, 7, 7, 9, 11, 0, 99)))
        elif op == "Range":
            made = self.node(op, [self.integers(True), self.any(), self.integers(True)])
        elif op == "Where":
            made = self.node(op, [self.any(), self.any(), self.any()])
        elif op in ("Equal", "Expand", "Reshape", "Tile"):
            made = self.node(op, [self.any(), self.any()])
        elif op == "ReduceProd":
            made = self.node(op, [self.any()], keepdims=draw.randrange(2))
        elif op == "Shape":
            limits = {"start": draw.randrange(-3, 4), "end": draw.choice(LIMITS)} if draw.random() < 0.5 else {}
            made = self.node(op, [draw.choice(["x", *self.values])], **limits)
        else:
            made = self.node(op, [self.any()])
        self.values.append(made)


def shapes(_: bytes, draw: random.Random | None) -> bytes:
    """A linear layer behind one or two Reshapes or Expands by computed shapes."""
    nodes: list[bytes] = []
    constants: list[bytes] = []
    x = "x"
    if draw:
        grown = Shapes(draw)
        for _ in range(draw.randrange(1, 9)):
            grown.step()
        nodes, constants = grown.nodes, grown.constants
        ends = {"Reshape": 2, "Expand": 2, "Slice": 3, "Tile": 2, "Gather": 2, "Add": 2}
        for i in range(draw.choice((1, 1, 2))):
            op = draw.choice(list(ends))
            nodes.append(of.node(op, [x, *(grown.any() for _ in range(ends[op] - 1))], [f"r{i}"]))
            x = f"r{i}"
    constants = [*constants, of.constant("w", numpy.ones(WEIGHTS) / 4)]
    nodes = [*nodes, of.node("MatMul", [x, "w"], ["y"])]
    output = of.value("y", (3, 3)) if not draw or draw.random() < 0.5 else of._bytes(1, "y")
    return written(nodes, constants, [output], draw.choice((11, 13, 17, 18, 21)) if draw else 17)
