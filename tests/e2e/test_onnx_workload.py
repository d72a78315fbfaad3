# SPDX-License-Identifier: Apache-2.0
"""ONNX files and the transformer's training methods through the program."""

import json
from pathlib import Path

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
