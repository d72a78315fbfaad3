# SPDX-License-Identifier: Apache-2.0
"""Networks on images train on the modelled chip, and their gradients are right."""

import json

import pytest
from support import ROOT, run


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("resnet8", {"/train/method": "full"}),
        ("ds_cnn", {"/train/method": "full"}),
        ("ds_cnn", {"/train/method": "last_k", "/platform/cluster/redmule/enabled": "false"}),
        ("resnet8", {"/train/method": "last_k", "/tiling/l1_budget": "48000", "/workload/batch": "2"}),
        ("mobilenet_v1_025", {"/train/method": "last_k", "/train/k": "2"}),
    ],
)
def test_a_network_on_images_trains(tmp_path, network, options):
    config = {
        "platform": str(ROOT / "configs/platform/traindeeploy.json"),
        "workload": {"network": network},
        "train": {"lr": 0.001},
        "energy": str(ROOT / "configs/energy/22fdx.json"),
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    sets = [text for key, value in options.items() for text in ("--set", f"{key}={value}")]
    run("run", path, *sets, "--quiet", "--out", tmp_path / "out", check=0)
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"], result["check"]["failures"]
    ran = {layer["op"] for layer in result["layers"] if layer["cycles"] > 0}
    assert {"Conv", "BatchNormalization", "AveragePool"} <= ran
