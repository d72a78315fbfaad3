# SPDX-License-Identifier: Apache-2.0
"""One point of a sweep: run by whatever process has the task, which keeps nothing of it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude import native
from etude.api.child import CRASHES, ENDED_BY_SOMEBODY, TRIES, Ended, Measures, error_of, stop
from etude.api.config import assignments, version
from etude.errors import ConfigError, Error, InternalError, MachineError, ProgramError, UserError
from etude.explore.breakdown import breakdown_of
from etude.explore.fields import value_at
from etude.program import find_program
from etude.result import load_result

DATABASE = "the database of the model tier"  # where it is of no use, no point is to blame (run/plan/lone_database.cpp)

_children: set[subprocess.Popen[bytes]] = set()
_children_lock = threading.Lock()
_measures = Measures()  # for the model tier


@dataclass(frozen=True)
class Task:
    """What a worker is told: everything that the result depends on."""

    id: int
    sets: dict[str, Any]
    base: str | None  # file
    base_text: str | None  # what is in it, or in a configuration that was given in place
    folder: str  # where names of files are looked for
    tier: str
    version: str
    objectives: tuple[str, ...]
    keep: str | None = None  # where the folders of runs stay, by id


@dataclass(frozen=True)
class Outcome:
    """A row of the table. `values`: of the objectives; `reason`: one line, unless it is done."""

    id: int
    config_hash: str | None
    tier: str
    status: str  # done, infeasible or failed
    reason: str | None
    values: tuple[float | int | None, ...]
    breakdown: bytes | None = None  # what is kept of the result (breakdown.py)


def program_version() -> str:
    """The version with a digest of etude-sim, the compiled module and the kernels: what a result depends on, beside
    its configuration."""
    program = find_program()
    files = [program, Path(str(native.core().__file__)), *sorted((program.parent / "kernels").rglob("*.elf"))]
    return _version(tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@functools.lru_cache(maxsize=4)
def _version(files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _, _ in files:
        digest.update(hashlib.sha256(Path(name).read_bytes()).digest())
    return f"{version()}+{digest.hexdigest()[:12]}"


def evaluate(task: Task) -> Outcome:
    """Runs a point. Errors: MachineError for what is of this machine and not of the point (the disk is full),
    UserError where the database of the model tier is of no use."""
    if program_version() != task.version:
        raise MachineError(f"a worker has etude {program_version()}, and the sweep {task.version}; install the same")
    try:
        if task.base is not None and Path(task.base).read_text(encoding="utf-8") != task.base_text:
            raise MachineError(f"{task.base}: is not the file that the sweep began with; begin another one")
        with tempfile.TemporaryDirectory(prefix="etude-point-", ignore_cleanup_errors=True) as scratch:
            return _evaluate(task, Path(scratch))
    except OSError as error:
        raise MachineError(f"{error.filename or 'a worker'}: {error.strerror or error}") from None


@functools.lru_cache(maxsize=1)
def _model(database: str | None, version: str) -> Any:
    """The model tier of this process: what it has worked out serves later points, too."""
    return native.core().Model(_measures)


def stop_all() -> None:
    """Ends the runs of this process."""
    native.core().end_models()
    _measures.close()
    with _children_lock:
        children = list(_children)
    for child in children:
        stop(child)


def _evaluate(task: Task, scratch: Path) -> Outcome:
    base = task.base
    if base is None:
        file = scratch / "config.json"
        file.write_text(task.base_text or "{}", encoding="utf-8")
        base = str(file)
    sets = assignments({**task.sets, "/run/tier": task.tier})
    if task.tier == "model" and os.getcwd() == task.folder and task.keep is None:
        return _predict(task, base, sets, scratch)
    arguments = ["run", base, "--quiet", "--out", str(scratch / "run")]
    for one in sets:
        arguments += ["--set", one]
    for _ in range(TRIES):
        ended = _run(arguments, task.folder)
        if ended.status >= 0 or -ended.status in CRASHES:
            break
    line = _bare(ended.line, base, scratch)
    if task.keep is not None and (scratch / "run/manifest.json").exists():
        _keep(scratch / "run", Path(task.folder, task.keep) / str(task.id))

    def refused(status: str, reason: str) -> Outcome:
        return _without_values(task, _hash(task.folder, base, sets), status, reason)

    if ended.status == 2:
        if DATABASE in line:
            raise UserError(line)
        return refused("infeasible", line)
    if ended.status != 0:
        error = error_of(ended)
        if not isinstance(error, ProgramError | InternalError) and ended.status > 0 and not _checked(scratch / "run"):
            raise MachineError(line)
        if -ended.status in ENDED_BY_SOMEBODY:
            raise MachineError(str(error))
        return refused("failed", line if ended.status > 0 else str(error))
    return _judged(task, load_result(scratch / "run"))


def _keep(run: Path, place: Path) -> None:
    """Copies the folder of a run to where it stays, as a whole or not at all."""
    partial = place.with_name(f".{place.name}")
    for old in (partial, place):
        shutil.rmtree(old, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(run, partial)
    partial.replace(place)


def _predict(task: Task, base: str, sets: list[str], scratch: Path) -> Outcome:
    """The same in the model tier, in this process. What is raised that no one expects is a defect that this point met:
    a row of its own, and later points begin with a model that was not in the middle of it."""
    model = _model(os.environ.get("ETUDE_MODEL_DATABASE"), task.version)
    try:
        return _judged(task, json.loads(model.numbers(base, sets)))
    except (MachineError, OSError):
        raise
    except Exception as error:
        if isinstance(error, ConfigError) and DATABASE in str(error):
            raise
        status = "infeasible" if isinstance(error, ConfigError) else "failed"
        reason = _bare(str(error), base, scratch)
        if not isinstance(error, Error):
            reason = " ".join(f"internal error: {type(error).__name__}: {reason}".split())
            _model.cache_clear()
        return _without_values(task, _hash(task.folder, base, sets), status, reason)


def _bare(line: str, base: str, scratch: Path) -> str:
    """A reason without names of files that go."""
    return line.replace(f"{base}: ", "").replace(f"{scratch}/", "").replace(str(scratch), "")


def _without_values(task: Task, hash_: str | None, status: str, reason: str) -> Outcome:
    return Outcome(task.id, hash_, task.tier, status, reason, (None,) * len(task.objectives))


def _judged(task: Task, result: dict[str, Any]) -> Outcome:
    """The row of a point that has a whole result."""
    values = [value_at(result, name) for name in task.objectives]
    missing = [name for name, value in zip(task.objectives, values, strict=True) if value is None]
    if missing:
        return _without_values(task, result["config_hash"], "failed", f"the result has no {missing[0]}")
    kept = breakdown_of(result) if task.tier == "cycle" else None  # of screenings there are too many
    return Outcome(task.id, result["config_hash"], task.tier, "done", None, tuple(values), kept)


def _checked(folder: Path) -> bool:
    """Whether a run ended with a whole result whose numeric check failed."""
    try:
        return not load_result(folder)["check"]["passed"]
    except (UserError, KeyError, TypeError):
        return False


def _run(arguments: Sequence[str], folder: str) -> Ended:
    with open(os.devnull, "wb") as nobody:  # a run that tells of its progress ends with its parent
        command = [str(find_program()), *arguments, "--progress-fd", str(nobody.fileno())]
        with _children_lock:
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[nobody.fileno()],
            )
            _children.add(child)
    try:
        assert child.stderr is not None
        said = child.stderr.read().decode(errors="replace")
        status = child.wait()
    finally:
        stop(child)
        with _children_lock:
            _children.discard(child)
    if status == -signal.SIGINT:
        raise KeyboardInterrupt
    return Ended(status, said)


def _hash(folder: str, base: str, sets: list[str]) -> str | None:
    """That of the configuration, None where it is refused."""
    if os.getcwd() == folder:
        try:
            return str(native.core().resolve(base, sets)[1])
        except UserError:
            return None
    command = [str(find_program()), "config", "resolve", base]
    for one in sets:
        command += ["--set", one]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return hashlib.sha256(done.stdout).hexdigest() if done.returncode == 0 else None


def canonical(value: Any) -> Any:
    """A value of an axis as a cell: numbers and texts as they are, the rest as JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return json.dumps(value, sort_keys=True)
    return value
