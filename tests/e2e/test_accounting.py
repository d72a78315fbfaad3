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


@pytest.mark.parametrize(
    "config,sets,runtime",
    [("deep_ae.json", [], "runtime.elf"), ("cct2_lora.json", ["/compress/weights=int4"], "runtime_decode.elf")],
)
def test_code_is_what_the_runtime_that_runs_loads(config, sets, runtime):
    options = [option for pair in sets for option in ("--set", pair)]
    described = json.loads(run("describe", ROOT / "configs" / config, *options, "--json", check=0).stdout)
    listed = subprocess.run(
        ["size", "-B", BUILD / "kernels" / runtime], capture_output=True, text=True, check=True
    ).stdout
    text, data = map(int, listed.splitlines()[1].split()[:2])
    assert described["accounting"]["flash"]["code"] == text + data


BITS = {"int8": 8, "int4": 4, "int3": 3}


def pitch(number: str, columns: int) -> int:
    """Bytes of a packed row: whole words of 32 bits."""
    return (columns * BITS[number] + 31) // 32 * 4


@pytest.mark.parametrize("number", ["int8", "int4", "int3"])
@pytest.mark.parametrize("home", ["l2", "extmem"])
def test_packed_weights_are_counted_as_they_stand(number, home, tmp_path):
    """Two linear layers, 70 -> 40 -> 27, adapters of rank 2, one tile a weight: every figure by hand."""
    layers, rank = [(70, 40), (40, 27)], 2
    workload = {"network": "mlp", "sizes": [70, 40, 27], "batch": 3, "home": home}
    step = {"platform": "platform/traindeeploy.json", "energy": "energy/22fdx.json", "workload": workload}
    step |= {"train": {"method": "lora", "rank": rank}, "compress": {"weights": number}}
    step |= {"tiling": {"double_buffer": False}}
    (tmp_path / "step.json").write_text(json.dumps(step))
    described = json.loads(run("describe", tmp_path / "step.json", "--json", check=0).stdout)
    flash, arena = described["accounting"]["flash"], described["accounting"]["arena"]
    packed = {weight["name"]: weight for weight in described["packed"]["weights"]}
    stored = [w for w in layers if any((p["rows"], p["cols"]) == w for p in packed.values())]
    assert stored == layers and len(packed) == 2
    numbers = sum(rows * pitch(number, columns) for rows, columns in stored)
    scales = sum(4 * columns for _, columns in stored)
    in_fp32 = sum(p["bytes"] for p in described["tensors"]["parameters"] if p["name"] not in packed)
    assert flash["weights"] == numbers + in_fp32
    frozen = {p["name"] for p in described["tensors"]["parameters"] if not p["trainable"]}
    assert set(described["packed"]["in_fp32"]) == frozen - set(packed)
    assert flash["scales_and_tables"] == scales
    assert flash["total"] == sum(bytes for part, bytes in flash.items() if part != "total")
    assert described["memory"]["parameters"] == numbers + scales + in_fp32
    assert described["parameters"]["bytes"] == in_fp32 + sum(4 * rows * columns for rows, columns in stored)
    # A buffer is whole beats of the DMA.
    assert arena["decode_scratch"] == max(
        -(-rows * pitch(number, columns) // 8) * 8 + -(-4 * columns // 8) * 8 for rows, columns in stored
    )
    parts = ("l1_tiles", "decode_scratch", "stacks", "runtime")
    assert sum(arena[part] for part in parts) == described["memory"]["l1_peak"]
    rows = {tensor["name"]: tensor for tensor in described["accounting"]["tensors"]}
    for name, weight in packed.items():
        size = weight["rows"] * pitch(number, weight["cols"])
        assert rows[name] | {"memory": "l2", "bytes": -(-size // 8) * 8, "always": True} == rows[name]
        assert rows[name + " scales"]["bytes"] == -(-4 * weight["cols"] // 8) * 8
    for parameter in described["tensors"]["parameters"]:
        if parameter["name"] not in packed:
            assert rows[parameter["name"]]["bytes"] == -(-parameter["bytes"] // 8) * 8
            assert rows[parameter["name"]]["memory"] == home
