# SPDX-License-Identifier: Apache-2.0
"""study.sqlite: a row for each point that is finished, written as soon as it is."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from etude.errors import MachineError, UserError
from etude.explore.point import Outcome, canonical
from etude.explore.spec import COLUMNS, Spec

FILE = "study.sqlite"
SAME = {"sweep": "another sweep", "program_version": "version", "search": "search"}  # what rows must agree in
NO_PLACE = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
Returned = TypeVar("Returned")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Store:
    """A study's rows while it is written; one process at a time has it."""

    def __init__(self, folder: Path, spec: Spec, about: dict[str, str], resume: bool) -> None:
        """Opens or makes the study. `about`: what rows must agree in. Errors: UserError where another is there."""
        self.file = folder / FILE
        self.axes = [axis.name for axis in spec.axes]
        self.objectives = list(spec.objectives)
        self.version = about["program_version"]
        self.known: dict[int, tuple[list[Any], Outcome]] = {}
        there = self.file.exists()
        if there:
            self._check(about, resume)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in NO_PLACE:
                raise MachineError(f"{folder}: cannot be written ({error.strerror})") from None
            raise UserError(f"{folder}: cannot be written ({error.strerror}); give another --out") from None
        self.lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self.lock)
            raise UserError(f"{folder}: another sweep is at work in it; give another --out") from None
        self.connection = self._guarded(lambda: sqlite3.connect(self.file, isolation_level=None))
        self._guarded(lambda: self._make(about))
        self._read()

    def close(self) -> None:
        """Gives the study to others."""
        self.connection.close()
        os.close(self.lock)

    def add(self, rows: Iterable[tuple[list[Any], Outcome]]) -> None:
        """Writes finished points, all or none. Errors: MachineError if the disk is full."""
        rows = list(rows)
        marks = ", ".join("?" * (len(COLUMNS) + len(self.axes) + len(self.objectives)))
        kept = [(outcome.id, outcome.breakdown) for _, outcome in rows if outcome.breakdown is not None]

        def write() -> None:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(f"INSERT INTO points VALUES ({marks})", [self._row(*row) for row in rows])
            self.connection.executemany("INSERT INTO breakdowns VALUES (?, ?)", kept)
            self.connection.execute("COMMIT")

        self._guarded(write)
        self.known |= {outcome.id: (values, replace(outcome, breakdown=None)) for values, outcome in rows}

    def _row(self, values: list[Any], outcome: Outcome) -> list[Any]:
        fixed = [outcome.id, outcome.config_hash, self.version, outcome.tier, outcome.status, outcome.reason]
        return [*fixed, *map(canonical, values), *outcome.values]

    def _guarded(self, action: Callable[[], Returned]) -> Returned:
        try:
            return action()
        except (sqlite3.Error, OSError) as error:
            text = error.strerror if isinstance(error, OSError) else str(error)
            what = f"{self.file}: cannot be written ({text})"
            raise MachineError(f"{what}; finished points are kept, and --resume goes on") from None

    def _check(self, about: dict[str, str], resume: bool) -> None:
        """Refuses a study of another sweep or version, before it is touched."""
        try:
            found = read_about(self.file)
        except sqlite3.Error as error:
            raise UserError(f"{self.file}: is no study ({error}); give another --out") from None
        if not found:
            return  # ended before it began
        for key, name in SAME.items():
            if found.get(key) != about[key]:
                told = "" if key == "sweep" else f" {found.get(key)}, and this is {about[key]}"
                raise UserError(f"{self.file}: is of {name}{told}; give another --out")
        if not resume:
            raise UserError(f"{self.file}: is there already; give --resume to go on, or another --out")

    def _make(self, about: dict[str, str]) -> None:
        types = ["id INTEGER PRIMARY KEY", "config_hash TEXT", "program_version TEXT NOT NULL", "tier TEXT NOT NULL"]
        types += ["status TEXT NOT NULL", "reason TEXT"]
        columns = ", ".join([*types, *map(_quoted, [*self.axes, *self.objectives])])
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("CREATE TABLE IF NOT EXISTS study (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS points ({columns})")
        self.connection.execute("CREATE TABLE IF NOT EXISTS breakdowns (id INTEGER PRIMARY KEY, kept BLOB NOT NULL)")
        self.connection.executemany("INSERT OR IGNORE INTO study VALUES (?, ?)", sorted(about.items()))
        self.connection.execute("COMMIT")

    def _read(self) -> None:
        end = len(COLUMNS) + len(self.axes)
        for row in self._guarded(lambda: self.connection.execute("SELECT * FROM points ORDER BY id").fetchall()):
            id_, hash_, _, tier, status, reason = row[: len(COLUMNS)]
            outcome = Outcome(id_, hash_, tier, status, reason, tuple(row[end:]))
            self.known[id_] = (list(row[len(COLUMNS) : end]), outcome)


def read_about(file: Path) -> dict[str, str]:
    """What a study says of itself: sweep (SWEEP.json), program_version, search; empty if it never began."""
    connection = sqlite3.connect(f"file:{file}?mode=rw", uri=True)
    try:
        if not connection.execute("SELECT name FROM sqlite_master WHERE name = 'study'").fetchall():
            return {}
        return dict(connection.execute("SELECT key, value FROM study").fetchall())
    finally:
        connection.close()


def is_of(folder: Path, about: dict[str, str]) -> bool:
    """Whether the study in a folder, if there is one, is of this sweep, program and search."""
    if not (folder / FILE).exists():
        return True
    try:
        found = read_about(folder / FILE)
    except sqlite3.Error:
        return False
    return all(found.get(key) == about[key] for key in SAME)


def read_points(file: Path) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """The columns and rows of the table `points`, by id."""
    connection = sqlite3.connect(f"file:{file}?mode=rw", uri=True)
    try:
        found = connection.execute("SELECT * FROM points ORDER BY id")
        return [column[0] for column in found.description], found.fetchall()
    finally:
        connection.close()


def same(values: Sequence[Any], stored: Sequence[Any]) -> bool:
    """Whether a row is of these values of the axes."""
    return json.dumps([canonical(value) for value in values]) == json.dumps(list(stored))
