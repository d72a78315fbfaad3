# SPDX-License-Identifier: Apache-2.0
"""Bytes in L2 over time, by kind, against what they may take."""

from dataclasses import dataclass, field

from etude.pictures.drawing import GRID, INK, SOFT, Drawing, box, number, stroke, ticks
from etude.result import engineering

# Okabe and Ito's colours in the order of the stack; names as results have them, with those of the legend.
KINDS = {
    "fixed": ("runtime, task list", "#9aa5b1"),
    "parameter": ("parameters", "#0072b2"),
    "state": ("optimiser states", "#cc79a7"),
    "input": ("inputs", "#56b4e9"),
    "activation": ("activations", "#f0c94a"),
    "gradient": ("gradients", "#d55e00"),
    "loss": ("loss", "#000000"),
    "transfer": ("buffers of transfers", "#009e73"),
    "workspace": ("workspace", "#6b5b95"),
}
COLUMNS = 500  # of a picture: within each the fullest moment is drawn
BUCKETS = 64  # that can be pointed at


@dataclass
class Memory:
    """Bytes of each kind between `times` (seconds, one more than there are values)."""

    times: list[float]
    bytes: dict[str, list[int]]
    lines: list[tuple[str, int, str]] = field(default_factory=list)  # name, bytes, colour
    peak: tuple[str, int] | None = None

    def total(self, i: int) -> int:
        """Bytes of all kinds at value i."""
        return sum(values[i] for values in self.bytes.values())


def _ordered(found: dict[str, list[int]]) -> dict[str, list[int]]:
    return {kind: found[kind] for kind in [*KINDS, *sorted(set(found) - set(KINDS))] if any(found.get(kind, []))}


def memory_of_answer(answer: dict) -> Memory:
    """What a schedule of `etude-sim schedule --json` has at the peak of each slot. Errors: KeyError."""
    slots = [slot for slot in answer["slots"] if slot["seconds"] > 0]
    times = [slot["start_s"] for slot in slots] + [slots[-1]["start_s"] + slots[-1]["seconds"]]
    kinds = {kind for slot in slots for kind in slot["bytes"]}
    memory = Memory(times, _ordered({kind: [slot["bytes"].get(kind, 0) for slot in slots] for kind in kinds}))
    if answer["budget"] is not None:
        memory.lines.append(("budget", answer["budget"], "#b3261e"))
    memory.lines.append(("keeping everything", answer["peak_keep"], SOFT))
    return memory


def memory_of_run(result: dict) -> Memory:
    """What a run had in L2; the peak is the highest address that a unit touched. Errors: KeyError, ValueError."""
    l2, clock = result["l2"], result["platform"]["clock_hz"]
    columns = max(len(values) for values in l2["use"].values())
    length = (result["step"]["cycles"] - l2["begin"]) / clock
    # What is at home in L2 may stand below the objects of the budget: it has kinds of its own.
    fixed = min([result["memory"]["l2_fixed"], *(stay["offset"] for stay in l2["stays"])])
    found = {"fixed": [fixed] * columns, **l2["use"]}
    memory = Memory([length * i / columns for i in range(columns + 1)], _ordered(found))
    if l2["budget"] is not None:
        memory.lines.append(("budget", l2["budget"] + result["memory"]["l2_fixed"], "#b3261e"))
    memory.lines.append(("L2", result["platform"]["l2_bytes"], SOFT))
    memory.peak = ("highest address touched", result["memory"]["l2_peak"])
    return memory


def _columns(memory: Memory, count: int) -> list[int]:
    """For each column of equal time the value whose total is largest in it."""
    begin, end = memory.times[0], memory.times[-1]
    step = (end - begin) / count
    found, value = [], 0
    last = len(memory.times) - 2
    for column in range(count):
        while value < last and memory.times[value + 1] <= begin + column * step:
            value += 1
        best, other = value, value
        while other < last and memory.times[other + 1] < begin + (column + 1) * step:
            other += 1
            if memory.total(other) > memory.total(best):
                best = other
        found.append(best)
    return found


def draw_memory(memory: Memory, width: float = 1080, height: float = 300) -> str:
    """The picture; a line beyond 2.5 times the fullest moment is named in the legend alone."""
    drawing = Drawing(width, "Bytes in L2 over time, by kind")
    left, right = 66.0, 16.0
    plot = width - left - right
    fullest = max(memory.total(i) for i in range(len(memory.times) - 1))
    levels = [level for _, level, _ in memory.lines] + ([memory.peak[1]] if memory.peak else [])
    top = 1.06 * max([fullest, *(level for level in levels if level <= 2.5 * fullest)])
    seen = [k for k, values in memory.bytes.items() if max(values) > fullest / 1000]
    entries = [(KINDS.get(k, (k, ""))[0], box(KINDS.get(k, ("", "#999"))[1])) for k in seen]
    entries += [
        (f"{name}: {level:,} B" + ("" if level <= top else " (above)"), stroke(colour, "6 3"))
        for name, level, colour in memory.lines
    ]
    if memory.peak:
        entries.append((f"{memory.peak[0]}: {memory.peak[1]:,} B", stroke(INK, "2 2")))
    y0 = 14 + drawing.legend(left, 6, plot, entries)

    def at(level: float) -> float:
        return y0 + height * (1 - level / top)

    for tick in ticks(0, top / 1024):
        drawing.line(left, at(tick * 1024), width - right, at(tick * 1024))
        drawing.text(left - 6, at(tick * 1024) + 4, number(tick), "end", 11, SOFT)
    _draw_stack(drawing, memory, left, plot, at)
    for _, value, colour in memory.lines:
        if value <= top:
            drawing.line(
                left, at(value), width - right, at(value), colour, ' stroke-width="1.6" stroke-dasharray="6 3"'
            )
    if memory.peak:
        level = at(memory.peak[1])
        drawing.line(left, level, width - right, level, INK, ' stroke-width="1.2" stroke-dasharray="2 2"')
    _draw_time(drawing, memory, left, plot, y0 + height)
    drawing.upright(14, y0 + height / 2, "KiB of L2")
    return drawing.svg(y0 + height + 40)


def _draw_stack(drawing: Drawing, memory: Memory, left: float, plot: float, at) -> None:
    count = min(COLUMNS, int(plot))
    columns = _columns(memory, count)
    floor = [0] * count
    for kind, values in memory.bytes.items():
        top = [low + values[i] for low, i in zip(floor, columns, strict=True)]
        colour = KINDS.get(kind, ("", "#999"))[1]
        edge = _steps(top, left, plot / count, at)
        back = _steps(floor, left, plot / count, at)[::-1]
        points = "L".join(f"{x:.1f} {y:.1f}" for x, y in edge + back)
        drawing.add(f'<path d="M{points}Z" fill="{colour}"/>')
        floor = top
    for bucket in range(BUCKETS):
        part = columns[bucket * count // BUCKETS : (bucket + 1) * count // BUCKETS]
        best = max(part, key=memory.total, default=None)
        if best is None:
            continue
        held = [f"{KINDS.get(k, (k,))[0]} {v[best]:,} B" for k, v in memory.bytes.items() if v[best]]
        when = engineering(memory.times[best] - memory.times[0], "s")
        title = f"at {when}: {memory.total(best):,} B; " + ", ".join(held)
        drawing.rect(
            left + plot * bucket / BUCKETS,
            at(memory.total(best)),
            plot / BUCKETS,
            at(0) - at(memory.total(best)),
            "none",
            title,
            ' pointer-events="all"',
        )


def _steps(levels: list[int], left: float, pitch: float, at) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for i, level in enumerate(levels):
        if i == 0 or level != levels[i - 1]:
            points.append((left + i * pitch, at(level)))
        end = (left + (i + 1) * pitch, at(level))
        if i > 0 and level == levels[i - 1]:
            points[-1] = end
        else:
            points.append(end)
    return points


def _draw_time(drawing: Drawing, memory: Memory, left: float, plot: float, y: float) -> None:
    length = memory.times[-1] - memory.times[0]
    factor, unit = next(((f, u) for f, u in ((1.0, "s"), (1e3, "ms")) if length * f >= 1), (1e6, "µs"))
    drawing.line(left, y, left + plot, y, SOFT)
    for tick in ticks(0, length * factor, 10):
        x = left + plot * tick / (length * factor)
        drawing.line(x, y, x, y + 4, SOFT)
        drawing.text(x, y + 16, number(tick), "end" if x > left + plot - 8 else "middle", 11, SOFT)
    drawing.text(left + plot / 2, y + 32, f"time, {unit}", "middle", 11, SOFT)
    drawing.line(left, y, left, y, GRID)
