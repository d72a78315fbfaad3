# SPDX-License-Identifier: Apache-2.0
"""Accuracy against bytes as a picture: equal numbers give equal bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from etude.svg_chart import COLOURS

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 40, 76


@dataclass
class Point:
    """A stored network: bytes of all its parameters, and its accuracy (0 to 1) by domain."""

    name: str
    bytes: int
    accuracy: dict[str, float]


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def accuracy_picture(title: str, points: Sequence[Point]) -> str:
    """Points on a logarithmic axis of bytes, a colour for each domain; every point has its name below the axis."""
    low = math.log2(min(p.bytes for p in points)) - 0.3
    high = math.log2(max(p.bytes for p in points)) + 0.3
    bottom = HEIGHT - BOTTOM

    def across(bytes_: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(bytes_) - low) / (high - low)

    def up(accuracy: float) -> float:
        return bottom - (bottom - TOP) * accuracy

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 20, title, size=14),
    ]
    for percent in range(0, 101, 20):
        y = up(percent / 100)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(_text(LEFT - 6, y + 4, f"{percent} %", "end"))
    for power in range(math.ceil(low), math.floor(high) + 1):
        lines.append(_text(across(2.0**power), bottom + 16, f"{2.0**power / 1024:g} KiB"))
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, "bytes of all parameters as stored"))
    for number, domain in enumerate(points[0].accuracy):
        colour = COLOURS[number % len(COLOURS)]
        for point in points:
            x, y = across(point.bytes), up(point.accuracy[domain])
            name = f"{point.name}: {point.bytes:,} B, {domain} {100 * point.accuracy[domain]:.1f} %"
            lines.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>{escape(name)}</title></circle>'
            )
        x = LEFT + 90.0 * number
        lines.append(f'<circle cx="{x:.1f}" cy="{HEIGHT - 14}" r="4.5" fill="{colour}"/>')
        lines.append(_text(x + 10, HEIGHT - 10, domain, "start"))
    above = True
    for point in sorted(points, key=lambda p: p.bytes):
        y = up(max(point.accuracy.values()))
        lines.append(_text(across(point.bytes), y - 10 if above else y + 20, point.name, size=10))
        above = not above
    return "\n".join([*lines, "</svg>\n"])
