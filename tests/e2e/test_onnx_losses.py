# SPDX-License-Identifier: Apache-2.0
"""The loss of an ONNX graph is the one that was asked for or that the graph has, never a guess."""

import json
from pathlib import Path

import numpy as np
import onnx_file as of
import pytest
from support import run

RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 6)).astype(np.float32)
W = (RNG.normal(size=(6, 8)) / 2).astype(np.float32)
V = {n: (RNG.normal(size=(8, n)) / 2).astype(np.float32) for n in (1, 4, 6)}
LABELS = np.array([2, 0, 3])


def torch():
    return pytest.importorskip("torch", reason="skipped: needs PyTorch (scripts/setup.sh --tests)")


def configuration(
    tmp_path: Path,
    out: int,
    nodes: list[bytes] = (),
    last: str = "z",
    shape: tuple | None = None,
    arrays: dict | None = None,
    more: list[bytes] = (),
    extra_inputs: list[bytes] = (),
    opset: int = 13,
    batch: int | str = 3,
) -> Path:
    """x [3,6] -> relu(x W) V = z [3,out], and nodes behind it; arrays go into inputs.npz."""
    of.write(
        tmp_path / "model.onnx",
        [
            of.node("MatMul", ["x", "w"], ["a"]),
            of.node("Relu", ["a"], ["b"]),
            of.node("MatMul", ["b", "v"], ["z"]),
            *nodes,
        ],
        [of.constant("w", W), of.constant("v", V[out]), *more],
        [of.value("x", (batch, 6)), *extra_inputs],
        [of.value(last, (batch, out) if shape is None else shape)],
        opset,
    )
    workload = {"onnx": "model.onnx", "batch": 3}
    if arrays is not None:
        np.savez(tmp_path / "inputs.npz", x=X, **arrays)
        workload["inputs"] = "inputs.npz"
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    return file


def trained(tmp_path: Path, file: Path, loss: str | None = None) -> tuple[dict, dict]:
    sets = ["--set", f"/train/loss={loss}"] if loss else []
    run("run", file, "--out", tmp_path / "out", "--quiet", *sets, check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"] is True, result["check"]["failures"]
    return result, dict(np.load(tmp_path / "out/outputs.npz"))


def check_against_torch(result: dict, outputs: dict, out: int, loss_of) -> None:
    """loss_of(z) in float64 by PyTorch, and its gradients."""
    t = torch()
    w, v = (t.tensor(a.astype(np.float64), requires_grad=True) for a in (W, V[out]))
    loss = loss_of(t, t.relu(t.tensor(X.astype(np.float64)) @ w) @ v)
    loss.backward()
    assert abs(result["loss"] - loss.item()) <= 1e-5 * abs(loss.item())
    most = max(w.grad.abs().max(), v.grad.abs().max()).item()
    for name, tensor in (("w", w), ("v", v)):
        wanted = tensor.grad.numpy()
        error = np.abs(outputs[name + ".grad"] - wanted).max()
        assert error <= 1e-5 * np.abs(wanted).max() + 1e-7 * most, name


def refused(tmp_path: Path, file: Path, *parts: str, loss: str | None = None) -> None:
    sets = ["--set", f"/train/loss={loss}"] if loss else []
    done = run("run", file, "--out", tmp_path / "out", "--quiet", *sets, check=2)
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts), done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("last", ["", "Softmax", "LogSoftmax"])
def test_auto_takes_the_logits_of_a_classifier(tmp_path, last):
    nodes = [of.node(last, ["z"], ["p"], axis=1)] if last else []
    file = configuration(tmp_path, 4, nodes, "p" if last else "z", arrays={"labels": LABELS})
    result, outputs = trained(tmp_path, file)
    chosen = result["loss_function"]
    assert chosen["name"] == "cross_entropy" and "labels" in chosen["why"]
    assert not last or f"the last {last}" in chosen["why"]
    check_against_torch(result, outputs, 4, lambda t, z: t.nn.functional.cross_entropy(z, t.tensor(LABELS)))


@pytest.mark.parametrize("opset,axis", [(12, 1), (11, 1)])
def test_the_older_softmax_over_flattened_images_too(tmp_path, opset, axis):
    shapes = [of.constant("s", np.array([3, 4, 1, 1])), of.constant("f", np.array([0, -1]))]
    nodes = [
        of.node("Reshape", ["z", "s"], ["i"]),
        of.node("Softmax", ["i"], ["p"], axis=axis),
        of.node("Reshape", ["p", "f"], ["y"]),
    ]
    file = configuration(tmp_path, 4, nodes, "y", arrays={"labels": LABELS}, more=shapes, opset=opset)
    result, outputs = trained(tmp_path, file)
    check_against_torch(result, outputs, 4, lambda t, z: t.nn.functional.cross_entropy(z, t.tensor(LABELS)))


@pytest.mark.parametrize("out", [1, 4])
@pytest.mark.parametrize("batch", [3, "batch_size"])
def test_mse_is_the_mean_over_all_elements(tmp_path, out, batch):
    target = RNG.normal(size=(3, out)).astype(np.float32)
    file = configuration(tmp_path, out, arrays={"target": target}, batch=batch)
    result, outputs = trained(tmp_path, file, "mse")
    assert result["loss_function"] == {"name": "mse", "of": "z", "why": "given"}
    check_against_torch(result, outputs, out, lambda t, z: t.nn.functional.mse_loss(z, t.tensor(target).double()))


@pytest.mark.parametrize("last", ["", "Sigmoid"])
def test_bce_is_of_logits(tmp_path, last):
    target = RNG.uniform(size=(3, 4)).astype(np.float32)
    nodes = [of.node("Sigmoid", ["z"], ["p"])] if last else []
    file = configuration(tmp_path, 4, nodes, "p" if last else "z", arrays={"target": target})
    result, outputs = trained(tmp_path, file, "bce")
    check_against_torch(
        result,
        outputs,
        4,
        lambda t, z: t.nn.functional.binary_cross_entropy_with_logits(z, t.tensor(target).double()),
    )
    np.savez(tmp_path / "inputs.npz", x=X, target=target + 1)
    (tmp_path / "out").rename(tmp_path / "before")
    refused(tmp_path, file, "'target'", "0 to 1", loss="bce")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"])
def test_a_loss_node_of_the_graph_is_the_loss(tmp_path, reduction, form):
    nodes = [of.node(form, ["z", "labels"], ["loss"], reduction=reduction)]
    if form == "NegativeLogLikelihoodLoss":
        nodes = [
            of.node("LogSoftmax", ["z"], ["p"], axis=-1),
            of.node(form, ["p", "labels"], ["loss"], reduction=reduction),
        ]
    labels = [of.value("labels", (3,), "int64")]
    file = configuration(tmp_path, 4, nodes, "loss", (), {"labels": LABELS}, extra_inputs=labels)
    result, outputs = trained(tmp_path, file)
    assert result["loss_function"]["name"] == "graph"
    check_against_torch(
        result,
        outputs,
        4,
        lambda t, z: t.nn.functional.cross_entropy(z, t.tensor(LABELS), reduction=reduction),
    )


OWN = {
    "Pow": [of.node("Sub", ["z", "target"], ["d"]), of.node("Pow", ["d", "two"], ["q"])],
    "Mul": [of.node("Sub", ["target", "z"], ["d"]), of.node("Mul", ["d", "d"], ["q"])],
}


@pytest.mark.parametrize("square", OWN)
@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_mean_of_squares_of_plain_operators_is_the_loss(tmp_path, square, keepdims):
    target = RNG.normal(size=(3, 4)).astype(np.float32)
    nodes = [*OWN[square], of.node("ReduceMean", ["q"], ["loss"], keepdims=keepdims)]
    file = configuration(
        tmp_path,
        4,
        nodes,
        "loss",
        (1, 1) if keepdims else (),
        {"target": target},
        [of.constant("two", np.float32(2))],
        [of.value("target", (3, 4))],
    )
    result, outputs = trained(tmp_path, file, "graph" if keepdims else None)
    assert result["loss_function"]["of"] == "loss"
    assert result["memory"]["parameters"] == 4 * (W.size + V[4].size)
    check_against_torch(result, outputs, 4, lambda t, z: t.nn.functional.mse_loss(z, t.tensor(target).double()))


def test_terms_beside_a_loss_node_count(tmp_path):
    nodes = [
        of.node("SoftmaxCrossEntropyLoss", ["z", "labels"], ["ce"]),
        of.node("Mul", ["w", "w"], ["ww"]),
        of.node("ReduceSum", ["ww"], ["norm"], keepdims=0),
        of.node("Mul", ["norm", "rate"], ["decay"]),
        of.node("Add", ["ce", "decay"], ["loss"]),
    ]
    rate = [of.constant("rate", np.float32(0.125))]
    labels = [of.value("labels", (3,), "int64")]
    file = configuration(tmp_path, 4, nodes, "loss", (), {"labels": LABELS}, rate, labels)
    result, outputs = trained(tmp_path, file)
    t = torch()
    w, v = (t.tensor(a.astype(np.float64), requires_grad=True) for a in (W, V[4]))
    z = t.relu(t.tensor(X.astype(np.float64)) @ w) @ v
    loss = t.nn.functional.cross_entropy(z, t.tensor(LABELS)) + 0.125 * (w * w).sum()
    loss.backward()
    assert abs(result["loss"] - loss.item()) <= 1e-5 * loss.item()
    np.testing.assert_allclose(outputs["w.grad"], w.grad, rtol=2e-5, atol=1e-6)


def test_what_auto_cannot_tell_is_refused_by_the_key(tmp_path):
    one = configuration(tmp_path, 1, arrays={"labels": LABELS * 0})
    refused(tmp_path, one, "/train/loss", "single class")
    target = configuration(tmp_path, 4, arrays={"target": X[:, :4]})
    refused(tmp_path, target, "/train/loss", "no member 'labels'")
    auto_encoder = configuration(tmp_path, 6)
    refused(tmp_path, auto_encoder, "/train/loss", "as large as the input")
    sigmoid = [of.node("Sigmoid", ["z"], ["p"])]
    refused(tmp_path, configuration(tmp_path, 4, sigmoid, "p", arrays={"labels": LABELS}), "/train/loss", "Sigmoid")


def test_a_loss_that_does_not_fit_is_refused(tmp_path):
    file = configuration(tmp_path, 1, arrays={"labels": LABELS * 0})
    refused(tmp_path, file, "/train/loss", "two classes", loss="cross_entropy")
    refused(tmp_path, file, "no member 'target'", loss="mse")
    refused(tmp_path, file, "/train/loss", "one number", loss="graph")
    softmax = [of.node("Softmax", ["z"], ["p"], axis=1)]
    file = configuration(tmp_path, 4, softmax, "p", arrays={"target": X[:, :4] ** 2 % 1})
    refused(tmp_path, file, "/train/loss", "Softmax", loss="bce")
    own = [of.node("SoftmaxCrossEntropyLoss", ["z", "labels"], ["loss"])]
    labels = [of.value("labels", (3,), "int64")]
    file = configuration(tmp_path, 4, own, "loss", (), {"labels": LABELS}, extra_inputs=labels)
    refused(tmp_path, file, "/train/loss", "loss of its own", loss="mse")


def test_a_built_in_network_has_its_own_loss(tmp_path):
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [6, 5, 6], "batch": 2}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    refused(tmp_path, file, "/train/loss", "mse", loss="cross_entropy")
    result, _ = trained(tmp_path, file, "mse")
    assert "loss_function" not in result
