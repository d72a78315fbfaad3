# SPDX-License-Identifier: Apache-2.0
"""Runs of the model tier, which are in Python's own process: as the command leaves them, and as a process ends or
forks in the midst of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import etude
import pytest
from etude import native
from etude.api.child import measure
from etude.errors import ConfigError
from etude.program import find_program

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [16, 12, 10], "batch": 4},
    "train": {"method": "full", "steps": 1, "seed": 1},
}


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    return tmp_path / "model.sqlite"


def base(folder: Path) -> Path:
    file = folder / "tiny.json"
    file.write_text(json.dumps(TINY))
    return file


def test_a_run_is_that_of_the_command(tmp_path: Path) -> None:
    file, sets = base(tmp_path), {"/platform/cluster/tcdm/banks": 32, "/train/steps": 2}
    first = etude.run(file, tier="model", sets=sets, out=tmp_path / "first", progress=False)
    assert first.raw["simulator"]["measured_shapes"] > 0
    ours = etude.run(file, tier="model", sets=sets, out=tmp_path / "ours", progress=False)
    arguments = [f"--set={key}={value}" for key, value in {**sets, "/run/tier": '"model"'}.items()]
    subprocess.run(
        [str(find_program()), "run", str(file), "--quiet", "--out", str(tmp_path / "theirs"), *arguments], check=True
    )
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == sorted(
        p.name for p in (tmp_path / "theirs").iterdir()
    )
    of_clock = json.dumps(ours.raw["simulator"]["wall_s"])
    of_theirs = json.loads((tmp_path / "theirs/result.json").read_text())["simulator"]["wall_s"]
    text = (tmp_path / "theirs/result.json").read_text()
    assert ours.text == text.replace(f'"wall_s": {json.dumps(of_theirs)}', f'"wall_s": {of_clock}')
    name = "config.resolved.json"
    assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes()


def test_what_is_wrong_leaves_nothing(tmp_path: Path) -> None:
    file = base(tmp_path)
    for sets, place in (
        ({"/schedule/page_to": "flash"}, "/schedule/page_to"),
        ({"/platform/l2/size": 4096}, "/platform/l2/size"),
    ):
        with pytest.raises(ConfigError, match=place) as ours:
            etude.run(file, tier="model", sets=sets, out=tmp_path / "out", progress=False)
        assert not (tmp_path / "out").exists()
        arguments = [f"--set={key}={value}" for key, value in {**sets, "/run/tier": "model"}.items()]
        done = subprocess.run(
            [str(find_program()), "run", str(file), "--out", str(tmp_path / "out"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and done.stderr.strip() == f"etude-sim: {ours.value}"


def test_a_process_that_ends_waits_for_work_under_way(tmp_path: Path) -> None:
    """Else what the work uses is taken down below it: it ended in SIGABRT or SIGSEGV now and then."""
    script = f"""
import threading, time
from pathlib import Path
from etude import native
from etude.api.child import measure
began = threading.Event()
def slow(message):
    began.set()
    time.sleep(0.3)
    account = measure(message)
    Path({str(tmp_path / "over")!r}).touch()
    return account
model = native.core().Model(slow)
work = lambda: model.numbers({str(base(tmp_path))!r}, ['/run/tier="model"'])
threading.Thread(target=work, daemon=True).start()
began.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "over").exists()


def test_a_forked_process_has_a_model_of_its_own(tmp_path: Path, database: Path) -> None:
    model, file = native.core().Model(measure), str(base(tmp_path))
    sets = ['/run/tier="model"']
    ours = json.loads(model.numbers(file, sets))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            again = json.loads(model.numbers(file, [*sets, "/platform/cluster/tcdm/banks=32"]))
            status = 0 if again["simulator"]["measured_shapes"] > 0 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    again = json.loads(model.numbers(file, [*sets, "/platform/cluster/tcdm/banks=32"]))
    assert again["simulator"]["measured_shapes"] == 0  # the child's are in the database
    assert json.loads(model.numbers(file, sets))["step"] == ours["step"]
