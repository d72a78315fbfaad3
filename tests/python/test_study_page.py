# SPDX-License-Identifier: Apache-2.0
"""The page of a study: its numbers are those of the study, and everything on it works in a browser."""

import csv
import html
import json
import os
import random
import re
import shlex
import subprocess
import sys
from pathlib import Path

import etude
import pytest
from browser import OUTSIDE, chromium
from etude.errors import UserError
from etude.explore.breakdown import breakdown_of, read_breakdowns
from etude.explore.point import Outcome
from etude.explore.spec import load_spec
from etude.explore.store import Store
from etude.program import find_program
from etude.report.study.data import command_of, points_of
from etude.report.study.worth import importance
from sweep_cases import BASE, changed

ROOT = Path(__file__).resolve().parents[2]
QUESTION = {
    "text": "Is a wider array worth its area?",
    "of": {"width": 16},
    "against": {"width": 4},
    "by": "step.gflops_per_mm2",
}
ASKED = changed(
    axes={
        "/platform/cluster/redmule/height": [4, 2, 8],
        "/platform/cluster/redmule/width": [4, 16],
        "/workload/batch": [4, 2],
    },
    constraints=[],
    objectives={"step.cycles": "min", "step.energy_j": "min", "area_mm2": "min", "step.gflops_per_mm2": "max"},
    tiers={"screen": "model", "confirm": "cycle"},
    question=QUESTION,
)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Names of files are looked for from here."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    os.chdir(ROOT)
    made = etude.sweep(ASKED, out=tmp_path_factory.mktemp("study") / "array", jobs=1, progress=False)
    made.report()
    return made


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def data_of(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_data_are_the_rows_of_the_study(study):
    data = data_of(study.folder / "report.html")
    rows = {row["id"]: row for row in study.points.rows(named=True)}
    packed = data["rows"]
    told = 0
    for i, number in enumerate(packed["id"]):
        row = rows[number]
        assert row["tier"] == ("model" if packed["tier"][i] else "cycle")
        assert row["status"] == ("done", "infeasible", "failed")[packed["status"][i]]
        assert row["reason"] == (packed["reasons"][packed["reason"][i]] if packed["reason"][i] >= 0 else None)
        for axis, column in zip(data["axes"], packed["axes"], strict=True):
            assert axis["values"][column[i]] == row[axis["name"]]
        assert [column[i] for column in packed["values"]] == [row[name] for name in study.objectives]
        told += 1 + (str(number) in packed["model"])
    assert told == len(rows)  # each configuration once, those of both tiers with both
    assert packed["front"] == sorted(study.front["id"].to_list())
    for number, values in packed["model"].items():
        row = rows[int(number)]
        same = [r for r in rows.values() if r["tier"] == "model" and all(r[a] == row[a] for a in study.axes)]
        assert values == [same[0][name] for name in study.objectives]


def test_breakdowns_are_those_of_the_results(study):
    row = study.front.row(0, named=True)
    result = etude.run(BASE, sets=study.sets_of(row)).raw
    ((number, kept),) = read_breakdowns(study.file, [row["id"]])
    assert number == row["id"] and kept["step"] == result["step"] and kept["units"] == result["units"]
    assert kept["energy"] == result["energy"] and kept["area"] == result["area"]
    assert kept["layers"]["cycles"] == [layer["cycles"] for layer in result["layers"]]
    assert sum(kept["layers"]["cycles"]) == row["step.cycles"]
    peak = max(sum(column) for column in zip(*kept["memory_time"]["bytes"].values(), strict=True))
    fixed = min([result["memory"]["l2_fixed"], *(stay["offset"] for stay in result["l2"]["stays"])])
    assert peak == fixed + max(sum(column) for column in zip(*result["l2"]["use"].values(), strict=True))
    data = data_of(study.folder / "report.html")
    shown = data["breakdowns"][str(row["id"])]
    assert data["columns"][shown["layers"]["energy_j"]] == kept["layers"]["energy_j"]
    assert [data["texts"][i] for i in data["columns"][shown["layers"]["name"]]] == kept["layers"]["name"]


def test_the_question_is_answered(study):
    text = html.unescape(re.search(r'<section id="answer".*?</section>', study.report().read_text(), re.S)[0])
    done = [row for row in study.points.rows(named=True) if row["status"] == "done" and row["tier"] == "cycle"]
    best = {w: max((r for r in done if r["width"] == w), key=lambda r: r["step.gflops_per_mm2"]) for w in (4, 16)}
    ratio = best[16]["step.gflops_per_mm2"] / best[4]["step.gflops_per_mm2"] - 1
    assert ("<b>Yes</b>" if ratio > 0 else "<b>No</b>") in text and QUESTION["text"] in text
    assert f"({100 * ratio:+.1f} %)" in text
    assert f"area_mm2 {100 * (best[16]['area_mm2'] / best[4]['area_mm2'] - 1):+.1f} %" in text
    data = data_of(study.folder / "report.html")
    assert (data["chosen"], data["baseline"]) == (best[16]["id"], best[4]["id"])


@pytest.mark.parametrize(
    "question, line",
    [
        ({"text": "Which?"}, "question: is no object with text, of, against, by"),
        ({**QUESTION, "of": {}}, "question/of: has no axis"),
        ({**QUESTION, "of": {"hight": 2}}, '"hight" is no axis; give one of height, width, batch'),
        ({**QUESTION, "against": {"width": 5}}, "width is never 5"),
        ({**QUESTION, "by": "loss"}, '"loss" is no objective'),
    ],
)
def test_a_question_that_has_no_answer_is_refused(question, line):
    with pytest.raises(UserError) as raised:
        load_spec({**ASKED, "question": question})
    assert line in str(raised.value)


def test_importance_is_the_part_of_the_variance_that_an_axis_explains():
    rng = random.Random(3)
    effects = {name: [rng.uniform(-1, 1) for _ in range(3)] for name in "ab"}
    rows = [{"a": i, "b": j, "y": effects["a"][i] + effects["b"][j]} for i in range(3) for j in range(3)]
    found = [importance(rows, name, "y") for name in "ab"]
    assert sum(found) == pytest.approx(1)  # of a sum of effects over all pairs

    def variance(values):
        mean = sum(values) / 3
        return sum((v - mean) ** 2 for v in values)

    assert found[0] / found[1] == pytest.approx(variance(effects["a"]) / variance(effects["b"]))
    assert importance([{"a": 1, "y": 2.0}, {"a": 1, "y": 3.0}], "a", "y") is None
    assert importance([{"a": 1, "y": 2.0}, {"a": 2, "y": 2.0}], "a", "y") is None


def test_the_baseline_is_the_point_next_to_the_base(tmp_path):
    """The base has 4 x 12 and batch 4."""
    asked = {name: value for name, value in ASKED.items() if name not in ("question", "tiers")}
    spec = load_spec(asked)
    store = Store(tmp_path, spec, about_of(spec), False)
    store.add((spec.values(point), done(i, point)) for i, point in enumerate(spec.everything(), 1))
    store.close()
    opened = etude.open_study(tmp_path / "study.sqlite")
    data = data_of(opened.report())
    row = next(row for row in opened.points.rows(named=True) if row["id"] == data["baseline"])
    assert (row["height"], row["width"], row["batch"]) == (4, 16, 4)
    assert data["base"] == [4, 12, 4] and data["breakdowns"] == {}


def about_of(spec) -> dict[str, str]:
    told = {"sweep": spec.text, "program_version": "0.1.0+test", "search": spec.sampler, "base": ""}
    return told | {"baseline": json.dumps(spec.base_values())}


def done(number: int, point, kept: bytes | None = None, tier: str = "cycle") -> Outcome:
    values = tuple(1.0 / (1 + sum(point)) + 0.1 * point[i] for i in range(3)) + (7.0 - sum(point) / 3,)
    return Outcome(number, "x" * 64, tier, "done", None, values, kept)


def test_ten_thousand_points_fit_on_a_page(study, tmp_path, browser):
    keys = ("/platform/cluster/redmule/height", "/platform/cluster/redmule/width", "/workload/batch", "/train/seed")
    axes = {key: {"from": 1, "to": 10, "step": 1} for key in keys}
    spec = load_spec({**ASKED, "axes": axes, "question": None})
    number = study.front["id"][0]
    kept = breakdown_of(etude.run(BASE, sets=study.sets_of(study.front.row(0, named=True))).raw)
    layers = next(read_breakdowns(study.file, [number]))[1]["layers"]
    assert len(layers["name"]) > 3
    store = Store(tmp_path, spec, about_of(spec), False)
    every = list(spec.everything())
    rows = [(spec.values(point), done(i, point, tier="model")) for i, point in enumerate(every, 1)]
    rows += [(spec.values(point), done(20000 + i, point, kept)) for i, point in enumerate(every[:400])]
    store.add(rows)
    store.close()
    page = etude.open_study(tmp_path).report()
    assert page.stat().st_size < 2_000_000
    view = opened(browser, page, 1280, [])
    assert view.locator("#shown").text_content().startswith("10,000 of 10,000 points shown")
    view.locator(".chips", has_text="seed").locator("button").first.click()
    assert view.locator("#shown").text_content().startswith("9,000 of 10,000 points shown")
    view.close()


def opened(browser, page: Path, width: int, errors: list):
    view = browser.new_page(viewport={"width": width, "height": 900})
    view.on("pageerror", lambda e: errors.append(str(e)))
    view.on("console", lambda m: errors.append(m.text))
    view.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else errors.append(r.url))
    view.goto(page.as_uri())
    return view


@pytest.mark.parametrize("width", [1280, 800])
def test_page_in_a_browser(study, browser, tmp_path, width):
    moved = tmp_path / "elsewhere.html"
    moved.write_bytes((study.folder / "report.html").read_bytes())
    assert "http" not in moved.read_text().replace("http://www.w3.org", "")
    errors = []
    view = opened(browser, moved, width, errors)
    fits(view, width)
    filters(view, study)
    front(view, study)
    parallel(view, study)
    point(view, study)
    fits(view, width)
    view.close()
    assert errors == []


def fits(view, width: int) -> None:
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    for sort in view.locator("main svg").evaluate_all(f"all => all.map({OUTSIDE})"):
        assert sort == []


def count(view) -> list[int]:
    """Points that are shown: as told, as rows of the table, as dots of the chart."""
    told = int(view.locator("#shown").text_content().split(" of ")[0].replace(",", ""))
    dots = "all => all.reduce((n, path) => n + (path.getAttribute('d').match(/M/g) ?? []).length, 0)"
    drawn = view.locator("#front-chart .model, #front-chart .others, #front-chart .best").evaluate_all(dots)
    return [told, view.locator("#points-table tbody tr").count(), drawn]


def filters(view, study) -> None:
    points = points_of(study)
    rows, results = points.shown, [row for row in points.shown if row["status"] == "done"]
    assert count(view) == [len(rows), len(rows), len(results)]
    for axis, value in (("width", 4), ("batch", 2)):
        chips = view.locator(".chips", has=view.locator("span", has_text=axis))
        chips.locator("button", has_text=re.compile(rf"^{value}$")).click()
        rows = [row for row in rows if row[axis] != value]
        results = [row for row in results if row[axis] != value]
        assert count(view) == [len(rows), len(rows), len(results)]
    view.locator("#reset").click()
    assert count(view)[0] == len(points.shown)


def front(view, study) -> None:
    """Hover, brush, and choose; the shaded region is below every point that is worse in both objectives."""
    chart = view.locator("#front-chart")
    chart.scroll_into_view_if_needed()
    places = "path => [...path.getAttribute('d').matchAll(/M([\\d.]+) ([\\d.]+)/g)].map(m => [+m[1], +m[2]])"
    best = chart.locator(".best").evaluate(places)
    assert len(best) == len(study.front)
    box = chart.bounding_box()
    view.mouse.move(box["x"] + best[0][0], box["y"] + best[0][1])
    tip = view.locator("#tip").text_content()
    assert "on the front" in tip and "step.cycles" in tip
    view.mouse.click(box["x"] + best[0][0], box["y"] + best[0][1])
    chosen = int(re.search(r"point (\d+)", tip)[1])
    assert view.locator("#choose").input_value() == str(chosen)
    for objective, up in (("step.gflops_per_mm2 (max)", 1), ("step.energy_j (min)", -1)):
        view.locator("#front select").nth(1).select_option(objective)
        shaded(view, chart.locator(".best, .others").evaluate_all(f"all => all.flatMap({places})"), up)
    best = chart.locator(".best").evaluate(places)
    x, y = best[0]
    view.mouse.move(box["x"] + x - 12, box["y"] + y - 12)
    view.mouse.down()
    view.mouse.move(box["x"] + x + 12, box["y"] + y + 12, steps=3)
    view.mouse.up()
    kept = [p for p in chart.locator(".best").evaluate(places) if abs(p[0] - x) <= 12 and abs(p[1] - y) <= 12]
    assert [x, y] in kept and count(view)[0] == count(view)[2] < len(points_of(study).shown)
    view.locator("#reset").click()


def shaded(view, dots: list, up: int) -> None:
    """What is worse in both objectives lies in the region: right of a dot, and below it if `up` is 1, else above."""
    inside = (
        "([x, y]) => { const p = document.querySelector('.dominated'), s = p.ownerSVGElement.createSVGPoint();"
        "s.x = x; s.y = y; return p.isPointInFill(s); }"
    )
    for x, y in dots:
        others = [(a, b) for a, b in dots if (a, b) != (x, y)]
        if not any(abs(a - x) < 0.3 or abs(b - y) < 0.3 for a, b in others):
            worse = any(a < x and up * b < up * y for a, b in others)
            assert view.evaluate(inside, [x + 0.1, y + 0.1 * up])
            assert view.evaluate(inside, [x - 0.15, y - 0.15 * up]) == worse


def parallel(view, study) -> None:
    """A range drawn along the first axis (height) leaves what crosses it."""
    chart = view.locator("#parallel-chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    low = box["y"] + float(chart.locator("path[d*=V]").first.get_attribute("d").split("V")[1])
    view.mouse.move(box["x"] + 40, low + 6)
    view.mouse.down()
    view.mouse.move(box["x"] + 42, low - 20, steps=3)
    view.mouse.up()
    rows = [row for row in points_of(study).shown if row["status"] == "done" and row["height"] == 2]
    assert count(view)[0] == len(rows) > 0
    view.mouse.click(box["x"] + 40, low - 100)
    assert count(view)[0] == len(points_of(study).shown)


def numbers(view, table: str, column: str) -> list[float]:
    """A column of a table."""
    heads = view.locator(f"{table} th").all_text_contents()
    cells = view.locator(f"{table} tbody tr").evaluate_all(
        f"rows => rows.map(r => r.cells[{heads.index(column)}].textContent)"
    )
    return [float(text.replace(",", "")) for text in cells]


def point(view, study) -> None:
    """Every total is the sum of what is shown, commands are those of the points, and the slices follow the choice."""
    rows = {row["id"]: row for row in study.points.rows(named=True)}
    for row in study.front.rows(named=True)[:2]:
        view.locator("#choose").select_option(str(row["id"]))
        assert view.locator("#command").text_content() == command_of(study, row)
        cycles = row["step.cycles"]
        assert sum(numbers(view, "#groups-table", "cycles")) == sum(numbers(view, "#layers-table", "cycles")) == cycles
        assert f"{cycles:,} cycles" in view.locator("#layers-found").text_content()
        joules = numbers(view, "#energy-table", "µJ")
        assert sum(joules[:-1]) == pytest.approx(joules[-1], abs=0.002)
        assert joules[-1] == pytest.approx(1e6 * row["step.energy_j"], abs=0.0006)
        area = numbers(view, "#area-table", "mm²")
        assert sum(area[:-1]) == pytest.approx(area[-1], abs=0.004)
        assert area[-1] == pytest.approx(row["area_mm2"], abs=0.0006)
        assert view.locator("#roofline .layer").count() > 0 and view.locator("#memory-chart path").count() > 3
    view.locator("#layers-search").fill("BACKWARD gemm")
    some = numbers(view, "#layers-table", "cycles")
    assert 0 < sum(some) < cycles and f"{sum(some):,.0f} cycles" in view.locator("#layers-found").text_content()
    view.locator("#layers-search").fill("")
    head = view.locator("#layers-table th", has_text=re.compile("^cycles$"))
    head.click()
    assert numbers(view, "#layers-table", "cycles") == sorted(numbers(view, "#layers-table", "cycles"), reverse=True)
    other = next(row for row in rows.values() if row["status"] == "infeasible")
    view.locator("#points-table th", has_text="status").click()
    view.locator("#points-table tbody tr", has_text=other["reason"]).first.click()
    assert other["reason"] in view.locator("#point .words").text_content()
    view.locator("#choose").select_option(str(row["id"]))
    view.locator("#rebase").click()
    assert "This point is the baseline." in view.locator("#point .words").text_content()
    assert view.locator("#slices circle").count() >= 2 and view.locator("#tier-error circle").count() >= 4


def test_a_command_repeats_its_point(study, tmp_path):
    row = study.front.row(0, named=True)
    words = shlex.split(command_of(study, row))
    assert words[:3] == ["etude", "run", str(study.folder / "base.json")] and words[-1] == f"out/array-{row['id']}"
    again = subprocess.run([find_program(), *words[1:-1], tmp_path / "again", "--quiet"], cwd=ROOT)
    assert again.returncode == 0
    assert etude.open_result(tmp_path / "again").config_hash == row["config_hash"]


def test_the_command_takes_the_database_too(study, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    points, layers = tmp_path / "points.csv", tmp_path / "layers.csv"
    command = [sys.executable, "-m", "etude", "report", study.folder / "study.sqlite", "--csv", points]
    command += ["--layers", layers]
    said = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, f"{study.folder / 'report.html'}\n")
    assert len(points.read_text().splitlines()) == 1 + len(study.points)
    with layers.open() as lines:
        found = list(csv.DictReader(lines))
    for row in study.front.rows(named=True):
        mine = [line for line in found if int(line["id"]) == row["id"]]
        assert sum(int(line["cycles"]) for line in mine) == row["step.cycles"]
