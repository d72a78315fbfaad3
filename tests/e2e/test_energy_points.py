# SPDX-License-Identifier: Apache-2.0
"""Published energy of software, from what the modelled cores really executed."""

import json
import subprocess

import pytest
from run_folder import write_run
from support import BUILD, ROOT, run

CLUSTER = ["--set", "/platform/cluster/controller=false", "--set", "/platform/cluster/clock_hz=470e6"]
FP16_ARRAY = ["--set", "/platform=platform/siracusa_redmule.json"]
PACKED = "rv32imc_zfinx_zhinx_xfvec_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvhwlp"


def finished(folder, cluster, cycles, counters, units):
    """What a run of these counters left behind, as far as it is priced."""
    resolved = run("config", "resolve", ROOT / "configs/deep_ae.json", *FP16_ARRAY, *cluster, check=0).stdout
    step = {"cycles": cycles, "latency_s": cycles / 470e6}
    result = {"step": step, "counters": counters, "units": units, "layers": []}
    write_run(folder, result, resolved)


def price(folder, cluster, cycles, counters, units):
    """Joules of what was counted on eight cores."""
    finished(folder, cluster, cycles, counters, units)
    return json.loads(run("price", folder, "--json", check=0).stdout)["energy"]["total"]


def program(folder, elf, macs, *more):
    """GFLOPS/W and MAC per cycle of a program on eight cores, its preparations included."""
    cluster = [*CLUSTER, *more]
    report = json.loads(run("elf", elf, "--json", *cluster, check=0).stdout)
    units = {
        f"core{hart}": {"busy": 0, "stalls": {reason: row[hart] for reason, row in report["stalls"].items()}}
        for hart in range(8)
    }
    energy = price(folder, cluster, report["cycles"], report["counters"], units)
    return 2e-9 * macs / energy, macs / report["cycles"]


def test_eight_cores_fp32_reach_79_gflops_per_watt(tmp_path):
    """Vega (22FDX): 79 GFLOPS/W on FP32 matrix products; 10 % on either side, filling the matrices included."""
    # eight variants of 64x128x128 and the other shapes, cold and warm
    others = [(64, 128, 4), (64, 4, 128), (128, 64, 4), (24, 128, 8), (24, 8, 128), (24, 128, 128), (128, 24, 128)]
    macs = 2 * (8 * 64 * 128 * 128 + sum(m * n * k for m, n, k in others) + 64**3)
    efficiency, _ = program(tmp_path, BUILD / "kernels/gemm_bench.elf", macs)
    assert efficiency == pytest.approx(79, rel=0.10)


@pytest.fixture(scope="module")
def packed_fp16(tmp_path_factory):
    """Twenty products of 96^3 by the packed GEMM kernel."""
    isa = ["--set", f"/platform/cluster/isa={PACKED}"]
    return program(tmp_path_factory.mktemp("fp16"), BUILD / "kernels/gemm_fp16_bench.elf", 20 * 96**3, *isa)


def test_eight_cores_fp16_reach_129_gflops_per_watt(packed_fp16):
    """Vega: 129 GFLOPS/W on packed FP16."""
    efficiency, rate = packed_fp16
    assert efficiency == pytest.approx(129, rel=0.10)
    # Two MAC per instruction and 8 loads for 16 of them: 1.33 per core and cycle is the bound.
    assert 9.8 < rate < 8 * 32 / 24


def test_redmule_against_software_fp16(tmp_path, packed_fp16):
    """2301.03904 and 2204.11192: 755 GFLOPS/W, and 4.65 times what software reaches, of programs that ran."""
    flags = "--target=riscv32 -march=rv32imc_zfinx_zicsr_xcvelw -mabi=ilp32 -nostdlib -static -fuse-ld=lld-19".split()
    flags += "-Wl,-Ttext=0x1C008080 -Wl,--no-relax -DJOBS=600".split()
    elf = tmp_path / "redmule_jobs.elf"
    subprocess.run(["clang-19", *flags, "-o", elf, ROOT / "kernels/bench/redmule_jobs.S"], check=True)
    efficiency, rate = program(tmp_path, elf, 600 * 96**3)
    assert efficiency == pytest.approx(755, rel=0.10)
    assert efficiency / packed_fp16[0] == pytest.approx(4.65, rel=0.10)
    assert 4.0 < rate / packed_fp16[1] < 5.0  # published: 22 over software of 1.4 MAC/cycle


@pytest.fixture
def idle(tmp_path):
    """A finished run of 1000 cycles in which every counter stayed at zero but two."""
    events = json.loads((ROOT / "tests/golden/result.json").read_text())["counters"]
    counters = dict.fromkeys(events, 0) | {"hyperram.read_bytes": 1000, "tcdm.reads": 1000}
    finished(tmp_path, [], 1000, counters, {})
    return tmp_path


def test_a_finished_run_is_priced_again_with_area_and_range(idle):
    def priced(*sets):
        arguments = [part for pair in sets for part in ("--set", pair)]
        return json.loads(run("price", idle, *arguments, "--json", check=0).stdout)

    result = priced()
    parts = [v for k, v in result["area"].items() if k not in ("cluster", "l2", "total")]
    assert len(parts) == 8 and sum(parts) == pytest.approx(result["area"]["cluster"])
    assert result["area_mm2"] == result["area"]["total"] == pytest.approx(sum(parts) + result["area"]["l2"])
    assert set(result["area_bill"]["marks"]) == set(result["area"]) - {"cluster", "total"}
    # 16 banks of 16 KiB: 1000 x 1.4 pJ; 1000 B of 324, 440, 880 pJ; 2,304 KiB of 0.19 to 0.33 uW
    assert result["energy"]["tcdm"] == pytest.approx(1.4e-9)
    assert result["energy"]["extmem"] == pytest.approx(440e-9)
    step = result["step"]
    assert step["energy_j"] - step["energy_low_j"] == pytest.approx(116e-9)
    assert step["energy_high_j"] - step["energy_j"] == pytest.approx(440e-9 + 2304 * 0.14e-6 * 1000 / 300e6)
    larger = priced("/energy/area/core/value=135.4", "/energy/area/gemm_ops=true")
    assert larger["area"]["cores"] == pytest.approx(2 * result["area"]["cores"])
    assert larger["area"]["redmule"] > 1.2 * result["area"]["redmule"]
    assert larger["energy"]["tcdm"] == result["energy"]["tcdm"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda energy: energy["static"].update(tcdm_bank=energy["static"]["core"]), 'unknown key "tcdm_bank"'),
        (lambda energy: energy["area"].pop("gate"), "/energy/area/gate/value is missing"),
        (lambda energy: energy["extmem"]["byte"].update(low=900.0), "low 900.0 is above high 880.0"),
    ],
)
def test_a_table_of_another_version_is_one_line(idle, change, line):
    resolved = json.loads((idle / "config.resolved.json").read_text())
    change(resolved["energy"])
    write_run(idle, json.loads((idle / "result.json").read_text()), json.dumps(resolved))
    done = run("price", idle, check=2)
    assert line in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert run("price", idle, "--set", "/energy=energy/22fdx.json", "--json", check=0)


def test_the_page_on_energy_has_every_coefficient():
    page = (ROOT / "docs/energy.md").read_text()
    table = json.loads((ROOT / "configs/energy/22fdx.json").read_text())
    for group, coefficients in table.items():
        if isinstance(coefficients, dict):
            for name, c in coefficients.items():
                between = f"{c['low']:g} to {c['high']:g}" if "low" in c else ""
                row = f"| {group}/{name} | {c['value']:g} {c['unit']} | {between} | {c['status']} | {c['source']} |"
                assert row in page


def test_a_finished_run_is_priced_with_another_table_alone(idle):
    for other in ("/platform/cluster/clock_hz=100000000", "/train/lr=1", "/energyx/core=1"):
        done = run("price", idle, "--set", other, check=2)
        assert f"--set {other}" in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
