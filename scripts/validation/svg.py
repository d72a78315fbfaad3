# SPDX-License-Identifier: Apache-2.0
"""Small charts as SVG text: points over a logarithmic axis, and bars. Same data, same bytes."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 36, 50
COLOURS = ["#1f6feb", "#d1570a", "#1a7f37", "#8250df", "#bf3989", "#57606a", "#9a6700", "#0a7ea4", "#000000", "#d4a72c"]
LINE = 16  # of a legend


def _document(title: str, body: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _y_ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / 3))
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _frame(x_label: str, y_label: str, top: float) -> list[str]:
    middle = (top + HEIGHT - BOTTOM) / 2
    return [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - top - BOTTOM}" '
        'fill="none" stroke="#8c959f"/>',
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label),
        _text(14, middle, y_label, "middle", f' transform="rotate(-90 14 {middle:.1f})"'),
    ]


def _legend_lines(names: list[str]) -> list[list[int]]:
    """Which names stand in each line of the legend, so that it stays inside the picture."""
    lines: list[list[int]] = [[]]
    room = float(WIDTH - LEFT - RIGHT)
    for index, name in enumerate(names):
        width = 7 * len(name) + 22
        if lines[-1] and width > room:
            lines.append([])
            room = WIDTH - LEFT - RIGHT
        lines[-1].append(index)
        room -= width
    return lines


def _top(names: list[str]) -> int:
    """Where the plot begins, below the legend."""
    return TOP + LINE * (len(_legend_lines(names)) - 1)


def _legend(names: list[str]) -> list[str]:
    out = []
    for row, line in enumerate(_legend_lines(names)):
        x, y = WIDTH - RIGHT, 28 + LINE * row
        for index in reversed(line):
            x -= 7 * len(names[index]) + 22
            out.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{COLOURS[index % len(COLOURS)]}"/>')
            out.append(_text(x + 8, y + 4, names[index], "start"))
    return out


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from 10^low to 10^high, with their double and fivefold where there are less than two."""
    powers = [10.0**e for e in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
    if len(powers) > 1:
        return powers
    every = [factor * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for factor in (1, 2, 5)]
    return [tick for tick in every if low - 1e-9 <= math.log10(tick) <= high + 1e-9]


def scatter(
    title: str,
    x_label: str,
    y_label: str,
    series: dict[str, list[tuple[float, float]]],
    log_x: bool = True,
) -> str:
    """Points of several series; y as given (percent, cycles), x logarithmic unless told otherwise."""
    points = [point for values in series.values() for point in values]
    if not points:
        return _document(title, [_text(WIDTH / 2, HEIGHT / 2, "no points")])
    scale_x = (lambda x: math.log10(max(x, 1e-9))) if log_x else (lambda x: x)
    xs = [scale_x(x) for x, _ in points]
    x0, x1 = min(xs), max(xs)
    x1 = x1 if x1 > x0 else x0 + 1
    y0, y1 = min(0.0, *(y for _, y in points)), max(0.0, *(y for _, y in points))
    margin = 0.08 * (y1 - y0) or 1.0
    y0, y1 = (y0 - margin if y0 < 0 else y0), y1 + margin
    to_x = lambda x: LEFT + 8 + (scale_x(x) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT - 16)  # noqa: E731
    plot_top = _top(list(series))
    to_y = lambda y: HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - plot_top - BOTTOM)  # noqa: E731
    body = _frame(x_label, y_label, plot_top)
    for tick in _y_ticks(y0, y1):
        body.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{to_y(tick):.1f}" y2="{to_y(tick):.1f}" stroke="#d0d7de"/>'
        )
        body.append(_text(LEFT - 6, to_y(tick) + 4, f"{tick:.4g}", "end"))
    ticks = _log_ticks(x0, x1) if log_x else _y_ticks(x0, x1)
    for tick in ticks:
        body.append(_text(to_x(tick), HEIGHT - BOTTOM + 16, f"{tick:.6g}"))
    for index, values in enumerate(series.values()):
        colour = COLOURS[index % len(COLOURS)]
        for x, y in sorted(set(values)):
            body.append(f'<circle cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="2.5" fill="{colour}" fill-opacity="0.6"/>')
    return _document(title, body + _legend(list(series)))


def bars(title: str, y_label: str, series: dict[str, dict[str, float]]) -> str:
    """Groups of bars: series name -> category -> value (not negative)."""
    categories = list(dict.fromkeys(name for values in series.values() for name in values))
    top = max((value for values in series.values() for value in values.values()), default=0.0) or 1.0
    top *= 1.12
    plot_top = _top(list(series))
    to_y = lambda y: HEIGHT - BOTTOM - y / top * (HEIGHT - plot_top - BOTTOM)  # noqa: E731
    body = _frame("", y_label, plot_top)
    for tick in _y_ticks(0, top):
        body.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{to_y(tick):.1f}" y2="{to_y(tick):.1f}" stroke="#d0d7de"/>'
        )
        body.append(_text(LEFT - 6, to_y(tick) + 4, f"{tick:.4g}", "end"))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(categories))
    width = slot * 0.8 / max(1, len(series))
    for column, category in enumerate(categories):
        for index, values in enumerate(series.values()):
            x = LEFT + slot * column + slot * 0.1 + width * index
            value = values.get(category, 0.0)
            body.append(
                f'<rect x="{x:.1f}" y="{to_y(value):.1f}" width="{width:.1f}" '
                f'height="{HEIGHT - BOTTOM - to_y(value):.1f}" fill="{COLOURS[index % len(COLOURS)]}"/>'
            )
        lift = 14 if len(categories) < 9 or column % 2 == 0 else 28
        body.append(_text(LEFT + slot * (column + 0.5), HEIGHT - BOTTOM + lift, category))
    return _document(title, body + _legend(list(series)))
