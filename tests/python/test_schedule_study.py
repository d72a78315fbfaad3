# SPDX-License-Identifier: Apache-2.0
"""Tables and verdicts of the study of schedules, from rows that are made up."""

import pytest
from etude.schedule_study import page, readme, verdicts
from etude.schedule_study.questions import Case, csv_of, row_of
from etude.schedule_study.sections import DEADLINES, PARTS, PRICES

ANSWER = {
    **{"status": "feasible", "gap": 0.05, "budget": 600, "peak_keep": 1200, "l2_fixed": 400},
    **{"recomputed": ["a", "b"], "paged": ["c"], "file": {"bytes": 90}, "predicted": {"cycles": 100, "energy_j": 1e-3}},
}


def result(cycles: int, energy: float, peak: int = 990) -> dict:
    return {
        "step": {"cycles": cycles, "energy_j": energy, "latency_s": cycles / 3e8},
        "memory": {"l2_peak": peak, "l2_fixed": 400},
        "traffic": {"l3_l2_read": 10, "l3_l2_write": 20},
        "warnings": ["ignored, because not selected: /train/k", "late"],
    }


def row(name: str, policy: str = "optimal", cycles: int = 102, energy: float = 1.01e-3, **more) -> dict:
    keep = {"cycles": 100, "energy_j": 1e-3}
    found = row_of(Case(name, "cct2_lora.json", policy=policy, budget=0.5), ANSWER, result(cycles, energy), keep)
    return found | {"price_pj": 880, "l2_size": 1000, "same_bits": True, "within_l2": True} | more


def test_a_row_compares_with_what_was_predicted_and_with_keep():
    one = row("full-880-optimal-0.5", cycles=104, energy=0.9e-3)
    assert one["cycles_off_percent"] == pytest.approx(4) and one["energy_off_percent"] == pytest.approx(-10)
    assert one["energy_over_keep_percent"] == pytest.approx(-10)
    assert one["warnings"] == ["late"] and one["hyperram_bytes"] == 30
    assert one["command"].startswith("etude-sim schedule configs/cct2_lora.json --policy optimal")


def test_a_refusal_is_a_row_with_its_reason():
    one = row_of(Case("a", "cct2_lora.json"), {"status": "infeasible", "error": "norm needs 9 B"}, None, None)
    assert one["error"] == "norm needs 9 B" and "cycles" not in one
    lines = page.executed_rows([one | {"price_pj": 880, "part": 0.5}])
    assert "refused: norm needs 9 B" in lines[0]
    assert csv_of([one]).count("\n") == 2


def met(parts: dict) -> dict[str, str]:
    cells = [line.strip("| ").split(" | ") for line in verdicts.expected(parts)[2:] if line]
    return {line[0]: line[-1] for line in cells}


def test_verdicts_tell_what_was_missed():
    right = met({"executed": [row("a"), row("b")]})
    assert set(right.values()) == {"met"}
    wrong = met({"executed": [row("a", cycles=104), row("b", same_bits=False), row("c", within_l2=False)]})
    assert wrong["executed cycles against predicted"] == "**missed**"
    assert wrong["executed energy against predicted"] == "met"
    assert wrong["outputs byte-equal to keep's"] == "**missed**"
    assert wrong["l2_peak within the L2 that was given"] == "**missed**"


def test_a_point_of_the_front_lies_inside_only_in_time():
    what = "parameters in HyperRAM, half of the memory, +5 % time, 880 pJ/B"
    pages = row("full-880-page-0.5", "page", 100, 2e-3)
    for cycles, energy, verdict in ((104, 1.3e-3, "met"), (106, 1.3e-3, "**missed**"), (104, 1.4e-3, "**missed**")):
        assert met({"front": [row("front-880-5", cycles=cycles, energy=energy), pages]})[what] == verdict
    assert met({"front": [pages]})[what] == "**missed**"


def test_a_rising_peak_is_missed():
    rows = [row("x", network="deep_ae", objects=5, rises=False), row("y", network="deep_ae", objects=6, rises=True)]
    assert met({"ten_budgets": rows})["deep_ae: executed peak falls with the budget"] == "**missed**"
    assert met({"ten_budgets": rows[:1]})["deep_ae: executed peak falls with the budget"] == "met"


def test_page_and_pictures_of_all_executed_parts():
    executed, front = [], []
    for price in PRICES:
        for part in PARTS:
            executed += [
                row(f"full-{price}-{policy}-{part:g}", policy, price_pj=price)
                for policy in ("optimal", "page", "checkmate")
            ]
        front += [row(f"front-{price}-{p}", price_pj=price, deadline_percent=p) for p in DEADLINES]
    ten = [row(f"ten-{p}", network="deep_ae", objects=5, part=p) for p in (0.5, 1)]
    parts = {"executed": executed, "front": front, "ten_budgets": ten}
    text = readme.text(parts)
    assert "recomputing alone takes +2.0 % time and +1.0 % energy" in text
    images = page.pictures(parts)
    assert set(images) == {"energy_memory_880.svg", "energy_memory_324.svg", "front.svg", "peaks.svg"}
    assert all(image.startswith("<svg") for image in images.values())
    assert all(f"({name})" in text for name in images)
