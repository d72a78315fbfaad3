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


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + np.float32(value).tobytes()


# AttributeProto.type by the Python type of a value; a list is of integers.
def _attribute(name: str, value: int | float | str | list[int] | np.ndarray) -> bytes:
    if isinstance(value, str):
        return _bytes(1, name) + _bytes(4, value) + _number(20, 3)
    if isinstance(value, float):
        return _bytes(1, name) + _float(2, value) + _number(20, 1)
    if isinstance(value, np.ndarray | np.generic):
        return _bytes(1, name) + _bytes(5, constant("", value)) + _number(20, 4)
    if isinstance(value, list):
        return _bytes(1, name) + b"".join(_number(8, v % 2**64) for v in value) + _number(20, 7)
    return _bytes(1, name) + _number(3, value % 2**64) + _number(20, 2)


def node(op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes) -> bytes:
    """A node, named after its first output; attributes by keyword."""
    return (
        b"".join(_bytes(1, i) for i in inputs)
        + b"".join(_bytes(2, o) for o in outputs)
        + _bytes(3, outputs[0])
        + _bytes(4, op)
        + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        + _bytes(7, domain)
    )


# TensorProto.data_type by numpy's name.
TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}


def constant(name: str, value: np.ndarray) -> bytes:
    """An initializer; what is no integer or truth value becomes float32."""
    value = np.asarray(value)
    if value.dtype.kind not in "iub":
        value = value.astype(np.float32)
    extents = b"".join(_number(1, n) for n in value.shape)
    return extents + _number(2, TYPES[value.dtype.name]) + _bytes(8, name) + _bytes(9, value.tobytes())


def value(name: str, shape: tuple[int | str, ...], dtype: str = "float32") -> bytes:
    """A declared input or output; an extent may be a name."""
    extents = b"".join(_bytes(1, _bytes(2, n) if isinstance(n, str) else _number(1, n)) for n in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, TYPES[dtype]) + _bytes(2, extents)))


def write(
    file: Path, nodes: list[bytes], constants: list[bytes], inputs: list[bytes], outputs: list[bytes], opset: int = 17
) -> None:
    """A whole model."""
    graph = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "model") + b"".join(_bytes(5, c) for c in constants)
    graph += b"".join(_bytes(11, i) for i in inputs) + b"".join(_bytes(12, o) for o in outputs)
    file.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, opset)))
