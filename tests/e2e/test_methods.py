# SPDX-License-Identifier: Apache-2.0
"""Training methods on the main job: right numbers, and only what the method trains is trained."""

import json

import numpy
import pytest
from support import ROOT, run

METHODS = {
    "last_k": ["--set", "/train/method=last_k", "--set", "/train/k=3"],
    "linear_probe": ["--set", "/train/method=linear_probe"],
    "lora": ["--set", "/train/method=lora", "--set", "/train/rank=8"],
}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_checked_and_changes_only_its_parameters(tmp_path, method):
    options = ["--set", "/train/steps=2", *METHODS[method]]
    run("run", ROOT / "configs/deep_ae.json", *options, "--quiet", "--out", tmp_path / "out", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"]
    outputs = numpy.load(tmp_path / "out/outputs.npz")
    trained = {name.removesuffix(".grad") for name in outputs.files if name.endswith(".grad")}
    described = json.loads(run("describe", ROOT / "configs/deep_ae.json", *options, "--json", check=0).stdout)
    parameters = {p["name"]: p["trainable"] for p in described["tensors"]["parameters"]}
    assert trained == {name for name, trainable in parameters.items() if trainable}
    assert 0 < len(trained) < len(parameters)
    assert result["memory"]["trainable"] < result["memory"]["parameters"]
