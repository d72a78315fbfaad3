# SPDX-License-Identifier: Apache-2.0
"""Axes whose values have names and set several keys each, and sweeps that keep their runs."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import etude
import pytest
from browser import chromium
from etude.errors import UserError
from etude.program import find_program
from etude.report.study.data import command_of
from etude.studies.runs import Point, results_of, run_points, run_study
from sweep_cases import BASE, changed, command, dump, environment

ROOT = Path(__file__).resolve().parents[2]
ARRAY = "/platform/cluster/redmule/"
ASKED = {
    "base": BASE,
    "axes": {
        "/workload/batch": [2, 4],
        "array": {
            "small": {f"{ARRAY}height": 2, f"{ARRAY}width": 4},
            "as it is": {},
            "too wide": {f"{ARRAY}height": 8, f"{ARRAY}width": 16},
            "none": {"/platform/cluster/redmule": {"enabled": False}},
        },
    },
    "constraints": ["array != 'small' or batch == 2"],
    "objectives": {"step.cycles": "min", "area_mm2": "min"},
}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return etude.sweep(ASKED, out=tmp_path_factory.mktemp("named") / "s", jobs=1, keep_runs=True, progress=False)


def test_a_named_value_sets_its_keys(study):
    rows = study.points.rows(named=True)
    names = list(ASKED["axes"]["array"])
    assert [(r["batch"], r["array"]) for r in rows] == [(b, n) for b in (2, 4) for n in names if (b, n) != (4, "small")]
    assert {r["array"] for r in rows if r["status"] == "infeasible"} == {"too wide"}
    for row in (r for r in rows if r["status"] == "done"):
        alone = etude.run(BASE, sets={"/workload/batch": row["batch"], **ASKED["axes"]["array"][row["array"]]})
        assert (alone.config_hash, alone.step.cycles) == (row["config_hash"], row["step.cycles"])
    assert json.loads(study.about["baseline"]) == [4, "as it is"]  # sizes of the base


def test_runs_are_kept(study):
    for row in study.points.rows(named=True):
        if row["status"] == "done":
            result = study.result(row["id"])
            assert result.config_hash == row["config_hash"] and result.outputs and result.layers.height > 3
        else:
            with pytest.raises(UserError, match="is not there; sweep with keep_runs"):
                study.result(row["id"])
    assert sorted(p.name for p in (study.folder / "runs").iterdir()) == ["1", "2", "4", "5", "7"]


def test_tables_do_not_know_whether_runs_are_kept(study, tmp_path):
    file = tmp_path / "named.json"
    file.write_text(json.dumps(ASKED))
    done = subprocess.run(
        command(file, "--out", tmp_path / "s", "--keep-runs", "--jobs", 2), env=environment(), capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    plain = etude.sweep(ASKED, out=tmp_path / "plain", jobs=1, progress=False)
    assert dump(plain.folder) == dump(study.folder) == dump(tmp_path / "s")
    assert not (plain.folder / "runs").exists() and (tmp_path / "s/runs/4/outputs.npz").exists()


def test_the_command_of_a_point_sets_its_keys(study):
    for row in study.points.rows(named=True)[:4]:
        words = [str(find_program()) if word == "etude" else word for word in shlex.split(command_of(study, row))]
        done = subprocess.run([*words[:1], "config", "resolve", *words[2 : words.index("--out")]], capture_output=True)
        refused = done.returncode == 2
        assert refused == (row["status"] == "infeasible"), done.stderr
        if not refused:
            assert json.loads(done.stdout) == json.loads(
                (study.folder / f"runs/{row['id']}/config.resolved.json").read_text()
            )
    page = study.report().read_text()
    assert "--set /platform/cluster/redmule/height=2 --set /platform/cluster/redmule/width=4" in page


@pytest.mark.parametrize(
    "axes, line",
    [
        ({"array": {}}, "axes: array: has no value"),
        ({"an array": {"a": {}}}, '"an array" is no name'),
        ({"array": {"a": 3}}, "axes: array/a: is no object of keys"),
        ({"array": {"a": {"train": 3}}}, "axes: array/a: is no object of keys"),
        ({"array": {"a": {f"{ARRAY}hight": 3}}}, "axes: array/a: /platform/cluster/redmule/hight"),
        ({"array": {"a": {f"{ARRAY}height": 2}}, f"{ARRAY}height": [4]}, f"undoes {ARRAY}height of array"),
        ({"array": {"a": {f"{ARRAY}height": 2}}, "/platform/cluster/redmule": [{}]}, "undoes"),
        ({"a": {"x": {f"{ARRAY}height": 2}}, "b": {"y": {"/platform/cluster": {}}}}, "b sets /platform/cluster, and"),
        ({"status": {"x": {"/workload/batch": 2}}}, "both called status"),
    ],
)  # fmt: skip
def test_bad_axes_are_refused(tmp_path, axes, line):
    with pytest.raises(UserError) as raised:
        etude.sweep({**ASKED, "axes": axes, "constraints": []}, out=tmp_path / "bad", progress=False)
    assert line in str(raised.value) and "\n" not in str(raised.value) and not (tmp_path / "bad").exists()


def test_a_later_axis_may_change_what_an_earlier_one_holds(tmp_path):
    axes = {"mlp": {"two": {"/workload": {**BASE["workload"], "batch": 2}}}, "/workload/batch": [4]}
    study = etude.sweep({**ASKED, "axes": axes, "constraints": []}, out=tmp_path / "s", jobs=1, progress=False)
    assert study.points["config_hash"][0] == etude.load(BASE).hash


def test_points_of_studies(tmp_path, study):
    """What is there is not run again, unless it is of another sweep or is not to be kept."""
    points = [
        Point("base", BASE),
        Point("wide", BASE, (f"{ARRAY}width=16", f"{ARRAY}height=8", "/workload/home=l2")),
    ]
    found = run_points(points, tmp_path, 1, resume=False)
    assert found["base"]["config_hash"] == etude.load(BASE).hash and Path(found["base"]["folder"]).is_dir()
    assert list(found["wide"]) == ["error"] and "port of 128 bytes" in found["wide"]["error"]
    (folder,) = tmp_path.iterdir()
    mark = folder / "runs" / "mark"
    mark.touch()
    assert run_points(points, tmp_path, 1, resume=True) == found and mark.exists()
    assert run_points(points, tmp_path, 1, resume=False)["base"]["step"] == found["base"]["step"]
    assert not mark.exists()
    copy = tmp_path / "copy"
    shutil.copytree(study.folder, copy)
    one = {**ASKED, "constraints": ["batch == 2", "array == 'as it is'"]}
    (copy / "mine.txt").touch()
    ((values, result),) = results_of(run_study(one, copy, 1, resume=True))
    assert (copy / "mine.txt").exists() and [p.name for p in (copy / "runs").iterdir()] == ["1"]
    assert values == {"batch": 2, "array": "as it is"} and result["check"]["passed"]


def test_a_point_that_failed_ends_a_study(tmp_path):
    diverging = {**BASE, "train": {"lr": 1e6, "steps": 6}}
    with pytest.raises(UserError, match="point 1 of .*diverged"):
        run_points([Point("a", diverging)], tmp_path, 1, resume=False)


def test_the_page_knows_named_values(study):
    """Its commands are those of the points, and a chip for each name."""
    done = [row for row in study.points.iter_rows(named=True) if row["status"] == "done"]
    errors: list[str] = []
    with chromium() as browser:
        view = browser.new_page(viewport={"width": 1280, "height": 900})
        view.on("pageerror", lambda error: errors.append(str(error)))
        view.goto(study.report().resolve().as_uri())
        for row in done:
            view.locator(f"#points-table tbody tr:has(td:first-child:text-is('{row['id']}'))").click()
            assert view.locator("#command").text_content() == command_of(study, row)
        chips = view.locator(".chips", has=view.locator("span", has_text="array"))
        assert set(chips.locator("button").all_text_contents()) == set(ASKED["axes"]["array"])
    assert errors == []


def test_names_with_brackets_are_printed_as_they_are(tmp_path):
    axes = {"size": {"[red]one": {"/workload/batch": 1}, "[/two]": {"/workload/batch": 2}}}
    asked = changed(axes=axes, constraints=[], objectives={"step.macs": "max"})
    text = str(etude.sweep(asked, out=tmp_path / "a[red]b", jobs=1, progress=False))
    assert "│ [/two] │" in text and text.endswith("/a[red]b/study.sqlite")
