# SPDX-License-Identifier: Apache-2.0
"""What studies ask of the engine of sweeps: points whose whole results they read."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etude.errors import Error, UserError
from etude.explore.study import RUNS, Study, clear, sweep
from etude.result import load_result

ROOT = Path(__file__).resolve().parents[3]
OBJECTIVES = {"step.cycles": "min", "step.energy_j": "min"}

# Of a result, what is kept beside a table: everything that a reader may want to see behind it.
KEPT = (
    "error",
    "config_hash",
    "title",
    "tier",
    "platform",
    "step",
    "energy",
    "memory",
    "traffic",
    "bounds",
    "units",
    "check",
    "loss",
    "area_mm2",
    "area",
    "warnings",
)


@dataclass(frozen=True)
class Point:
    """A run by name: `config` is a root configuration, `sets` changes keys of it ("/json/pointer=VALUE")."""

    name: str
    config: dict
    sets: Sequence[str] = field(default_factory=tuple)

    def keys(self) -> dict[str, Any]:
        """All of it by JSON pointer."""
        return {**{f"/{name}": value for name, value in self.config.items()}, **keys_of(self.sets)}


def keys_of(sets: Sequence[str]) -> dict[str, Any]:
    """`--set` assignments by JSON pointer; a value that is no JSON is a text."""
    found: dict[str, Any] = {}
    for one in sets:
        pointer, _, value = one.partition("=")
        try:
            found[pointer] = json.loads(value)
        except ValueError:
            found[pointer] = value
    return found


def run_study(asked: Mapping[str, Any], folder: Path, jobs: int, resume: bool) -> Study:
    """The sweep with its runs kept. `resume`: goes on with the one in the folder if it is this very sweep of this very
    program, else it begins anew. Errors: UserError."""
    if not resume:
        clear(folder)
    return sweep(asked, out=folder, jobs=jobs, resume=True, replace=True, keep_runs=True)


def results_of(study: Study) -> Iterator[tuple[dict[str, Any], dict]]:
    """Each point's values by axis, and its result.json with the `folder` of its run; of a point that is refused nothing
    but its `error`. Errors: UserError for a point that failed, unless its numeric check is all that did."""
    for row in study.points.iter_rows(named=True):
        values = {axis: row[axis] for axis in study.axes}
        if row["status"] == "infeasible":
            yield values, {"error": row["reason"]}
            continue
        folder = study.folder / RUNS / str(row["id"])
        result = load_result(folder) if folder.is_dir() else {}
        check = result.get("check")
        if row["status"] == "failed" and not (check and not check["passed"]):
            raise UserError(f"point {row['id']} of {study.folder}: {row['reason']}")
        yield values, {**result, "folder": str(folder)}


def run_points(points: Sequence[Point], folder: Path, jobs: int, resume: bool, tier: str = "cycle") -> dict[str, dict]:
    """Results by name of point, of a sweep over these alone, in a folder below `folder` that is named by what is asked:
    what is refused holds nothing but its `error`."""
    if not points:
        return {}
    tiers = {"confirm": "cycle"} if tier == "cycle" else {"screen": tier, "confirm": None}
    asked = {
        "base": {},
        "axes": {"point": {point.name: point.keys() for point in points}},
        "objectives": {"step.cycles": "min"},
        "tiers": tiers,
    }
    name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
    return {row["point"]: result for row, result in results_of(run_study(asked, folder / name, jobs, resume))}


def kept(result: dict) -> dict:
    """What is committed of a result: no layers, nothing of this machine."""
    return {key: result[key] for key in KEPT if key in result}


def options_of(name: str, doc: str | None, results: str) -> argparse.ArgumentParser:
    """The options that all studies have."""
    parser = argparse.ArgumentParser(prog=name, description=(doc or "").split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--resume", action="store_true", help="keep runs of this very program that are there already")
    parser.add_argument("--runs", type=Path, default=ROOT / "out" / name, help="folder of the sweeps")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / results)
    return parser


def command(main: Callable[[], None]) -> None:
    """Runs a study as a program: errors are a line and an exit status, as those of `etude`."""
    try:
        main()
    except Error as error:
        sys.stderr.write(f"{Path(sys.argv[0]).stem}: {error}\n")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
