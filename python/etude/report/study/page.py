# SPDX-License-Identifier: Apache-2.0
"""The page of a study: its front among all points, what each axis is worth, and any of its points in detail."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from etude.report.html import section, table, tall
from etude.report.study.answer import answer
from etude.report.study.data import Points, command_of, page_data, points_of
from etude.report.study.text import Row, cell
from etude.report.study.worth import importance_table, values_table
from etude.result import write_text

if TYPE_CHECKING:
    from etude.explore.study import Study

HERE = Path(__file__).parent
SCRIPTS = ("base.js", "filter.js", "front.js", "parallel.js", "slices.js", "table.js", "charts.js", "point.js")
MOST_COMMANDS = 60  # of the front, as text: those of other points are made where they are chosen


def _holder(name: str) -> str:
    """What a script fills."""
    return f'<div id="{name}"></div>'


def _front_table(study: Study, best: list[Row]) -> str:
    columns = ["id", *study.axes, *study.objectives]
    lines = [
        [cell(row[column]) for column in columns] + [f"<code>{escape(command_of(study, row))}</code>"]
        for row in best[:MOST_COMMANDS]
    ]
    return tall(table([*columns, "command"], lines, set(range(len(columns))), "front-points"))


def _errors(study: Study) -> str:
    errors = study.model_error().rows(named=True)
    if not errors:
        return ""
    head = ["objective", "points", "mean", "worst"]
    cells = [[escape(e["objective"]), f"{e['points']:,}", f"{e['mean']:.2%}", f"{e['worst']:.2%}"] for e in errors]
    text = "|model / cycle - 1| over the points that ran in both tiers; below, each of them."
    content = table(head, cells, {1, 2, 3}, "tiers") + _holder("tier-error")
    return section("Model tier against cycle tier", text, content, wide=True)


def _reasons(points: Points) -> str:
    reasons = Counter((row["status"], row["reason"]) for row in points.every if row["reason"] is not None)
    if not reasons:
        return ""
    cells = [[escape(s), f"{n:,}", escape(reason)] for (s, reason), n in reasons.most_common()]
    content = tall(table(["status", "points", "reason"], cells, {1}))
    return section("Points without a result", f"{sum(reasons.values()):,} points.", content, wide=True)


def _front(study: Study, best: list[Row]) -> str:
    text = "No other point is better in every objective, best first."
    if len(best) > MOST_COMMANDS:
        text += f" The first {MOST_COMMANDS} of {len(best):,}; the command of any other stands where it is chosen."
    return section("Points of the front", text, _front_table(study, best), wide=True)


def _body(study: Study, points: Points, count: int) -> str:
    best = study.front.rows(named=True)
    body = []
    question = study.asked.get("question")
    if question:
        body.append(section(question["text"], "", answer(study, points.done), True, "answer"))
    if points.done:
        text = "A click on a value hides its points, everywhere on this page."
        if count < len(points.shown):
            text += f" {count:,} of {len(points.shown):,} points are on this page; points.parquet has all."
        body.append(section("Filter", text, _holder("filter"), True))
        text = (
            "Orange: no other point is better in every objective. Rest on a point to see it, click to choose it, draw "
            "a rectangle to see only what is in it. Shaded: worse in both objectives shown than a point of this tier."
        )
        body.append(section("Front", text, _holder("front"), True))
        text = "Every line is a point. Draw along an axis to see only what crosses it there; a click takes that away."
        body.append(section("Parallel coordinates", text, _holder("parallel"), True))
        body.append(section("The chosen point", "", _holder("point"), True, "chosen"))
        body.append(_front(study, best))
        text = (
            f"The part of each objective's variance over {len(points.searched):,} points that the values of an axis "
            "explain alone, on average over all others."
        )
        table_ = importance_table(study, points.searched)
        body.append(section("What each axis is worth", text, table_, True, "worth") if table_ else "")
        text = "Points that differ from the chosen one in this axis alone; it is marked."
        body.append(section("One axis at a time", text, _holder("slices"), True))
        text = f"What each value reaches, over {len(points.done):,} points of the {study.tier} tier."
        body.append(section("Values of the axes", text, values_table(study, points.done, points.front), True))
    body += [_errors(study), _reasons(points)]
    body.append(section("All points", "A click on a heading sorts, on a row chooses.", _holder("points"), True))
    return "\n".join(part for part in body if part)


def make_study_page(study: Study) -> str:
    """The page as text; it needs nothing beside it."""
    points = points_of(study)
    data, count = page_data(study, points)
    body = _body(study, points, count) + f'\n<script type="application/json" id="data">{data}</script>'
    css = [HERE.parent / "page.css", HERE / "study.css"]
    scripts = [HERE.parent / "page.js", *(HERE / name for name in SCRIPTS)]
    return Template((HERE.parent / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(study.folder.resolve().name),
        css="\n".join(file.read_text(encoding="utf-8") for file in css),
        machine=escape(study.summary()),
        body=body,
        footer=f"Etude {escape(study.program_version)}; every point is a row of {escape(study.name)}.",
        script="\n".join(file.read_text(encoding="utf-8") for file in scripts),
    )


def write_study_page(study: Study) -> Path:
    """Writes report.html into the study's folder, self-contained. Errors: UserError, MachineError if it cannot."""
    file = study.folder / "report.html"
    write_text(file, make_study_page(study))
    return file
