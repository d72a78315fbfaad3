# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and worse while Python waits: children end, and results are whole or absent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [256, 256, 256, 64], "batch": 32},
    "train": {"steps": 2000},
}


def start(code: str, tmp_path: Path) -> subprocess.Popen:
    """A Python of its own session, which says `begun` on stdout."""
    (tmp_path / "long.json").write_text(json.dumps(LONG))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return subprocess.Popen(
        [sys.executable, "-c", f"import etude, sys\nprint('begun', flush=True)\n{code}"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what, seconds: float = 30.0):
    """Looks until `what` says something that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


@pytest.mark.parametrize("group", [False, True], ids=["kernel's", "terminal's"])
def test_ctrl_c_ends_the_run_and_leaves_nothing(group, tmp_path):
    """A notebook's kernel gets the signal alone; on a terminal the child gets it, too."""
    python = start("etude.run('long.json', out='out')", tmp_path)
    assert python.stdout.readline() == "begun\n"
    (child,) = wait_for(lambda: children_of(python.pid))
    wait_for((tmp_path / "out").exists)
    (os.killpg if group else os.kill)(python.pid, signal.SIGINT)
    _, stderr = python.communicate(timeout=20)
    assert python.returncode != 0 and "KeyboardInterrupt" in stderr
    assert not is_alive(child)
    assert not (tmp_path / "out").exists()


def test_an_older_result_outlives_an_interrupted_run(tmp_path):
    code = "etude.run('long.json', out='out', sets={'/train/steps': 1})\nprint('older', flush=True)\n"
    python = start(code + "etude.run('long.json', out='out')", tmp_path)
    assert [python.stdout.readline(), python.stdout.readline()] == ["begun\n", "older\n"]
    before = (tmp_path / "out/result.json").read_bytes()
    wait_for(lambda: children_of(python.pid))
    wait_for((tmp_path / "out/.partial").exists)
    os.kill(python.pid, signal.SIGINT)
    python.communicate(timeout=20)
    assert (tmp_path / "out/result.json").read_bytes() == before
    assert not (tmp_path / "out/.partial").exists()


def test_a_killed_python_takes_its_run_along(tmp_path):
    python = start("etude.run('long.json', out='out')", tmp_path)
    (child,) = wait_for(lambda: children_of(python.pid))
    wait_for((tmp_path / "out").exists)
    python.kill()
    python.communicate(timeout=20)
    wait_for(lambda: not is_alive(child))
    wait_for(lambda: not (tmp_path / "out").exists())


def test_ctrl_c_ends_a_search_for_a_schedule(tmp_path):
    config = ROOT / "configs/cct2_lora.json"
    sets = ".set('/train/method', 'full').set('/train/steps', 1)"
    code = f"etude.schedule(etude.load({str(config)!r}){sets}, budget=0.5, time_limit=300)"
    python = start(code, tmp_path)
    (child,) = wait_for(lambda: children_of(python.pid))  # the pass that is measured
    wait_for(lambda: not is_alive(child), 120)
    time.sleep(1.5)
    assert python.poll() is None
    asked = time.monotonic()
    os.kill(python.pid, signal.SIGINT)
    _, stderr = python.communicate(timeout=60)
    assert "KeyboardInterrupt" in stderr and time.monotonic() - asked < 20
    assert children_of(python.pid) == []


def test_ctrl_c_while_a_pass_is_measured(tmp_path):
    code = f"etude.schedule({str(ROOT / 'configs/cct2_lora.json')!r}, budget=0.5)"
    python = start(code, tmp_path)
    (child,) = wait_for(lambda: children_of(python.pid))
    os.kill(python.pid, signal.SIGINT)
    _, stderr = python.communicate(timeout=20)
    assert "KeyboardInterrupt" in stderr and not is_alive(child)
