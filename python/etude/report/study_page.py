# SPDX-License-Identifier: Apache-2.0
"""The page of a study: its front among all points, what each value of an axis reaches, a command for each point."""

from __future__ import annotations

import shlex
import statistics
from collections import Counter
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from etude.api.config import assignments
from etude.pictures.drawing import number, ticks
from etude.report.html import section, table, tall
from etude.result import write_text

if TYPE_CHECKING:
    from etude.explore.study import Study

HERE = Path(__file__).parent
MOST_DOTS = 2000  # points that are not on the front, in a chart
MOST_ROWS = 1000
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 400, 84, 16, 14, 46  # of a chart, pixels
ON_FRONT, OTHERS = "#d55e00", "#9aa7b3"

Row = dict[str, Any]


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "–" if value is None else str(value).lower()
    return f"{value:,}" if isinstance(value, int) else number(value) if isinstance(value, float) else escape(str(value))


def command_of(study: Study, row: Row) -> str:
    """The line that runs a point again."""
    base = study.asked["base"]
    sets = assignments({**study.sets_of(row), "/run/tier": row["tier"]})
    words = ["etude", "run", base if isinstance(base, str) else str(study.folder / "base.json")]
    for one in sets:
        words += ["--set", one]
    return shlex.join([*words, "--out", f"out/{study.folder.name}-{row['id']}"])


def _chart(study: Study, rows: list[Row], front: set[int], x: str, y: str) -> str:
    """Every point by two objectives; those of the front last, so that they lie on top."""
    spans = []
    for name in (x, y):
        values = [row[name] for row in rows]
        low, high = min(values), max(values)
        margin = 0.04 * (high - low) or abs(high) * 0.04 or 1.0
        spans.append((low - margin, high + margin))

    def place(row_x: float, row_y: float) -> tuple[float, float]:
        (x0, x1), (y0, y1) = spans
        right = LEFT + (row_x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)
        return right, HEIGHT - BOTTOM - (row_y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    marks = []
    for tick in ticks(*spans[0]):
        right, _ = place(tick, spans[1][0])
        marks.append(f'<path d="M{right:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e3e7eb"/>')
        marks.append(f'<text x="{right:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{number(tick)}</text>')
    for tick in ticks(*spans[1]):
        _, down = place(spans[0][0], tick)
        marks.append(f'<path d="M{LEFT} {down:.1f}H{WIDTH - RIGHT}" stroke="#e3e7eb"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    others = [row for row in rows if row["id"] not in front]
    shown = others[:: max(1, -(-len(others) // MOST_DOTS))] + [row for row in rows if row["id"] in front]
    for row in shown:
        right, down = place(row[x], row[y])
        told = ", ".join(f"{name} {_cell(row[name])}" for name in (*study.axes, *study.objectives))
        best = row["id"] in front
        dot = f'r="{4.5 if best else 3}" fill="{ON_FRONT if best else OTHERS}"'
        marks.append(
            f'<circle cx="{right:.1f}" cy="{down:.1f}" {dot}><title>point {row["id"]}: {told}</title></circle>'
        )
    ways = study.objectives
    marks.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)} ({ways[x]})</text>')
    side = f'transform="translate(13 {HEIGHT / 2}) rotate(-90)" text-anchor="middle"'
    marks.append(f"<text {side}>{escape(y)} ({ways[y]})</text>")
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" style="width:min(100%,535px)" font-size="12"'
    return f'<svg {size} role="img" aria-label="{escape(y)} against {escape(x)}">{"".join(marks)}</svg>'


def _worth(study: Study, rows: list[Row], front: set[int]) -> str:
    """For each value of each axis: how many points, how many of the front, best and median of each objective."""
    lines = []
    for axis in study.axes:
        for value in dict.fromkeys(row[axis] for row in sorted(rows, key=lambda row: row["id"])):
            of_value = [row for row in rows if row[axis] == value]
            cells = [escape(axis), _cell(value), str(len(of_value)), str(sum(row["id"] in front for row in of_value))]
            for name, way in study.objectives.items():
                values = [row[name] for row in of_value]
                cells.append(_cell(min(values) if way == "min" else max(values)))
                cells.append(_cell(float(statistics.median(values))))
            lines.append(cells)
    head = ["axis", "value", "points", "on the front"]
    head += [text for name in study.objectives for text in (f"{name}, best", "median")]
    return tall(table(head, lines, set(range(2, len(head)))))


def _table(study: Study, rows: list[Row], name: str, more: dict[str, Any]) -> str:
    """Points with their axes, objectives and what `more` says of each."""
    columns = ["id", *study.axes, *study.objectives]
    lines = [[_cell(row[column]) for column in columns] + [text(row) for text in more.values()] for row in rows]
    return tall(table([*columns, *more], lines, set(range(len(columns))), name))


def write_study_page(study: Study) -> Path:
    """Writes report.html into the study's folder, self-contained. Errors: UserError, MachineError if it cannot."""
    rows = study.points.rows(named=True)
    best = study.front.rows(named=True)
    front = {row["id"] for row in best}
    done = [row for row in rows if row["status"] == "done" and row["tier"] == study.tier]
    names = list(study.objectives)
    pairs = [(names[i], names[j]) for i in range(len(names)) for j in range(i + 1, len(names))][:3]
    body = []
    if done and pairs:
        charts = "".join(_chart(study, done, front, x, y) for x, y in pairs)
        text = "Orange: no other point is better in every objective. Rest on a point to see what it is."
        if len(done) - len(front) > MOST_DOTS:
            text += f" Of the others about {MOST_DOTS:,} are drawn."
        body.append(section("Front", text, charts, wide=True))
    if best:
        command = {"command": lambda row: f"<code>{escape(command_of(study, row))}</code>"}
        body.append(section("Points of the front", "", _table(study, best, "front", command), wide=True))
    if done:
        body.append(section("Axes", "What each value reaches.", _worth(study, done, front), wide=True))
    errors = study.model_error().rows(named=True)
    if errors:
        head = ["objective", "points", "mean", "worst"]
        cells = [[e["objective"], str(e["points"]), f"{e['mean']:.2%}", f"{e['worst']:.2%}"] for e in errors]
        text = "|model / cycle - 1| over points that ran in both tiers."
        body.append(section("Model tier against cycle tier", text, table(head, cells, {1, 2, 3})))
    reasons = Counter((row["status"], row["reason"]) for row in rows if row["reason"] is not None)
    if reasons:
        cells = [[escape(s), str(n), escape(reason)] for (s, reason), n in reasons.most_common()]
        body.append(
            section("Points without a result", "", tall(table(["", "points", "reason"], cells, {1})), wide=True)
        )
    ended = {"tier": lambda row: escape(row["tier"]), "status": lambda row: escape(row["status"])}
    text = f"The first {MOST_ROWS:,}; points.parquet has all." if len(rows) > MOST_ROWS else ""
    body.append(section("All points", text, _table(study, rows[:MOST_ROWS], "points", ended), wide=True))
    page = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(study.folder.resolve().name),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        machine=escape(study.summary()),
        body="\n".join(body),
        footer=f"Etude {escape(study.program_version)}; every point is a row of study.sqlite.",
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )
    file = study.folder / "report.html"
    write_text(file, page)
    return file
