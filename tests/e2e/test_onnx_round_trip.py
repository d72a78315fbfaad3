# SPDX-License-Identifier: Apache-2.0
"""A step written as ONNX and run from the file leaves what the built-in network leaves."""

import json

import numpy as np
import pytest
from support import run

BERT = {"network": "bert", "sizes": [9, 24, 2, 32, 2, 3], "batch": 2}
METHODS = [
    {"method": "full"},
    {"method": "last_k", "k": 1},
    {"method": "last_k", "k": 2},
    {"method": "lora", "k": 1, "rank": 2, "adapters_in": "all"},
    {"method": "lora", "k": 2, "rank": 7},
    {"method": "linear_probe"},
]


def write(file, workload: dict, train: dict):
    """A root configuration; returns its file."""
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": train}))
    return file


@pytest.mark.parametrize("method", METHODS, ids=[f"{m['method']}{m.get('k', '')}" for m in METHODS])
def test_network_and_file_train_alike(tmp_path, method):
    rng = np.random.default_rng(2)
    data = {"input": rng.standard_normal((18, 24)).astype(np.float32), "labels": np.array([1, 2])}
    np.savez(tmp_path / "in.npz", **data)
    workload = {**BERT, "inputs": str(tmp_path / "in.npz")}
    built_in = write(tmp_path / "network.json", workload, {**method, "lr": 0.05})
    run("describe", built_in, "--onnx", tmp_path / "step.onnx", check=0)
    workload = {"onnx": str(tmp_path / "step.onnx"), "inputs": str(tmp_path / "in.npz")}
    from_file = write(tmp_path / "file.json", workload, {})
    for config in (built_in, from_file):
        run("run", config, "--out", tmp_path / config.stem, "--quiet", check=0)
    wanted = np.load(tmp_path / "network/outputs.npz")
    found = np.load(tmp_path / "file/outputs.npz")
    updated = [name for name in found.files if name.endswith(".updated")]
    trained = {name.removesuffix(".grad") for name in wanted.files if name.endswith(".grad")}
    assert {name.removesuffix(".updated") for name in updated} == trained
    for name in updated:
        value = wanted[name.removesuffix(".updated")]
        assert found[name].shape == value.shape
        # Another order of sums, at most: the updates themselves are of the order of 1e-2.
        np.testing.assert_allclose(found[name], value, rtol=2e-6, atol=2e-7)
    assert found["loss"] == pytest.approx(float(wanted["loss"]), rel=1e-6)
