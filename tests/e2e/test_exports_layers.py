# SPDX-License-Identifier: Apache-2.0
"""Layers of exported models are called as the modules that they are of, whatever the exporter made of their weights;
adapters and freezing go by these names."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import run
from test_exports import needs_exporters

try:
    import export_truth
    import torch
    import torch.nn.functional as F
    import written_models
    from exported_models import Case, Tied, TokenEncoder, TokenMlp
except ImportError:
    Case = None
pytestmark = needs_exporters
EXPORTERS = [("legacy", 20, {}), ("dynamo", 20, {}), ("dynamo", 20, {"external_data": False, "optimize": False})]
IDS = ["legacy", "dynamo", "dynamo_raw"]


def exported(tmp_path: Path, make, shape, exporter) -> tuple[Path, object, object]:
    """Configuration, model and input."""
    kind, opset, options = exporter
    case = Case(make, shape, kind, opset, options=options or ({"external_data": False} if kind == "dynamo" else {}))
    config, _, _ = export_truth.write_case(case, tmp_path)
    model, x = export_truth.drawn(case)
    return config, model, x


def network(config: Path, *arguments: str) -> dict:
    return json.loads(run("describe", config, "--json", *arguments, check=0).stdout)["network"]


def sets(**train) -> list[str]:
    return [part for key, value in train.items() for part in ("--set", f"/train/{key}={json.dumps(value)}")]


@pytest.mark.parametrize("exporter", EXPORTERS, ids=IDS)
def test_describe_lists_inputs_outputs_layers_and_blocks(tmp_path, exporter):
    config, model, _ = exported(tmp_path, lambda: TokenEncoder("scaled", 2, bias=False), (4, 5, 6), exporter)
    found = network(config)
    assert {"name": "x", "type": "FLOAT", "shape": [4, 5, 6]} in found["inputs"]
    assert {"name": "labels", "type": "INT32", "shape": [4]} in found["inputs"]
    assert [output["shape"] for output in found["outputs"]] == [[4, 3]]
    assert found["blocks"] == ["blocks.0", "blocks.1"]
    layers = {layer["name"]: layer for layer in found["layers"]}
    linear = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    assert {name for name, layer in layers.items() if layer["op"] == "Gemm"} == set(linear)
    assert {name for name, layer in layers.items() if layer["adapters"]} == {n for n in linear if "blocks" in n}
    for name, module in linear.items():
        sizes = [int(np.prod(parameter["shape"])) for parameter in layers[name]["parameters"]]
        assert sizes == [parameter.numel() for parameter in module.parameters()]
        assert layers[name]["block"] == (name[:8] if name.startswith("blocks") else "")
    assert "blocks.0.norm1" in layers and not layers["blocks.0.norm1"]["adapters"]
    text = run("describe", config, check=0).stdout
    assert "  blocks.1.attn.q" in text and " 4x5x6" in text


def with_adapters(model, x, labels, adapters):
    """Loss and gradients in float64 of A and B [in, rank], [rank, out] beside the weights of linear layers."""
    p = {name: value.detach().double() for name, value in model.named_parameters()}
    made = {n: (torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)) for n, (a, b) in adapters}
    for name, (a, b) in made.items():
        p[name + ".weight"] = p[name + ".weight"] + (a @ b).T
    loss = F.cross_entropy(torch.func.functional_call(model.double(), p, (x.double(),)), labels)
    loss.backward()
    return loss.item(), {n: (a.grad.numpy(), b.grad.numpy()) for n, (a, b) in made.items()}


@pytest.mark.parametrize("exporter", EXPORTERS, ids=IDS)
@pytest.mark.parametrize(
    "make,shape,written,targets",
    [
        ("TokenEncoder", (4, 5, 6), ["q", "blocks.*.v", "mlp.2"], ["attn.q", "attn.v", "mlp.2"]),
        ("Tied", (4, 6), ["up", "mix"], ["up", "mix"]),
    ],
    ids=["encoder", "shared"],
)
def test_adapters_of_named_layers_have_pytorchs_gradients(tmp_path, make, shape, written, targets, exporter):
    made = (lambda: TokenEncoder("scaled", bias=False)) if make == "TokenEncoder" else Tied
    config, model, x = exported(tmp_path, made, shape, exporter)
    train = sets(method="lora", rank=2, layers=written)
    linear = [name for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    wanted = [name for name in linear if name.endswith(tuple(targets))]
    found = {layer["name"] for layer in network(config, *train)["layers"]}
    assert set(wanted) <= found
    rng = np.random.default_rng(3)
    adapters = [
        (n, (rng.normal(size=(m.in_features, 2)) / 2, rng.normal(size=(2, m.out_features)) / 2))
        for n, m in ((n, model.get_submodule(n)) for n in wanted)
    ]
    adapters = [(n, (a.astype(np.float32).astype(float), b.astype(np.float32).astype(float))) for n, (a, b) in adapters]
    start = {n: v for n, v in export_truth.initializers(tmp_path / "model.onnx").items() if v.dtype == np.float32}
    described = json.loads(run("describe", config, "--json", check=0).stdout)
    parameters = {p["name"] for p in described["tensors"]["parameters"]}
    start = {n: v for n, v in start.items() if n in parameters}
    for n, (a, b) in adapters:
        start |= {f"{n}.lora_a": a.astype(np.float32), f"{n}.lora_b": b.astype(np.float32)}
    np.savez(tmp_path / "start.npz", **start)
    train += sets(initial=str(tmp_path / "start.npz"))
    run("run", config, "--out", tmp_path / "out", "--quiet", *train, check=0)
    outputs = dict(np.load(tmp_path / "out/outputs.npz"))
    labels = torch.tensor(np.load(tmp_path / "inputs.npz")["labels"])
    loss, gradients = with_adapters(model, x, labels, adapters)
    assert abs(float(outputs["loss"]) - loss) <= 1e-5 * loss
    assert {n for n in outputs if n.endswith("lora_a.grad")} == {f"{n}.lora_a.grad" for n in wanted}
    largest = max(np.abs(g).max() for ab in gradients.values() for g in ab)
    for name, ab in gradients.items():
        for part, gradient in zip("ab", ab, strict=True):
            error = np.abs(outputs[f"{name}.lora_{part}.grad"] - gradient).max()
            assert error <= 1e-5 * np.abs(gradient).max() + 1e-7 * largest, f"{name}.lora_{part}"


@pytest.mark.parametrize("exporter", EXPORTERS, ids=IDS)
def test_methods_and_freezing_go_by_these_names(tmp_path, exporter):
    config, model, _ = exported(tmp_path, lambda: TokenEncoder("scaled", 2), (4, 5, 6), exporter)

    def trained(**train) -> set[str]:
        layers = network(config, *sets(**train))["layers"]
        return {layer["name"] for layer in layers if any(p["trainable"] for p in layer["parameters"])}

    linear = {n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    assert trained(method="last_k", k=1) == {n for n in linear if n.startswith("blocks.1")} | {"fc"}
    assert trained(method="linear_probe") == {"fc"}
    frozen = linear - trained(freeze=["blocks.0.*", "embed"])
    assert frozen == {n for n in linear if n.startswith("blocks.0")} | {"embed"}
    assert "blocks.1.attn.q" not in trained(freeze=["blocks.?.attn.q.weight", "blocks.?.attn.q.bias"])


@pytest.mark.parametrize(
    "train,parts",
    [
        ({"method": "lora", "layers": ["atn.q"]}, ["/train/layers", "'atn.q'", "nearest is 'attn.q'"]),
        ({"method": "lora", "layers": ["fc"]}, ["/train/layers", "'fc' is no linear layer of a block"]),
        ({"freeze": ["blocks.0.attn.k.wieght"]}, ["/train/freeze", "nearest is 'blocks.0.attn.k.weight'"]),
    ],
    ids=["misspelt", "head", "freeze"],
)
def test_other_names_are_refused_with_the_nearest(tmp_path, train, parts):
    config, _, _ = exported(tmp_path, lambda: TokenEncoder("scaled", 2), (4, 5, 6), EXPORTERS[0])
    done = run("describe", config, *sets(**train), check=2)
    assert done.stderr.count("\n") == 1 and all(part in done.stderr for part in parts), done.stderr


def test_layers_of_keras_have_keras_names(tmp_path):
    for name, layers in {
        "keras_cnn": ["sequential.conv2d", "sequential.conv2d_1", "sequential.dense", "sequential.dense_1"],
        "keras_cnn_raw": ["model.conv2d", "model.dense"],
        "keras_conv1d": ["model.conv1d", "model.dense"],
        "keras_mobilenet": ["model.conv1", "model.dw", "model.pw", "model.preds"],
        "written_shared": ["shared", "out"],
    }.items():
        model, x, labels = written_models.written(name)
        model.write(tmp_path / "model.onnx")
        workload = {"onnx": "model.onnx", "batch": len(x)}
        (tmp_path / "run.json").write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
        found = network(tmp_path / "run.json")["layers"]
        assert [layer["name"] for layer in found if layer["op"] in ("Gemm", "Conv")] == layers


def test_symbols_of_inputs_are_told(tmp_path):
    case = Case(TokenMlp, (4, 5, 6), dynamic={0: "batch"})
    config, _, _ = export_truth.write_case(case, tmp_path)
    inputs = {value["name"]: value for value in network(config, "--set", "/workload/batch=4")["inputs"]}
    assert inputs["x"] == {"name": "x", "type": "FLOAT", "shape": [4, 5, 6], "symbols": ["batch", "", ""]}
    assert "batch=4x5x6" in run("describe", config, "--set", "/workload/batch=4", check=0).stdout


def test_filters_are_layers_without_adapters(tmp_path):
    def make():
        return torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.Flatten(), torch.nn.Linear(108, 3))

    config, _, _ = exported(tmp_path, make, (3, 1, 8, 8), EXPORTERS[0])
    layers = {layer["name"]: layer for layer in network(config)["layers"]}
    assert layers["0"]["op"] == "Conv" and not layers["0"]["adapters"] and layers["2"]["adapters"]
    done = run("describe", config, *sets(method="lora", layers=["0"]), check=2)
    assert "'0' is no linear layer" in done.stderr
