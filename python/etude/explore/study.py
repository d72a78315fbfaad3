# SPDX-License-Identifier: Apache-2.0
"""Studies: a sweep and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.api.html import table
from etude.api.records import frame
from etude.api.result import Result, open_result
from etude.errors import MachineError, UserError
from etude.explore.axes import shallow_first
from etude.explore.driver import Driver
from etude.explore.front import front_of
from etude.explore.point import program_version
from etude.explore.pool import pool_of
from etude.explore.progress import SweepWatch
from etude.explore.samplers import search_of, total_of
from etude.explore.spec import COLUMNS, Spec, check_tiers, configuration_folders, load_spec
from etude.explore.store import FILE, Store, is_of, read_about, read_points

if TYPE_CHECKING:
    import polars

PARQUET = "points.parquet"
FRONT = "front"
RUNS = "runs"


@dataclass(frozen=True, eq=False)
class Study:
    """A sweep's folder: `points` has every point, `front` those that no other is better than in every objective."""

    folder: Path
    asked: dict[str, Any]
    """SWEEP.json, with `digests` of its base: of the file, and of all that it names."""
    program_version: str
    about: Mapping[str, str] = field(default_factory=dict)
    """What the table `study` says."""
    name: str = FILE
    """Of the database in the folder."""

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / self.name

    @cached_property
    def points(self) -> polars.DataFrame:
        """A row for each point: id, config_hash, program_version, tier, status (done, infeasible, failed), reason,
        a column for each axis and each objective."""
        columns, rows = read_points(self.file)
        texts = dict.fromkeys(COLUMNS[1:], str)
        cells = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
        types: dict[str, Any] = {"id": int, **texts, **dict.fromkeys(self.objectives, float)}
        whole = (name for name in self.objectives if _all(int, cells[name]))
        types |= dict.fromkeys(whole, int)
        for name in columns[len(COLUMNS) : len(columns) - len(self.objectives)]:
            types[name] = int if _all(int, cells[name]) else float if _all((int, float), cells[name]) else str
            if types[name] is str:
                cells[name] = [value if isinstance(value, str) else json.dumps(value) for value in cells[name]]
        return frame(cells, **types)

    @cached_property
    def front(self) -> polars.DataFrame:
        """The rows that are done and that nothing dominates, by the first objective, best first. Where the cycle tier
        confirms what the model tier screened, they are rows of the cycle tier."""
        done = self.points.filter((self.points["status"] == "done") & (self.points["tier"] == self.tier))
        ways = list(self.objectives.items())
        scores = [
            tuple(-row[name] if way == "max" else row[name] for name, way in ways)
            for row in done.select(list(self.objectives)).iter_rows(named=True)
        ]
        name, way = ways[0]
        return done[front_of(scores)].sort([name, "id"], descending=[way == "max", False])

    @property
    def objectives(self) -> dict[str, str]:
        """Fields of result.json, and "min" or "max"."""
        return dict(self.asked["objectives"])

    @property
    def tier(self) -> str:
        """That of the front: cycle, unless nothing was to be confirmed."""
        tiers = self.asked.get("tiers", {})
        return str(tiers.get("confirm", "cycle") or tiers["screen"])

    def model_error(self) -> polars.DataFrame:
        """How far the model tier is from the cycle tier over the points that ran in both: a row for each objective
        with the number of points, the mean and the worst of |model / cycle - 1|."""
        done = self.points.filter(self.points["status"] == "done")
        axes = [name for name in done.columns if name not in COLUMNS and name not in self.objectives]
        both = done.filter(done["tier"] == "model").join(done.filter(done["tier"] == "cycle"), on=axes, suffix=" cycle")
        rows = []
        for name in self.objectives:
            pairs = zip(both[name].to_list(), both[f"{name} cycle"].to_list(), strict=True)
            errors = [abs(model / cycle - 1) for model, cycle in pairs if cycle]
            if errors:
                mean = sum(errors) / len(errors)
                rows.append({"objective": name, "points": len(errors), "mean": mean, "worst": max(errors)})
        return frame(rows, objective=str, points=int, mean=float, worst=float)

    def count(self, status: str) -> int:
        """Points that are done, infeasible or failed."""
        return int((self.points["status"] == status).sum())

    @property
    def axes(self) -> list[str]:
        """Their columns."""
        return list(self.points.columns)[len(COLUMNS) : len(self.points.columns) - len(self.objectives)]

    def sets_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of the configuration at a row of `points`, by JSON pointer, those that hold others first."""
        pointers = sorted(zip(self.asked["axes"], self.axes, strict=True), key=lambda pair: pair[0].count("/"))
        return {key: value for pointer, name in pointers for key, value in self.keys_of(pointer, row[name]).items()}

    def keys_of(self, pointer: str, cell: Any) -> dict[str, Any]:
        """Keys that a cell of an axis (its pointer, or its name if it has none) stands for."""
        values = self.asked["axes"][pointer]
        if not pointer.startswith("/"):
            return shallow_first(values[cell])
        if isinstance(values, list) and isinstance(cell, str) and cell not in values:
            return {pointer: json.loads(cell)}  # neither number nor text
        return {pointer: cell}

    def result(self, number: int) -> Result:
        """The whole result of a point, by its id, of a sweep that kept its runs. Errors: UserError."""
        place = self.folder / RUNS / str(number)
        if not place.is_dir():
            raise UserError(f"{place}: is not there; sweep with keep_runs, and give the id of a point that ran")
        return open_result(place)

    def report(self) -> Path:
        """Writes report.html, one self-contained page, into the folder, and returns its name."""
        from etude.report.study.page import write_study_page

        return write_study_page(self)

    def summary(self) -> str:
        """One line: how many points, and how they ended."""
        counts = ", ".join(f"{self.count(status):,} {status}" for status in ("done", "infeasible", "failed"))
        return f"{len(self.points):,} points: {counts}; {len(self.front):,} on the front"

    def __str__(self) -> str:
        """What `etude sweep` prints: the front as a table, and the reasons of what is not in it."""
        from etude.explore.summary import study_text

        return study_text(self)

    def __repr__(self) -> str:
        return f"<Study {self.folder}: {self.summary()}>"

    def _repr_html_(self) -> str:
        shown = self.front.drop("config_hash", "program_version", "status", "reason")
        return table(shown.columns, shown.iter_rows(), caption=self.summary())


def _all(kind: Any, cells: list[Any]) -> bool:
    return all(isinstance(cell, kind) for cell in cells if cell is not None)


def open_study(folder: str | os.PathLike[str]) -> Study:
    """The study that is in a folder (or the database itself), finished or not. Errors: UserError."""
    file = Path(folder) if Path(folder).is_file() else Path(folder) / FILE
    if not file.is_file():
        raise UserError(f"{folder}: no {FILE} in it; give the folder of a sweep")
    try:
        about = read_about(file)
        return Study(file.parent, json.loads(about["sweep"]), about["program_version"], about, file.name)
    except (sqlite3.Error, KeyError, ValueError) as error:
        raise UserError(f"{file}: is no study ({error}); sweep again") from None


def sweep(
    spec: str | os.PathLike[str] | Mapping[str, Any],
    *,
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    resume: bool = False,
    dask: str | None = None,
    replace: bool = False,
    keep_runs: bool = False,
    progress: bool | None = None,
) -> Study:
    """Runs many configurations as SWEEP.json (or what would be in it) says, and returns the study.

    `out`: its folder, out/NAME of the file if None (out/sweep without one). `jobs`: points at a time on this machine,
    all cores if None. `dask`: the address of a scheduler whose workers run the points instead. `resume`: goes on with
    the study that is in the folder, and repeats no point. `replace`: one that is of another sweep or program makes room
    (else it is refused). `keep_runs`: what the run of each point leaves stays in runs/ID of the folder (which workers
    elsewhere must reach, too), and `Study.result` opens it. `progress`: False shows nothing. Whatever ends it, points
    that are finished are kept.

    Errors: UserError for what is wrong in the sweep, before anything runs or is written; MachineError if the disk is
    full or the scheduler gone.
    """
    asked = load_spec(spec)
    check_tiers(asked)
    search = search_of(asked)
    name = "sweep" if isinstance(spec, Mapping) else Path(spec).stem
    folder = Path(out) if out is not None else Path("out") / name
    about = {"sweep": asked.text, "program_version": program_version(), "search": _search_version(asked)}
    about |= {"base": _base_word(asked), "baseline": json.dumps(asked.base_values())}
    pool = pool_of(jobs, dask)
    try:
        if replace and not is_of(folder, about):
            clear(folder)
        store = Store(folder, asked, about, resume)
        try:
            with SweepWatch(folder.name, total_of(asked), asked.objectives, progress) as watch:
                Driver(asked, store, pool, watch, str(folder / RUNS) if keep_runs else None).lead(search)
        finally:
            store.close()
    finally:
        pool.close()
    study = Study(folder, json.loads(asked.text), about["program_version"], about)
    _export(study, asked)
    return study


def clear(folder: Path) -> None:
    """Removes what a sweep wrote into its folder."""
    for name in (RUNS, FRONT):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("report.html", "base.json", PARQUET, FILE):
        (folder / name).unlink(missing_ok=True)


def _base_word(spec: Spec) -> str:
    """The base as commands name it: as SWEEP.json does where they find it, else with its folder; "" of an object."""
    asked = json.loads(spec.text)["base"]
    if spec.base.file is None:
        return ""
    found = [Path(asked), *(folder / asked for folder in configuration_folders())]
    return asked if spec.base.file in [file.resolve() for file in found] else str(spec.base.file)


def _search_version(spec: Spec) -> str:
    """What the path of a search depends on, beside the program."""
    if spec.sampler in ("grid", "random"):
        return spec.sampler
    if spec.sampler == "thompson":
        import numpy

        return f"{spec.sampler} of numpy {numpy.__version__}"
    from importlib.metadata import version

    return f"{spec.sampler} of optuna {version('optuna')}"


def _export(study: Study, spec: Spec) -> None:
    """points.parquet, and the resolved configuration of each point on the front."""
    try:
        whole = study.folder / f".{PARQUET}"
        study.points.write_parquet(whole)
        whole.replace(study.folder / PARQUET)
        front = study.folder / FRONT
        front.mkdir(exist_ok=True)
        if isinstance(study.asked["base"], dict):
            (study.folder / "base.json").write_text(json.dumps(study.asked["base"], indent=1), encoding="utf-8")
        wanted = {}
        for row in study.front.iter_rows(named=True):
            sets = {**study.sets_of(row), "/run/tier": row["tier"]}
            wanted[f"{row['id']}.json"] = spec.base.set_all(sets).resolved_text
        for file in front.glob("*.json"):
            if file.name not in wanted:
                file.unlink()
        for name, text in wanted.items():
            (front / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise MachineError(f"{study.folder}: cannot be written ({error.strerror}); --resume writes it again") from None
