# SPDX-License-Identifier: Apache-2.0
"""Runs: a training step, cycle by cycle in a process of its own, or as the model tier predicts it in this one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from etude.api.child import Ended, error_of, watch
from etude.api.config import Config, ConfigLike, load
from etude.api.model import session
from etude.api.progress import Watch
from etude.api.result import Result, open_result, temporary_folder
from etude.errors import CheckError, ConfigError, DivergedError


def run(
    config: ConfigLike,
    *,
    out: str | os.PathLike[str] | None = None,
    tier: str | None = None,
    engine: str | None = None,
    trace: bool = False,
    verify: bool = True,
    sets: Mapping[str, object] | None = None,
    progress: bool | None = None,
) -> Result:
    """Runs a configuration and returns its result, the same as `etude-sim run` leaves.

    `out`: folder of the results; without it they are in a temporary one that goes with the Result. `tier`: cycle
    (simulated, in a child) or model (predicted, in this process). `engine`: fast or lockstep, with equal results.
    `trace`: trace.pftrace, too. `verify`: False leaves out the numeric check. `sets`: keys to change. `progress`:
    False never shows a bar, True prints lines where there is no terminal. Ctrl-C ends the run: its folder then holds
    what it held before.

    Errors: ConfigError for what the user gave, before anything is written; CheckError and DivergedError with a whole
    result; ProgramError if the simulated program fails; MachineError.
    """
    wanted: dict[str, object] = dict(sets or {})
    wanted |= {"/run/tier": tier} if tier is not None else {}
    wanted |= {"/run/engine": engine} if engine is not None else {}
    wanted |= {"/run/trace": True} if trace else {}
    wanted |= {"/run/verify": False} if not verify else {}
    asked = load(config)
    if wanted:
        asked = asked.set_all(wanted)
        asked.validate()
    keep = None
    if out is None:
        keep = temporary_folder()
        out = keep.name
    folder = Path(out)
    before = _written(folder)
    if asked.get("/run/tier") == "model":
        with asked.on_disk() as file:
            session().run(file, list(asked.sets), str(folder))
        return replace(open_result(folder), keep=keep)
    with asked.on_disk() as file, Watch(_title(asked), progress) as shown:
        ended = watch(_arguments(file, asked, folder), shown.update)
        if ended.status == 2:
            raise ConfigError(ended.line)
    if ended.status in (0, 1, 3) and _written(folder) not in (None, before):
        result = replace(open_result(folder), keep=keep)
        return _judged(result, ended)
    raise error_of(ended)


def _arguments(file: str, config: Config, folder: Path) -> list[str]:
    arguments = ["run", file, "--quiet", "--out", str(folder)]
    for one in config.sets:
        arguments += ["--set", one]
    return arguments


def _judged(result: Result, ended: Ended) -> Result:
    if ended.status == 1:
        raise CheckError(ended.line, result)
    if ended.status == 3:
        raise DivergedError(ended.line, result)
    return result


def _title(config: Config) -> str:
    return config.file.stem if config.file is not None else "run"


def _written(folder: Path) -> tuple[int, int] | None:
    """Tells one whole result from another; None: there is none."""
    try:
        status = (folder / "manifest.json").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
