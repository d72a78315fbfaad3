# SPDX-License-Identifier: Apache-2.0
"""What all blocks share: the programs, the reference files, statistics, the record of a block."""

import csv
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build"))
SHARED = Path(os.environ.get("ETUDE_SHARED_DIR", ROOT.parent / "shared"))
RECORDS = BUILD / "data"  # the records that the project carries (tests/data), unpacked by the build
WORKERS = int(os.environ.get("ETUDE_JOBS", "0")) or max(1, (os.cpu_count() or 2) - 1)


class NotAvailable(Exception):
    """A block cannot be compared: its data or its program is not there."""


def reference(name: str) -> Path:
    """A file of the reference folder, else the same record as the project carries it."""
    for root in (SHARED, RECORDS):
        path = root / "reference" / name
        if path.exists():
            return path
    raise NotAvailable(f"shared/reference/{name} is absent (set ETUDE_SHARED_DIR)")


def read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def sim(*arguments, status: tuple[int, ...] = (0,)) -> str:
    """Standard output of etude-sim; any other exit status than `status` is an error."""
    done = subprocess.run([BUILD / "etude-sim", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in status:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NotAvailable(f"etude-sim {arguments[0]}: {lines[0]}")
    return done.stdout


def _suite(name: str) -> Path:
    program = BUILD / f"{name}_tests"
    if not program.exists():
        raise NotAvailable(f"{name}_tests is not built")
    return program


def test_points(suite: str, tags: str, name: str) -> list[dict[str, str]]:
    """Points that the tests `tags` of a suite write to `name`.csv when ETUDE_VALIDATION_DIR is set."""
    program = _suite(suite)
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, ETUDE_VALIDATION_DIR=folder, ETUDE_SHARED_DIR=str(SHARED))
        subprocess.run([program, tags], cwd=program.parent, env=environment, capture_output=True, text=True)
        path = Path(folder) / f"{name}.csv"
        if not path.exists():
            raise NotAvailable(f"the test {tags} of {suite}_tests gives no points")
        return read_csv(path)


def test_cases(suite: str, tags: str) -> list[tuple[str, int, int]]:
    """(name, checks passed, checks failed) of each test case with `tags`."""
    program = _suite(suite)
    listed = subprocess.run([program, tags, "--list-test-names-only"], capture_output=True, text=True)
    out = []
    for name in filter(None, (line.strip() for line in listed.stdout.splitlines())):
        escaped = re.sub(r"([,\[\]\\])", r"\\\1", name)
        done = subprocess.run([program, escaped, "-r", "xml"], cwd=program.parent, capture_output=True, text=True)
        totals = re.findall(r'<OverallResults successes="(\d+)" failures="(\d+)"', done.stdout)
        out.append((name, *map(int, totals[-1])) if totals else (name, 0, 1))
    return out


def in_parallel(function: Callable, items: Iterable) -> list:
    """function(item) of each item, in order, several at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(function, items))


@dataclass
class Point:
    """One compared figure: `key` says where it was taken, `group` in which table row it counts."""

    key: dict[str, object]
    group: str
    rtl: float
    model: float
    error: float | None = None  # relative, unless the block says otherwise
    counted: bool = True  # False: in its group's row, not in the block's totals
    weight: int = 1  # figures behind this point
    equal: int | None = None  # how many of them are equal

    def __post_init__(self):
        if self.error is None:
            self.error = (self.model - self.rtl) / self.rtl if self.rtl else float(self.model != self.rtl)
        if self.equal is None:
            self.equal = self.weight if self.error == 0 else 0


@dataclass
class Assumption:
    """Something a user should know that was not measured. `counters` names what it acts on, in result.json."""

    name: str
    text: str
    influence: str  # a sentence; how much, where known
    applies_to: str = ""  # a field of result.json whose share of the total bounds the influence


@dataclass
class Block:
    """One row of the validation page, with all that stands behind it."""

    name: str
    title: str
    truth: str  # RTL and commit, or the closed form and its source
    source: str  # reference text and data
    measure: str  # what is compared, and what an error is
    required: str
    command: str
    points: list[Point] = field(default_factory=list)
    met: Callable[["Block"], bool] = lambda block: block.max_error == 0
    not_modelled: list[str] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    charts: list[tuple[str, str]] = field(default_factory=list)  # (file name, SVG text)
    status: str = ""
    limit: float | None = None  # of each single point, where one is required

    def counted(self) -> list[Point]:
        return [point for point in self.points if point.counted]

    @property
    def mean_error(self) -> float:
        return mean_error(self.counted())

    @property
    def max_error(self) -> float:
        return max((abs(point.error) for point in self.counted()), default=0.0)

    def group(self, name: str) -> dict:
        return statistics(name, [point for point in self.points if point.group == name])

    def groups(self) -> list[dict]:
        names = list(dict.fromkeys(point.group for point in self.points))
        return [self.group(name) for name in names]

    def record(self) -> dict:
        """What is kept in <name>.json; floats rounded so that the bytes do not depend on summation."""
        if not self.status:
            self.status = "met" if self.met(self) else "missed"
        beyond = sum(abs(point.error) > self.limit for point in self.counted()) if self.limit is not None else 0
        own = self.counted()
        return {
            "block": self.name,
            "title": self.title,
            "status": self.status,
            "beyond_limit": beyond,
            "truth": self.truth,
            "source": self.source,
            "measure": self.measure,
            "required": self.required,
            "points": sum(point.weight for point in own),
            "equal": sum(point.equal for point in own),
            "mean_error": rounded(self.mean_error) if own else None,
            "max_error": rounded(self.max_error) if own else None,
            "groups": self.groups(),
            "not_modelled": self.not_modelled,
            "assumptions": [vars(assumption) for assumption in self.assumptions],
            "notes": self.notes,
            "charts": [name for name, _ in self.charts],
            "command": self.command,
        }


def statistics(name: str, points: list[Point]) -> dict:
    worst = max(points, key=lambda point: abs(point.error), default=None)
    return {
        "group": name,
        "points": sum(point.weight for point in points),
        "equal": sum(point.equal for point in points),
        "mean_error": rounded(mean_error(points)),
        "max_error": rounded(max((abs(point.error) for point in points), default=0.0)),
        "worst": " ".join(str(value) for value in worst.key.values()) if worst and worst.error else "",
    }


def mean_error(points: list[Point]) -> float:
    """Mean of the errors' sizes, each as often as there are figures behind it."""
    return sum(abs(point.error) * point.weight for point in points) / max(1, sum(point.weight for point in points))


def shares(points: list[Point]) -> list[Point]:
    """Points that give how many figures there are and how many of them are equal."""
    for point in points:
        point.weight, point.equal = int(point.rtl), int(point.model)
    return points


def rounded(value: float) -> float:
    return float(f"{value:.6g}")


def not_modelled(*pages: str) -> list[str]:
    """The section of that name of the models' own pages, so that the two cannot disagree."""
    out = []
    for page in pages:
        path = ROOT / "docs" / "models" / f"{page}.md"
        text = path.read_text() if path.exists() else ""
        found = re.search(r"^## Not modelled\n(.*?)(?=^## |\Z)", text, re.S | re.M)
        if found:
            out.append(" ".join(found.group(1).split()))
    return out


def write_points(path: Path, points: list[Point]) -> None:
    names = list(dict.fromkeys(name for point in points for name in point.key))
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "group", "reference", "model", "error"])
        for point in points:
            cells = [point.key.get(name, "") for name in names]
            writer.writerow([*cells, point.group, number(point.rtl), number(point.model), number(point.error)])


def number(value: float) -> str:
    return f"{value:.6g}" if abs(value - round(value)) > 1e-12 else str(int(round(value)))


def dump(path: Path, data) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
