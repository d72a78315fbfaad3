# SPDX-License-Identifier: Apache-2.0
"""Networks from ONNX files with each activation: reference against PyTorch, and a step on the chip."""

import json
import subprocess

import numpy as np
import onnx_file
import pytest
from support import BUILD, run

SIZES = [11, 19, 13, 5]  # odd on purpose
BATCH = 6
ACTIVATIONS = ["Relu", "Sigmoid", "Tanh"]


def parameters() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    made = {}
    for i, (n, m) in enumerate(zip(SIZES[:-1], SIZES[1:], strict=True)):
        made[f"w{i}"] = (rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32)
        made[f"b{i}"] = (rng.standard_normal(m) / 4).astype(np.float32)
    return made


def write_model(file, activation: str) -> None:
    """An MLP with the activation behind all layers but the last."""
    nodes, x, last = [], "x", len(SIZES) - 2
    for i in range(last + 1):
        nodes.append(onnx_file.node("Gemm", [x, f"w{i}", f"b{i}"], [f"z{i}"]))
        x = f"z{i}"
        if i < last:
            nodes.append(onnx_file.node(activation, [x], [f"y{i}"]))
            x = f"y{i}"
    onnx_file.write(
        file,
        nodes,
        [onnx_file.constant(name, value) for name, value in parameters().items()],
        [onnx_file.value("x", (BATCH, SIZES[0]))],
        [onnx_file.value(x, (BATCH, SIZES[-1]))],
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_and_gradients_equal_torch(tmp_path, activation):
    torch = pytest.importorskip("torch", reason="skipped: needs PyTorch (scripts/setup.sh --tests)")
    write_model(tmp_path / "model.onnx", activation)
    subprocess.run([BUILD / "reference_step", tmp_path / "step.npz", tmp_path / "model.onnx"], check=True)
    step = dict(np.load(tmp_path / "step.npz"))
    p = {name: torch.tensor(step[name].astype(np.float64), requires_grad=True) for name in parameters()}
    for name, given in parameters().items():
        assert np.array_equal(step[name], given)
    y = torch.tensor(step["x"].astype(np.float64))
    for i in range(len(SIZES) - 1):
        y = y @ p[f"w{i}"] + p[f"b{i}"]
        y = getattr(torch, activation.lower())(y) if i < len(SIZES) - 2 else y
    loss = torch.nn.functional.cross_entropy(y, torch.tensor(step["labels"].astype(np.int64)))
    loss.backward()
    assert abs(loss.item() - step["loss"]) <= 1e-11 * abs(loss.item())
    for name, value in p.items():
        wanted = value.grad.numpy()
        assert np.abs(step[name + ".grad"] - wanted).max() <= 1e-9 * np.abs(wanted).max(), name


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_model_trains_on_the_chip(tmp_path, activation):
    write_model(tmp_path / "model.onnx", activation)
    config = tmp_path / "run.json"
    workload = {"onnx": str(tmp_path / "model.onnx")}
    config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    run("run", config, "--out", tmp_path / "out", "--quiet", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert {layer["op"] for layer in result["layers"]} >= {activation, activation + "Grad"}
    assert result["check"]["passed"] is True
    # The step as ONNX is the same step: every operator is written and read back.
    run("describe", config, "--onnx", tmp_path / "step.onnx", check=0)
    workload["onnx"] = str(tmp_path / "step.onnx")
    config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    run("run", config, "--out", tmp_path / "again", "--quiet", check=0)
    first, again = (np.load(tmp_path / out / "outputs.npz") for out in ("out", "again"))
    for name in parameters():
        np.testing.assert_allclose(again[name + ".updated"], first[name], rtol=2e-6, atol=2e-7)
