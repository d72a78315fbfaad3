# SPDX-License-Identifier: Apache-2.0
"""Pieces of the page: sections and tables."""

from html import escape


def section(title: str, text: str, content: str, wide: bool = False, name: str = "") -> str:
    """A card of the page: `text` (HTML) below its title, `content` below that; `name` is its anchor."""
    kind = ' class="wide"' if wide else ""
    anchor = f' id="{name}"' if name else ""
    text = f"<p>{text}</p>" if text else ""
    return f"<section{anchor}{kind}><h2>{escape(title)}</h2>{text}{content}</section>"


def table(head: list[str], rows: list[list[str]], numbers: set[int]) -> str:
    """Cells are HTML; columns in `numbers` stand to the right; the first column does not break."""

    def cell(tag: str, i: int, text: str) -> str:
        kind = ' class="n"' if i in numbers else ' class="name"' if i == 0 else ""
        return f"<{tag}{kind}>{text}</{tag}>"

    lines = ["<tr>" + "".join(cell("th", i, escape(h)) for i, h in enumerate(head)) + "</tr>"]
    lines += ["<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows]
    return '<div class="scroll"><table>' + "".join(lines) + "</table></div>"
