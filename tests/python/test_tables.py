# SPDX-License-Identifier: Apache-2.0
"""The tables of the published comparison and of LoRA's rank, from results that are made up."""

import itertools

import pytest
from etude.explore.spec import load_spec
from etude.studies import array_sizing, mixed_precision, rank_sweep, traindeeploy
from etude.studies.runs import Point, kept
from etude.svg_chart import Series, bar_chart, line_chart


def result(cycles: int, trainable: int = 100) -> dict:
    traffic = {"l2_l1_read": 1, "l2_l1_write": 2, "l3_l2_read": 1000, "l3_l2_write": 4 * trainable}
    memory = {"trainable": 4 * trainable, "gradients": 4 * trainable, "activations_peak": 5000}
    memory["activations_peak_gradients_kept"] = 5000 + 4 * trainable
    step = {"cycles": cycles, "flop_per_cycle": 1e7 / cycles, "samples_per_s": 3e8 / cycles, "macs": 5}
    return {
        "step": {
            **step,
            **{"energy_j": 1e-3, "energy_low_j": 9e-4, "energy_high_j": 2e-3},
            **{"latency_s": cycles / 3e8, "gflops_per_mm2": 1000 / cycles},
        },
        "area": {"redmule": 0.2, "cluster": 0.8, "total": 2.8},
        "memory": memory,
        "traffic": traffic,
        "bounds": [{"resource": "L3 bandwidth", "share": 0.5}],
        "units": {"redmule": {"busy": cycles // 2}},
        "check": {"passed": True},
        "layers": ["left out"],
    }


def names(sweeps: dict[str, dict]) -> list[str]:
    """Points of sweeps, as the tables call them."""
    return ["-".join(point) for one in sweeps.values() for point in itertools.product(*one["axes"].values())]


@pytest.fixture
def results():
    trainable = {"lp": 10, "ft1": 1500, "ft2": 3000, "lora1": 100, "lora2": 200, "full": 4000}
    found = {}
    for name in names(traindeeploy.sweeps(fp16=True)):
        method, variant = name.split("-")
        found[name] = result(300 if "cores" in variant else 100, trainable.get(method, 50))
    return found


def test_ratios_of_the_comparison(results):
    lines = "\n".join(traindeeploy.comparison_rows(results))
    assert "| RedMulE against cores, CCT | 2.3 to 3.5x | 3.00 to 3.00x |" in lines
    assert "| trainable parameters, FT : LoRA | 15x | 15.00x (last block), 15.00x (both) |" in lines
    # 5000 + 4 * 200 bytes against 5000 + 4 * 3000
    assert "-65.9 % (both)" in lines
    # 1000 + 4 * 3000 bytes against 1000 + 4 * 200
    assert "7.22x (both)" in lines


def test_a_refused_point_is_a_line_of_the_table(results):
    results["full-l1_128k"] = {"error": "tcdm: 8 bytes short"}
    page = traindeeploy.table(results, fp16=True)
    assert "| full | 48 FP32 FMA, 128,000 B of L1 | tcdm: 8 bytes short |" in page
    assert page.count("| passed |") == 6 * 5 - 1
    assert all(image.startswith("<svg") for image in traindeeploy.charts(results).values())


def test_sweeps_are_checked_and_their_points_differ():
    asked = traindeeploy.sweeps(fp16=True) | {"ranks": rank_sweep.sweeps((1, 2))["cct2"]}
    asked |= mixed_precision.sweeps() | {"arrays": array_sizing.asked()}
    specs = [load_spec(one) for one in asked.values()]
    assert [len(spec.listed) for spec in specs] == [30, 8, 6, 4, 32]
    assert len(names(traindeeploy.sweeps(fp16=False))) == 6 * 3 + 8
    for spec in specs:
        assert len({str(spec.sets(point)) for point in spec.listed}) == len(spec.listed)
    assert Point("a", {"x": 1, "y": 2}, ("/x=3", "/z=no JSON")).keys() == {"/x": 3, "/y": 2, "/z": "no JSON"}


def test_rank_sweep_has_a_line_per_rank():
    ranks = (1, 4)
    found = {name: result(100 + i) for i, name in enumerate(names(rank_sweep.sweeps(ranks)))}
    page = rank_sweep.page(found, ranks)
    assert [line.split("|")[1].strip() for line in page.splitlines() if "passed" in line] == [
        *("rank 1", "rank 4", "the matrices themselves"),
        *("rank 1", "rank 4", "the matrices themselves"),
    ]


def test_array_sizing_compares_with_the_smallest_of_4x12():
    found = {machine.name(): result(100) for machine in {*array_sizing.sizes(), *array_sizing.clocked()}}
    found["8x8p1-b16-l1_256k-300mhz"]["step"]["cycles"] = 80
    found["8x8p1-b16-l1_256k-300mhz"]["area"] |= {"cluster": 1.0, "total": 3.0}
    found["4x16p3-b16-l1_128k-300mhz"] = {"error": "tcdm: 8 bytes short"}
    found["4x12p3-b16-l1_256k-300mhz"]["assumptions"] = [{"name": "array_clock"}]
    page = array_sizing.page(found)
    line = next(line for line in page.splitlines() if line.startswith("| 8x8 P1 | 16 | 256 |"))
    assert "| 80 | -20.0 % |" in line and "| 1.000 | +25.0 % |" in line
    assert "| 4x16 P3 | 16 | 128 | tcdm: 8 bytes short |" in page
    assert "| 8x8 P3 | 32 | 256 |" in page and "| 8x8 P3 | 16 |" not in page  # its port needs 32 banks
    assert "Clock assumed" in page
    # a fifth fewer cycles, a quarter more cluster: as much work per mm2; 2.8 to 3.0 mm2 with L2: more
    assert "| 8x8 P1, 16 banks | -20.0 % | +0.0 % | +25.0 % | no | +7.1 % | yes |" in page
    first, last = array_sizing.MARKS
    assert array_sizing.put_into(f"a {first} old {last} b", "new\n") == f"a {first}\nnew\n{last} b"
    assert len({machine.name() for machine in array_sizing.sizes()}) == 16


def test_what_is_kept_of_a_result():
    assert "layers" not in kept(result(1)) and kept(result(1))["step"]["cycles"] == 1


def test_charts_are_equal_for_equal_numbers():
    lines = [Series("a", [1.0, None, 3.0])]
    assert line_chart("t", "x", "y", [0, 1, 2], lines) == line_chart("t", "x", "y", [0, 1, 2], lines)
    assert bar_chart("t & u", "y", ["g", "h", "i"], lines).count("<rect") == 1 + 1 + 2


def test_mixed_precision_compares_step_by_step():
    found = {}
    for name in names(mixed_precision.sweeps()):
        made = result(100)
        made["check"]["redmule_jobs"] = 7
        factor = 1.5 if name.endswith("mixed") else 1.0
        steps = mixed_precision.WORKLOADS[name.split("-")[0]][1]
        made["steps"] = [{"loss": factor / (i + 1)} for i in range(steps)]
        found[name] = made
    found["lora-mixed"]["steps"][1]["loss"] = None
    found["lora-mixed"]["check"] = {"passed": False, "redmule_jobs": 7, "failures": ["step 3: job 5", "more"]}
    page = mixed_precision.page(found)
    assert "| 1 | 1.0000 | 1.5000 | +50.00 % |" in page
    assert "| 2 | 0.5000 | not finite |  |" in page
    assert "Check of the mixed run: FAILED, first at step 3: job 5." in page
