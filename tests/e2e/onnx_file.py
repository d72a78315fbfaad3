# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models, field by field after onnx.proto: no ONNX package is needed to write them."""

from pathlib import Path

import numpy as np


def _varint(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def node(op: str, inputs: list[str], outputs: list[str]) -> bytes:
    """A node of the standard without attributes, named after its first output."""
    return (
        b"".join(_bytes(1, i) for i in inputs)
        + b"".join(_bytes(2, o) for o in outputs)
        + _bytes(3, outputs[0])
        + _bytes(4, op)
    )


def constant(name: str, value: np.ndarray) -> bytes:
    """A float32 initializer."""
    value = np.ascontiguousarray(value, np.float32)
    return b"".join(_number(1, n) for n in value.shape) + _number(2, 1) + _bytes(8, name) + _bytes(9, value.tobytes())


def value(name: str, shape: tuple[int, ...]) -> bytes:
    """A declared float32 input or output."""
    extents = b"".join(_bytes(1, _number(1, n)) for n in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, extents)))


def write(file: Path, nodes: list[bytes], constants: list[bytes], inputs: list[bytes], outputs: list[bytes]) -> None:
    """A whole model of opset 17."""
    graph = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "model") + b"".join(_bytes(5, c) for c in constants)
    graph += b"".join(_bytes(11, i) for i in inputs) + b"".join(_bytes(12, o) for o in outputs)
    file.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 17)))
