# SPDX-License-Identifier: Apache-2.0
"""Sliding windows of all kinds from ONNX files: gradients as PyTorch's in float64, by the reference and on the chip."""

import json
import subprocess

import numpy as np
import pytest
from support import BUILD, run, shared
from window_branches import KINDS, Branches, torch

needs_torch = pytest.mark.skipif(torch is None, reason="needs PyTorch (scripts/setup.sh --tests)")


def drawn(seed: int, count: int, kinds=KINDS) -> Branches:
    """`count` branches, all kinds in turn, over images and signals."""
    branches = Branches(seed)
    for i in range(count):
        branches.add(kinds[i % len(kinds)], 1 + (i // len(kinds) + i) % 2)
    return branches


def compare(branches: Branches, loss: float, found: dict, of_each: float, of_all: float) -> None:
    wanted_loss, wanted = branches.expected()
    largest = max(np.abs(g).max() for g in wanted.values())
    assert abs(loss - wanted_loss) <= of_each * max(abs(wanted_loss), largest)
    assert wanted
    for name, gradient in wanted.items():
        value = found[name + ".grad"]
        assert value.shape == gradient.shape, name
        error = np.abs(value - gradient).max()
        what = branches.what[int(name.split(".")[0][1:])]
        assert error <= of_each * np.abs(gradient).max() + of_all * largest, (what, name, error)


@needs_torch
@pytest.mark.parametrize("seed", [1, 2])
def test_the_reference_computes_what_torch_does(tmp_path, seed):
    branches = drawn(seed, 80)
    branches.write(tmp_path / "model.onnx")
    out = tmp_path / "step.npz"
    subprocess.run([BUILD / "reference_step", out, tmp_path / "model.onnx"], check=True)
    archive = dict(np.load(out))
    for name in branches.inputs:  # drawn by the tool
        branches.inputs[name] = archive[name]
    compare(branches, float(archive["loss"]), archive, 1e-9, 1e-12)


def simulate(tmp_path, branches: Branches, *arguments, **keys) -> tuple[dict, dict]:
    branches.write(tmp_path / "model.onnx")
    np.savez(tmp_path / "inputs.npz", **branches.inputs)
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz"}
    (tmp_path / "run.json").write_text(
        json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": {"lr": 0.01}, **keys})
    )
    run("run", tmp_path / "run.json", "--out", tmp_path / "out", "--quiet", *arguments, check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"] is True, result["check"]["failures"]
    return result, dict(np.load(tmp_path / "out/outputs.npz"))


SETTINGS = {
    "both units": (3, 20, []),
    "cores": (4, 20, ["--set", "/platform/cluster/redmule/enabled=false"]),
    "tight": (5, 20, ["--set", "/tiling/l1_budget=12000"]),
    "lockstep": (6, 10, ["--set", "/run/engine=lockstep"]),
}


@needs_torch
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_chip_computes_what_torch_does(tmp_path, setting):
    seed, count, arguments = SETTINGS[setting]
    branches = drawn(seed, count)
    result, outputs = simulate(tmp_path, branches, *arguments)
    compare(branches, result["loss"], outputs, 1e-5, 1e-7)


def test_the_case_with_dilations(tmp_path):
    case = shared("cases/exports/dil.json")
    run("run", case, "--out", tmp_path / "out", "--quiet", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    outputs, wanted = (dict(np.load(f)) for f in (tmp_path / "out/outputs.npz", case.with_name("dil.expected.npz")))
    assert result["loss"] == pytest.approx(float(wanted["loss"]), rel=1e-5)
    gradients = [n for n in wanted if n.endswith(".grad")]
    most = max(np.abs(wanted[n]).max() for n in gradients)
    for name in gradients:
        assert np.abs(outputs[name] - wanted[name]).max() <= 1e-5 * np.abs(wanted[name]).max() + 1e-7 * most, name
