# SPDX-License-Identifier: Apache-2.0
"""What no RTL was measured for: L2, external memories (closed forms), energy (published points)."""

from validation import svg
from validation.memory import from_test
from validation.tools import Assumption, Block, NotAvailable, Point, not_modelled, shares, test_cases, test_points


def closed_forms() -> Block:
    points = []
    for tag, name in (("[l2]", "L2 and SoC bus"), ("[extmem]", "HyperRAM and flash"), ("[soc_dma]", "SoC DMA")):
        for case, passed, failed in test_cases("timing", tag):
            total = passed + failed
            points.append(Point({"test": case}, name, total, passed, failed / total if total else 1.0))
    shares(points)
    if not points:
        raise NotAvailable("timing_tests has no tests of L2 and external memories")
    return Block(
        "soc",
        "L2, HyperRAM, flash",
        "closed forms: GVSoC's L2 word latency, S27KS0641 and hyperbus_pkg.sv, typical octal NOR data sheets",
        "reference/hardware.md; each number is derived in the text of its test",
        "checks of exact cycles in tests/timing; error: share that fails",
        "every check",
        "scripts/validate.sh --only soc",
        points,
        not_modelled=not_modelled("l2", "extmem", "soc_dma"),
        assumptions=[
            Assumption(
                "l2_latency",
                "latency of a core's word from L2: 20 cycles by default, assumed; GVSoC's siracusa has 15",
                "cold code and uncached loads: one to one with stalls.l2_access and half of stalls.icache_miss",
                "stalls.l2_access",
            ),
            Assumption(
                "hyperram_timing",
                "access time 56 ns from chip select to data, 333 MB/s; refresh collisions are left out",
                "bursts of 2 KiB: the access time is 1 % of a transfer; bandwidth counts one to one",
                "traffic.l3_l2_read, traffic.l3_l2_write",
            ),
            Assumption(
                "flash_timing",
                "400 MB/s, page program 0.15 ms, sector erase 80 ms: typical times of one octal NOR flash (IS25WX256)",
                "page-outs to flash: their time, up to 5 to 12 times as long at the data sheet's maxima",
                "traffic of page operations to flash",
            ),
        ],
    )


def energy() -> Block:
    points = [from_test(row) for row in test_points("unit", "[energy]", "energy")]
    values = {
        "published": {point.key["point"]: point.rtl for point in points},
        "Etude": {point.key["point"]: point.model for point in points},
    }
    values = {name: {k: v for k, v in row.items() if "GFLOPS/W" in k} for name, row in values.items()}
    short = {
        name: {k.replace(" GFLOPS/W", "").replace("RedMulE ", "RM "): v for k, v in row.items()}
        for name, row in values.items()
    }
    return Block(
        "energy",
        "Energy: published operating points",
        "published figures: arXiv 2301.03904, 2204.11192, Vega (see reference/published.csv)",
        "reference/hardware.md; configs/energy/22fdx.json (one table, 22 nm, 0.65 V, 470 MHz)",
        "GFLOPS/W, or a ratio of two; relative error",
        "within 10 %",
        "scripts/validate.sh --only energy",
        points,
        lambda block: block.max_error <= 0.10,
        ["Data-dependent switching, temperature, supply regulators, pads other than the external memories'."],
        [
            Assumption(
                "hyperram_energy",
                "440 pJ per byte of HyperRAM: at most what the data sheet gives for the device (324) and its bus "
                "(113); 880 is recalled of another chip",
                "energy.extmem falls to 74 % at 324 and doubles at 880: the range of extmem/byte",
                "energy.extmem",
            ),
            Assumption(
                "fp32_fma",
                "an FP32 FMA of the array costs 2.6 times the FP16 one (2.3 to 2.95: synthesis at 45 nm and 22FDX "
                "silicon)",
                "energy.redmule of FP32 arrays, about one to one: the range of redmule/fp32_fma",
                "energy.redmule",
            ),
            Assumption(
                "array_clock",
                "every array reaches the cluster's clock; published is FP16 with three pipeline registers, 470 MHz at "
                "0.65 V. At equal registers FP32 is 1.6 to 1.8 times slower (synthesis at 45 nm)",
                "latency and leakage of FP32 arrays and of those of fewer registers: vary cluster/clock_hz with them",
                "layers with unit redmule",
            ),
            Assumption(
                "leakage",
                "no source for the leakage of a 22 nm cluster: 1.06 mW and 35.5 uW per core from a simulator's tables, "
                "memories from CACTI's low-power cells",
                "energy.leakage, one to one",
                "energy.leakage",
            ),
        ],
        notes=[
            "Software is what the GEMM kernels execute on the modelled cores (tests/e2e/test_energy_points.py runs and "
            "prices them): FP32 5.13, packed FP16 10.13 MAC/cycle.",
            "Not a point: RedMulE faster than software by about 22 (2204.11192, FP16, 32 FMA at 31.6 MAC/cycle), as "
            "the software is not known. On the modelled cores it is 3.1 times faster than the packed GEMM kernel and "
            "44 times faster than plain C (docs/kernels.md).",
        ],
        charts=[("energy.svg", svg.bars("Energy efficiency", "GFLOPS/W", short))],
    )
