# SPDX-License-Identifier: Apache-2.0
"""What bounds the step: never more than the step, whatever the configuration; and the right resource first."""

import json

import pytest
from support import ROOT, run

ROOTS = sorted(file.stem for file in (ROOT / "configs").glob("*.json"))
CLUSTER = "/platform/cluster"
VARIANTS = {
    "idma": [f"{CLUSTER}/dma/engine=idma"],
    "cores alone": [f"{CLUSTER}/redmule/enabled=false"],
    "wide array": [f"{CLUSTER}/redmule/width=24", f"{CLUSTER}/redmule/height=2"],
    "accumulated": ["/train/accumulate=2", "/workload/batch=4"],
    "extmem": ["/workload/home=extmem", "/workload/batch=3", "/platform/hyperram/bandwidth_mb_s=2000"],
    "small L1": ["/tiling/l1_budget=60000", "/workload/batch=7"],
    "FP16": ["/platform=platform/siracusa_redmule.json", "/train/precision=mixed_fp16", "/workload/batch=5"],
}


def result_of(tmp_path, name, sets=()) -> dict:
    options = [option for assignment in sets for option in ("--set", assignment)]
    run("run", f"configs/{name}.json", "--no-verify", "--quiet", "--out", tmp_path / "out", *options, check=0)
    return json.loads((tmp_path / "out/result.json").read_text())


def check_bounds(result: dict) -> None:
    cycles = result["step"]["cycles"]
    bounds = {bound["resource"]: bound for bound in result["bounds"]}
    assert list(bounds) == sorted(bounds, key=lambda name: -bounds[name]["cycles"])
    for bound in bounds.values():
        assert 0 < bound["cycles"] <= cycles
        assert bound["share"] == pytest.approx(bound["cycles"] / cycles)
    traffic = result["traffic"]
    assert bounds["L2 bandwidth"]["cycles"] == max(traffic["l2_l1_read"], traffic["l2_l1_write"]) / 8
    array = result["platform"]["redmule"]
    assert ("RedMulE array" in bounds) == (array is not None)
    if array is not None:
        parts = bounds["RedMulE array"]["parts"]
        slots = array["height"] * array["width"] * cycles
        assert set(parts) == {"useful", "padded", "idle"} and sum(parts.values()) == pytest.approx(1)
        fmas = result["counters"]["redmule.fma_useful"] + result["counters"]["redmule.fma_padded"]
        assert (parts["useful"] + parts["padded"]) * slots == pytest.approx(fmas)
        assert min(parts.values()) >= 0


@pytest.mark.parametrize("name", ROOTS)
def test_no_bound_exceeds_the_step(tmp_path, name):
    check_bounds(result_of(tmp_path, name, ["/train/steps=1"]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_bound_exceeds_the_step_of_another_platform(tmp_path, variant):
    check_bounds(result_of(tmp_path, "deep_ae", [*VARIANTS[variant], "/train/steps=1"]))


def test_the_main_job_is_bound_by_the_array(tmp_path):
    result = result_of(tmp_path, "deep_ae")
    first = result["bounds"][0]
    assert first["resource"] == "RedMulE array"
    # 24 samples x 710,656 MAC at 48 a cycle.
    assert first["cycles"] == 24 * 710_656 / 48
    text = run("price", tmp_path / "out", check=0).stdout
    assert "Nearest: RedMulE array" in text and "useful" in text and "idle" in text
