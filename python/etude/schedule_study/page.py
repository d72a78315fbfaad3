# SPDX-License-Identifier: Apache-2.0
"""The page of the study and its pictures, from the rows of every part that is there."""

from collections.abc import Sequence

from etude.pictures.front_chart import Point, draw_front
from etude.schedule_study.scatter import draw_scatter
from etude.schedule_study.sections import PRICES
from etude.svg_chart import Series, line_chart

Rows = list[dict]
Parts = dict[str, Rows]


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:+.{digits}f} %"


def _mega(cycles: float | None) -> str:
    return "-" if cycles is None else f"{cycles / 1e6:.3f} M"


def _milli(joules: float | None) -> str:
    return "-" if joules is None else f"{1e3 * joules:.3f} mJ"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, an empty one behind it."""
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows), ""]


def _outputs(row: dict) -> str:
    if "same_bits" not in row:
        return "-"
    return "same bits" if row["same_bits"] else "OTHER BITS"


def _found(row: dict) -> str:
    """Status of the search with its gap, and what the schedule does."""
    gap = row.get("gap")
    if not row["scheduled"]:
        return "-"
    status = row["status"] or "-"
    status += f", gap {100 * gap:.1f} %" if status == "feasible" and gap is not None else ""
    status += ", ended by the clock" if row.get("timed_out") else ""
    status += ", found by the run" if row.get("searched_by_run") else ""
    return f"{status}; {row['recomputed']} again, {row['paged']} paged"


def _error(row: dict) -> str:
    return f"refused: {row['error']}"


def _peak(row: dict) -> str:
    over = "" if row["within_l2"] else " PASSED"
    return f"{row['l2_peak']:,} of {row['l2_size']:,}{over}"


def executed_rows(rows: Rows) -> list[list[str]]:
    """The table of executed budgets at both prices."""
    lines = []
    for row in rows:
        how = ", as a schedule" if row["policy"] == "keep" and row["scheduled"] else ""
        head = [f"{row['price_pj']}", f"{row['part']:g}", f"`{row['policy']}`{how}"]
        if "error" in row:
            lines.append([*head, _error(row), *[""] * 6])
            continue
        predicted = [_mega(row.get("predicted_cycles")), _milli(row.get("predicted_energy_j"))]
        lines.append(
            [
                *head,
                _found(row),
                *(f"{value}" for value in predicted),
                f"{_mega(row['cycles'])} ({_percent(row.get('cycles_over_keep_percent'))})",
                f"{_milli(row['energy_j'])} ({_percent(row.get('energy_over_keep_percent'))})",
                _peak(row),
                _outputs(row),
            ]
        )
    return lines


def near_rows(rows: Rows) -> list[list[str]]:
    """The table of schedules with parameters at home in L2."""
    lines = []
    for row in rows:
        limit = row["deadline_percent"]
        what = f"`{row['policy']}`" + (f", keep's time +{limit} %" if limit is not None else "")
        what += ", for time" if row["objective"] == "time" else ""
        head = [f"{row['price_pj']}", f"{row['part']:g}", what]
        if "error" in row:
            lines.append([*head, _error(row), *[""] * 6])
            continue
        solved = "-" if row.get("solve_s") is None or not row["scheduled"] else f"{row['solve_s']:.1f} s"
        late = row["deadline_s"] is not None and row["latency_s"] > row["deadline_s"]
        predicted = f"{_mega(row.get('predicted_cycles'))}, {_milli(row.get('predicted_energy_j'))}"
        cycles = f"{_mega(row['cycles'])} ({_percent(row.get('cycles_over_keep_percent'))}{', late' if late else ''})"
        energy = f"{_milli(row['energy_j'])} ({_percent(row.get('energy_over_keep_percent'))})"
        lines.append([*head, _found(row), solved, predicted, cycles, energy, _peak(row), _outputs(row)])
    return lines


def front_rows(rows: Rows) -> list[list[str]]:
    """The table of deadlines."""
    lines = []
    for row in rows:
        if row["policy"] == "keep":
            continue
        limit = row["deadline_percent"]
        what = f"`{row['policy']}`, keep's time +{limit} %" if limit is not None else f"`{row['policy']}`, no deadline"
        what += ", for time" if row["objective"] == "time" else ""
        head = [f"{row['price_pj']}", what]
        if "error" in row:
            lines.append([*head, _error(row), *[""] * 5])
            continue
        late = row["deadline_s"] is not None and row["latency_s"] > row["deadline_s"]
        predicted = f"{_mega(row.get('predicted_cycles'))}, {_milli(row.get('predicted_energy_j'))}"
        shown = f"{_percent(row['cycles_over_keep_percent'])}{' (late)' if late else ''}"
        lines.append([*head, _found(row), predicted, f"{_mega(row['cycles'])}, {_milli(row['energy_j'])}", shown])
        lines[-1] += [_percent(row["energy_over_keep_percent"]), _outputs(row)]
    return lines


def size_rows(rows: Rows) -> list[list[str]]:
    """The table of given sizes of L2."""
    lines = []
    for row in rows:
        how = f"`{row['policy']}`" + ("" if row["policy"] == "keep" else f", {row['objective']}")
        how += ", accumulate=4" if "accumulate" in row["name"] else ""
        size = f"{row['l2_size']:,}" if "l2_size" in row else "-"
        if "error" in row:
            lines.append([row["what"], size, how, _error(row), "", "", "", "", ""])
            continue
        predicted = f"{_mega(row.get('predicted_cycles'))}, {_milli(row.get('predicted_energy_j'))}"
        ran = [_mega(row["cycles"]), _milli(row["energy_j"]), f"{row['hyperram_bytes']:,}"]
        lines.append([row["what"], _peak(row), how, _found(row), predicted, *ran, _outputs(row)])
    return lines


def budget_rows(rows: Rows) -> list[list[str]]:
    """The table of falling budgets."""
    lines = []
    for row in rows:
        head = [row["network"], f"{row['part']:g}", f"`{row['policy']}`"]
        if "error" in row:
            lines.append([*head, _error(row), "", "", "", ""])
            continue
        objects = f"{row['objects']:,}" + (" rises" if row.get("rises") else "")
        ran = [_mega(row["cycles"]), _milli(row["energy_j"]), _outputs(row)]
        lines.append([*head, f"{row['budget']:,}", objects, *ran])
    return lines


def network_rows(rows: Rows) -> list[list[str]]:
    """The table of all policies on all networks."""
    lines = []
    for row in rows:
        head = [row["network"], row["home"], f"`{row['policy']}`", f"{row['part']:g}"]
        if "error" in row:
            lines.append([*head, _error(row), *[""] * 4])
            continue
        off = [_percent(row.get(f"{key}_off_percent"), 2) for key in ("cycles", "energy")]
        ran = f"{_mega(row['cycles'])} ({off[0]}), {_milli(row['energy_j'])} ({off[1]})"
        lines.append([*head, _found(row), f"{row['budget']:,}", ran, _peak(row), _outputs(row)])
    return lines


def split_rows(rows: Rows) -> list[list[str]]:
    """The table of batches that were split."""
    lines = []
    for row in rows:
        if "error" in row:
            lines.append([row["what"], row["objective"], _error(row), "", "", "", ""])
            continue
        passes = f"{row['accumulate']} of {row['batch']}" if "accumulate" in row else "1"
        predicted = f"{_mega(row.get('predicted_cycles'))}, {_milli(row.get('predicted_energy_j'))}"
        ran = [_mega(row["cycles"]), _milli(row["energy_j"])]
        lines.append([row["what"], row["objective"], f"{passes}; {_found(row)}", predicted, *ran, _peak(row)])
    return lines


def raspberry_rows(rows: Rows) -> list[list[str]]:
    """Capuchin against ours on the A72."""
    keep = next(row for row in rows if row["policy"] == "keep")
    lines = []
    for part in sorted({row["part"] for row in rows} - {1}, reverse=True):
        mine = {row["policy"]: row for row in rows if row["part"] == part}
        over = {policy: row["overhead"] for policy, row in mine.items() if row.get("overhead") is not None}
        cells = [
            f"{over[p]:.4f} J ({100 * over[p] / keep['energy_j']:.4f} %)" if p in over else mine[p].get("error", "-")
            for p in ("optimal", "page", "capuchin")
        ]
        both = "capuchin" in over and "optimal" in over
        more = _percent(100 * (over["capuchin"] / over["optimal"] - 1), 0) if both else "-"
        lines.append([f"{part:g}", *cells, more])
    return lines


def tegra_rows(rows: Rows) -> list[list[str]]:
    """POFO against ours on the TX2."""
    named = {row["name"]: row for row in rows}
    lines = []
    for name, row in named.items():
        if "-pofo-" not in name or name.endswith(("-time", "-peak")):
            continue
        head = [f"{row['flop_per_s']:.0e}", name.rpartition("-")[2]]
        if "error" in row or row["status"] != "feasible":
            lines.append([*head, row.get("error") or f"no plan fits ({row['status']})", "", ""])
            continue
        keep, fast, small = (
            named[other] for other in (f"tx2-{row['flop_per_s']:.0e}-keep", f"{name}-time", f"{name}-peak")
        )
        lines.append(
            [
                *head,
                f"{row['peak_bytes']:,} B, {_percent(100 * (row['time_s'] / keep['time_s'] - 1), 2)}",
                _percent(100 * (row["time_s"] / fast["time_s"] - 1), 2) if "error" not in fast else fast["error"],
                _percent(100 * (small["peak_bytes"] / row["peak_bytes"] - 1))
                if "error" not in small
                else small["error"],
            ]
        )
    return lines


def _curve(rows: Rows, price: int) -> str:
    mine = [row for row in rows if row["price_pj"] == price and "error" not in row]
    found = [
        Point(
            row["policy"],
            row["budget"],
            row["l2_peak"] - row["l2_fixed"],
            row["predicted_energy_j"],
            row["predicted_cycles"] * row["latency_s"] / row["cycles"],
            row["status"],
        )
        for row in mine
        if "predicted_cycles" in row
    ]
    ran = [
        Point(row["policy"], row["budget"], row["l2_peak"] - row["l2_fixed"], row["energy_j"], row["latency_s"])
        for row in mine
    ]
    return draw_front(found, ran, [])


def _front(rows: Rows) -> str:
    panels = {}
    for price in PRICES:
        mine = [row for row in rows if row["price_pj"] == price and "error" not in row]
        if mine:
            panels[f"{price} pJ a byte of HyperRAM"] = mine
    return draw_scatter(panels)


def _peaks(rows: Rows) -> str:
    parts = sorted({row["part"] for row in rows})
    series = []
    for network in dict.fromkeys(row["network"] for row in rows):
        mine = {r["part"]: r for r in rows if r["network"] == network and r["policy"] != "keep" and "objects" in r}
        shares = [mine[p]["objects"] / mine[p]["peak_keep"] if p in mine else None for p in parts]
        series.append(Series(network, shares))
    series.append(Series("budget", parts))
    return line_chart("Highest byte of objects in L2, executed", "budget, part of keep's peak", "part", parts, series)


def pictures(parts: Parts) -> dict[str, str]:
    """SVG by file name."""
    images = {}
    if "executed" in parts:
        for price in PRICES:
            images[f"energy_memory_{price}.svg"] = _curve(parts["executed"], price)
    if "front" in parts:
        images["front.svg"] = _front(parts["front"])
    if "in_l2" in parts:
        images["in_l2.svg"] = _front([row for row in parts["in_l2"] if row["part"] in (0.5, 1)])
    if "ten_budgets" in parts:
        images["peaks.svg"] = _peaks(parts["ten_budgets"])
    return images
