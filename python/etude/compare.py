# SPDX-License-Identifier: Apache-2.0
"""Two runs side by side."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from etude.result import engineering


def _plain(number: float) -> str:
    return f"{number:,.6g}"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _unit(unit: str) -> Callable[[float], str]:
    return lambda number: engineering(number, unit)


def _get(result: dict, path: str):
    value = result
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def rows(first: dict, second: dict) -> list[tuple[str, str, str, str]]:
    """Name, both values and the change of every number that both results have."""
    wanted: list[tuple[str, str, Callable[[float], str]]] = [
        ("cycles", "step/cycles", _count),
        ("latency", "step/latency_s", _unit("s")),
        ("samples/s", "step/samples_per_s", _plain),
        ("FLOP/cycle", "step/flop_per_cycle", _plain),
        ("energy", "step/energy_j", _unit("J")),
        ("energy, low end", "step/energy_low_j", _unit("J")),
        ("energy, high end", "step/energy_high_j", _unit("J")),
        ("energy-delay", "step/edp_js", _unit("Js")),
        ("MACs", "step/macs", _count),
        ("loss", "loss", _plain),
        ("GFLOP/s per mm2", "step/gflops_per_mm2", _plain),
        ("area mm2", "area_mm2", _plain),
    ]
    wanted += [(f"area {name} mm2", f"area/{name}", _plain) for name in first.get("area", {}) if name != "total"]
    wanted += [(f"energy {name}", f"energy/{name}", _unit("J")) for name in first.get("energy", {}) if name != "total"]
    wanted += [(f"memory {name}", f"memory/{name}", _count) for name in first.get("memory", {})]
    wanted += [(f"traffic {name}", f"traffic/{name}", _count) for name in first.get("traffic", {})]
    table = []
    for name, path, text in wanted:
        a, b = _get(first, path), _get(second, path)
        if a is None or b is None or (a == 0 and b == 0):
            continue
        change = f"{100 * (b - a) / a:+.1f} %" if a else "new"
        table.append((name, text(a), text(b), "=" if a == b else change))
    return table


def clock_note(*results: dict) -> str:
    """A line if the array of a result is one whose clock no source covers, else nothing."""
    if not any(a["name"] == "array_clock" for result in results for a in result.get("assumptions", [])):
        return ""
    return (
        "Clock assumed: no source has an FP32 array, or one of fewer than 3 pipeline registers, at 470 MHz (0.65 V); "
        "vary /platform/cluster/clock_hz with it."
    )


def print_comparison(first: dict, second: dict, names: tuple[str, str], console: Console) -> None:
    """Writes the comparison as a table."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("")
    for name in (*names, "change"):
        table.add_column(name, justify="right", overflow="fold")
    for row in rows(first, second):
        table.add_row(*row)
    console.print(f"first:  {first.get('title', '')}\nsecond: {second.get('title', '')}", highlight=False)
    console.print(table)
    if note := clock_note(first, second):
        console.print(note, highlight=False)
