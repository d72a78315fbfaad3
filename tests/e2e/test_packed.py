# SPDX-License-Identifier: Apache-2.0
"""A step on packed frozen weights: the bits of one on what is decoded of them, no traffic of theirs outside L2."""

import json

import numpy as np
import pytest
from support import ROOT, run

CONFIG = ROOT / "configs/cct2_lora.json"
BASE = ROOT / "workloads/data/cct2_digits.npz"
HOME = ["--set", "/workload/home=auto"]
LARGEST = {"int8": 127, "int4": 7, "int3": 3}


def decoded(values: np.ndarray, largest: int) -> np.ndarray:
    """Symmetric integers with an FP32 scale per output channel: the first axis of filters, the last of matrices."""
    rows = values.reshape(values.shape[0], -1)
    axis = 1 if values.ndim > 2 else 0
    scale = (np.abs(rows).max(axis=axis, keepdims=True) / np.float32(largest)).astype(np.float32)
    numbers = np.rint(np.divide(rows, scale, where=scale != 0, out=np.zeros(rows.shape), dtype=np.float64))
    return (numbers.astype(np.int32).astype(np.float32) * scale).reshape(values.shape)


def train(folder, *options) -> tuple[dict, dict]:
    run("run", CONFIG, *HOME, *options, "--out", folder, "--quiet", check=0)
    with np.load(folder / "outputs.npz") as outputs:
        return json.loads((folder / "result.json").read_text()), dict(outputs)


@pytest.mark.parametrize("number", ["int4", "int3"])
def test_packed_weights_train_as_the_decoded_ones(number, tmp_path):
    packed, outputs = train(tmp_path / "packed", "--set", f"/compress/weights={number}")
    assert packed["check"]["passed"]
    assert packed["traffic"]["l3_l2_read"] == 0
    with np.load(BASE) as archive:
        values = dict(archive)
    text = run("describe", CONFIG, *HOME, "--set", f"/compress/weights={number}", "--json", check=0).stdout
    listed = json.loads(text)["packed"]
    assert len(listed["weights"]) == 14 and listed["fp32_bytes"] == 4 * 272_064
    for weight in listed["weights"]:
        name = weight["name"]
        values[name] = decoded(values[name], LARGEST[number])
        assert np.array_equal(values[name].view(np.uint32), outputs[name].view(np.uint32)), name
    np.savez(tmp_path / "plain.npz", **values)
    plain, same = train(tmp_path / "plain", "--set", f"/train/initial={tmp_path / 'plain.npz'}")
    assert [step["loss"] for step in plain["steps"]] == [step["loss"] for step in packed["steps"]]
    assert outputs.keys() == same.keys()
    for name, value in outputs.items():
        assert value.tobytes() == same[name].tobytes(), name
    assert packed["step"]["cycles"] <= 1.05 * plain["step"]["cycles"]


def test_packed_weights_at_home_in_hyperram_come_packed(tmp_path):
    """Each byte of them once a step where everything else is in L2, and the bits of those that stay there."""
    options = ["--set", "/compress/weights=int4", "--set", "/train/steps=1"]
    stay, outputs = train(tmp_path / "l2", *options)
    come, same = train(tmp_path / "extmem", *options, "--set", "/compress/home=extmem")
    text = run("describe", CONFIG, *HOME, *options, "--set", "/compress/home=extmem", "--json", check=0).stdout
    described = json.loads(text)
    packed = described["packed"]
    assert packed["home"] == "extmem" and described["home"] == "l2"
    assert come["check"]["passed"] and come["steps"][0]["loss"] == stay["steps"][0]["loss"]
    assert outputs.keys() == same.keys()
    assert all(outputs[name].tobytes() == same[name].tobytes() for name in outputs)
    assert (stay["traffic"]["l3_l2_read"], come["traffic"]["l3_l2_read"]) == (0, packed["bytes"])
    assert come["traffic"]["l3_l2_write"] == 0
    assert come["memory"]["parameters"] == stay["memory"]["parameters"]
    rows = {tensor["name"]: tensor for tensor in described["accounting"]["tensors"]}
    for weight in packed["weights"]:
        both = rows[weight["name"]], rows[weight["name"] + " scales"]
        assert {row["memory"] for row in both} == {"extmem"}
        assert 0 <= sum(row["bytes"] for row in both) - weight["bytes"] < 16


@pytest.mark.parametrize("archive,number", [("int4_50", "int4"), ("int3_50", "int3")])
def test_a_coded_archive_trains_as_what_is_decoded_of_it(archive, number, tmp_path):
    """The committed archives, in Huffman codes: re-coded plainly in L2, number by number."""
    core = pytest.importorskip("etude.compress.forms", reason="needs the Python module")
    source = ROOT / f"results/compression/{archive}.npz"
    packed, outputs = train(tmp_path / "packed", "--set", f"/train/initial={source}", "--set", "/train/steps=1")
    assert packed["check"]["passed"] and packed["traffic"]["l3_l2_read"] == 0
    values = core.read_archive(source).decoded()
    text = run("describe", CONFIG, *HOME, "--set", f"/train/initial={source}", "--json", check=0).stdout
    listed = json.loads(text)["packed"]
    assert len(listed["weights"]) == 14 and {weight["number"] for weight in listed["weights"]} == {number}
    for weight in listed["weights"]:
        bits, channels = int(number[3:]), weight["rows" if weight["scales"] == "rows" else "cols"]
        words = (weight["cols"] * bits + 31) // 32
        assert weight["bytes"] == 4 * (weight["rows"] * words + channels), weight["name"]
        assert np.array_equal(values[weight["name"]].view(np.uint32), outputs[weight["name"]].view(np.uint32))
    np.savez(tmp_path / "plain.npz", **values)
    plain, same = train(
        tmp_path / "plain", "--set", f"/train/initial={tmp_path / 'plain.npz'}", "--set", "/train/steps=1"
    )
    assert [step["loss"] for step in plain["steps"]] == [step["loss"] for step in packed["steps"]]
    assert outputs.keys() == same.keys()
    assert all(outputs[name].tobytes() == same[name].tobytes() for name in outputs)


@pytest.mark.parametrize(
    "key,value,named",
    [
        ("weights", "fp16", "/compress/weights"),
        ("code", "huffman", "/compress/code"),
        ("sparsity", "0.5", "/compress/sparsity"),
        ("home", "flash", "/compress/home"),
        ("decode", "step", "/compress/decode"),
        ("tensors/positional_emb", "int8", "/compress/tensors/positional_emb"),
        ("tensors/nobody", "int8", "/compress/tensors/nobody"),
    ],
)
def test_what_no_step_does_yet_is_refused_in_one_line(key, value, named, tmp_path):
    options = ["--set", "/compress/weights=int8", "--set", f"/compress/{key}={value}"]
    refused = run("run", CONFIG, *options, "--out", tmp_path / "out", check=2)
    assert named in refused.stderr and refused.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
