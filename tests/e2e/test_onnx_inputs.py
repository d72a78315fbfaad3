# SPDX-License-Identifier: Apache-2.0
"""Arrays of every type as inputs of an ONNX graph: read by their values, or refused."""

import json
from pathlib import Path

import numpy as np
import onnx_file as of
import pytest
from support import run


def model(tmp_path: Path, inputs: dict[str, np.ndarray], classes: int = 3) -> Path:
    """A linear layer x [3,4] -> y [3,classes] with arrays in a file; returns the configuration."""
    rng = np.random.default_rng(5)
    of.write(
        tmp_path / "model.onnx",
        [of.node("MatMul", ["x", "w"], ["y"])],
        [of.constant("w", rng.normal(size=(4, classes)))],
        [of.value("x", (3, 4))],
        [of.value("y", (3, classes))],
    )
    np.savez(tmp_path / "inputs.npz", **inputs)
    file = tmp_path / "run.json"
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz", "batch": 3}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    return file


def result(tmp_path: Path, inputs: dict[str, np.ndarray]) -> dict:
    run("run", model(tmp_path, inputs), "--out", tmp_path / "out", "--quiet", check=0)
    return json.loads((tmp_path / "out" / "result.json").read_text())


LABELS = np.array([0, 2, 1])
VALUES = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool", "int32", "uint16", "int64", "float16", "float64"])
def test_arrays_of_other_types_are_read_by_value_with_one_note(tmp_path, dtype):
    plain = result(tmp_path, {"x": VALUES.astype(np.float32), "labels": LABELS})
    assert plain["warnings"] == []
    other = result(tmp_path, {"x": VALUES.astype(dtype), "labels": LABELS.astype(np.float64)})
    assert other["loss"] == plain["loss"]
    assert other["warnings"] == [f"/workload/inputs: converted without loss: 'x' ({dtype}), 'labels' (float64)"]


def test_fortran_order_is_read_by_index(tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    plain = result(tmp_path, {"x": x, "labels": LABELS})
    assert result(tmp_path, {"x": np.asfortranarray(x), "labels": LABELS.astype(np.int32)}) | {
        "simulator": 0,
        "config_hash": 0,
    } == plain | {"simulator": 0, "config_hash": 0}


def refused(tmp_path: Path, inputs: dict[str, np.ndarray], *parts: str) -> None:
    done = run("run", model(tmp_path, inputs), "--out", tmp_path / "out", "--quiet", check=2)
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts), done.stderr
    assert not (tmp_path / "out").exists()


def test_values_that_no_float32_holds_are_refused(tmp_path):
    refused(tmp_path, {"x": VALUES + 0.1, "labels": LABELS}, "'x'", "float64", "element 0")
    refused(tmp_path, {"x": VALUES + 2**24 + 1, "labels": LABELS}, "'x'", "int64", "element 0")
    refused(tmp_path, {"x": VALUES.astype(np.complex64), "labels": LABELS}, "'x.npy'", "<c8")
    refused(tmp_path, {"x": VALUES.astype(">f4"), "labels": LABELS}, "'x.npy'", ">f4")


@pytest.mark.parametrize("labels", [[0, 3, 1], [0, -1, 1], [0, 0.5, 1]])
def test_labels_are_classes(tmp_path, labels):
    refused(tmp_path, {"x": VALUES.astype(np.float32), "labels": np.array(labels)}, "'labels'", "sample 1", "0 to 2")
