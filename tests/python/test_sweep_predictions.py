# SPDX-License-Identifier: Apache-2.0
"""Points of the model tier, which are in the sweep's own process: it is killed, and a point brings it out of step."""

import functools
import json
import sqlite3
import types
from pathlib import Path

import etude
import pytest
from etude import native
from etude.api.child import Measures, measure
from sweep_cases import BASE, changed, dump, killed_and_resumed

ROOT = Path(__file__).resolve().parents[2]
PREDICTED = {"screen": "model", "confirm": None}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Names of files are looked for from here."""
    monkeypatch.chdir(ROOT)


ASKED = changed(axes={"/platform/cluster/redmule/width": [4, 6, 8, 12]}, constraints=[], tiers=PREDICTED)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of ASKED, one point after the other, from a database of its own."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ETUDE_MODEL_DATABASE", str(folder / "model.sqlite"))
        patched.chdir(ROOT)
        study = etude.sweep(ASKED, out=folder / "study", jobs=1, progress=False)
    assert study.points["tier"].to_list() == ["model"] * 4 and study.count("done") == 4
    return dump(study.folder)


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_resumed_while_it_predicts(undisturbed, tmp_path, monkeypatch, jobs):
    """Points of the model tier are in the process that is killed; it starts from a database without any operation."""
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    assert dump(killed_and_resumed(ASKED, tmp_path, jobs, most=2).folder) == undisturbed


class RaisingModel:
    """The model of a process that raises at one batch, and is no good any more then."""

    def __init__(self, meter, made):
        self.model, self.broken = native.core().Model(meter), False
        made.append(self)

    def numbers(self, base, sets):
        assert not self.broken
        if "/workload/batch=3" in sets:
            self.broken = True
            raise RuntimeError("out of\nits mind")
        return self.model.numbers(base, sets)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_prediction_raises_is_a_row(tmp_path, monkeypatch, jobs):
    if jobs > 1:
        pytest.importorskip("distributed")
    made: list = []
    core = types.SimpleNamespace(**{name: getattr(native.core(), name) for name in ("end_models", "resolve")})
    core.Model = functools.partial(RaisingModel, made=made)
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path.parent / "raising.sqlite"))  # of both
    monkeypatch.setattr("etude.explore.point.native", types.SimpleNamespace(core=lambda: core))
    monkeypatch.setattr("etude.explore.point.program_version", lambda: "x")
    monkeypatch.setattr("etude.explore.study.program_version", lambda: "x")
    asked = changed(axes={"/workload/batch": [2, 3, 4]}, constraints=[], tiers=PREDICTED)
    study = etude.sweep(asked, out=tmp_path / "raised", jobs=jobs, progress=False)
    assert study.points["status"].to_list() == ["done", "failed", "done"]
    assert study.points["reason"].to_list() == [None, "internal error: RuntimeError: out of its mind", None]
    assert study.points["config_hash"][1] and (jobs > 1 or len(made) == 2)


def test_a_measurement_that_crashes_is_a_row(tmp_path, monkeypatch):
    """What is measured for a prediction runs in a child: its crash, and its being killed each time."""
    kinds = {"SEGV": 1, "KILL": 3}
    for kind, tries in kinds.items():
        file = tmp_path / "etude-sim"
        file.write_text(
            f'#!/bin/sh\n[ "$1" = measure ] && {{ echo >> {tmp_path}/{kind}; kill -{kind} $$; }}\nexec false\n'
        )
        file.chmod(0o755)
        monkeypatch.setenv("ETUDE_SIM", str(file))
        monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / f"{kind}.sqlite"))
        asked = changed(axes={"/workload/batch": [2]}, constraints=[], tiers=PREDICTED)
        study = etude.sweep(asked, out=tmp_path / f"study{kind}", jobs=1, progress=False)
        assert study.points["status"].to_list() == ["failed"] and f"SIG{kind}" in study.points["reason"][0]
        assert len((tmp_path / kind).read_text()) == tries


def test_measured_by_a_child_that_stays_as_by_one_each(tmp_path, monkeypatch):
    """Nothing of a pass is left for the next; a child that is gone is followed by another."""
    stays, tables = Measures(), []
    base = tmp_path / "base.json"
    base.write_text(json.dumps(BASE))
    asked = []

    def then_killed(message):
        asked.append(message)
        answer = stays(message)
        if len(asked) == 3:
            (child,) = stays._children
            child.kill()
            child.wait()
        return answer

    for name, meter in (("stays", then_killed), ("each", measure)):
        monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / f"{name}.sqlite"))
        native.core().Model(meter).numbers(str(base), ["/run/tier=model"])
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as database:
            tables.append(database.execute("SELECT * FROM operations ORDER BY hardware, operation").fetchall())
    assert tables[0] == tables[1] and len(asked) == len(tables[0]) > 3
    (child,) = stays._children
    stays.close()
    assert child.poll() is not None and not stays._children


@pytest.mark.parametrize("keep_runs", [False, True])
def test_no_point_is_blamed_for_a_database_of_no_use(undisturbed, tmp_path, monkeypatch, keep_runs):
    """In this process and in a child: nothing is written that a sweep which goes on would take for a result."""
    file = tmp_path / "model.sqlite"
    file.write_text("no database")
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(file))
    asked = {"out": tmp_path / "study", "jobs": 1, "keep_runs": keep_runs, "progress": False}
    with pytest.raises(etude.UserError, match=r"model\.sqlite: the database .* cannot be used"):
        etude.sweep(ASKED, **asked)
    assert etude.open_study(tmp_path / "study").points.is_empty()
    file.unlink()
    assert dump(etude.sweep(ASKED, resume=True, **asked).folder) == undisturbed
