# SPDX-License-Identifier: Apache-2.0
"""Runs side by side: changed keys, totals, and what became of each layer."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from etude.report.layers import L2_BYTES, L3_BYTES, bytes_of
from etude.result import engineering

MOST = 20  # layers that are shown


def _plain(number: float) -> str:
    return f"{number:,.6g}"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _unit(unit: str) -> Callable[[float], str]:
    return lambda number: engineering(number, unit)


def _get(result: dict, path: str) -> Any:
    value: Any = result
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def rows(*results: dict) -> list[tuple[str, ...]]:
    """Name, the value of each result, and the change of each later one against the first, of every number that all
    results have."""
    first = results[0]
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
        values = [_get(result, path) for result in results]
        if any(value is None for value in values) or not any(values):
            continue
        table.append((name, *map(text, values), *(_change(values[0], value) for value in values[1:])))
    return table


def _change(first: float, value: float) -> str:
    if value == first:
        return "="
    return f"{100 * (value - first) / first:+.1f} %" if first else "new"


def _leaves(value: object, key: str = "") -> dict[str, object]:
    """JSON pointers of everything that is no object, with their values."""
    if not isinstance(value, dict):
        return {key: value}
    found: dict[str, object] = {}
    for name, member in value.items():
        found |= _leaves(member, f"{key}/{name}")
    return found


def changed_keys(configurations: list[dict]) -> list[tuple[str, ...]]:
    """JSON pointer and the value of each resolved configuration where they differ; empty where one lacks it."""
    leaves = [_leaves(configuration) for configuration in configurations]
    keys = dict.fromkeys(key for one in leaves for key in one)
    shown = []
    for key in keys:
        values = [json.dumps(one[key]) if key in one else "" for one in leaves]
        if len(set(values)) > 1:
            shown.append((key, *(v if len(v) <= 48 else v[:45] + "..." for v in values)))
    return shown


@dataclass
class LayerChange:
    """A layer in each of several results; None where one has no layer of this phase, name and operator."""

    name: str
    op: str
    phase: str
    layers: list[dict | None]

    def cycles(self) -> list[int | None]:
        """Cycles of each."""
        return [None if layer is None else layer["cycles"] for layer in self.layers]

    def largest(self) -> int:
        """The largest change of cycles against the first result."""
        cycles = [c or 0 for c in self.cycles()]
        return max((abs(c - cycles[0]) for c in cycles[1:]), default=0)


def layer_changes(results: list[dict]) -> list[LayerChange]:
    """Every layer of any result, in the order of their steps."""
    found: dict[tuple[str, str, str], LayerChange] = {}
    for i, result in enumerate(results):
        for layer in result["layers"]:
            names = (layer["name"], layer["op"], layer["phase"])
            change = found.setdefault(names, LayerChange(*names, [None] * len(results)))
            known = change.layers[i]
            if known is not None:  # of one name: counted together
                both = {key: known[key] + layer[key] for key in ("cycles", "macs", "energy_j")}
                counters = known["counters"] | {
                    key: known["counters"].get(key, 0) + value for key, value in layer["counters"].items()
                }
                change.layers[i] = {**layer, **both, "counters": counters}
            else:
                change.layers[i] = layer
    return list(found.values())


def changes_csv(results: list[dict], names: list[str]) -> str:
    """Every layer of any result with cycles, energy and bytes in each, as CSV with a head."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = ("cycles", "energy_j", "l2_bytes", "l3_bytes")
    writer.writerow(["name", "op", "phase", *(f"{field}: {name}" for field in fields for name in names)])
    for change in layer_changes(results):
        cells: list[list[object]] = [[] for _ in fields]
        for layer in change.layers:
            values = (
                [""] * len(fields)
                if layer is None
                else [layer["cycles"], repr(layer["energy_j"]), bytes_of(layer, L2_BYTES), bytes_of(layer, L3_BYTES)]
            )
            for cell, value in zip(cells, values, strict=True):
                cell.append(value)
        writer.writerow([change.name, change.op, change.phase, *(value for cell in cells for value in cell)])
    return out.getvalue()


def clock_note(*results: dict) -> str:
    """A line if the array of a result is one whose clock no source covers, else nothing."""
    if not any(a["name"] == "array_clock" for result in results for a in result.get("assumptions", [])):
        return ""
    return (
        "Clock assumed: no source has an FP32 array, or one of fewer than 3 pipeline registers, at 470 MHz (0.65 V); "
        "vary /platform/cluster/clock_hz with it."
    )


def _moved(change: LayerChange) -> list[str]:
    """Changes of energy and bytes of each later result against the first: all energies, then all bytes."""

    def steps(pick: Callable[[dict], float]) -> list[float]:
        first, *later = (pick(layer) if layer else 0 for layer in change.layers)
        return [value - first for value in later]

    joules = steps(lambda layer: layer["energy_j"])
    places = [*steps(lambda layer: bytes_of(layer, L2_BYTES)), *steps(lambda layer: bytes_of(layer, L3_BYTES))]
    return [*(f"{1e6 * step:+,.2f}" for step in joules), *(f"{step:+,}" for step in places)]


def _table(console: Console, head: list[str], lines: list[tuple[str, ...]], left: int = 1) -> None:
    table = Table(show_edge=False, pad_edge=False)
    for i, name in enumerate(head):
        table.add_column(name, justify="left" if i < left else "right", overflow="fold")
    for line in lines:
        table.add_row(*line)
    console.print(table)


def print_comparison(results: list[dict], configurations: list[dict], names: list[str], console: Console) -> None:
    """Writes what differs: keys, totals, and the layers that changed most."""
    one = [""] + [chr(ord("A") + i) for i in range(26)]
    letters = [first + second for first in one for second in one[1:]][: len(results)]  # A to Z, AA, AB, ...
    for letter, name, result in zip(letters, names, results, strict=True):
        console.print(f"{letter}: {name}: {result.get('title', '')}", highlight=False)
    against = ["change"] if len(results) == 2 else [f"{letter} : A" for letter in letters[1:]]
    keys = changed_keys(configurations)
    console.print("" if keys else "\nno key of the configuration differs", highlight=False)
    if keys:
        _table(console, ["key", *letters], keys)
        console.print("")
    _table(console, ["", *letters, *against], rows(*results))
    changes = [change for change in layer_changes(results) if change.largest()]
    changes.sort(key=lambda change: -change.largest())
    if changes:
        console.print(f"\ncycles of the {min(MOST, len(changes))} of {len(changes)} layers that changed most")
        lines = []
        for change in changes[:MOST]:
            cycles = change.cycles()
            told = [("-" if c is None else f"{c:,}") for c in cycles]
            steps = [f"{(c or 0) - (cycles[0] or 0):+,}" for c in cycles[1:]]
            lines.append((change.name, change.phase, *told, *steps, *_moved(change)))
        places = [""] if len(results) == 2 else [f" {letter} : A" for letter in letters[1:]]
        moved = [unit + place for unit in ("µJ", "L2, B", "L3, B") for place in places]
        _table(console, ["layer", "phase", *letters, *against, *moved], lines, 2)
    if note := clock_note(*results):
        console.print(note, highlight=False)
