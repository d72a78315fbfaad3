# SPDX-License-Identifier: Apache-2.0
"""Executed schedules of one budget by time and energy, one panel for each price of a byte."""

from etude.pictures.drawing import INK, SOFT, Drawing, number, ticks
from etude.pictures.front_chart import POLICIES, SHAPES

WIDTH, HEIGHT = 860.0, 260.0
LEFT, GAP, RIGHT, TOP = 70.0, 70.0, 20.0, 54.0


def _mark(policy: str, x: float, y: float, title: str) -> str:
    colour, shape = POLICIES[policy]
    return f'<g transform="translate({x:.1f} {y:.1f})"><title>{title}</title>{SHAPES[shape].format(colour)}</g>'


def draw_scatter(panels: dict[str, list[dict]]) -> str:
    """Time above keep's in percent across, energy upwards; `panels`: rows that were executed, by title."""
    drawing = Drawing(WIDTH, "Executed schedules in half of the memory: energy against time")
    rows = [row for panel in panels.values() for row in panel]
    names = [name for name in POLICIES if any(row["policy"] == name for row in rows)]
    drawing.legend(LEFT, 6, WIDTH - LEFT - RIGHT, [(name, _mark(name, 6, 5, name)) for name in names])
    width = (WIDTH - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    times = [row.get("cycles_over_keep_percent", 0) for row in rows]
    room_x = 0.05 * (max(times) - min(times)) or 1
    low_x, high_x = min(times) - room_x, max(times) + room_x
    for i, (title, mine) in enumerate(panels.items()):
        left = LEFT + i * (width + GAP)
        energies = [1e3 * row["energy_j"] for row in mine]
        room = 0.1 * (max(energies) - min(energies)) or 0.1
        low, high = min(energies) - room, max(energies) + room

        def x_of(percent: float, left: float = left) -> float:
            return left + width * (percent - low_x) / (high_x - low_x)

        def y_of(energy: float, low: float = low, high: float = high) -> float:
            return TOP + HEIGHT * (1 - (energy - low) / (high - low))

        drawing.text(left + width / 2, TOP - 10, title, "middle", 12, INK)
        for tick in ticks(low, high):
            drawing.line(left, y_of(tick), left + width, y_of(tick))
            drawing.text(left - 6, y_of(tick) + 4, number(tick), "end", 11, SOFT)
        drawing.line(left, TOP, left, TOP + HEIGHT, SOFT)
        drawing.line(left, TOP + HEIGHT, left + width, TOP + HEIGHT, SOFT)
        for tick in ticks(low_x, high_x):
            sign = "+" if tick >= 0 else ""
            drawing.text(x_of(tick), TOP + HEIGHT + 16, f"{sign}{number(tick)} %", "middle", 11, SOFT)
        drawing.text(left + width / 2, TOP + HEIGHT + 34, "time above keep's", "middle", 11, SOFT)
        drawing.upright(left - 50, TOP + HEIGHT / 2, "energy, mJ")
        for row in mine:
            told = f"{row['policy']}: {row['cycles']:,} cycles, {1e3 * row['energy_j']:.3f} mJ"
            x, y = x_of(row.get("cycles_over_keep_percent", 0)), y_of(1e3 * row["energy_j"])
            drawing.add(_mark(row["policy"], x, y, told))
    return drawing.svg(TOP + HEIGHT + 46)
