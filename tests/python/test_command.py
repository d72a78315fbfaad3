# SPDX-License-Identifier: Apache-2.0
"""The command `etude`: exit statuses, delegation, comparison."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from etude.compare import rows
from run_folder import GOLDEN, write_run

ROOT = Path(__file__).resolve().parents[2]


def etude(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "etude", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
    )


def run_folder(folder: Path, change=lambda result: None) -> Path:
    result = json.loads(GOLDEN.read_text())
    change(result)
    return write_run(folder, result)


def test_report_writes_the_page_and_names_it(tmp_path):
    folder = run_folder(tmp_path / "run")
    done = etude("report", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "report.html")
    assert (folder / "report.html").stat().st_size > 100_000


def test_delegates_arguments_output_and_status(tmp_path):
    program = tmp_path / "etude-sim"
    program.write_text('#!/bin/sh\necho "got: $*"\nexit 3\n')
    program.chmod(0o755)
    done = etude("run", "a.json", "--set", "/x=1", "--help", ETUDE_SIM=str(program))
    assert done.returncode == 3
    assert done.stdout == "got: run a.json --set /x=1 --help\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "/nowhere"], "no result.json in it"),
        (["compare", "/nowhere", "/nowhere"], "no result.json in it"),
        (["sweep", "s.json"], "not available"),
        (["frobnicate"], "No such command"),
        (["report"], "Missing argument"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message):
    done = etude(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("text", ["", "[1", "[]", '{"schema": 99}'])
def test_broken_result_is_refused(tmp_path, text):
    done = etude("report", write_run(tmp_path, text))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "report.html").exists()


def test_comparison_shows_values_and_change(tmp_path):
    def faster(result):
        result["step"]["cycles"] = 50_000

    first, second = run_folder(tmp_path / "a"), run_folder(tmp_path / "b", faster)
    done = etude("compare", first, second)
    assert done.returncode == 0, done.stderr
    assert "-50.0 %" in done.stdout
    table = dict(
        (row[0], row[1:]) for row in rows(*(json.loads((f / "result.json").read_text()) for f in (first, second)))
    )
    assert table["cycles"] == ("100,000", "50,000", "-50.0 %")
    assert table["MACs"][2] == "="
    for name in ("energy, low end", "GFLOP/s per mm2", "area redmule mm2", "area cluster mm2", "area l2 mm2"):
        assert table[name][2] == "="
    assert "Clock assumed" in done.stdout  # an FP32 array
