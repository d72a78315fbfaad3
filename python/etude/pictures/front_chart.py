# SPDX-License-Identifier: Apache-2.0
"""Energy and time of every policy against the memory that it may take."""

from dataclasses import dataclass

from etude.pictures.drawing import INK, SOFT, Drawing, number, ticks

# Okabe and Ito's colours, each with a mark of its own.
POLICIES = {
    "optimal": ("#0072b2", "circle"),
    "checkmate": ("#d55e00", "square"),
    "page": ("#009e73", "diamond"),
    "sqrt": ("#cc79a7", "triangle"),
    "capuchin": ("#e69f00", "cross"),
    "pofo": ("#56b4e9", "down"),
    "poet": ("#000000", "ring"),
    "accumulate": ("#6b5b95", "bar"),
    "keep": ("#7a8794", "plus"),
}
OTHER = ("#7a8794", "circle")
SHAPES = {
    "circle": '<circle r="3.6" fill="{0}"/>',
    "square": '<rect x="-3.2" y="-3.2" width="6.4" height="6.4" fill="{0}"/>',
    "diamond": '<path d="M0-4.6L4.6 0L0 4.6L-4.6 0Z" fill="{0}"/>',
    "triangle": '<path d="M0-4.4L4.4 3.4H-4.4Z" fill="{0}"/>',
    "down": '<path d="M0 4.4L4.4-3.4H-4.4Z" fill="{0}"/>',
    "cross": '<path d="M-3.4-3.4L3.4 3.4M3.4-3.4L-3.4 3.4" stroke="{0}" stroke-width="2"/>',
    "plus": '<path d="M0-4.4V4.4M-4.4 0H4.4" stroke="{0}" stroke-width="2"/>',
    "bar": '<rect x="-4.5" y="-1.6" width="9" height="3.2" fill="{0}"/>',
    "ring": '<circle r="3.4" fill="none" stroke="{0}" stroke-width="1.8"/>',
    "star": '<path d="M0-6.5L1.9-2.1L6.5-2.1L2.8 0.9L4.1 5.6L0 2.8L-4.1 5.6L-2.8 0.9L-6.5-2.1L-1.9-2.1Z" '
    'fill="#f0e442" stroke="{0}" stroke-width="1.2"/>',
}


@dataclass
class Point:
    """What a policy takes within a budget."""

    policy: str
    budget: int
    peak: int
    energy_j: float
    time_s: float
    status: str = ""


def points_of(comparison: dict) -> list[Point]:
    """The answers of `etude-sim schedule --compare --json` that hold to their limits. Errors: KeyError."""
    found = []
    for answer in comparison["policies"]:
        if answer["status"] in ("optimal", "feasible"):
            budget = answer["budget"] if answer["budget"] is not None else answer["peak_keep"]
            numbers = (answer["peak_bytes"], answer["energy_j"], answer["time_s"])
            found.append(Point(answer["policy"], budget, *numbers, answer["status"]))
    return found


def draw_front(points: list[Point], executed: list[Point], absent: list[str], width: float = 860) -> str:
    """Two panels above each other, energy and time; `executed`: runs, marked by stars; `absent`: policies that fit no
    budget, named below."""
    height = 230.0
    drawing = Drawing(width, "Energy and time against memory, by policy")
    left, right = 70.0, 20.0
    plot = width - left - right
    found = {p.policy for p in points}
    names = [name for name in POLICIES if name in found] + sorted(found - set(POLICIES))
    entries = [(name, _mark(name, 6, 5)) for name in names]
    if executed:
        entries.append(("executed", f'<g transform="translate(6 5)">{SHAPES["star"].format(INK)}</g>'))
    y: float = 14 + drawing.legend(left, 6, plot, entries)
    every = points + executed
    if not every:
        drawing.text(width / 2, y + 40, "no policy fits any of these budgets", "middle", 12, SOFT)
        return drawing.svg(y + 80)
    low: float = min(p.budget for p in every)
    high: float = max(p.budget for p in every)
    room = 0.05 * (high - low) or 0.05 * high
    low, high = low - room, high + room

    def x_of(budget: float) -> float:
        return left + plot * (budget - low) / (high - low)

    for title, pick, scale in (
        ("energy, mJ", lambda p: p.energy_j, 1e3),
        ("time, ms", lambda p: p.time_s, 1e3),
    ):
        _panel(drawing, points, executed, names, (title, pick, scale), x_of, (left, y, plot, height))
        y += height + 22
    for tick in ticks(low / 1024, high / 1024, 9):
        drawing.text(x_of(tick * 1024), y - 6, number(tick), "middle", 11, SOFT)
    drawing.text(left + plot / 2, y + 12, "budget of memory, KiB", "middle", 11, SOFT)
    if absent:
        drawing.text(
            left + plot / 2, y + 30, "no schedule found within these budgets: " + ", ".join(absent), "middle", 11, SOFT
        )
    return drawing.svg(y + (40 if absent else 22))


def _mark(policy: str, x: float, y: float, title: str = "") -> str:
    colour, shape = POLICIES.get(policy, OTHER)
    tip = f"<title>{title}</title>" if title else ""
    return f'<g transform="translate({x:.1f} {y:.1f})">{tip}{SHAPES[shape].format(colour)}</g>'


def _panel(drawing: Drawing, points, executed, names, value, x_of, frame) -> None:
    title, pick, scale = value
    left, y, plot, height = frame
    values = [scale * pick(p) for p in points + executed]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.08 * high
    low, high = max(0.0, low - room), high + room

    def at(number_: float) -> float:
        return y + height * (1 - (number_ - low) / (high - low))

    drawing.line(left, y, left, y + height, SOFT)
    drawing.line(left, y + height, left + plot, y + height, SOFT)
    for tick in ticks(low, high):
        drawing.line(left, at(tick), left + plot, at(tick))
        drawing.text(left - 6, at(tick) + 4, number(tick), "end", 11, SOFT)
    drawing.upright(14, y + height / 2, title)
    for name in names:
        mine = sorted((p for p in points if p.policy == name), key=lambda p: p.budget)
        colour = POLICIES.get(name, OTHER)[0]
        way = " ".join(f"{x_of(p.budget):.1f},{at(scale * pick(p)):.1f}" for p in mine)
        if name != "keep":
            drawing.add(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5" opacity="0.8"/>')
        for p in mine:
            tip = f"{name} ({p.status}), budget {p.budget:,} B, peak {p.peak:,} B: {_told(p)}"
            drawing.add(_mark(name, x_of(p.budget), at(scale * pick(p)), tip))
    for p in executed:
        tip = f"executed, {p.policy}, {p.budget:,} B, highest address {p.peak:,} B: {_told(p)}"
        star = SHAPES["star"].format(INK)
        place = f"translate({x_of(p.budget):.1f} {at(scale * pick(p)):.1f})"
        drawing.add(f'<g transform="{place}"><title>{tip}</title>{star}</g>')


def _told(point: Point) -> str:
    return f"{1e3 * point.energy_j:.4g} mJ, {1e3 * point.time_s:.4g} ms"
