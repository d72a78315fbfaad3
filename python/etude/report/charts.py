# SPDX-License-Identifier: Apache-2.0
"""Charts of the report page, one function each, as HTML bars and SVG; all data comes from result.json."""

import math
from dataclasses import dataclass
from html import escape

from etude.pictures.drawing import SOFT, Drawing, number, ticks
from etude.report.html import bars, key, phases_of
from etude.result import engineering, share

BUSY = "#1f7a5c"
# One colour per reason or component, the same in every chart; unknown names take the spare ones.
COLOURS = {
    "busy": BUSY,
    "event_wait": "#d9dfe6",
    "sleep": "#c6ced8",
    "idle": "#e9edf1",
    "useful": "#0072b2",
    "padded": "#e69f00",
    "work": "#56b4e9",
    "tcdm_conflict": "#d1495b",
    "load_use": "#edae49",
    "l2_access": "#5a7fb5",
    "icache_miss": "#8d6a9f",
    "peripheral": "#7f8c9a",
    "cores": "#2a6f97",
    "redmule": "#c8553d",
    "tcdm": "#edae49",
    "dma": "#588157",
    "l2": "#5a7fb5",
    "extmem": "#8d6a9f",
    "flash": "#b08968",
    "leakage": "#9aa5b1",
}
LEGEND = 0.005  # a reason that is nowhere longer than this share stands in the hover text only
SPARE = ["#66999b", "#a26769", "#496a81", "#b5838d", "#6d6875", "#7a9e7e", "#c9ada7", "#3d5a80", "#bc6c25"]
TRACK = 720  # columns of the timeline


def colour(name: str) -> str:
    """The colour of a reason, unit or component."""
    return COLOURS.get(name, SPARE[sum(name.encode()) % len(SPARE)])


def units(result: dict) -> str:
    """Busy and stalled cycles of every unit, in percent of the step."""
    reasons: dict[str, None] = {"busy": None}
    for unit in result["units"].values():
        reasons.update(dict.fromkeys(sorted(unit["stalls"], key=unit["stalls"].get, reverse=True)))
    waiting = [r for r in ("event_wait", "sleep", "idle") if r in reasons]
    order = [r for r in reasons if r not in waiting] + waiting
    rows = []
    largest: dict[str, float] = {}
    for name, unit in result["units"].items():
        total = unit["busy"] + sum(unit["stalls"].values())
        parts = []
        for reason in order:
            cycles = unit["busy"] if reason == "busy" else unit["stalls"].get(reason, 0)
            if cycles:
                part = share(cycles, total)
                largest[reason] = max(largest.get(reason, 0.0), part)
                words = f"{name}: {reason.replace('_', ' ')} {cycles:,} cycles, {100 * part:.1f} %"
                parts.append((part, colour(reason), words))
        rows.append((name, parts, f"{100 * share(unit['busy'], total):.1f} % busy"))
    named = [r for r in order if largest.get(r, 0.0) >= LEGEND]
    return key([(r.replace("_", " "), colour(r)) for r in named]) + bars("units", rows)


@dataclass
class _Mark:
    """Columns of the track from `first` to before `end`, the part of them that is the phase's, and what is told."""

    first: int
    end: int
    part: float
    unit: str
    words: str


def _marks(result: dict, phase: str) -> list[_Mark]:
    """The marks of a phase: in each column of the track the layer that has most of it."""
    layers, step = result["layers"], max(1, result["step"]["cycles"])
    most: dict[int, tuple[float, int]] = {}  # column: the largest part of it, whose place in the timeline
    parts: dict[int, float] = {}
    for i, (layer, begin, end) in enumerate(result["timeline"]):
        if layers[layer]["phase"] != phase or begin == end:
            continue
        first, last = TRACK * begin / step, TRACK * end / step
        for column in range(int(first), min(TRACK, math.ceil(last))):
            part = min(last, column + 1) - max(first, column)
            parts[column] = parts.get(column, 0.0) + part
            if part > most.get(column, (0.0, 0))[0]:
                most[column] = (part, i)
    marks: list[_Mark] = []
    before = (-2, -1)
    for column in sorted(most):
        i, part = most[column][1], min(1.0, round(max(0.2, parts[column]), 1))
        if before == (column - 1, i) and marks[-1].part == part:
            marks[-1].end = column + 1
        else:
            layer, begin, end = result["timeline"][i]
            one = layers[layer]
            words = f"{one['name']} ({one['op']}, {one['unit']}): {end - begin:,} cycles from {begin:,}"
            marks.append(_Mark(column, column + 1, part, one["unit"], words))
        before = (column, i)
    return marks


def timeline(result: dict) -> str:
    """Which layer the step was in, over time, one line per phase."""
    step = max(1, result["step"]["cycles"])
    lines = []
    for phase in phases_of(result):
        marks = []
        for mark in _marks(result, phase):
            faint = f' fill-opacity="{mark.part:g}"' if mark.part < 1 else ""
            marks.append(
                f'<rect x="{mark.first}" width="{mark.end - mark.first}" height="20" fill="{colour(mark.unit)}"{faint}>'
                f"<title>{escape(mark.words)}</title></rect>"
            )
        picture = f'<svg viewBox="0 0 {TRACK} 20" preserveAspectRatio="none">{"".join(marks)}</svg>'
        lines.append(f'<div class="bar"><span>{phase}</span><div class="track line">{picture}</div></div>')
    scale_marks = "".join(f"<span>{engineering(step * i / 4, '').strip() or '0'}</span>" for i in range(5))
    scale = f'<div class="bar"><span>cycles</span><div class="scale">{scale_marks}</div></div>'
    used = dict.fromkeys(layer["unit"] for layer in result["layers"])
    return key([(unit, colour(unit)) for unit in used]) + f'<div id="timeline">{"".join(lines)}{scale}</div>'


def bounds(result: dict) -> str:
    """What each resource alone would need, in percent of the step."""
    rows = []
    for i, bound in enumerate(result["bounds"]):
        words = f"{bound['resource']}: at least {bound['cycles']:,.0f} cycles; {bound['work']}"
        part = bound["share"]
        rows.append((bound["resource"], [(part, "#c8553d" if i == 0 else "#2a6f97", words)], f"{100 * part:.1f} %"))
    return bars("bounds", rows)


def array(result: dict) -> str:
    """What the FMAs of the array did in the step, and how much of each phase they were at work (jobs run under other
    layers, too, so that products of a phase are not known apart); nothing without an array."""
    parts = next((b["parts"] for b in result["bounds"] if "parts" in b), None)
    shape = result["platform"]["redmule"]
    if parts is None or not shape:
        return ""

    def row(name: str, shares: dict[str, float], cycles: int) -> tuple[str, list, str]:
        segments = [
            (shares[p], colour(p), f"{name}: {p} {100 * shares[p]:.1f} % of {cycles:,} cycles")
            for p in ("useful", "padded", "idle")
        ]
        return name, segments, f"{100 * shares['useful']:.1f} % useful"

    rows = [row("step", parts, result["step"]["cycles"])]
    for phase in phases_of(result):
        mine = [layer for layer in result["layers"] if layer["phase"] == phase]
        cycles = sum(layer["cycles"] for layer in mine)
        slots = cycles * shape["height"] * shape["width"]
        jobs = sum(layer["counters"].get(f"redmule.fma_{part}", 0) for layer in mine for part in ("useful", "padded"))
        if slots and jobs:
            work = min(1.0, jobs / slots)
            words = f"{phase}: useful or padded {100 * work:.1f} % of {cycles:,} cycles"
            segments = [(work, colour("work"), words), (1 - work, colour("idle"), f"{phase}: idle")]
            rows.append((phase, segments, f"{100 * work:.1f} % at work"))
    names = [("useful", "useful"), ("padded", "padded"), ("either, by phase", "work"), ("idle", "idle")]
    return key([(name, colour(part)) for name, part in names]) + bars("array", rows)


def energy(result: dict) -> str:
    """Energy by component."""
    parts = {name: value for name, value in result["energy"].items() if name != "total" and value > 0}
    total = result["energy"]["total"]
    rows = []
    for name in sorted(parts, key=parts.__getitem__, reverse=True):
        part = share(parts[name], total)
        text = f"{engineering(parts[name], 'J')}, {100 * part:.1f} %"
        rows.append((name, [(part, colour(name), f"{name}: {text}")], text))
    return bars("energy", rows)


def memory(result: dict) -> str:
    """Peak use of each memory against its capacity."""
    rows = []
    for level in ("l1", "l2", "l3"):
        peak, size = result["memory"][f"{level}_peak"], result["platform"][f"{level}_bytes"]
        used = share(peak, size)
        words = f"{level.upper()}: {peak:,} of {size:,} B"
        text = f"{peak / 1024:,.0f} of {size / 1024:,.0f} KiB"
        rows.append((level.upper(), [(min(1.0, used), "#d1495b" if used > 1 else "#2a6f97", words)], text))
    return bars("memory", rows)


def loss(result: dict) -> str:
    """Loss of each step; steps that are not finite are gaps."""
    values = [step["loss"] for step in result["steps"]]
    finite = [v for v in values if v is not None]
    drawing = Drawing(480, "Loss of each step")
    left, top, right, bottom = 62, 12, 464, 190
    if not finite:
        drawing.text(240, 100, "no loss is finite", "middle", 13, SOFT)
        return f'<div id="loss">{drawing.svg(220)}</div>'
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or abs(high) or 1.0
    low, high = low - room, high + room

    def x_of(step: int) -> float:
        return left + (right - left) * (step - 1) / max(1, len(values) - 1)

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    for tick in ticks(low, high, 5):
        drawing.line(left, y_of(tick), right, y_of(tick))
        drawing.text(left - 6, y_of(tick) + 4, number(tick), "end", 13, SOFT)
    for step in range(1, len(values) + 1, max(1, -(-len(values) // 8))):
        drawing.text(x_of(step), bottom + 18, str(step), "middle", 13, SOFT)
    drawing.upright(13, (top + bottom) / 2, "loss", 13)
    drawing.text((left + right) / 2, bottom + 36, "step", "middle", 13, SOFT)
    way = " ".join(f"{x_of(i):.1f},{y_of(v):.1f}" for i, v in enumerate(values, 1) if v is not None)
    drawing.add(f'<polyline points="{way}" fill="none" stroke="#c8553d" stroke-width="2"/>')
    if len(values) <= 200:
        for i, value in enumerate(values, 1):
            if value is not None:
                place = f'cx="{x_of(i):.1f}" cy="{y_of(value):.1f}"'
                drawing.add(f'<circle {place} r="3.5" fill="#c8553d"><title>step {i}: {value:.6g}</title></circle>')
    return f'<div id="loss">{drawing.svg(bottom + 46)}</div>'
