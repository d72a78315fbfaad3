# SPDX-License-Identifier: Apache-2.0
"""Wrong input from Python: the program's own line, in an exception, and nothing written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import etude
import pytest
from etude.program import find_program

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = json.loads((ROOT / "configs/platform/traindeeploy.json").read_text())
STEP = {"platform": PLATFORM, "workload": {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Nothing may be left in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "step.json").write_text(json.dumps(STEP))


def line_of(*arguments) -> str:
    """What etude-sim says, without its name; it must refuse."""
    done = subprocess.run([find_program(), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("etude-sim: ")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/train/rnak", 8),
        ("/platform/cluster/cores", 0),
        ("/platform/cluster/cores", 3.5),
        ("/platform/cluster/tcdm/banks", 12),
        ("/train/method", "qlora"),
        ("/workload/sizes/7", 4),
        ("/workload/onnx", "nowhere.onnx"),
        ("train/rank", 8),
        ("", 1),
        ("/platform/cluster/cores/x", 1),
        ("/energy", "nowhere.json"),
    ],
)
def test_a_wrong_key_or_value_is_refused_when_it_is_set(pointer, value, tmp_path):
    said = line_of("config", "resolve", "step.json", "--set", f"{pointer}={json.dumps(value)}")
    with pytest.raises(etude.ConfigError) as caught:
        etude.load("step.json").set(pointer, value)
    assert str(caught.value) == said
    assert caught.value.exit_status == 2 and isinstance(caught.value, etude.UserError)
    with pytest.raises(etude.ConfigError) as given:  # in place: nobody hears of a temporary file
        etude.load(STEP).set(pointer, value)
    assert str(given.value) == said.replace("step.json", "config")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step.json"]


def test_what_does_not_fit_together_is_refused_before_a_run(tmp_path):
    half = etude.load("step.json").set("/platform/cluster/cores", 16)  # with the controller: 17 harts
    said = line_of("run", "step.json", "--set", "/platform/cluster/cores=16", "--out", "out")
    for use in (half.validate, lambda: etude.run(half, out="out"), lambda: etude.describe(half), lambda: half.hash):
        with pytest.raises(etude.ConfigError) as caught:
            use()
        assert str(caught.value) == said
    assert half.set("/platform/cluster/controller", False).validate() == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("use", [etude.describe, etude.lower, etude.run, etude.schedule])
def test_what_no_key_tells_is_refused_by_each(use, tmp_path):
    root = STEP | {"train": {"layers": ["no_such_layer"], "method": "lora"}}
    (tmp_path / "wrong.json").write_text(json.dumps(root))
    with pytest.raises(etude.ConfigError) as caught:
        use(root)
    assert str(caught.value) == line_of("describe", "wrong.json")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.json", "nowhere.json: no such file; give"),
        ({"workload": {"network": "mlp", "sizes": [3, 2]}}, "no /platform; give the section"),
        ({"platform": {}, "workload": {"network": "mlp"}, "x": object()}, "is no value of JSON"),
        ({"platform": {}, "workload": {"network": "mlp", "sizes": [3, float("nan")]}}, "is no value of JSON"),
    ],
)
def test_what_is_no_configuration(source, message):
    with pytest.raises(etude.ConfigError, match=message):
        etude.load(source)


def test_tiers_and_engines_that_there_are_not(tmp_path):
    with pytest.raises(etude.ConfigError, match="tile"):
        etude.run(STEP, tier="tile", out="out")
    with pytest.raises(etude.ConfigError, match="warp"):
        etude.run(STEP, engine="warp", out="out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policy": "best"}, "best"),
        ({"objective": "fun"}, "fun"),
        ({"budget": -1}, "--budget: "),
        ({"budget": float("nan")}, "--budget: "),
        ({"deadline": 0}, "--deadline: "),
        ({"time_limit": -3}, "--time-limit: "),
        ({"page_to": "tape"}, "tape"),
        ({"network": "cct2"}, "has one already"),
        ({"device": "nowhere.json"}, "nowhere.json"),
    ],
)
def test_questions_that_are_none(wrong, message):
    with pytest.raises(etude.ConfigError, match=message):
        etude.schedule(STEP, **wrong)


def test_a_folder_that_holds_no_result(tmp_path):
    with pytest.raises(etude.UserError, match="no result.json in it"):
        etude.open_result(tmp_path)
    with pytest.raises(etude.ConfigError, match="no result|no whole result"):
        etude.price(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(etude.ConfigError):
        etude.run(STEP, out=tmp_path / "file" / "below")


def test_a_run_that_diverges_has_a_whole_result():
    with pytest.raises(etude.DivergedError, match="training diverged") as caught:
        etude.run(STEP, sets={"/train/lr": 1e6, "/train/steps": 8})
    assert caught.value.exit_status == 3 and caught.value.result.raw["diverged"] >= 1
    assert caught.value.result.loss is None


def test_a_simulated_program_that_does_not_end(tmp_path):
    with pytest.raises(etude.ProgramError) as caught:
        etude.run(STEP, sets={"/run/max_cycles": 1000}, out="out")
    assert "1000" in str(caught.value) or "1,000" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_program_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("ETUDE_SIM", str(tmp_path / "none"))
    with pytest.raises(etude.UserError, match="ETUDE_SIM: .* cannot be run"):
        etude.run(STEP)


def test_a_program_that_dies(monkeypatch, tmp_path):
    program = tmp_path / "etude-sim"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("ETUDE_SIM", str(program))
    with pytest.raises(etude.MachineError, match="SIGKILL"):
        etude.run(STEP)


def test_progress_is_told_in_plain_lines_where_there_is_no_terminal(capfd):
    etude.run(STEP, sets={"/train/steps": 3}, progress=True)
    assert capfd.readouterr().err.splitlines()[-1] == "run: 3 of 3"
    etude.run(STEP, sets={"/train/steps": 3})
    assert capfd.readouterr() == ("", "")


def test_a_module_that_is_not_built_is_one_line(tmp_path):
    code = "import etude\ntry:\n etude.load('x')\nexcept etude.MachineError as e:\n print(e)\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "ETUDE_BUILD_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.startswith("etude: its compiled module cannot be loaded") and done.stdout.count("\n") == 1
