# SPDX-License-Identifier: Apache-2.0
"""What of an ONNX graph is trained: weights, not constants; by method and by name; moving statistics."""

import json
from pathlib import Path

import numpy as np
import onnx_file as of
import pytest
from support import run

RNG = np.random.default_rng(17)


def f(*shape) -> np.ndarray:
    return (RNG.normal(size=shape) / 2).astype(np.float32)


def configuration(tmp_path: Path, nodes, constants, x, classes, train=None, opset=13, outputs=()) -> Path:
    of.write(
        tmp_path / "model.onnx",
        nodes,
        [of.constant(name, value) for name, value in constants.items()],
        [of.value("x", x.shape)],
        [of.value("y", (x.shape[0], classes)), *outputs],
        opset,
    )
    np.savez(tmp_path / "inputs.npz", x=x, labels=np.arange(x.shape[0]) % classes)
    workload = {"onnx": "model.onnx", "inputs": "inputs.npz", "batch": x.shape[0]}
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": train or {}}))
    return file


def trained(tmp_path: Path, file: Path, *sets: str) -> tuple[dict, dict]:
    arguments = [argument for each in sets for argument in ("--set", each)]
    run("run", file, "--out", tmp_path / "out", "--quiet", *arguments, check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"] is True, result["check"]["failures"]
    return result, dict(np.load(tmp_path / "out/outputs.npz"))


def gradients(outputs: dict) -> set[str]:
    return {name.removesuffix(".grad") for name in outputs if name.endswith(".grad")}


def test_constants_are_no_parameters(tmp_path):
    nodes = [
        of.node("Constant", [], ["mean"], value=f(1, 3, 1, 1)),
        of.node("Constant", [], ["eps"], value=np.float32(0.25)),
        of.node("Sub", ["x", "mean"], ["a"]),
        of.node("Div", ["a", "std"], ["b"]),
        of.node("Conv", ["b", "w"], ["c"]),
        of.node("Add", ["c", "eps"], ["d"]),
        of.node("Mul", ["d", "gain"], ["e"]),
        of.node("GlobalAveragePool", ["e"], ["g"]),
        of.node("Flatten", ["g"], ["h"]),
        of.node("Gemm", ["h", "fw", "fb"], ["y"]),
    ]
    constants = {
        "std": np.abs(f(1, 3, 1, 1)) + np.float32(0.5),
        "gain": np.float32(2),
        "w": f(4, 3, 3, 3),
        "fw": f(4, 5),
        "fb": f(5),
    }
    result, outputs = trained(tmp_path, configuration(tmp_path, nodes, constants, f(2, 3, 7, 6), 5))
    weights = {"w", "fw", "fb"}
    assert gradients(outputs) == weights
    assert set(outputs) == {"loss"} | weights | {name + ".grad" for name in weights}
    assert result["memory"]["parameters"] == 4 * sum(constants[name].size for name in weights)
    assert result["warnings"] == ["constants, because they meet the data before any layer: 'std'"]


def test_a_position_embedding_is_a_weight(tmp_path):
    nodes = [
        of.node("Add", ["x", "pos"], ["a"]),
        of.node("MatMul", ["a", "w"], ["b"]),
        of.node("ReduceMean", ["b"], ["y"], axes=[1], keepdims=0),
    ]
    file = configuration(tmp_path, nodes, {"pos": f(1, 5, 6), "w": f(6, 4)}, f(3, 5, 6), 4)
    _, outputs = trained(tmp_path, file)
    assert gradients(outputs) == {"pos", "w"}


def test_a_weight_in_a_constant_node_is_said_not_to_be_trained(tmp_path):
    nodes = [
        of.node("Constant", [], ["w"], value=f(6, 8)),
        of.node("MatMul", ["x", "w"], ["a"]),
        of.node("MatMul", ["a", "v"], ["y"]),
    ]
    result, outputs = trained(tmp_path, configuration(tmp_path, nodes, {"v": f(8, 4)}, f(3, 6), 4))
    assert gradients(outputs) == {"v"}
    assert "'w'" in result["warnings"][0] and "Constant nodes" in result["warnings"][0]


@pytest.mark.parametrize("shape", [(1,), (), (9,), (1, 9), (3, 1), (3, 9)])
@pytest.mark.parametrize("alpha", [1.0, 0.25])
def test_a_bias_of_any_shape_that_broadcasts(tmp_path, shape, alpha):
    nodes = [
        of.node("Gemm", ["x", "w", "b"], ["a"], beta=0.5, alpha=alpha),
        of.node("Relu", ["a"], ["r"]),
        of.node("Gemm", ["r", "v"], ["y"], alpha=alpha),
    ]
    file = configuration(tmp_path, nodes, {"w": f(6, 9), "b": f(*shape), "v": f(9, 5)}, f(3, 6), 5)
    _, outputs = trained(tmp_path, file)
    assert outputs["b.grad"].shape == shape


def layers(fused: bool) -> list[bytes]:
    """Two layers, each one Gemm, or a MatMul and the sum with its bias."""
    if fused:
        return [
            of.node("Gemm", ["x", "w0", "b0"], ["a"]),
            of.node("Relu", ["a"], ["r"]),
            of.node("Gemm", ["r", "w1", "b1"], ["y"]),
        ]
    return [
        of.node("MatMul", ["x", "w0"], ["p"]),
        of.node("Add", ["b0", "p"], ["a"]),
        of.node("Relu", ["a"], ["r"]),
        of.node("MatMul", ["r", "w1"], ["q"]),
        of.node("Add", ["q", "b1"], ["y"]),
    ]


@pytest.mark.parametrize("method", ["full", "last_k", "linear_probe", "lora"])
def test_a_product_and_its_bias_are_one_layer_in_every_method(tmp_path, method):
    constants = {"w0": f(6, 8), "b0": f(8), "w1": f(8, 5), "b1": f(5)}
    x = f(3, 6)
    found = []
    for fused in (True, False):
        folder = tmp_path / str(fused)
        folder.mkdir()
        train = {"method": method, **({"rank": 2} if method == "lora" else {})}
        result, outputs = trained(folder, configuration(folder, layers(fused), constants, x, 5, train))
        found.append((result["loss"], {name.replace("p.", "a.").replace("q.", "y.") for name in gradients(outputs)}))
        if method == "linear_probe":
            assert gradients(outputs) == {"w1", "b1"}
    assert found[0][1] == found[1][1]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)


def test_names_and_patterns_freeze(tmp_path):
    constants = {"w0": f(6, 8), "b0": f(8), "w1": f(8, 5), "b1": f(5)}
    file = configuration(tmp_path, layers(True), constants, f(3, 6), 5)
    result, outputs = trained(tmp_path, file, '/train/freeze=["w0", "b?"]')
    assert gradients(outputs) == {"w1"}
    assert result["memory"]["trainable"] == 4 * 40
    for name in ("w0", "b0", "b1"):
        assert np.array_equal(outputs[name], constants[name])
    (tmp_path / "out").rename(tmp_path / "before")
    for pattern, said in (("w3", "'w"), ("conv*", "names no parameter"), ("*", "no parameter")):
        done = run("run", file, "--out", tmp_path / "out", "--set", f'/train/freeze=["{pattern}"]', check=2)
        assert "/train/freeze" in done.stderr and said in done.stderr
        assert not (tmp_path / "out").exists()


def normalised(outputs: list[str], opset: int) -> list[bytes]:
    attributes = {"momentum": 0.75, **({"training_mode": 1} if opset >= 14 else {})}
    return [
        of.node("Conv", ["x", "w"], ["a"]),
        of.node("BatchNormalization", ["a", "g", "b", "m", "v"], outputs, **attributes),
        of.node("Relu", ["n"], ["r"]),
        of.node("GlobalAveragePool", ["r"], ["p"]),
        of.node("Flatten", ["p"], ["f"]),
        of.node("MatMul", ["f", "fw"], ["y"]),
    ]


NORM = {"w": f(4, 2, 3, 3), "g": np.abs(f(4)) + 1, "b": f(4), "m": f(4), "v": np.abs(f(4)) + 1, "fw": f(4, 3)}


@pytest.mark.parametrize(
    "opset,outputs",
    [
        (9, ["n", "m2", "v2", "sm", "sv"]),
        (13, ["n", "m2", "v2", "", ""]),
        (14, ["n", "m2", "v2"]),
        (22, ["n", "m2", "v2"]),
    ],
)
@pytest.mark.parametrize("home", ["l2", "extmem"])
def test_batch_statistics_and_moving_ones_equal_torch(tmp_path, opset, outputs, home):
    torch = pytest.importorskip("torch", reason="skipped: needs PyTorch (scripts/setup.sh --tests)")
    x = f(4, 2, 6, 5)
    file = configuration(tmp_path, normalised(outputs, opset), NORM, x, 3, {"steps": 2, "lr": 0.125}, opset)
    result, made = trained(tmp_path, file, f"/workload/home={home}")
    p = {name: torch.tensor(NORM[name].astype(np.float64), requires_grad=name not in "mv") for name in NORM}
    labels = torch.arange(4) % 3
    losses = []
    for _ in range(2):
        a = torch.nn.functional.conv2d(torch.tensor(x.astype(np.float64)), p["w"])
        with torch.no_grad():  # ONNX moves towards the population variance, PyTorch's own does not
            p["m"] = 0.75 * p["m"] + 0.25 * a.mean((0, 2, 3))
            p["v"] = 0.75 * p["v"] + 0.25 * a.var((0, 2, 3), unbiased=False)
        n = torch.nn.functional.batch_norm(a, None, None, p["g"], p["b"], training=True)
        y = torch.relu(n).mean((2, 3)) @ p["fw"]
        loss = torch.nn.functional.cross_entropy(y, labels)
        losses.append(loss.item())
        for name in ("w", "g", "b", "fw"):
            p[name].grad = None
        loss.backward()
        with torch.no_grad():
            for name in ("w", "g", "b", "fw"):
                p[name] -= 0.125 * p[name].grad
    assert [step["loss"] for step in result["steps"]] == pytest.approx(losses, rel=1e-5)
    for name in NORM:
        np.testing.assert_allclose(made[name], p[name].detach().numpy(), rtol=2e-5, atol=2e-6, err_msg=name)
    assert gradients(made) == {"w", "g", "b", "fw"}


def test_frozen_batch_statistics_stand_still(tmp_path):
    file = configuration(tmp_path, normalised(["n", "m2", "v2"], 14), NORM, f(4, 2, 6, 5), 3, opset=14)
    _, made = trained(tmp_path, file, '/train/freeze=["g", "b"]')
    assert np.array_equal(made["m"], NORM["m"]) and np.array_equal(made["v"], NORM["v"])


def test_one_output_leaves_the_moving_statistics_alone(tmp_path):
    file = configuration(tmp_path, normalised(["n"], 14), NORM, f(4, 2, 6, 5), 3, opset=14)
    _, made = trained(tmp_path, file)
    assert np.array_equal(made["m"], NORM["m"]) and np.array_equal(made["v"], NORM["v"])


def test_a_softmax_gradient_of_rows_of_any_sum(tmp_path):
    """SoftmaxGrad by its definition, y (dy - sum(dy y)), for y that is no softmax's result."""
    y = np.abs(f(3, 5)) * 3
    nodes = [
        of.node("Constant", [], ["rows"], value=y),
        of.node("SoftmaxGrad", ["x", "rows"], ["y"], "com.microsoft", axis=-1),
    ]
    x = f(3, 5)
    file = configuration(tmp_path, nodes, {}, x, 5)
    result, _ = trained(tmp_path, file)
    z = y.astype(np.float64) * (x - (x.astype(np.float64) * y).sum(1, keepdims=True))
    z -= z.max(1, keepdims=True)
    wanted = -(z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(3), np.arange(3)].mean()
    assert result["loss"] == pytest.approx(wanted, rel=1e-6)


def test_a_head_that_the_loss_does_not_see_is_not_trained(tmp_path):
    nodes = [of.node("MatMul", ["x", "h1"], ["y"]), of.node("MatMul", ["x", "h2"], ["z"])]
    x = f(3, 6)
    file = configuration(tmp_path, nodes, {"h1": f(6, 4), "h2": f(6, 5)}, x, 4, outputs=[of.value("z", (3, 5))])
    result, outputs = trained(tmp_path, file)
    assert gradients(outputs) == {"h1"} and result["memory"]["trainable"] == 4 * 6 * 4
    assert "weights that the loss does not depend on, and that are not trained: 'h2'" in result["warnings"]


def test_a_frozen_normalisation_of_the_batch_is_told(tmp_path):
    nodes = [
        of.node("BatchNormalization", ["x", "g", "b", "m", "v"], ["a", "m1", "v1"], training_mode=1),
        of.node("GlobalAveragePool", ["a"], ["p"]),
        of.node("Flatten", ["p"], ["q"]),
        of.node("Gemm", ["q", "w"], ["y"]),
    ]
    constants = {"g": f(4), "b": f(4), "m": f(4), "v": np.abs(f(4)) + np.float32(0.5), "w": f(4, 3)}
    file = configuration(tmp_path, nodes, constants, f(2, 4, 3, 3), 3, opset=14)
    told = "batch normalisations of a training mode that are frozen, and use their statistics: 'a'"
    assert told not in trained(tmp_path, file)[0]["warnings"]
    assert told in trained(tmp_path, file, '/train/freeze=["g","b"]')[0]["warnings"]


@pytest.mark.parametrize(
    ("name", "value", "text"), [("loss", 1.0, "rename it"), ("w", np.nan, "element 5 is not finite")]
)
def test_weights_that_no_step_can_use_are_refused(tmp_path, name, value, text):
    weights = f(6, 4)
    weights[1, 1] = value
    file = configuration(tmp_path, [of.node("MatMul", ["x", name], ["y"])], {name: weights}, f(3, 6), 4)
    done = run("run", file, "--out", tmp_path / "out", check=2)
    assert f"weight '{name}'" in done.stderr and text in done.stderr and not (tmp_path / "out").exists()
