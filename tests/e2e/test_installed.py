# SPDX-License-Identifier: Apache-2.0
"""A program in the bin/ of a prefix finds its kernels and presets in the prefix's share/etude."""

import json
import os
import re
import shutil
import subprocess

import pytest
from support import BUILD, ROOT, SIM


@pytest.fixture
def prefix(tmp_path):
    folder = tmp_path / "prefix"
    shutil.copytree(ROOT / "configs", folder / "share/etude/configs")
    (folder / "share/etude/kernels").mkdir()
    for runtime in ("runtime.elf", "runtime_decode.elf"):
        shutil.copy(BUILD / "kernels" / runtime, folder / "share/etude/kernels")
    (folder / "bin").mkdir()
    shutil.copy(SIM, folder / "bin")
    return folder


def run_in(prefix, **more):
    """One step of a small network, from an empty folder: nothing of the source tree is above it."""
    elsewhere = prefix.parent / "elsewhere"
    elsewhere.mkdir()
    workload = {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}
    config = {"platform": "platform/traindeeploy.json", "energy": "energy/22fdx.json", "workload": workload} | more
    (elsewhere / "step.json").write_text(json.dumps(config))
    command = [prefix / "bin/etude-sim", "run", "step.json", "--quiet", "--out", "out"]
    return subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)


def test_an_installed_program_trains_a_step(prefix):
    done = run_in(prefix)
    assert done.returncode == 0, done.stderr
    assert json.loads((prefix.parent / "elsewhere/out/result.json").read_text())["check"]["passed"]


def test_an_installed_program_trains_a_step_on_packed_weights(prefix):
    """By the runtime that decodes, which is the other one."""
    adapted = {"method": "lora", "rank": 2}
    done = run_in(prefix, train=adapted, compress={"weights": "int8"})
    assert done.returncode == 0, done.stderr
    assert json.loads((prefix.parent / "elsewhere/out/result.json").read_text())["check"]["passed"]


@pytest.mark.parametrize("part,named", [("kernels", "bin/kernels/runtime.elf"), ("configs", "/platform")])
def test_a_missing_part_of_the_prefix_is_named(prefix, part, named):
    shutil.rmtree(prefix / "share/etude" / part)
    done = run_in(prefix)
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_program_outside_the_tree_runs_a_step(tmp_path):
    """examples/run_step, ten lines on Run, builds against an installed package and runs."""
    installed = tmp_path / "prefix"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", installed], check=True, capture_output=True)
    there = {file.name for file in (installed / "share/etude/kernels").iterdir()}
    assert {"runtime.elf", "runtime_decode.elf"} <= there
    configure = ["cmake", "-G", "Ninja", "-S", ROOT / "examples/run_step", "-B", tmp_path / "build"]
    tools = [f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_BUILD_TYPE=Release"]
    if shutil.which("ccache"):
        tools.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    for command in ([*configure, *tools], ["cmake", "--build", tmp_path / "build"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    config = tmp_path / "step.json"
    workload = {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}
    config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    environment = {**os.environ, "ETUDE_KERNELS": str(installed / "share/etude/kernels")}
    done = subprocess.run(
        [tmp_path / "build/run_step", config],
        cwd=installed / "share/etude",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ cycles, [\d.e-]+ J, checked: 1\n", done.stdout)
