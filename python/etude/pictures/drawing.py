# SPDX-License-Identifier: Apache-2.0
"""What every picture is drawn with: shapes, texts that stay inside, ticks, legends."""

import math
from html import escape

INK, SOFT, GRID = "#1d2733", "#5b6876", "#dfe5eb"
FONT = "system-ui, 'DejaVu Sans', sans-serif"
NARROW, WIDE = set("iljtfr.,:;'|!()[]/ -I"), set("mwMW%@")
SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def text_width(text: str, size: float) -> float:
    """Pixels that a text takes at most in a sans-serif font, wide ones included."""
    units = sum(0.42 if c in NARROW else 1.0 if c in WIDE else 0.76 if c.isupper() else 0.64 for c in text)
    return units * size


def shortened(text: str, size: float, room: float) -> str:
    """The text, or its two ends with an ellipsis where it is wider than `room`."""
    if text_width(text, size) <= room:
        return text
    keep = len(text)
    while keep > 2 and text_width(text[: keep - keep // 2] + "…" + text[len(text) - keep // 2 :], size) > room:
        keep -= 1
    return text[: keep - keep // 2] + "…" + text[len(text) - keep // 2 :]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most `most` round numbers from low to high."""
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= most)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """Four digits, thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


class Drawing:
    """An SVG of fixed width; its height is given in the end, when everything has its place."""

    def __init__(self, width: float, label: str) -> None:
        self.width = width
        self.label = label
        self.parts: list[str] = []

    def add(self, part: str) -> None:
        """Appends an element."""
        self.parts.append(part)

    def text(
        self, x: float, y: float, text: str, anchor: str = "start", size: float = 11, colour: str = INK, extra: str = ""
    ) -> None:
        """Writes a text; `y` is its base line."""
        place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"'
        if anchor != "start":
            place += f' text-anchor="{anchor}"'
        self.add(f"<text {place}{extra}>{escape(text, quote=False)}</text>")

    def upright(self, x: float, y: float, text: str, size: float = 11, colour: str = SOFT) -> None:
        """Writes a text upwards, its middle at y."""
        self.text(x, y, text, "middle", size, colour, f' transform="rotate(-90 {x:.1f} {y:.1f})"')

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, title: str = "", extra: str = ""
    ) -> None:
        """A filled rectangle; `title` is what shows when it is pointed at."""
        shape = f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" fill="{fill}"{extra}'
        self.add(f"{shape}><title>{escape(title, quote=False)}</title></rect>" if title else shape + "/>")

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = GRID, extra: str = "") -> None:
        """A straight line."""
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{extra}/>')

    def legend(self, x: float, y: float, room: float, entries: list[tuple[str, str]], size: float = 11) -> float:
        """Marks with their names in as many lines as they need within `room`; returns the height that they take.

        `entries`: name and the inside of a 12 x 10 box, as SVG at the origin.
        """
        left, top = x, y
        for name, mark in entries:
            width = 17 + text_width(name, size) + 12
            if left > x and left + width > x + room:
                left, top = x, top + size + 7
            self.add(f'<g transform="translate({left:.1f} {top:.1f})">{mark}</g>')
            self.text(left + 17, top + 9, name, size=size)
            left += width
        return top - y + size + 7

    def svg(self, height: float, defs: str = "") -> str:
        """The whole picture as text."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {self.width:.0f} {height:.0f}" font-family="{FONT}" role="img" '
            f'aria-label="{escape(self.label)}">'
        )
        back = f'<rect width="{self.width:.0f}" height="{height:.0f}" fill="#fff"/>'
        return "\n".join([head, f"<defs>{defs}</defs>" if defs else "", back, *self.parts, "</svg>", ""])


def box(fill: str) -> str:
    """A legend's mark: a filled box."""
    return f'<rect width="12" height="10" fill="{fill}"/>'


def stroke(colour: str, dash: str = "") -> str:
    """A legend's mark: a line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="0" x2="12" y1="5" y2="5" stroke="{colour}" stroke-width="2"{dashes}/>'
