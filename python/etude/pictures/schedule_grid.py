# SPDX-License-Identifier: Apache-2.0
"""A schedule as a grid: slots across, tensors down; what each holds when, and how it came there."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from etude.pictures.drawing import GRID, SOFT, Drawing, box, shortened, text_width

# Okabe and Ito's colours, told apart by the colour-blind; transfers are hatched, so that grey print tells them too.
STATES = {"k": "kept", "o": "paged out", "i": "paged in", "c": "computed", "r": "recomputed"}
COLOURS = {"k": "#b9d9ee", "o": "#e69f00", "i": "#009e73", "c": "#0072b2", "r": "#d55e00"}
PHASES = {"forward": "#8fa3b5", "backward": "#5b6876", "recompute": "#d55e00", "update": "#1d2733", "page": "#c6ced8"}
RANK = " koicr"  # the later one shows where a slot has several
MOST_ROWS = 72
NAMED_SLOTS = 500  # of more, phases alone stand above
SIZES = 66  # pixels for bytes of tensors
NO_LAYER = -1
COPY = re.compile(r"\.recompute\d*$")


@dataclass
class Row:
    """A tensor: its state in each slot, " " where it is not in memory."""

    name: str
    kind: str
    bytes: int
    cells: list[str]
    members: int = 1

    def birth(self) -> int:
        """The first slot that it is in memory in."""
        return next((i for i, state in enumerate(self.cells) if state != " "), len(self.cells))

    def moved(self) -> bool:
        """Whether it is made again, or paged though it does not come from home."""
        born = "c" in self.cells
        return "r" in self.cells or (born and ("o" in self.cells or "i" in self.cells))

    def put(self, state: str, first: int, last: int) -> None:
        """A state in slots first to last, where nothing stands that shows before it."""
        for slot in range(max(0, first), min(last, len(self.cells) - 1) + 1):
            if RANK.index(state) > RANK.index(self.cells[slot]):
                self.cells[slot] = state


@dataclass
class Grid:
    """A schedule: name, phase and seconds (or cycles) of each slot as texts, and tensors by birth."""

    slots: list[tuple[str, str, str]]
    rows: list[Row] = field(default_factory=list)


def grid_of_answer(answer: dict) -> Grid:
    """The grid of `etude-sim schedule --json`; its cells read "c3 k4-20 o21-22". Errors: KeyError, ValueError."""
    slots = [(s["name"], s["phase"], f"{1e3 * s['seconds']:.4g} ms") for s in answer["slots"]]
    grid = Grid(slots)
    for tensor in answer["tensors"]:
        row = Row(tensor["name"], tensor["kind"], tensor["bytes"], [" "] * len(slots))
        for run in tensor["cells"].split():
            first, _, last = run[1:].partition("-")
            row.put(run[0], int(first), int(last or first))
        grid.rows.append(row)
    return by_birth(grid)


def grid_of_run(result: dict) -> Grid:
    """The grid of what a run did, from its timeline and the stays of tensors in L2. Errors: KeyError, ValueError."""
    layers, since = result["layers"], result["l2"]["begin"]
    over: dict[int, int] = {}  # loads are posted ahead: a layer's place is that of its last operation
    cycles: dict[int, int] = {}
    for layer, begin, end in result["timeline"]:
        if begin >= since and layers[layer]["phase"] != "page":
            over[layer] = end
            cycles[layer] = cycles.get(layer, 0) + end - begin
    order = sorted(over, key=over.__getitem__)
    place = {layer: i for i, layer in enumerate(order)}
    ends = [over[layer] for layer in order]

    def slot_at(cycle: int) -> int:
        return min(bisect_right(ends, cycle), len(ends) - 1)

    grid = Grid([(layers[i]["name"], layers[i]["phase"], f"{cycles[i]:,} cycles") for i in order])
    rows: dict[str, Row] = {}
    for stay in result["l2"]["stays"]:
        name = COPY.sub("", stay["name"])
        row = rows.setdefault(name, Row(name, stay["kind"], stay["bytes"], [" "] * len(order)))
        _put_stay(row, stay, place, slot_at)
    grid.rows = [row for row in rows.values() if any(state != " " for state in row.cells)]
    return by_birth(grid)


def _put_stay(row: Row, stay: dict, place: dict[int, int], slot_at: Callable[[int], int]) -> None:
    if stay["how"] == "home":
        row.put("k", 0, len(row.cells) - 1)
        return
    first = place.get(stay.get("first_layer", NO_LAYER), slot_at(stay["from"]))
    last = max(first, place.get(stay.get("last_layer", NO_LAYER), slot_at(stay["to"] - 1)))
    row.put("k", first, last)
    if stay["how"] == "paged in":
        begin = slot_at(stay["from"])
        row.put("i", begin, max(begin, first - 1))
    else:
        row.put("r" if stay["how"] == "recomputed" else "c", first, first)
    if "leaves" in stay:
        begin = max(slot_at(stay["leaves"]), last)
        row.put("o", begin, max(slot_at(stay["to"] - 1), begin))


def by_birth(grid: Grid) -> Grid:
    """The grid with rows in the order of their birth; many small ones that only stay are one row for each kind."""
    rows = grid.rows
    if len(rows) > MOST_ROWS:
        ranked = sorted(rows, key=lambda row: (not row.moved(), -row.bytes))  # stable: the oldest first
        kept = {id(row) for row in ranked[:MOST_ROWS]}
        small: dict[str, list[Row]] = {}
        for row in rows:
            if id(row) not in kept:
                small.setdefault(row.kind, []).append(row)
        rows = [row for row in rows if id(row) in kept]
        for kind, members in small.items():
            if len(members) == 1:
                rows += members
                continue
            cells = [_heaviest(members, slot) for slot in range(len(grid.slots))]
            largest = max(m.bytes for m in members)
            name = f"{len(members)} {kind or 'other'}s ≤ {largest:,} B"
            rows.append(Row(name, kind, sum(m.bytes for m in members), cells, len(members)))
    return Grid(grid.slots, sorted(rows, key=lambda row: row.birth()))


def _heaviest(members: list[Row], slot: int) -> str:
    """The state in which most bytes of several tensors are, " " if none is in memory."""
    weights: dict[str, int] = {}
    for row in members:
        if row.cells[slot] != " ":
            weights[row.cells[slot]] = weights.get(row.cells[slot], 0) + row.bytes
    return max(weights, key=lambda state: (weights[state], RANK.index(state)), default=" ")


def runs(cells: list[str]) -> list[tuple[str, int, int]]:
    """State, first and last slot of each stretch in memory."""
    found: list[tuple[str, int, int]] = []
    for slot, state in enumerate(cells):
        if found and found[-1][0] == state and found[-1][2] == slot - 1:
            found[-1] = (state, found[-1][1], slot)
        else:
            found.append((state, slot, slot))
    return [run for run in found if run[0] != " "]


def _hatch(name: str, colour: str, slope: str) -> str:
    return (
        f'<pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse">'
        f'<rect width="4" height="4" fill="{colour}"/><path d="{slope}" stroke="#fff" stroke-width="1"/></pattern>'
    )


def draw_grid(grid: Grid, name: str = "grid", width: float = 1080) -> str:
    """The picture, `width` pixels wide, wider where slots would be too narrow; `name` tells its patterns from those of
    others on a page."""
    count = max(1, len(grid.slots))
    names = 210 if width >= 900 else 140
    left = 26 + names + SIZES
    cell = min(20.0, max(3.4 if width >= 900 else 2.0, (width - left - 16) / count))
    high = 13 if len(grid.rows) > 24 else 16
    fill = {**COLOURS, "o": f"url(#{name}-o)", "i": f"url(#{name}-i)"}
    drawing = Drawing(max(left + cell * count + 16, 640), "Schedule: slots across, tensors down")
    y = 8 + drawing.legend(left, 8, drawing.width - left - 8, [(STATES[s], box(fill[s])) for s in "ckroi"])
    y += _draw_phases(drawing, grid, left, y, cell)
    top = y
    drawing.text(left - SIZES, top - 5, "tensor", "end", 11, SOFT)
    drawing.text(left - 8, top - 5, "KiB", "end", 11, SOFT)
    for row in grid.rows:
        _draw_row(drawing, row, grid, (left, names), y, cell, high, fill)
        y += high
    for slot in range(0, count + 1, 10):
        drawing.line(left + slot * cell, top, left + slot * cell, y, "#fff" if slot % 10 else GRID)
    drawing.upright(14, (top + y) / 2, "tensors, by birth")
    y = _draw_slot_names(drawing, grid, left, y, cell)
    drawing.text(left + cell * count / 2, y + 12, "slots: operators in the order of the step", "middle", 11, SOFT)
    defs = _hatch(f"{name}-o", COLOURS["o"], "M0 4L4 0") + _hatch(f"{name}-i", COLOURS["i"], "M0 0L4 4")
    return drawing.svg(y + 22, defs)


def _draw_phases(drawing: Drawing, grid: Grid, left: float, y: float, cell: float) -> float:
    """A bar of the phases with their names above, one mark a slot; returns its height."""
    stretches: list[tuple[str, int, int]] = runs([phase or "?" for _, phase, _ in grid.slots])
    taken: list[tuple[float, float]] = []
    for phase, first, _ in sorted(stretches, key=lambda s: s[1] - s[2]):  # the longest has the first choice
        x, width = left + first * cell, text_width(phase, 11) + 6
        free = all(x + width <= begin or x >= end for begin, end in taken)
        if free and x + width < drawing.width:
            drawing.text(x, y + 11, phase, size=11, colour=SOFT)
            taken.append((x, x + width))
    if len(grid.slots) > NAMED_SLOTS:
        for phase, first, last in stretches:
            title = f"slots {first} to {last}: {phase}"
            drawing.rect(
                left + first * cell, y + 15, (last - first + 0.86) * cell, 7, PHASES.get(phase, "#c6ced8"), title
            )
        return 40
    for i, (name, phase, length) in enumerate(grid.slots):
        title = f"slot {i}: {name}, {phase}, {length}"
        drawing.rect(left + i * cell, y + 15, 0.86 * cell, 7, PHASES.get(phase, "#c6ced8"), title)
    return 40


def _draw_row(
    drawing: Drawing, row: Row, grid: Grid, places: tuple[float, float], y: float, cell: float, high: float, fill: dict
) -> None:
    left, names = places
    size = min(11.0, high - 3)
    label = shortened(row.name, size, names)
    title = f"<title>{_plain(row.name)}: {row.kind}, {row.bytes:,} B</title>" if label != row.name else ""
    drawing.text(left - SIZES, y + high - 4, label, "end", size)
    if title:
        drawing.parts[-1] = drawing.parts[-1].replace("</text>", title + "</text>")
    kib = row.bytes / 1024
    drawing.text(left - 8, y + high - 4, f"{kib:,.1f}" if kib < 100 else f"{kib:,.0f}", "end", size, SOFT)
    drawing.line(left, y + high - 0.5, left + cell * len(row.cells), y + high - 0.5, "#eef1f4")
    for state, first, last in runs(row.cells):
        where = f"slot {first}" if first == last else f"slots {first} to {last}"
        title = f"{row.name} ({row.kind}, {row.bytes:,} B): {STATES[state]} in {where}, {grid.slots[first][0]}"
        width = (last - first + 0.86) * cell
        drawing.rect(left + first * cell, y + 1, width, high - 2.5, fill[state], title)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _draw_slot_names(drawing: Drawing, grid: Grid, left: float, y: float, cell: float) -> float:
    """Names of slots where they have room, else every tenth number; returns where they end."""
    if cell >= 13:
        longest = 0.0
        for i, (name, _, _) in enumerate(grid.slots):
            label = shortened(name, 10, 120)
            x = left + (i + 0.5) * cell + 3
            drawing.text(x, y + 10, label, "end", 10, SOFT, f' transform="rotate(-60 {x:.1f} {y + 10:.1f})"')
            longest = max(longest, text_width(label, 10))
        return y + 16 + 0.87 * longest
    for slot in range(0, len(grid.slots), 10 * math.ceil(30 / (10 * cell))):
        drawing.text(left + (slot + 0.5) * cell, y + 13, str(slot), "middle", 10, SOFT)
    return y + 20
