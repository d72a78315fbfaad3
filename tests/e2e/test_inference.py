# SPDX-License-Identifier: Apache-2.0
"""/train/method none: the forward pass alone, its logits, and how many of them are right."""

import json
import sys

import numpy as np
from support import ROOT, run

sys.path.insert(0, str(ROOT / "python"))
from etude.studies.cct_host import Cct

CONFIG = ROOT / "configs/cct2_lora.json"
NONE = ["--set", "/train/method=none"]


def test_digits_are_classified_as_the_host_classifies_them(tmp_path):
    steps = 4
    with np.load(ROOT / "workloads/data/digits_heldout.npz") as data:
        images = np.repeat(data["upright"][:steps, None] / 64, 3, axis=1).astype(np.float32)
        labels = data["labels"][:steps].astype(np.int64)
    labels[1] = (labels[1] + 1) % 10  # one that no network gets right
    np.savez(tmp_path / "digits.npz", x=images, y=labels)
    sets = ["--set", f"/train/steps={steps}", "--set", f"/workload/inputs={tmp_path / 'digits.npz'}"]
    done = run("run", CONFIG, *NONE, *sets, "--out", tmp_path / "out", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    with np.load(ROOT / "workloads/data/cct2_digits.npz") as archive:
        logits = Cct({name: archive[name] for name in archive.files}).logits(images)
    right = int((logits.argmax(1) == labels).sum())
    assert result["accuracy"] == right / steps
    assert result["classified"] == {"correct": right, "samples": steps}
    assert 0 < right < steps
    assert f"{100 * right / steps:.1f} % of {steps} samples" in done.stdout
    assert result["check"]["passed"]
    assert result["check"]["tensors"] == 2 * steps  # the loss and the logits of each
    outputs = np.load(tmp_path / "out/outputs.npz")
    assert not any(name.endswith(".grad") for name in outputs.files)
    (name,) = [n for n in outputs.files if outputs[n].shape == (1, 10)]
    np.testing.assert_allclose(outputs[name], logits[-1:], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(outputs["fc.bias"], archive_member("fc.bias"))


def archive_member(name: str) -> np.ndarray:
    with np.load(ROOT / "workloads/data/cct2_digits.npz") as archive:
        return archive[name]


def test_inference_has_no_backward_pass_and_ignores_what_trains():
    sets = [*NONE, "--set", "/train/lr=0.1"]
    described = json.loads(run("describe", CONFIG, *sets, "--json", check=0).stdout)
    assert described["macs"]["backward"] == described["macs"]["update"] == 0
    assert described["parameters"]["trainable"] == 0
    assert {node["phase"] for node in described["nodes"]} == {"forward"}
    assert any("ignored, because nothing is trained: " in w and "/train/lr" in w for w in described["warnings"])
    assert described["accounting"]["arena"]["persistent"] == 0


def test_a_network_without_labels_is_inferred_too(tmp_path):
    run("run", ROOT / "configs/deep_ae.json", *NONE, "--quiet", "--out", tmp_path / "out", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"]
    assert "accuracy" not in result
    assert {layer["phase"] for layer in result["layers"]} <= {"forward", "page"}
