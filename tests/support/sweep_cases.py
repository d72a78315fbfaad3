# SPDX-License-Identifier: Apache-2.0
"""A sweep of a few quick points, and studies that are ended on their way."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import etude
import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("ETUDE_SEED", "13"))

BASE = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [16, 12, 8], "batch": 4},
}
SWEEP = {
    "base": BASE,
    "axes": {
        "/platform/cluster/redmule/height": [2, 4, 8],
        "/platform/cluster/redmule/width": {"from": 4, "to": 16, "factor": 2},
        "/workload/batch": [2, 4],
    },
    "constraints": ["height * width <= 64"],
    "objectives": {"step.cycles": "min", "step.energy_j": "min", "area_mm2": "min"},
}


def changed(**members) -> dict:
    """SWEEP with other members."""
    return {**SWEEP, **members}


def dump(folder: Path) -> list[str]:
    """The whole database as text."""
    with sqlite3.connect(folder / "study.sqlite") as connection:
        return list(connection.iterdump())


def command(file: Path, *arguments) -> list[str]:
    return [sys.executable, "-m", "etude", "sweep", str(file), *map(str, arguments)]


def environment() -> dict:
    return {**os.environ, "PYTHONPATH": str(ROOT / "python")}


def rows_of(folder: Path) -> list:
    """Ids that are in a study that somebody else writes."""
    if not (folder / "study.sqlite").exists():
        return []
    connection = sqlite3.connect(folder / "study.sqlite", timeout=5)
    try:
        return connection.execute("SELECT id FROM points").fetchall()
    except sqlite3.OperationalError:  # not made yet
        return []
    finally:
        connection.close()


def killed_and_resumed(asked: dict, tmp_path: Path, jobs: int, most: int = 5) -> etude.Study:
    """A study whose driver was killed, each time after one to `most` points, and which then went on."""
    if jobs > 1:
        pytest.importorskip("distributed")
    file, out = tmp_path / "sweep.json", tmp_path / "killed"
    file.write_text(json.dumps(asked))
    rng = random.Random(SEED + jobs)
    kills = 0
    for _ in range(int(os.environ.get("ETUDE_KILLS", "1"))):
        child = subprocess.Popen(
            command(file, "--out", out, "--jobs", jobs, "--resume"),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        before = len(rows_of(out))
        wanted = before + rng.randint(1, most)
        while child.poll() is None and len(rows_of(out)) < wanted:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.03)
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            kills += 1
        assert child.stderr is not None
        said = child.stderr.read()
        if child.wait() >= 0:
            assert child.returncode == 0, said
            break
        assert len(rows_of(out)) >= wanted
    assert kills > 0
    return etude.sweep(file, out=out, jobs=1, resume=True, progress=False)
