# SPDX-License-Identifier: Apache-2.0
"""What a device has to have, by describe: flash and arena add up, and are what other figures say."""

import json
import subprocess

import pytest
from support import BUILD, ROOT, run


@pytest.mark.parametrize("config", ["deep_ae.json", "cct2_lora.json"])
def test_flash_and_arena_add_up(config):
    described = json.loads(run("describe", ROOT / "configs" / config, "--json", check=0).stdout)
    flash, arena = described["accounting"]["flash"], described["accounting"]["arena"]
    for memory in (flash, arena):
        assert memory["total"] == sum(number for name, number in memory.items() if name != "total")
    assert flash["weights"] == sum(p["bytes"] for p in described["tensors"]["parameters"])
    assert arena["inputs"] == sum(i["bytes"] for i in described["tensors"]["inputs"])
    assert arena["persistent"] == sum(p["bytes"] for p in described["tensors"]["parameters"] if p["trainable"])
    memory = described["memory"]
    assert arena["non_persistent"] == memory["activations_peak"]
    assert arena["l1_tiles"] + arena["stacks"] + arena["runtime"] == memory["l1_peak"]
    assert sum(n["weight_bytes"] for n in described["nodes"] if n["phase"] == "forward") >= flash["weights"]
    sizes = [tensor["bytes"] for tensor in described["accounting"]["tensors"]]
    assert sizes == sorted(sizes, reverse=True)
    shown = run("describe", ROOT / "configs" / config, check=0).stdout
    assert f"flash       {flash['total']:,} B: code {flash['code']:,}, weights {flash['weights']:,}" in shown


def test_code_is_what_the_runtime_loads():
    described = json.loads(run("describe", ROOT / "configs/deep_ae.json", "--json", check=0).stdout)
    listed = subprocess.run(
        ["size", "-B", BUILD / "kernels/runtime.elf"], capture_output=True, text=True, check=True
    ).stdout
    text, data = map(int, listed.splitlines()[1].split()[:2])
    assert described["accounting"]["flash"]["code"] == text + data
