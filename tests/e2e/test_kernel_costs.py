# SPDX-License-Identifier: Apache-2.0
"""The compiler's prices of kernels are those that the modelled cores take (scripts/kernel_costs.py)."""

import sys

import pytest
from support import BUILD, ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import kernel_costs  # noqa: E402

SIZES = [(rows, cols, inner) for rows in (8, 24, 64) for cols in (16, 60, 128) for inner in (1, 9)]


@pytest.fixture(scope="module")
def measured():
    return kernel_costs.measure(BUILD)


def test_the_file_has_every_kernel_and_only_measured_ones_are_fitted():
    costs = kernel_costs.read(kernel_costs.FILE.read_text())
    listed = (ROOT / "kernels" / "include" / "etude_kernel_list.h").read_text()
    assert list(costs) == [line.split("(")[1].split(",")[0] for line in listed.splitlines() if line.startswith("  X(")]
    assert {kernel for kernel, cost in costs.items() if cost.source == "assumed"} == {
        *("GEMM_FP16", "IM2COL", "IM2ROW", "COL2IM", "TRANSPOSE", "ADD", "ADD_ROW", "BROADCAST_ROW")
    }


def test_the_committed_coefficients_and_the_page_are_what_the_bench_measures(measured):
    assert kernel_costs.differences(measured, kernel_costs.LIMIT) == []


def test_prices_are_near_what_each_size_takes(measured):
    costs = kernel_costs.read(kernel_costs.FILE.read_text())
    for kernel, cost in costs.items():
        if cost.source == "assumed":
            continue
        sizes = measured[kernel]
        assert len(sizes) >= 6, kernel
        errors = [abs(cost.cycles(*extents) / warm - 1) for extents, _, warm in sizes]
        assert sum(errors) / len(errors) < 0.3, (kernel, errors)


def test_a_larger_call_and_one_behind_another_kernel_take_longer(measured):
    # By a size alone, code and data that share a line of a cache may make up for it, by a percent or two.
    for extents, hot, warm in measured["COPY"]:
        assert warm > 0.97 * hot and hot > extents[0] * extents[1] / 8
    assert sum(warm for _, _, warm in measured["COPY"]) > sum(hot for _, hot, _ in measured["COPY"])
    by_size = {extents: warm for extents, _, warm in measured["COPY"]}
    assert by_size[1, 12288, 1] > 3 * by_size[1, 2048, 1]


def test_a_fit_finds_the_coefficients_that_made_the_cycles():
    made = {"fixed": 200.0, "row": 25.0, "element": 4.0, "run": 0.0, "product": 1.5}
    for share in ("even", "rows", "columns"):
        truth = kernel_costs.Cost(share, made, "measured")
        sizes = [(extents, 0, truth.cycles(*extents)) for extents in SIZES]
        assert kernel_costs.fit("GEMM", share, sizes).coefficients == pytest.approx(made, rel=1e-3, abs=1e-9)


def test_shares_are_those_of_the_compiler():
    # 100 + 8 a row + 2 an element + 16 a run + 4 a product, as in tests/unit/cost_model_test.cpp, on 8 cores:
    # evenly 1176 / 8; one row, and then 2 of 10 columns in 6 rows, of the busiest one.
    made = dict(zip(kernel_costs.TERMS, (100, 8, 2, 16, 4), strict=True))
    assert kernel_costs.Cost("even", made, "").cycles(6, 10, 3) == 100 + 147
    assert kernel_costs.Cost("rows", made, "").cycles(6, 10, 3) == 100 + 8 + 20 + 48 + 120
    assert kernel_costs.Cost("columns", made, "").cycles(6, 10, 3) == 100 + 48 + 24 + 288 + 144


def test_no_coefficient_is_negative():
    # Cycles that fall with the rows: the row's coefficient stays 0.
    sizes = [(extents, 0, 1000 + extents[0] * extents[1] - extents[0]) for extents in SIZES]
    assert min(kernel_costs.fit("COPY", "even", sizes).coefficients.values()) == 0


def test_a_moved_price_is_found():
    old = kernel_costs.read("ETUDE_KERNEL_COST(COPY, even, 200, 0, 2, 0, 0, measured)")["COPY"]
    new = kernel_costs.read("ETUDE_KERNEL_COST(COPY, even, 200, 0, 3, 0, 0, measured)")["COPY"]
    # 1 x 1600 elements on 8 cores: 600 and 800 cycles
    assert kernel_costs.moved(old, new, [((1, 1600, 1), 0, 0)]) == pytest.approx(1 / 3)
