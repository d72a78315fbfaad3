# SPDX-License-Identifier: Apache-2.0
"""The answer to the question of a sweep, in words, from rows of the study alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from etude.report.study.text import Row, cell, change, told

if TYPE_CHECKING:
    from etude.explore.study import Study


def _side(rows: Sequence[Row], values: dict[str, Any]) -> list[Row]:
    return [row for row in rows if all(row[name] == value for name, value in values.items())]


def best_sides(study: Study, done: Sequence[Row]) -> tuple[Row, Row] | None:
    """The best point of what is asked about and of what it stands against; None where one has no point."""
    asked = study.asked["question"]
    by = asked["by"]
    pick = max if study.objectives[by] == "max" else min
    sides = [_side(done, asked[name]) for name in ("of", "against")]
    if not all(sides):
        return None
    return pick(sides[0], key=lambda row: row[by]), pick(sides[1], key=lambda row: row[by])


def answer(study: Study, done: Sequence[Row]) -> str:
    """A paragraph: yes or no, by how much, and what the other objectives say."""
    asked = study.asked["question"]
    by, way = asked["by"], study.objectives[asked["by"]]
    found = best_sides(study, done)
    if found is None:
        return "<p>Not answered: one side has no point with a result.</p>"
    mine, other = found
    values = [name for name in study.axes if len({row[name] for row in done}) > 1]
    better = mine[by] > other[by] if way == "max" else mine[by] < other[by]
    verdict = "Yes" if better else "No"
    steps = [
        f"{escape(name)} {change(mine[name], other[name])}"
        for name in study.objectives
        if name != by and None not in (mine[name], other[name])
    ]
    return (
        f"<p><b>{verdict}</b>, by {escape(by)} ({way}): {told(mine, values)} reaches {cell(mine[by])}, the best that "
        f"it stands against, {told(other, values)}, {cell(other[by])} ({change(mine[by], other[by])})."
        + (f" Its other objectives: {', '.join(steps)}." if steps else "")
        + "</p>"
    )
