# SPDX-License-Identifier: Apache-2.0
"""Pieces of the page: sections, tables, bars."""

from html import escape

PHASES = ("forward", "backward", "recompute", "update", "page")


def phases_of(result: dict) -> list[str]:
    """The phases that the layers of a result have, in their order."""
    return [phase for phase in PHASES if any(layer["phase"] == phase for layer in result["layers"])]


def section(title: str, text: str, content: str, wide: bool = False, name: str = "") -> str:
    """A card of the page: `text` (HTML) below its title, `content` below that; `name` is its anchor."""
    kind = ' class="wide"' if wide else ""
    anchor = f' id="{name}"' if name else ""
    text = f"<p>{text}</p>" if text else ""
    return f"<section{anchor}{kind}><h2>{escape(title)}</h2>{text}{content}</section>"


def table(head: list[str], rows: list[list[str]], numbers: set[int], name: str = "") -> str:
    """Cells are HTML; columns in `numbers` stand to the right; the first column does not break.

    `name`: the anchor of a table whose columns can be sorted.
    """

    def cell(tag: str, i: int, text: str) -> str:
        kind = ' class="n"' if i in numbers else ' class="name"' if i == 0 else ""
        return f"<{tag}{kind}>{text}</{tag}>"

    lines = ["<thead><tr>" + "".join(cell("th", i, escape(h)) for i, h in enumerate(head)) + "</tr></thead><tbody>"]
    lines += ["<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows]
    anchor = f' id="{name}" class="sorted"' if name else ""
    return f'<div class="scroll"><table{anchor}>' + "".join(lines) + "</tbody></table></div>"


def tall(content: str) -> str:
    """A table that scrolls below its head where it is long."""
    return content.replace('class="scroll"', 'class="scroll tall"', 1)


def key(entries: list[tuple[str, str]]) -> str:
    """A legend: names with their colours."""
    marks = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in entries)
    return f'<div class="key">{marks}</div>'


def bars(name: str, rows: list[tuple[str, list[tuple[float, str, str]], str]]) -> str:
    """Horizontal bars from 0 to 100 %: label, parts (share, colour, words when pointed at) and a text at the end."""
    lines = []
    for label, parts, text in rows:
        marks = "".join(
            f'<i style="width:{100 * part:.3f}%;background:{colour}" title="{escape(words)}"></i>'
            for part, colour, words in parts
            if part > 0
        )
        lines.append(
            f'<div class="bar"><span>{escape(label)}</span><div class="track">{marks}</div><b>{escape(text)}</b></div>'
        )
    scale = "".join(f"<span>{mark} %</span>" for mark in (0, 25, 50, 75, 100))
    lines.append(f'<div class="bar"><span></span><div class="scale">{scale}</div><b></b></div>')
    room = max((len(text) for _, _, text in rows), default=0)  # one width, so that all bars have one scale
    return f'<div id="{name}" style="--end:{room}ch">{"".join(lines)}</div>'
