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
    assert (folder / "report.html").stat().st_size > 20_000


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
        (["compare", "/nowhere"], "has one run; give two or more"),
        (["sweep", "s.json"], "s.json: cannot be read"),
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


def completed(words: str) -> list[str]:
    """What bash is offered behind the last word."""
    environment = {"_ETUDE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "import sys; sys.argv = ['etude']; from etude.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_a_shell_is_offered_commands_options_and_keys():
    assert completed("etude des") == ["describe"]
    assert "--no-verify" in completed("etude run --no") and completed("etude run --progress") == []
    assert completed("etude run c.json --set /train/ra") == ["/train/rank="]
    assert "/platform/cluster/cores=" in completed("etude describe --set /platform/cluster/c")
    assert completed("etude run ") == []  # files, by the shell


def test_the_schema_is_printed_whole_or_by_section():
    whole = json.loads(etude("schema").stdout)
    assert set(whole["$defs"]) >= {"platform", "workload", "train"} and '"$ref": "#/$defs/train"' in json.dumps(whole)
    assert json.loads(etude("schema", "train").stdout)["properties"]["rank"]
    wrong = etude("schema", "trian")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1


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


def test_comparison_of_three_runs_has_keys_layers_and_csv(tmp_path):
    def change(result):
        result["step"]["cycles"] += 500
        layer = result["layers"][3]
        layer["cycles"] += 500
        layer["energy_j"] += 2e-6
        layer["counters"]["l2.read_bytes"] = layer["counters"].get("l2.read_bytes", 0) + 64
        result["layers"].append({**layer, "name": "fc0.again", "phase": "recompute", "cycles": 700})

    golden = json.loads(GOLDEN.read_text())
    changed = json.loads(GOLDEN.read_text())
    change(changed)
    runs = [
        write_run(tmp_path / "a", golden, '{"train": {"steps": 1}}'),
        write_run(tmp_path / "b", changed, '{"train": {"steps": 1, "rank": 8}}'),
        write_run(tmp_path / "c", golden, '{"train": {"steps": 2}}'),
    ]
    done = etude("compare", *runs, "--csv", tmp_path / "layers.csv")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "/train/steps │ 1 │ 1 │ 2" in text and "/train/rank │ │ 8 │" in text
    assert "fc0.dw │ backward │ 30,000 │ 30,500 │ 30,000 │ +500 │ +0" in text
    assert "│ +500 │ +0 │ +2.00 │ +0.00 │ +64 │ +0 │" in text  # joules and bytes of each
    assert "fc0.again │ recompute │ - │ 700 │ - │ +700 │ +0" in text
    lines = (tmp_path / "layers.csv").read_text().splitlines()
    assert len(lines) == 1 + 7
    assert lines[0].split(",")[3:6] == [f"cycles: {run}" for run in runs]
    assert lines[-1].startswith("fc0.again,") and lines[-1].split(",")[3:6] == ["", "700", ""]
    two = " ".join(etude("compare", *runs[:2]).stdout.split())
    assert "fc0.dw │ backward │ 30,000 │ 30,500 │ +500 │ +2.00 │ +64 │ +0" in two
    same = etude("compare", runs[0], runs[0]).stdout
    assert "no key of the configuration differs" in same and "layers that changed" not in same


def test_names_with_brackets_stand_as_they_are_and_runs_have_letters(tmp_path):
    run = run_folder(tmp_path / "run[red]:x:")
    lines = etude("compare", *[run] * 28).stdout.splitlines()
    assert all(f"{run}: " in line for line in lines[:28])
    assert [line.split(":")[0] for line in lines[24:28]] == ["Y", "Z", "AA", "AB"]


def test_csv_that_cannot_be_written_is_one_line(tmp_path):
    run = run_folder(tmp_path / "run")
    for words in (["report", run], ["compare", run, run]):
        done = etude(*words, "--csv", tmp_path / "no" / "such.csv")
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert "cannot be written" in done.stderr
