# SPDX-License-Identifier: Apache-2.0
"""Published energy of software, from what the modelled cores really executed."""

import json

import pytest
from support import BUILD, ROOT, run

CLUSTER = ["--set", "/platform/cluster/controller=false", "--set", "/platform/cluster/clock_hz=470e6"]
MACS = 16 * 64 * 128 * 128  # of kernels/tests/gemm_bench.c: eight variants, cold and warm


def test_eight_cores_fp32_reach_79_gflops_per_watt(tmp_path):
    """Vega (22FDX): 79 GFLOPS/W on FP32 matrix products; 10 % on either side, filling the matrices included."""
    report = json.loads(run("elf", BUILD / "kernels/gemm_bench.elf", "--json", *CLUSTER, check=0).stdout)
    resolved = run("config", "resolve", ROOT / "configs/deep_ae.json", *CLUSTER, check=0).stdout
    (tmp_path / "config.resolved.json").write_text(resolved)
    units = {
        f"core{hart}": {"busy": 0, "stalls": {reason: row[hart] for reason, row in report["stalls"].items()}}
        for hart in range(8)
    }
    latency = report["cycles"] / 470e6
    result = {
        "step": {"cycles": report["cycles"], "latency_s": latency},
        "counters": report["counters"],
        "units": units,
        "layers": [],
    }
    (tmp_path / "result.json").write_text(json.dumps(result))
    priced = json.loads(run("price", tmp_path, "--json", check=0).stdout)
    assert 2e-9 * MACS / priced["energy"]["total"] == pytest.approx(79, rel=0.10)


def test_the_page_on_energy_has_every_coefficient():
    page = (ROOT / "docs/energy.md").read_text()
    table = json.loads((ROOT / "configs/energy/22fdx.json").read_text())
    for group, coefficients in table.items():
        if isinstance(coefficients, dict):
            for name, c in coefficients.items():
                row = f"| {group}/{name} | {c['value']:g} {c['unit']} | {c['status']} | {c['source']} |"
                assert row in page
