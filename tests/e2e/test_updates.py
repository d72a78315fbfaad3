# SPDX-License-Identifier: Apache-2.0
"""Update rules, accumulation and mixed precision on the simulated chip, from configuration to outputs."""

import json

import numpy as np
import pytest
from support import run

MLP = {"network": "mlp", "sizes": [13, 11, 6], "batch": 4}


def step(tmp_path, train: dict, workload: dict = MLP, check: int = 0, platform="platform/traindeeploy.json") -> tuple:
    """result.json and outputs.npz of a run."""
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": platform, "workload": workload, "train": {"lr": 0.05, **train}}))
    done = run("run", file, "--out", tmp_path / "out", "--quiet", check=check)
    if check == 2:
        return done.stderr, None
    return json.loads((tmp_path / "out/result.json").read_text()), dict(np.load(tmp_path / "out/outputs.npz"))


@pytest.mark.parametrize("home", ["l2", "extmem"])
@pytest.mark.parametrize("train", [{"optimizer": "momentum"}, {"optimizer": "adam"}], ids=["momentum", "adam"])
def test_optimisers_with_state_train(tmp_path, train, home):
    result, outputs = step(tmp_path, {**train, "steps": 3}, {**MLP, "home": home})
    assert result["check"]["passed"]
    states = {"momentum": ["velocity"], "adam": ["first", "second"]}[train["optimizer"]]
    for state in states:
        assert np.abs(outputs[f"fc0.weight.{state}"]).max() > 0
    assert result["memory"]["trainable"] == 4 * (13 * 11 + 11 + 11 * 6 + 6)


def test_momentum_in_numbers(tmp_path):
    one, first = step(tmp_path / "one", {"momentum": 0.75, "steps": 1})
    _, second = step(tmp_path / "two", {"momentum": 0.75, "steps": 2})
    assert "momentum" in one["title"]
    velocity = 0.75 * first["fc0.weight.velocity"] + second["fc0.weight.grad"]
    np.testing.assert_allclose(second["fc0.weight.velocity"], velocity, rtol=1e-6, atol=1e-9)
    moved = first["fc0.weight"] - 0.05 * second["fc0.weight.velocity"]
    np.testing.assert_allclose(second["fc0.weight"], moved, rtol=1e-6, atol=1e-9)


def test_accumulation_is_a_larger_batch(tmp_path):
    rng = np.random.default_rng(1)
    inputs = {"x": rng.standard_normal((12, 13)), "y": rng.standard_normal((12, 6))}
    np.savez(tmp_path / "in.npz", **{name: value.astype(np.float32) for name, value in inputs.items()})
    workload = {**MLP, "inputs": str(tmp_path / "in.npz")}
    whole, large = step(tmp_path / "whole", {}, {**workload, "batch": 12})
    parts, small = step(tmp_path / "parts", {"accumulate": 3}, {**workload, "batch": 4})
    for name in ("fc0.weight", "fc1.bias", "fc0.weight.grad", "loss"):
        np.testing.assert_allclose(small[name], large[name], rtol=1e-5, atol=1e-7)
    # One step of the report is all its passes.
    assert parts["step"]["macs"] == whole["step"]["macs"]
    assert len(parts["steps"]) == 1 and parts["step"]["cycles"] == parts["steps"][0]["cycles"]
    assert sum(layer["cycles"] for layer in parts["layers"]) == parts["step"]["cycles"]
    for unit in parts["units"].values():
        assert unit["busy"] + sum(unit["stalls"].values()) == parts["step"]["cycles"]


def test_accumulation_walks_through_the_batches_of_several_steps(tmp_path):
    result, _ = step(tmp_path, {"accumulate": 2, "steps": 3, "optimizer": "momentum", "momentum": 0.5})
    assert result["check"]["passed"] and len(result["steps"]) == 3


def test_mixed_precision_follows_fp32(tmp_path):
    fp16 = "platform/siracusa_redmule.json"
    workload = {**MLP, "sizes": [128, 128, 64], "batch": 24}
    exact, plain = step(tmp_path / "fp32", {"steps": 4}, workload)
    train = {"steps": 4, "precision": "mixed_fp16", "loss_scale": 256}
    mixed, scaled = step(tmp_path / "fp16", train, workload, platform=fp16)
    assert mixed["check"]["passed"] and mixed["check"]["redmule_jobs"] > 0
    assert mixed["loss"] != exact["loss"]
    assert mixed["loss"] == pytest.approx(exact["loss"], rel=1e-2)
    # Gradients are reported without the scale.
    error = np.linalg.norm(scaled["fc0.weight.grad"] - plain["fc0.weight.grad"])
    assert error < 0.05 * np.linalg.norm(plain["fc0.weight.grad"])


def test_what_does_not_go_together_is_refused(tmp_path):
    error, _ = step(tmp_path, {"optimizer": "adam", "accumulate": 2}, check=2)
    assert "/train/accumulate" in error and error.count("\n") == 1
    error, _ = step(tmp_path, {"precision": "mixed_fp16"}, check=2)
    assert "/train/precision" in error and error.count("\n") == 1
