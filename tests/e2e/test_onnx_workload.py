# SPDX-License-Identifier: Apache-2.0
"""ONNX files and the transformer's training methods through the program."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import run, shared

PRESET = "platform/traindeeploy.json"


def write(tmp_path: Path, workload: dict, **sections) -> Path:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": PRESET, "workload": workload, **sections}))
    return file


def described(file: Path, *sets: str) -> dict:
    arguments = [argument for each in sets for argument in ("--set", each)]
    return json.loads(run("describe", file, "--json", *arguments, check=0).stdout)


def shared_graph(name: str) -> Path:
    return shared(f"data/{name}/network.onnx")


# method, its keys, trainable elements, forward and backward MACs: the published graphs
ROWS = [
    ("linear_probe", {}, 1290, 35341568, 1280),
    ("last_k", {"k": 1}, 99723, 35341568, 11569664),
    ("last_k", {"k": 2}, 198027, 35341568, 26249728),
    ("lora", {"k": 1, "rank": 4, "adapters_in": "all"}, 7563, 36128000, 5966336),
    ("lora", {"k": 2, "rank": 4}, 13707, 36128000, 15141376),
    ("full", {}, 283979, 35341568, 68913664),
]


@pytest.mark.parametrize(
    "method,keys,trainable,forward,backward", ROWS, ids=[f"{r[0]}{r[1].get('k', '')}" for r in ROWS]
)
def test_rows_of_the_published_graphs(tmp_path, method, keys, trainable, forward, backward):
    file = write(tmp_path, {"network": "cct2", "batch": 1}, train={"method": method, **keys})
    found = described(file)
    assert found["parameters"]["trainable"] == trainable
    assert found["parameters"]["gradient_bytes"] == 4 * trainable
    assert (found["macs"]["forward"], found["macs"]["backward"]) == (forward, backward)


@pytest.mark.parametrize("name,trainable,backward", [("CCT2_LP", 1290, 1280), ("CCT2_LoRA1", 7563, 5966336)])
def test_training_graphs_are_counted_as_published(tmp_path, name, trainable, backward):
    found = described(write(tmp_path, {"onnx": str(shared_graph(name))}))
    assert found["parameters"]["trainable"] == trainable
    assert found["macs"]["backward"] == backward


def test_an_inference_graph_takes_a_method(tmp_path):
    file = write(tmp_path, {"onnx": str(shared_graph("CCT_1_16_16_8"))}, train={"method": "lora", "rank": 2})
    assert described(file)["parameters"]["trainable"] == 322


def test_the_step_is_written_as_onnx_and_read_back(tmp_path):
    file = write(tmp_path, {"network": "cct2", "batch": 1}, train={"method": "lora"})
    run("describe", file, "--onnx", tmp_path / "step.onnx", check=0)
    again = described(write(tmp_path, {"onnx": str(tmp_path / "step.onnx")}))
    assert again["parameters"]["trainable"] == 13707
    assert again["macs"]["backward"] == 15141376


def refused(tmp_path: Path, file: Path, *parts: str) -> None:
    done = run("run", file, "--out", tmp_path / "out", check=2)
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts), done.stderr
    assert not (tmp_path / "out").exists()


def test_broken_files_are_one_line_and_nothing_written(tmp_path):
    file = write(tmp_path, {"onnx": str(tmp_path / "cut.onnx")})
    (tmp_path / "cut.onnx").write_bytes(b"no protobuf at all")
    refused(tmp_path, file, "cut.onnx", "no complete ONNX model")
    (tmp_path / "cut.onnx").write_bytes(b"")
    refused(tmp_path, file, "cut.onnx")
    whole = shared_graph("CCT_1_16_16_8").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path, file, "cut.onnx")


@pytest.mark.parametrize("key,value", [("method", "lora"), ("rank", 4), ("layers", ["q"]), ("lr", 0.1)])
def test_a_training_graph_fixes_its_method(tmp_path, key, value):
    file = write(tmp_path, {"onnx": str(shared_graph("CCT2_LP"))}, train={key: value})
    refused(tmp_path, file, f"/train/{key}", "training graph")


@pytest.mark.parametrize("rank", [0, 129])
def test_a_rank_that_does_not_fit_is_refused(tmp_path, rank):
    file = write(tmp_path, {"network": "cct2", "batch": 1}, train={"method": "lora", "rank": rank})
    refused(tmp_path, file, "/train/rank")


def test_external_data_count_in_the_hash_of_the_configuration(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import external_data_helper, helper, numpy_helper

    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensor = numpy_helper.from_array(weight, "w")
    external_data_helper.set_external_data(tensor, "w.data", offset=4, length=48)
    tensor.ClearField("raw_data")
    values = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [2, 3]), ("y", [2, 4]))]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", values[:1], values[1:], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert onnx.load(tmp_path / "model.onnx", load_external_data=False).graph.initializer[0].data_location == 1
    file = write(tmp_path, {"onnx": str(tmp_path / "model.onnx")})
    results = []
    for factor in (1, 2):
        (tmp_path / "w.data").write_bytes(b"\0\0\0\0" + (weight * factor / 10).tobytes())
        run("run", file, "--out", tmp_path / "out", "--quiet", check=0)
        results.append(json.loads((tmp_path / "out" / "result.json").read_text()))
    assert results[0]["config_hash"] != results[1]["config_hash"]
    assert results[0]["title"] != results[1]["title"]
    assert "batch 2" in results[0]["title"]
    (tmp_path / "w.data").unlink()
    done = run("run", file, "--out", tmp_path / "none", check=2)
    assert "'w'" in done.stderr and "'w.data'" in done.stderr and done.stderr.count("\n") == 1


CASES = [("enc13_fixed", "auto"), ("enc17_dyn", "auto"), ("net_default", "auto"), ("reg", "mse")]


@pytest.mark.parametrize("name,loss", CASES)
def test_exports_of_pytorch_train_as_its_gradients_say(tmp_path, name, loss):
    expected = np.load(shared(f"cases/exports/{name}.expected.npz"))
    config = shared(f"cases/exports/{name}.json")
    run("run", config, "--out", tmp_path / "out", "--quiet", "--set", f"/train/loss={loss}", check=0)
    found = np.load(tmp_path / "out" / "outputs.npz")
    assert float(found["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)
    gradients = [key for key in expected if key.endswith(".grad")]
    assert sorted(gradients) == sorted(key for key in found if key.endswith(".grad"))
    largest = max(np.abs(expected[key]).max() for key in gradients)
    for key in gradients:
        allowed = 1e-5 * np.abs(expected[key]).max() + 1e-7 * largest
        assert np.abs(found[key] - expected[key]).max() <= allowed, key
