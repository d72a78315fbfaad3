# SPDX-License-Identifier: Apache-2.0
"""Sliding windows of all kinds from ONNX files: gradients as PyTorch's in float64, by the reference and on the chip."""

import json
import subprocess

import numpy as np
import onnx_file as of
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
    # Shares of padding are constants in float32: half a unit in their last place.
    half = 2.0**-24
    wanted_loss, wanted = branches.expected()
    largest = max(np.abs(g).max() for g in wanted.values())
    assert abs(loss - wanted_loss) <= max(of_each, half) * max(abs(wanted_loss), largest)
    assert wanted
    for name, gradient in wanted.items():
        value = found[name + ".grad"]
        assert value.shape == gradient.shape, name
        error = np.abs(value - gradient).max()
        what = branches.what[int(name.split(".")[0][1:])]
        each = max(of_each, half) if "padded_mean" in what else of_each
        assert error <= each * np.abs(gradient).max() + of_all * largest, (what, name, error)


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
    samples = next(iter(branches.inputs.values())).shape[0]  # those of other branches differ
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz", "batch": samples}
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


@needs_torch
def test_signals_longer_than_l1_are_cut(tmp_path):
    branches = Branches(2)
    for kind in ("conv", "depthwise"):  # a row of columns alone is more than there is
        branches.add(kind, 1, 3000)
    result, outputs = simulate(tmp_path, branches, "--set", "/tiling/l1_budget=16000")
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


def test_the_step_written_as_onnx_trains_alike(tmp_path):
    rng = np.random.default_rng(7)

    def drawn(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / 3).astype(np.float32)

    window = {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}
    nodes = [
        of.node("Conv", ["x", "w", "b"], ["c"], dilations=[2], pads=[2, 1]),
        of.node("ConvTranspose", ["c", "wt", "bt"], ["t"], strides=[2], output_padding=[1], group=2),
        of.node("ConvTranspose", ["t", "wd"], ["d"], dilations=[2], group=6),
        of.node("MaxPool", ["d"], ["m"], dilations=[2], ceil_mode=1, **window),
        of.node("AveragePool", ["m"], ["a"], count_include_pad=1, **window),
        of.node("AveragePool", ["a"], ["e"], dilations=[2], kernel_shape=[2]),
        of.node("Resize", ["e", "", "s"], ["r"], mode="nearest"),
        of.node("GlobalMaxPool", ["r"], ["g"]),
        of.node("Flatten", ["g"], ["f"]),
        of.node("Gemm", ["f", "v"], ["z"]),
    ]
    weights = {"w": drawn(4, 3, 3), "b": drawn(4), "wt": drawn(4, 3, 4), "bt": drawn(6), "wd": drawn(6, 1, 3)}
    weights["v"] = drawn(6, 4)
    constants = [*(of.constant(n, v) for n, v in weights.items()), of.constant("s", np.float32([1, 1, 3]))]
    of.write(tmp_path / "model.onnx", nodes, constants, [of.value("x", (2, 3, 20))], [of.value("z", (2, 4))], opset=19)
    np.savez(tmp_path / "in.npz", x=drawn(2, 3, 20), labels=np.array([1, 3]))
    for name, train in (("model", {"train": {"lr": 0.05}}), ("step", {})):
        workload = {"onnx": name + ".onnx", "inputs": "in.npz"}
        (tmp_path / (name + ".json")).write_text(
            json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, **train})
        )
        if name == "model":
            run("describe", tmp_path / "model.json", "--onnx", tmp_path / "step.onnx", check=0)
        run("run", tmp_path / (name + ".json"), "--out", tmp_path / name, "--quiet", check=0)
    wanted, found = (dict(np.load(tmp_path / name / "outputs.npz")) for name in ("model", "step"))
    updated = {name.removesuffix(".updated") for name in found if name.endswith(".updated")}
    assert updated == set(weights)
    for name in weights:
        assert wanted[name].shape == weights[name].shape
        # Another order of sums, at most: the updates themselves are of the order of 1e-2.
        np.testing.assert_allclose(found[name + ".updated"], wanted[name], rtol=2e-6, atol=2e-7)
        assert np.abs(wanted[name] - weights[name]).max() > 1e-4


def weight(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


# operator, shape of x, further operands, attributes, words of the message
REFUSED = {
    "volume": ("Conv", (1, 1, 3, 3, 3), [weight(1, 1, 2, 2, 2)], {}, "signals [samples,channels,length] are supported"),
    "volume pool": ("GlobalMaxPool", (1, 1, 3, 3, 3), [], {}, "works on data of shape [1,1,3,3,3]"),
    "flat kernel": ("Conv", (1, 1, 9), [weight(1, 1, 2, 2)], {}, "has a kernel of 2 extents"),
    "strides": ("MaxPool", (1, 1, 9), [], {"kernel_shape": [2], "strides": [2, 2]}, "has 2 strides; 1 are wanted"),
    "large": ("Conv", (1, 1, 3), [weight(1, 1, 5)], {}, "fit the image"),
    "storage": ("MaxPool", (1, 1, 9), [], {"kernel_shape": [2], "storage_order": 1}, "has storage_order 1"),
    "padding": ("MaxPool", (1, 1, 2), [], {"kernel_shape": [2], "pads": [1, 2], "dilations": [4]}, "covers a pixel"),
    "behind": ("ConvTranspose", (1, 1, 4), [weight(1, 1, 3)], {"output_padding": [1]}, "1 behind its last window"),
    "group": ("ConvTranspose", (1, 3, 4), [weight(3, 1, 3)], {"group": 2}, "group divides the channels"),
    "linear": ("Resize", (1, 1, 4), [None, np.float32([1, 1, 2])], {"mode": "linear"}, "interpolates (mode 'linear')"),
    "nearest": ("Resize", (1, 1, 4), [None, np.float32([1, 1, 1.5])], {"mode": "nearest"}, "resizes axis 2 by 1.5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_windows_are_refused_at_their_node(tmp_path, name):
    op, shape, operands, attributes, message = REFUSED[name]
    names = ["x", *("" if o is None else f"c{i}" for i, o in enumerate(operands))]
    constants = [of.constant(f"c{i}", o) for i, o in enumerate(operands) if o is not None]
    nodes = [of.node(op, names, ["y"], **attributes)]
    nodes += [of.node("Flatten", ["y"], ["f"]), of.node("Gemm", ["f", "v"], ["z"])]
    constants.append(of.constant("v", weight(12, 4)))
    of.write(tmp_path / "model.onnx", nodes, constants, [of.value("x", shape)], [of.value("z", (shape[0], 4))])
    config = {"platform": "platform/traindeeploy.json", "workload": {"onnx": "model.onnx"}}
    (tmp_path / "run.json").write_text(json.dumps(config))
    done = run("run", tmp_path / "run.json", "--out", tmp_path / "out", check=2)
    assert done.stderr.count("\n") == 1 and "node 'y'" in done.stderr and message in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


@needs_torch
def test_what_has_no_tiles_is_refused_at_its_node(tmp_path):
    branches = Branches(1)
    for _ in range(2):
        branches.add("max", 2, 40)
    branches.write(tmp_path / "model.onnx")
    config = {"platform": "platform/traindeeploy.json", "workload": {"onnx": "model.onnx", "batch": 2}}
    (tmp_path / "run.json").write_text(json.dumps(config))
    done = run("run", tmp_path / "run.json", "--out", tmp_path / "out", "--set", "/tiling/l1_budget=1000", check=2)
    assert done.stderr.count("\n") == 1 and "operator 'b0." in done.stderr and "bytes of L1" in done.stderr
