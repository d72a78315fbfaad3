# SPDX-License-Identifier: Apache-2.0
"""Numbers and points in words."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from etude.pictures.drawing import number
from etude.result import share

Row = Mapping[str, Any]


def cell(value: object) -> str:
    """A cell of the study as HTML: whole numbers in full, others with four digits."""
    if isinstance(value, bool) or value is None:
        return "–" if value is None else str(value).lower()
    return f"{value:,}" if isinstance(value, int) else number(value) if isinstance(value, float) else escape(str(value))


def change(value: float, base: float) -> str:
    """As "+4.0 %"."""
    return f"{100 * share(value - base, abs(base)):+.1f} %" if base else ("=" if value == base else "new")


def told(row: Row, names: list[str]) -> str:
    """As "point 7 (height 8, pipe 1)"."""
    values = ", ".join(f"{escape(name)} {cell(row[name])}" for name in names)
    return f"point {row['id']}" + (f" ({values})" if values else "")
