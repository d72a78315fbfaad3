# SPDX-License-Identifier: Apache-2.0
"""Models as PyTorch's exporters write them train on the simulated chip with PyTorch's loss and gradients, or are
refused with one line: no third."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import run

try:
    import export_truth
    import exported_cases
    import written_models

    CASES = exported_cases.cases()
    WRITTEN = list(written_models.WRITTEN)
except ImportError:  # each test is counted as skipped, not the file as one
    CASES, WRITTEN = {"all": None}, ["all"]
needs_exporters = pytest.mark.skipif(
    CASES == {"all": None}, reason="needs PyTorch, onnx and onnxscript (scripts/setup.sh --tests)"
)

# Refused, by name: the operators that the line names, one of its nodes.
REFUSED = {
    "unet_bilinear": ["Resize"],
    "lstm": ["LSTM"],
    "gru": ["GRU"],
    "rnn": ["RNN"],
    "lstm_dynamo": ["LSTM"],
}


def compare(outputs: dict[str, np.ndarray], values: dict[str, np.ndarray], loss: float, truth: list) -> list[str]:
    """What differs by more than 1e-5 of a tensor's largest + 1e-7 of the step's largest gradient."""
    found = {name[:-5]: value for name, value in outputs.items() if name.endswith(".grad")}
    largest = max(np.abs(gradient).max() for _, _, gradient in truth)
    wrong = []
    if abs(float(outputs["loss"]) - loss) > 1e-5 * abs(loss):
        wrong.append(f"loss {float(outputs['loss'])}, not {loss}")
    if sum(value.size for value in found.values()) != sum(gradient.size for _, _, gradient in truth):
        wrong.append(f"trained: {sorted(found)}, not {sorted(name for name, _, _ in truth)}")
    for name, gradient in found.items():
        held = values[name].astype(np.float64)
        if held.ndim and held.shape != gradient.shape:
            held = held[: len(gradient)]  # of a token that the exporter repeated for each sample
        wanted = export_truth.wanted_gradient(name, held, truth)
        if wanted is None:
            wrong.append(f"{name} is no parameter of the model")
        else:
            error = np.abs(gradient - wanted).max()
            if error > 1e-5 * np.abs(wanted).max() + 1e-7 * largest:
                wrong.append(f"{name}: {error:.3g} of {np.abs(wanted).max():.3g}")
    return wrong


def trained(config: Path, *arguments: str) -> tuple[str, dict]:
    """What a run says where it refuses, else its arrays."""
    out = config.parent / "out"
    done = run("run", config, "--out", out, "--quiet", *arguments)
    if done.returncode == 2:
        assert done.stderr.count("\n") == 1 and not out.exists(), done.stderr
        return done.stderr, {}
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "result.json").read_text())["check"]["passed"] is True
    return "", dict(np.load(out / "outputs.npz"))


def layer_names(config: Path) -> set[str]:
    """Names of products and convolutions, as `describe` lists them."""
    layers = json.loads(run("describe", config, "--json", check=0).stdout)["network"]["layers"]
    return {layer["name"] for layer in layers if layer["op"].startswith(("Gemm", "Conv"))}


@needs_exporters
@pytest.mark.parametrize("name", CASES)
def test_an_exported_model_trains_as_in_pytorch_or_is_refused_by_name(tmp_path, name):
    config, loss, truth = export_truth.write_case(CASES[name], tmp_path)
    refusal, outputs = trained(config)
    if name in REFUSED:
        assert refusal and all(word in refusal for word in ["model.onnx", "node", *REFUSED[name]]), refusal or "trained"
    else:
        assert not refusal, refusal
        assert compare(outputs, export_truth.initializers(tmp_path / "model.onnx"), loss, truth) == []
        assert layer_names(config) == export_truth.layer_names(CASES[name])


@needs_exporters
@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_model_trains_as_in_pytorch(tmp_path, name):
    model, x, labels = written_models.written(name)
    model.write(tmp_path / "model.onnx")
    np.savez(tmp_path / "inputs.npz", x=x, labels=labels)
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz"}
    (tmp_path / "run.json").write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    refusal, outputs = trained(tmp_path / "run.json")
    assert not refusal, refusal
    assert compare(outputs, model.parameters, *model.truth(x, labels)) == []
