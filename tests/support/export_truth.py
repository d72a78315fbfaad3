# SPDX-License-Identifier: Apache-2.0
"""Exports a case of exported_models, and says what its training step must give: PyTorch in float64."""

import copy
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from exported_models import Case
from onnx import numpy_helper
from torch import nn

torch.set_num_threads(1)  # small tensors: threads would only wait for each other
torch.backends.mha.set_fastpath_enabled(False)  # inference's kernels have no ONNX form
logging.getLogger("torch.onnx").setLevel(logging.ERROR)


def export(case: Case, model: nn.Module, x: torch.Tensor, file: Path) -> None:
    """Writes the model as the exporter writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if case.exporter == "legacy":
            mode = torch.onnx.TrainingMode.TRAINING if case.training else torch.onnx.TrainingMode.EVAL
            dynamic = {"x": case.dynamic} if case.dynamic else None
            torch.onnx.export(
                model, (x,), str(file), dynamo=False, opset_version=case.opset, input_names=["x"],
                dynamic_axes=dynamic, training=mode, do_constant_folding=not case.training, **case.options,
            )  # fmt: skip
            return
        dynamic = ({axis: torch.export.Dim(name) for axis, name in case.dynamic.items()},) if case.dynamic else None
        torch.onnx.export(
            model, (x,), str(file), dynamo=True, opset_version=case.opset, input_names=["x"],
            dynamic_shapes=dynamic, verbose=False, **case.options,
        )  # fmt: skip


def drawn(case: Case) -> tuple[nn.Module, torch.Tensor]:
    """The model with weights, norms and statistics that are all drawn, and an input."""
    torch.manual_seed(11)
    model = case.make()
    with torch.no_grad():
        for parameter in model.parameters():  # exporters share what is equal: zeros, layers that are copies
            parameter.add_(torch.randn(parameter.shape) / 20)
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.LayerNorm | nn.GroupNorm):
                module.weight.uniform_(0.6, 1.4)
                module.bias.uniform_(-0.3, 0.3)
    model.train(case.training)
    x = torch.randint(case.tokens, case.shape) if case.tokens else torch.randn(case.shape)
    return model, x


def fuse(case: Case, model: nn.Module) -> nn.Module:
    """The model with normalisations merged into convolutions, as the legacy exporter does in evaluation mode."""
    model = copy.deepcopy(model)
    for convolution, norm in case.fused:
        merged = nn.utils.fusion.fuse_conv_bn_eval(model.get_submodule(convolution), model.get_submodule(norm))
        model.set_submodule(convolution, merged)
        model.set_submodule(norm, nn.Identity())
    return model.requires_grad_()


def targets(case: Case, model: nn.Module, x: torch.Tensor) -> dict[str, np.ndarray]:
    """What the inputs' archive holds beside x."""
    rng = np.random.default_rng(5)
    if case.classes is not None:
        return {"labels": rng.integers(0, case.classes, len(x))}
    with torch.no_grad():
        shape = copy.deepcopy(model).eval()(x).shape
    drawn = rng.random(shape) if case.loss == "bce" else rng.normal(size=shape)
    return {"target": drawn.astype(np.float32)}


def loss_of(case: Case, y: torch.Tensor, data: dict[str, np.ndarray]) -> torch.Tensor:
    """Of outputs as the model gives them: a last Softmax or LogSoftmax or Sigmoid is part of the loss."""
    if case.loss == "mse":
        return F.mse_loss(y, torch.tensor(data["target"]).double())
    if case.loss == "bce":
        return F.binary_cross_entropy(y, torch.tensor(data["target"]).double())
    labels = torch.tensor(data["labels"])
    return F.cross_entropy(y, labels)


def last_removed(model: nn.Module) -> nn.Module:
    """Without a last Softmax or LogSoftmax: cross entropy is of the logits."""
    if isinstance(model, nn.Sequential) and isinstance(model[-1], nn.Softmax | nn.LogSoftmax):
        return model[:-1]
    return model


def gradients(case: Case, model: nn.Module, x: torch.Tensor, data: dict) -> tuple[float, list]:
    """Loss, and (name, value, gradient) of every parameter, in float64."""
    exact = copy.deepcopy(model).double()
    x = x if case.tokens else x.double()
    loss = loss_of(case, last_removed(exact)(x), data)
    loss.backward()
    found = []
    for name, parameter in exact.named_parameters():
        found.append((name, parameter.detach().numpy(), parameter.grad.numpy()))
    return loss.item(), found


def initializers(file: Path) -> dict[str, np.ndarray]:
    """Constants of a model by name, external data too."""
    graph = onnx.load(file).graph
    return {t.name: numpy_helper.to_array(t) for t in graph.initializer}


def load_fused(model: nn.Module, values: dict[str, np.ndarray]) -> nn.Module:
    """The merged model with exactly the exporter's float32 values, which differ from ours by rounding."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            near = [v for v in values.values() if v.shape == tuple(parameter.shape)]
            near = [v for v in near if np.allclose(v, parameter.numpy(), rtol=1e-4, atol=1e-6)]
            assert len(near) == 1
            parameter.copy_(torch.tensor(near[0]))
    return model


def wanted_gradient(name: str, value: np.ndarray, truth: list) -> np.ndarray | None:
    """The gradient of the file's parameter: of PyTorch's of that name, else of the one that has its values, as it
    is, transposed, or of another shape of the same order."""
    for own, start, gradient in truth:
        if own == name and start.shape == value.shape and np.array_equal(start, value):
            return gradient
    for _, start, gradient in truth:
        if start.size != value.size:
            continue
        if np.array_equal(start.reshape(-1), value.reshape(-1)):
            return gradient.reshape(value.shape)
        turned = start.ndim == 2 and np.array_equal(start.T.reshape(-1), value.reshape(-1))
        if turned:
            return gradient.T.reshape(value.shape)
    return None


def layer_names(case: Case) -> set[str]:
    """Modules with a matrix or filters, by the names under which PyTorch has them."""
    names = set()
    for name, module in case.make().named_modules():
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            names.add(name)
        elif isinstance(module, nn.MultiheadAttention):
            names.add(name + ".in_proj")
    return names


def write_case(case: Case, folder: Path) -> tuple[Path, float, list]:
    """Model, inputs and configuration in a folder; the configuration, and what the step must give."""
    model, x = drawn(case)
    export(case, model, x, folder / "model.onnx")
    data = targets(case, model, x)
    np.savez(folder / "inputs.npz", x=x.numpy(), **data)
    if case.fused:
        model = load_fused(fuse(case, model), initializers(folder / "model.onnx"))
    loss, truth = gradients(case, model, x, data)
    train = {"lr": 0.01} | ({"loss": case.loss} if case.loss else {})
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz"}
    sizes = {name: case.shape[axis] for axis, name in case.dynamic.items() if axis > 0}
    workload |= {"dimensions": sizes} if sizes else {}
    root = {"platform": "platform/traindeeploy.json", "workload": workload, "train": train}
    (folder / "run.json").write_text(json.dumps(root))
    return folder / "run.json", loss, truth
