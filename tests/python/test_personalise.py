# SPDX-License-Identifier: Apache-2.0
"""The host's half of the personalisation: its CCT is the program's, its data are what they claim."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from etude.studies.cct_host import Cct, accuracy, cross_entropy
from etude.studies.personalise import DATA, chart, curve_of, held_out_images, markdown
from run_folder import write_run

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build"))


@pytest.fixture(scope="module")
def pretrained():
    with np.load(DATA / "cct2_digits.npz") as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("method,scale", [("full", 1.0), ("lora", 2.0)])
def test_the_hosts_network_is_the_programs(tmp_path, method, scale):
    step = tmp_path / "step.npz"
    subprocess.run([BUILD / "reference_step", step, "cct2", "2", method], check=True)
    archive = dict(np.load(step))
    logits = Cct(archive, adapter_scale=scale).logits(archive["input"])
    loss = cross_entropy(logits, archive["labels"].astype(np.int64))
    assert loss == pytest.approx(float(archive["loss"]), rel=1e-12)


def test_pretrained_weights_read_upright_digits_and_few_tilted_ones(pretrained):
    images, labels = held_out_images(DATA / "digits_heldout.npz")
    part = slice(0, 20)
    found = {domain: accuracy(Cct(pretrained).logits(x[part]), labels[part]) for domain, x in images.items()}
    assert found["upright"] >= 0.95
    assert 0.3 <= found["tilted"] <= 0.6


def test_no_held_out_image_is_trained_on():
    images, _ = held_out_images(DATA / "digits_heldout.npz")
    with np.load(DATA / "digits_tilted.npz") as data:
        trained, labels = data["x"], data["y"]
    assert trained.shape == (160, 3, 32, 32)
    assert all(np.bincount(labels[i : i + 10], minlength=10).tolist() == [1] * 10 for i in range(0, 160, 10))
    held = {image.astype(np.float32).tobytes() for image in images["tilted"]}
    assert not held & {image.tobytes() for image in trained}


def test_a_curve_is_made_of_a_runs_saved_steps(tmp_path, pretrained, monkeypatch):
    (tmp_path / "steps").mkdir()
    for steps, bias in ((2, 0.0), (4, 100.0)):
        np.savez(tmp_path / "steps" / f"{steps}.npz", **{"fc.bias": np.eye(10, dtype=np.float32)[3] * bias})
    train = {"alpha": 0, "rank": 4, "lr": 0.02}
    result = {
        "schema": 1,
        "title": "cct2",
        "config_hash": "0",
        "steps": [{"loss": 2.0, "cycles": 10}] * 4,
        "step": {"latency_s": 0.01, "energy_j": 0.001},
        "memory": {"trainable": 54828},
        "check": {"passed": True},
    }
    write_run(tmp_path, result, json.dumps({"train": train, "workload": {"batch": 1}}))
    images, labels = held_out_images(DATA / "digits_heldout.npz")
    part = ({domain: x[:6] for domain, x in images.items()}, labels[:6])
    monkeypatch.setattr("etude.studies.personalise.held_out_images", lambda _: part)
    curve = curve_of(tmp_path, pretrained)
    assert [point["steps"] for point in curve["points"]] == [0, 2, 4]
    # With so large a bias everything is a 3.
    assert curve["points"][2]["tilted"]["accuracy"] == round(float((part[1] == 3).mean()), 4)
    assert "after 4 steps on 4 images" in markdown(curve).replace("\n", " ")
    assert chart(curve).count("<polyline") == 2
