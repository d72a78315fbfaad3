# SPDX-License-Identifier: Apache-2.0
"""What the page of a study carries as data: every point by the numbers of its values, and breakdowns of some."""

from __future__ import annotations

import csv
import io
import json
import math
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.api.config import assignments
from etude.explore.breakdown import read_breakdowns
from etude.explore.spec import configuration_folders
from etude.report.charts import COLOURS
from etude.report.study.answer import best_sides
from etude.report.study.text import Row

if TYPE_CHECKING:
    from etude.explore.study import Study

MOST_POINTS_BYTES = 1_050_000
MOST_BYTES = 1_800_000  # of all data: a page stays below 2 MB
WORDS = ("name", "op", "phase", "unit")  # columns of layers that are texts


@dataclass
class Points:
    """The rows of a study, each configuration once: that of the confirming tier where it ran in both.

    `shown`: rows on the page; `model`: objectives that the model tier gave, by the id of the row that stands for it.
    """

    every: list[Row]
    shown: list[Row]
    model: dict[int, list[Any]]
    front: set[int]
    done: list[Row]
    """Those with objectives, of the tier of the front."""
    searched: list[Row]
    """Those with objectives, of the tier that the search ran in."""


def points_of(study: Study) -> Points:
    """Reads them."""
    rows: list[Row] = study.points.rows(named=True)
    front = {row["id"] for row in study.front.rows(named=True)}
    done = [row for row in rows if row["status"] == "done" and row["tier"] == study.tier]
    confirmed = {_place(study, row): row["id"] for row in rows if row["tier"] == study.tier}
    screened = [row for row in rows if row["tier"] != study.tier]
    model = {
        confirmed[_place(study, row)]: [row[name] for name in study.objectives]
        for row in screened
        if _place(study, row) in confirmed
    }
    shown = [row for row in rows if row["tier"] == study.tier or _place(study, row) not in confirmed]
    searched = [row for row in screened if row["status"] == "done"] or done
    return Points(rows, shown, model, front, done, searched)


def _place(study: Study, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in study.axes)


def command_words(study: Study) -> tuple[str, list[list[str]]]:
    """The command up to its sets, and for each axis, in the order in which they are set, its pointer."""
    asked = study.asked["base"]
    base = str(study.folder / "base.json")
    if isinstance(asked, str):
        here = [Path(asked), *(folder / asked for folder in configuration_folders())]
        base = asked if any(file.is_file() for file in here) else study.about.get("base", asked)
    pointers = sorted(zip(study.asked["axes"], study.axes, strict=True), key=lambda pair: pair[0].count("/"))
    return shlex.join(["etude", "run", base]), [list(pair) for pair in pointers]


def command_of(study: Study, row: Row) -> str:
    """The line that runs a point again."""
    start, _ = command_words(study)
    sets = assignments({**study.sets_of(row), "/run/tier": row["tier"]})
    words = [word for one in sets for word in ("--set", one)]
    out = f"out/{study.folder.resolve().name}-{row['id']}"
    return f"{start} {shlex.join([*words, '--out', out])}"


def baseline_of(study: Study, points: Points) -> Row | None:
    """What the question stands against, else the point that differs from the base in the fewest axes, and least in
    their numbers: the base itself where it is in the study."""
    if study.asked.get("question") and (found := best_sides(study, points.done)):
        return found[1]
    base = json.loads(study.about.get("baseline", "[]")) or [None] * len(study.axes)

    def distance(row: Row) -> tuple[int, float, int]:
        pairs = [(row[name], value) for name, value in zip(study.axes, base, strict=True)]
        return sum(a != b for a, b in pairs), sum(_apart(a, b) for a, b in pairs), row["id"]

    return min(points.done, key=distance, default=None)


def _apart(one: object, other: object) -> float:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and v > 0 for v in (one, other))
    return abs(math.log(one / other)) if numbers else float(one != other)  # type: ignore[operator]


def chosen_of(study: Study, points: Points) -> Row | None:
    """The point that the page opens with: what the question is about, else the best in the first objective."""
    if study.asked.get("question") and (found := best_sides(study, points.done)):
        return found[0]
    name, way = next(iter(study.objectives.items()))
    best = [row for row in points.done if row["id"] in points.front]
    return (max if way == "max" else min)(best, key=lambda row: row[name], default=None)


def _axes(study: Study, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Name, pointer, the values that points have (numbers ascending, else as points come), and the set of each."""
    found = []
    for pointer, name in zip(study.asked["axes"], study.axes, strict=True):
        values = list(dict.fromkeys(row[name] for row in rows))
        numbers = all(isinstance(v, int | float) for v in values)
        if numbers:
            values.sort()
        sets = []
        for value in values:
            keys = assignments(study.keys_of(pointer, value))
            sets.append(shlex.join([word for one in keys for word in ("--set", one)]))
        found.append({"name": name, "pointer": pointer, "values": values, "numbers": numbers, "sets": sets})
    return found


def _thinned(rows: Sequence[Row], keep: set[int], step: int) -> list[Row]:
    """Every so many of them, and those that are kept."""
    return [row for i, row in enumerate(rows) if i % step == 0 or row["id"] in keep]


def _packed(study: Study, points: Points, axes: list[dict[str, Any]], rows: Sequence[Row]) -> dict[str, Any]:
    reasons = list(dict.fromkeys(row["reason"] for row in rows if row["reason"] is not None))
    place_of = {reason: i for i, reason in enumerate(reasons)}
    values_of = [{value: i for i, value in enumerate(axis["values"])} for axis in axes]
    return {
        "id": [row["id"] for row in rows],
        "tier": [int(row["tier"] == "model") for row in rows],
        "status": [("done", "infeasible", "failed").index(row["status"]) for row in rows],
        "reason": [place_of.get(row["reason"], -1) for row in rows],
        "reasons": reasons,
        "axes": [[of[row[axis["name"]]] for row in rows] for axis, of in zip(axes, values_of, strict=True)],
        "values": [[row[name] for row in rows] for name in study.objectives],
        "front": sorted(points.front),
        "model": points.model,
    }


def _breakdowns(study: Study, numbers: Iterable[int], room: int) -> dict[str, Any]:
    """What is kept of some points, as many as there is room for. Texts of layers are numbers in `texts`, columns of
    layers are numbers in `columns`, for many points have the same."""
    texts: dict[str, int] = {}
    columns: dict[str, int] = {}
    found: dict[int, dict[str, Any]] = {}
    for number, one in read_breakdowns(study.file, numbers):
        layers = one["layers"]
        for name, values in layers.items():
            column = [texts.setdefault(text, len(texts)) for text in values] if name in WORDS else values
            text = _json(column)
            if text not in columns:
                room -= len(text) + 1
            layers[name] = columns.setdefault(text, len(columns))
        room -= len(_json(one)) + 10
        if room < 0:
            break
        found[number] = one
    return {"texts": list(texts), "columns": [json.loads(text) for text in columns], "breakdowns": found}


def page_data(study: Study, points: Points) -> tuple[str, int]:
    """The data as JSON that can stand in a script element, and how many points it has."""
    axes = _axes(study, points.shown)
    baseline, chosen = baseline_of(study, points), chosen_of(study, points)
    first = [row["id"] for row in (baseline, chosen) if row is not None]
    keep = points.front | set(first)
    step, rows = 1, points.shown
    packed = _packed(study, points, axes, rows)
    while len(_json(packed)) > MOST_POINTS_BYTES and len(rows) > len(keep):
        step *= 2
        rows = _thinned(points.shown, keep, step)
        packed = _packed(study, points, axes, rows)
    wanted = [*first, *study.front["id"].to_list(), *(row["id"] for row in rows)]
    start, order = command_words(study)
    data = {
        "tier": study.tier,
        "axes": axes,
        "objectives": [{"name": name, "way": way} for name, way in study.objectives.items()],
        "rows": packed,
        "by": (study.asked.get("question") or {}).get("by"),
        "base": json.loads(study.about.get("baseline", "[]")),
        "baseline": baseline and baseline["id"],
        "chosen": chosen and chosen["id"],
        "command": {"start": start, "order": [pointer for pointer, _ in order], "out": study.folder.resolve().name},
        "colours": COLOURS,
        **_breakdowns(study, wanted, MOST_BYTES - len(_json(packed))),
    }
    return _json(data), len(rows)


def layers_csv(study: Study) -> str:
    """Every layer of every point whose result is kept, as CSV with a head: id of the point, then as of a run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ["name", "op", "phase", "unit", "cycles", "macs", "energy_j", "l2", "l3"]
    writer.writerow(["id", *columns[:-2], "l2_bytes", "l3_bytes"])
    for number, kept in read_breakdowns(study.file, study.points["id"].to_list()):
        for cells in zip(*(kept["layers"][name] for name in columns), strict=True):
            writer.writerow([number, *(repr(v) if isinstance(v, float) else v for v in cells)])
    return out.getvalue()


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
