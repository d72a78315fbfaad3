# SPDX-License-Identifier: Apache-2.0
"""Named runs of etude-sim, several at a time, and the numbers of theirs that tables need."""

import hashlib
import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from etude.errors import UserError
from etude.program import find_program
from etude.result import load_result

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
    """One run: `config` is a root configuration, written below the folder of the runs."""

    name: str
    config: dict
    sets: Sequence[str] = field(default_factory=tuple)

    def key(self) -> str:
        """A hash of what is asked for, so that a changed point runs again."""
        text = json.dumps([self.config, list(self.sets)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def has_result(status: int, out: Path) -> bool:
    """Whether a run of this exit status left a result in `out`: also where its numeric check failed (1)."""
    if status != 1:
        return status == 0
    try:
        check = load_result(out)["check"]
    except UserError:
        return False
    return check is not None and not check["passed"]  # else 1 is a defect, and the result an older one


def _run(point: Point, folder: Path, resume: bool) -> dict:
    out = folder / point.name
    stamp = out / "point.txt"
    result = out / "result.json"
    if resume and (out / "manifest.json").exists() and stamp.exists() and stamp.read_text() == point.key():
        return json.loads(result.read_text())
    out.mkdir(parents=True, exist_ok=True)
    config = out / "point.json"
    config.write_text(json.dumps(point.config, indent=1))
    command = [str(find_program()), "run", str(config), "--quiet", "--out", str(out)]
    for assignment in point.sets:
        command += ["--set", assignment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:  # what is asked for does not fit or does not exist: the table says so
        return {"error": done.stderr.strip().removeprefix("etude-sim: ")}
    if not has_result(done.returncode, out):
        raise UserError(f"{point.name}: {done.stderr.strip()}")
    stamp.write_text(point.key())
    return json.loads(result.read_text())


def run_points(points: Sequence[Point], folder: Path, jobs: int, resume: bool) -> dict[str, dict]:
    """Results by name of point. `resume`: a point that is there already, unchanged, is not run.

    Of a point that etude-sim refuses, the result holds nothing but its `error`.
    """

    def one(point: Point) -> dict:
        result = _run(point, folder, resume)
        if "error" in result:
            print(f"{point.name}: {result['error']}", flush=True)
            return result
        speed = result["step"]["flop_per_cycle"]
        print(f"{point.name}: {result['step']['cycles']:,} cycles, {speed:.1f} FLOP/cycle", flush=True)
        return result

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return dict(zip((point.name for point in points), pool.map(one, points), strict=True))


def kept(result: dict) -> dict:
    """What is committed of a result: no layers, nothing of this machine."""
    return {key: result[key] for key in KEPT if key in result}
