# SPDX-License-Identifier: Apache-2.0
"""The main job: right, the same every time, the same in both engines; and a wrong kernel does not pass."""

import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
from support import BUILD, ROOT, SIM, run

CONFIG = ROOT / "configs/deep_ae.json"
STEPS = ["--set", "/train/steps=2"]


def result_of(folder) -> dict:
    return json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def main_job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("main") / "out"
    run("run", CONFIG, *STEPS, "--out", folder, "--quiet", check=0)
    return folder


def test_the_main_job_is_right_and_learns(main_job):
    result = result_of(main_job)
    assert result["check"]["passed"] and result["check"]["reference"] == "float64 host"
    losses = [step["loss"] for step in result["steps"]]
    assert losses[-1] < losses[0]
    # 24 samples of 264,192 + 264,192 + 182,272 MAC (forward, weights, activations)
    assert result["step"]["macs"] == 24 * 710_656


def test_every_cycle_has_one_reason(main_job):
    result = result_of(main_job)
    cycles = result["step"]["cycles"]
    for name, unit in result["units"].items():
        assert unit["busy"] + sum(unit["stalls"].values()) == cycles, name
    assert sum(layer["cycles"] for layer in result["layers"]) == cycles


def test_energies_add_up(main_job):
    energy = result_of(main_job)["energy"]
    parts = sum(value for name, value in energy.items() if name != "total")
    assert parts == pytest.approx(energy["total"], rel=1e-12)


def test_two_runs_give_the_same_bytes(main_job, tmp_path):
    run("run", CONFIG, *STEPS, "--out", tmp_path / "out", "--quiet", check=0)
    for name in ("config.resolved.json", "outputs.npz"):
        assert (main_job / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    first, second = result_of(main_job), result_of(tmp_path / "out")
    del first["simulator"], second["simulator"]
    assert json.dumps(first) == json.dumps(second)


def test_lockstep_and_fast_give_the_same_account(main_job, tmp_path):
    run("run", CONFIG, *STEPS, "--engine", "lockstep", "--out", tmp_path / "out", "--quiet", check=0)
    assert (main_job / "outputs.npz").read_bytes() == (tmp_path / "out/outputs.npz").read_bytes()
    fast, lockstep = result_of(main_job), result_of(tmp_path / "out")
    for result in (fast, lockstep):
        for own in ("simulator", "engine", "config_hash"):
            del result[own]
    assert fast == lockstep


def test_cores_alone_give_the_same_training(main_job, tmp_path):
    off = ["--set", "/platform/cluster/redmule/enabled=false"]
    run("run", CONFIG, *STEPS, *off, "--out", tmp_path / "out", "--quiet", check=0)
    result = result_of(tmp_path / "out")
    assert result["check"]["passed"]
    assert "redmule" not in result["units"]
    assert result["step"]["cycles"] > 3 * result_of(main_job)["step"]["cycles"]


def broken_copy(tmp_path, symbol: str, change):
    """A copy of the program whose runtime has one instruction of `symbol` changed; returns the program."""
    folder = tmp_path / "build"
    (folder / "kernels").mkdir(parents=True)
    shutil.copy(SIM, folder / "etude-sim")
    elf = folder / "kernels/runtime.elf"
    shutil.copy(BUILD / "kernels/runtime.elf", elf)

    def readelf(option):
        return subprocess.run(["llvm-readelf-19", option, elf], capture_output=True, text=True, check=True).stdout

    section = next(line.split("]")[1].split() for line in readelf("-S").splitlines() if " .text " in line)
    entry = next(line.split() for line in readelf("-s").splitlines() if line.split()[-1:] == [symbol])
    offset = int(section[3], 16) + int(entry[1], 16) - int(section[2], 16)
    code = bytearray(elf.read_bytes())
    for at in range(offset, offset + int(entry[2]), 2):
        changed = change(struct.unpack_from("<I", code, at)[0])
        if changed is not None:
            struct.pack_into("<I", code, at, changed)
            elf.write_bytes(code)
            return folder / "etude-sim"
    raise AssertionError(f"no such instruction in {symbol}")


def descent_to_ascent(word: int):
    """fnmsub.s becomes fmadd.s: w + lr * g instead of w - lr * g."""
    return word & ~0x08 if word & 0x7F == 0x4B else None


def test_trained_parameters_are_saved_on_the_way(tmp_path):
    small = {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}
    config = {"platform": "platform/traindeeploy.json", "workload": small}
    config["train"] = {"method": "linear_probe", "lr": 0.1, "steps": 4}
    config["run"] = {"save_every": 2}
    (tmp_path / "run.json").write_text(json.dumps(config))
    run("run", tmp_path / "run.json", "--out", tmp_path / "out", "--quiet", check=0)
    saved = {int(file.stem): np.load(file) for file in (tmp_path / "out/steps").iterdir()}
    assert sorted(saved) == [2, 4]
    assert sorted(saved[2].files) == ["fc1.bias", "fc1.weight"]
    outputs = np.load(tmp_path / "out/outputs.npz")
    assert np.array_equal(saved[4]["fc1.weight"], outputs["fc1.weight"])
    # The steps in between see other batches and move the weights further.
    assert not np.array_equal(saved[2]["fc1.weight"], outputs["fc1.weight"])


def test_a_broken_kernel_is_caught(tmp_path):
    program = broken_copy(tmp_path, "etude_sgd", descent_to_ascent)
    command = [program, "run", CONFIG, *STEPS, "--out", tmp_path / "out", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "the numeric check failed: step 1: updated" in done.stderr
    assert not result_of(tmp_path / "out")["check"]["passed"]
