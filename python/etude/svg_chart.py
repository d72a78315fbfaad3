# SPDX-License-Identifier: Apache-2.0
"""Small charts as SVG text: equal numbers give equal bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from etude.pictures.drawing import text_width

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 64
# Okabe and Ito's: told apart by the colour-blind.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LINE = 16  # of a legend


@dataclass
class Series:
    """A named row of numbers; None leaves a gap."""

    name: str
    values: Sequence[float | None]


def _nice_top(largest: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below `largest`."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** int(f"{largest:e}".split("e")[1])
    return next(m * power for m in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if m * power >= largest * 0.999999)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(text)}</text>'


def _legend(series: Sequence[Series]) -> tuple[list[str], float]:
    """Names with their colours below the plot, in as many lines as they need, and the height of the whole picture."""
    lines: list[str] = []
    x, y = float(LEFT), float(HEIGHT - 16)
    for i, one in enumerate(series):
        width = 14 + text_width(one.name, 11) + 12
        if x > LEFT and x + width > WIDTH:
            x, y = float(LEFT), y + LINE
        lines.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
        lines.append(_text(x + 14, y + 9, one.name, "start", 11))
        x += width
    return lines, y + 16


def _frame(title: str, y_title: str, top: float, series: Sequence[Series]) -> list[str]:
    legend, height = _legend(series)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" '
        'fill="#222">',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
        _text(WIDTH / 2, 18, title, size=14),
        _text(
            14, (TOP + HEIGHT - BOTTOM) / 2, y_title, extra=f' transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2})"'
        ),
    ]
    for i in range(6):
        y = HEIGHT - BOTTOM - i * (HEIGHT - TOP - BOTTOM) / 5
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(_text(LEFT - 6, y + 4, _number(top * i / 5), "end", 11))
    lines += legend
    return lines


def _height(value: float, top: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _hidden_by(one: Series, other: Series, top: float) -> bool:
    """Whether one line lies under another wherever both have numbers: it is drawn wider, to be seen."""
    pairs = [(a, b) for a, b in zip(one.values, other.values, strict=True) if a is not None and b is not None]
    return bool(pairs) and all(abs(a - b) < 0.01 * top for a, b in pairs)


def line_chart(
    title: str, x_title: str, y_title: str, x: Sequence[float], series: Sequence[Series], top: float = 0.0
) -> str:
    """Lines over numbers `x`; the vertical axis starts at 0 and ends at `top` (0: chosen)."""
    top = top or _nice_top(max(v for one in series for v in one.values if v is not None))
    first, span = x[0], (x[-1] - x[0]) or 1
    lines = _frame(title, y_title, top, series)

    def at(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - first) / span

    end = 0.0  # of the number before: numbers that would lie over it are left out
    for mark in x[:: -(-len(x) // 10)]:
        half = text_width(_number(mark), 11) / 2
        if at(mark) - half > end:
            lines.append(_text(at(mark), HEIGHT - BOTTOM + 16, _number(mark), size=11))
            end = at(mark) + half + 6
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 34, x_title))
    for i, one in enumerate(series):
        points = " ".join(
            f"{at(a):.1f},{HEIGHT - BOTTOM - _height(b, top):.1f}"
            for a, b in zip(x, one.values, strict=True)
            if b is not None
        )
        width = 5 if any(_hidden_by(one, later, top) for later in series[i + 1 :]) else 2
        colour = COLOURS[i % len(COLOURS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')
    return "\n".join([*lines, "</svg>\n"])


def bar_chart(title: str, y_title: str, groups: Sequence[str], series: Sequence[Series]) -> str:
    """One group of bars per name, one bar per series, its number on top."""
    top = _nice_top(1.1 * max(v for one in series for v in one.values if v is not None))
    lines = _frame(title, y_title, top, series)
    pitch = (WIDTH - LEFT - RIGHT) / len(groups)
    width = 0.8 * pitch / len(series)
    for g, group in enumerate(groups):
        lines.append(_text(LEFT + (g + 0.5) * pitch, HEIGHT - BOTTOM + 16, group, size=11))
        for i, one in enumerate(series):
            value = one.values[g]
            if value is None:
                continue
            x = LEFT + (g + 0.1) * pitch + i * width
            high = _height(value, top)
            y = HEIGHT - BOTTOM - high
            colour = COLOURS[i % len(COLOURS)]
            lines.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" height="{high:.1f}" fill="{colour}"/>'
            )
            label, middle = _number(value), x + width * 0.46
            if text_width(label, 9) <= width:
                lines.append(_text(middle, y - 3, label, size=9))
            else:  # upright: it would lie over its neighbours'
                turned = f' transform="rotate(-90 {middle + 3:.1f} {y - 4:.1f})"'
                lines.append(_text(middle + 3, y - 4, label, "start", 9, turned))
    return "\n".join([*lines, "</svg>\n"])
