# SPDX-License-Identifier: Apache-2.0
"""A program in the bin/ of a prefix finds its kernels and presets in the prefix's share/etude."""

import json
import shutil
import subprocess

import pytest
from support import BUILD, ROOT, SIM


@pytest.fixture
def prefix(tmp_path):
    folder = tmp_path / "prefix"
    shutil.copytree(ROOT / "configs", folder / "share/etude/configs")
    (folder / "share/etude/kernels").mkdir()
    shutil.copy(BUILD / "kernels/runtime.elf", folder / "share/etude/kernels")
    (folder / "bin").mkdir()
    shutil.copy(SIM, folder / "bin")
    return folder


def run_in(prefix):
    """One step of a small network, from an empty folder: nothing of the source tree is above it."""
    elsewhere = prefix.parent / "elsewhere"
    elsewhere.mkdir()
    workload = {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}
    config = {"platform": "platform/traindeeploy.json", "energy": "energy/22fdx.json", "workload": workload}
    (elsewhere / "step.json").write_text(json.dumps(config))
    command = [prefix / "bin/etude-sim", "run", "step.json", "--quiet", "--out", "out"]
    return subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)


def test_an_installed_program_trains_a_step(prefix):
    done = run_in(prefix)
    assert done.returncode == 0, done.stderr
    assert json.loads((prefix.parent / "elsewhere/out/result.json").read_text())["check"]["passed"]


@pytest.mark.parametrize("part,named", [("kernels", "bin/kernels/runtime.elf"), ("configs", "/platform")])
def test_a_missing_part_of_the_prefix_is_named(prefix, part, named):
    shutil.rmtree(prefix / "share/etude" / part)
    done = run_in(prefix)
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
