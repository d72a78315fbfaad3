# SPDX-License-Identifier: Apache-2.0
"""What each axis is worth: the part of an objective's variance that its values explain, and what each value reaches."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from etude.report.html import table, tall
from etude.report.study.text import Row, cell

if TYPE_CHECKING:
    from etude.explore.study import Study


def importance(rows: Sequence[Row], axis: str, objective: str) -> float | None:
    """The correlation ratio: variance between the means of the axis's values, in parts of all variance. 1: the axis
    alone decides the objective, 0: its values are alike on average; None where nothing varies."""
    values = [row[objective] for row in rows]
    mean = statistics.fmean(values)
    whole = sum((value - mean) ** 2 for value in values)
    groups: dict[object, list[float]] = {}
    for row in rows:
        groups.setdefault(row[axis], []).append(row[objective])
    if whole <= 0 or len(groups) < 2:
        return None
    between = sum(len(group) * (statistics.fmean(group) - mean) ** 2 for group in groups.values())
    return min(1.0, between / whole)


def importance_table(study: Study, rows: Sequence[Row]) -> str:
    """A row per axis that varies, a bar per objective; the axis that decides most of any objective comes first."""
    names = list(study.objectives)
    found = {axis: [importance(rows, axis, name) for name in names] for axis in study.axes}
    lines = []
    for axis in sorted(found, key=lambda axis: -max((v or 0.0) for v in found[axis])):
        if all(value is None for value in found[axis]):
            continue
        cells = [
            "–" if v is None else f'<span class="part" style="--part:{100 * v:.1f}%">{100 * v:.1f} %</span>'
            for v in found[axis]
        ]
        lines.append([escape(axis), *cells])
    return table(["axis", *names], lines, set(range(1, 1 + len(names))), "importance") if lines else ""


def values_table(study: Study, rows: Sequence[Row], front: set[int]) -> str:
    """For each value of each axis: how many points, how many of the front, best and median of each objective."""
    lines = []
    for axis in study.axes:
        groups: dict[object, list[Row]] = {}
        for row in rows:
            groups.setdefault(row[axis], []).append(row)
        order = sorted(groups) if all(isinstance(v, int | float) for v in groups) else list(groups)  # type: ignore[type-var]
        for value in order:
            mine = groups[value]
            cells = [escape(axis), cell(value), f"{len(mine):,}", f"{sum(row['id'] in front for row in mine):,}"]
            for name, way in study.objectives.items():
                values = [row[name] for row in mine]
                cells.append(cell(min(values) if way == "min" else max(values)))
                cells.append(cell(float(statistics.median(values))))
            lines.append(cells)
    head = ["axis", "value", "points", "on the front"]
    head += [text for name in study.objectives for text in (f"{name}, best", "median")]
    return tall(table(head, lines, set(range(2, len(head))), "values"))
