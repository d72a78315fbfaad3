# SPDX-License-Identifier: Apache-2.0
"""All layers of a run: a table that can be searched and sorted, totals by operator and phase, and CSV."""

import csv
import io
from html import escape

from etude.report.html import phases_of, table, tall
from etude.result import share

L2_BYTES = ("l2.read_bytes", "l2.write_bytes")
L3_BYTES = ("hyperram.read_bytes", "hyperram.write_bytes")
MOST_LAYERS = 2000  # a page stays below 2 MB; CSV has all
CSV_HEAD = ["name", "op", "phase", "unit", "cycles", "macs", "energy_j", "array_useful", "l2_bytes", "l3_bytes"]


def bytes_of(layer: dict, counters: tuple[str, ...]) -> int:
    """The sum of some counters of a layer."""
    return sum(layer["counters"].get(name, 0) for name in counters)


def array_share(result: dict, layer: dict) -> float | None:
    """Useful products of the array in a layer's cycles, of what its FMAs could do; None without an array."""
    shape = result["platform"]["redmule"]
    useful = layer["counters"].get("redmule.fma_useful", 0)
    if not shape or not useful or not layer["cycles"]:
        return None
    return useful / (layer["cycles"] * shape["height"] * shape["width"])


def _stalls(layer: dict) -> str:
    stalls = {k: v for k, v in layer["stalls"].items() if k not in ("sleep", "event_wait") and v}
    return ", ".join(s.replace("_", " ") for s in sorted(stalls, key=stalls.__getitem__, reverse=True)[:2])


def shown_layers(result: dict) -> list[dict]:
    """The layers of the table: all, or the slowest where there are very many, in the order of the step."""
    layers = result["layers"]
    if len(layers) <= MOST_LAYERS:
        return layers
    slowest = sorted(range(len(layers)), key=lambda i: -layers[i]["cycles"])[:MOST_LAYERS]
    return [layers[i] for i in sorted(slowest)]


def layers_table(result: dict) -> str:
    """Every layer in the order of the step; a field above it shows those whose words it has."""
    total = result["step"]["cycles"]
    rows = []
    for layer in shown_layers(result):
        useful = array_share(result, layer)
        rows.append(
            [
                escape(layer["name"]),
                escape(layer["op"]),
                escape(layer["phase"]),
                escape(layer["unit"]),
                f"{layer['cycles']:,}",
                f"{100 * share(layer['cycles'], total):.2f}",
                f"{layer['macs']:,}" if layer["macs"] else "",
                "" if useful is None else f"{100 * useful:.1f}",
                f"{1e6 * layer['energy_j']:,.3f}",
                f"{bytes_of(layer, L2_BYTES):,}",
                f"{bytes_of(layer, L3_BYTES):,}",
                _stalls(layer),
            ]
        )
    head = ["layer", "operator", "phase", "unit", "cycles", "share, %", "MACs", "array, %", "energy, µJ"]
    head += ["L2, B", "L3, B", "main stalls of the cores"]
    search = (
        '<div class="search"><input id="search" type="search" placeholder="layer, operator, phase, unit"'
        ' aria-label="Show layers with these words"><output id="found"></output></div>'
    )
    return search + tall(table(head, rows, set(range(4, 11)), "layers"))


def totals_table(result: dict) -> str:
    """Cycles, work and energy by operator and phase, of each phase, and of all."""
    total, joules = result["step"]["cycles"], sum(layer["energy_j"] for layer in result["layers"])

    def row(name: str, phase: str, mine: list[dict]) -> list[str]:
        cycles, energy = sum(x["cycles"] for x in mine), sum(x["energy_j"] for x in mine)
        return [
            name,
            phase,
            f"{len(mine):,}",
            f"{cycles:,}",
            f"{100 * share(cycles, total):.2f}",
            f"{sum(x['macs'] for x in mine):,}",
            f"{1e6 * energy:,.3f}",
            f"{100 * share(energy, joules):.2f}",
            f"{sum(bytes_of(x, L2_BYTES) for x in mine):,}",
            f"{sum(bytes_of(x, L3_BYTES) for x in mine):,}",
        ]

    rows = [row("<b>all</b>", "<b>all</b>", result["layers"])]
    for phase in phases_of(result):
        mine = [layer for layer in result["layers"] if layer["phase"] == phase]
        rows.append(row("<b>all</b>", phase, mine))
    groups: dict[tuple[str, str], list[dict]] = {}
    for layer in result["layers"]:
        groups.setdefault((layer["op"], layer["phase"]), []).append(layer)
    for op, phase in sorted(groups, key=lambda g: -sum(x["cycles"] for x in groups[g])):
        rows.append(row(escape(op), escape(phase), groups[op, phase]))
    head = ["operator", "phase", "layers", "cycles", "share, %", "MACs", "energy, µJ", "share, %", "L2, B", "L3, B"]
    return table(head, rows, set(range(2, 10)), "totals")


def layers_csv(result: dict) -> str:
    """Every layer as CSV with a head; bytes are those of L2 and HyperRAM while it lasted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for layer in result["layers"]:
        useful = array_share(result, layer)
        writer.writerow(
            [layer["name"], layer["op"], layer["phase"], layer["unit"], layer["cycles"], layer["macs"]]
            + [repr(layer["energy_j"]), "" if useful is None else f"{useful:.6f}"]
            + [bytes_of(layer, L2_BYTES), bytes_of(layer, L3_BYTES)]
        )
    return out.getvalue()
