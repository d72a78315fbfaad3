# SPDX-License-Identifier: Apache-2.0
"""scripts/check.sh refuses a wrong job or argument before it installs or builds anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLS = 9


@pytest.fixture
def check(tmp_path):
    """A copy of the script beside a setup.sh that only ends with status 9."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts/check.sh", scripts)
    (scripts / "setup.sh").write_text(f"#!/bin/sh\nexit {INSTALLS}\n")
    (scripts / "setup.sh").chmod(0o755)
    return lambda *arguments: subprocess.run([scripts / "check.sh", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["lint"],
        ["asan", "x"],
        ["tidy", "none.cpp"],
        ["tidy", "scripts/setup.sh"],
    ],
)
def test_wrong_arguments_print_the_usage(check, wrong):
    done = check(*wrong)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/check.sh JOB")
    assert done.stdout == ""


@pytest.mark.parametrize("right", [["asan"], ["tidy"], ["fuzz", "--jobs", "1"], ["bench"], ["bench", "sim"]])
def test_each_job_first_installs_what_is_missing(check, right):
    assert check(*right).returncode == INSTALLS
