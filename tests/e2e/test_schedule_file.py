# SPDX-License-Identifier: Apache-2.0
"""etude-sim schedule --out writes a schedule that a run carries out, and nothing that is not just that."""

import hashlib
import json

import numpy as np
import pytest
from support import run, shared


def sets(*each):
    return [a for s in each for a in ("--set", s)]


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [16, 64, 64, 64, 64, 64, 64, 8], "batch": 64}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    return file


@pytest.fixture
def written(tmp_path, config):
    file = tmp_path / "x.sched"
    text = run("schedule", config, "--budget", 0.7, "--out", file, "--json", check=0).stdout
    return file, json.loads(text)


def outputs(folder):
    return {name: values.tobytes() for name, values in np.load(folder / "outputs.npz").items()}


def test_a_run_carries_out_the_schedule_of_a_file(tmp_path, config, written):
    file, asked = written
    assert asked["file"] == {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert file.stat().st_size < 500
    run("schedule", config, "--budget", 0.7, "--out", tmp_path / "y.sched", check=0)
    assert (tmp_path / "y.sched").read_bytes() == file.read_bytes()
    run("run", config, "--out", tmp_path / "file", "--quiet", *sets(f"/schedule/file={file}"), check=0)
    budget = ("/schedule/policy=optimal", "/schedule/budget=0.7")
    run("run", config, "--out", tmp_path / "policy", "--quiet", *sets(*budget), check=0)
    run("run", config, "--out", tmp_path / "keep", "--quiet", check=0)
    assert outputs(tmp_path / "file") == outputs(tmp_path / "policy") == outputs(tmp_path / "keep")
    mine, other = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("file", "policy"))
    assert mine["memory"] == other["memory"] and mine["counters"] == other["counters"]
    # By its content, never by its path; what the file says stands beside it.
    resolved = json.loads((tmp_path / "file/config.resolved.json").read_text())["schedule"]
    assert resolved["file"] == "sha256:" + asked["file"]["sha256"]
    assert resolved["policy"] == "optimal" and resolved["budget"] == asked["budget"]
    mine.pop("simulator")  # the command that repeats the run
    assert "x.sched" not in json.dumps(mine)
    assert "x.sched" not in (tmp_path / "file/config.resolved.json").read_text()


def test_a_file_is_shown(config, written):
    file, asked = written
    shown = json.loads(run("schedule", config, *sets(f"/schedule/file={file}"), "--json", check=0).stdout)
    for figure in ("policy", "budget", "energy_j", "time_s", "recomputed", "paged"):
        assert shown[figure] == (pytest.approx(asked[figure]) if figure.endswith(("_j", "_s")) else asked[figure])
    assert shown["peak_bytes"] <= asked["peak_bytes"]
    refused = run("schedule", config, *sets(f"/schedule/file={file}"), "--budget", 0.5, check=2)
    assert "/schedule/file" in refused.stderr


def test_what_contradicts_a_file_is_refused(tmp_path, config, written):
    file, asked = written
    for beside in (
        "/schedule/policy=checkmate",
        "/schedule/objective=time",
        "/schedule/page_to=flash",
        f"/schedule/budget={asked['peak_bytes'] - 1}",
        "/schedule/deadline=1e-6",
        "/workload/home=l2",
    ):
        out = tmp_path / "none"
        refused = run("run", config, "--out", out, *sets(f"/schedule/file={file}", beside), check=2)
        assert beside.split("=")[0] in refused.stderr and refused.stderr.count("\n") == 1
        assert not out.exists()
    shown = run("schedule", config, *sets(f"/schedule/file={file}", "/schedule/policy=keep"), "--json", check=0)
    assert json.loads(shown.stdout)["policy"] == "optimal"
    agreeing = ("/schedule/policy=optimal", "/schedule/objective=energy", f"/schedule/budget={asked['budget'] + 8}")
    run("run", config, "--out", tmp_path / "same", "--quiet", *sets(f"/schedule/file={file}", *agreeing), check=0)


def test_no_other_file_is_taken(tmp_path, config, written):
    file, _ = written
    good = file.read_bytes()
    bad = {
        "is no schedule": b"PK\3\4" + good[4:],
        "ends after": good[:9],
        "damaged or cut off": good[:-5],
        "damaged": bytes([*good[:20], good[20] ^ 4, *good[21:]]),
        "version 2": bytes([*good[:4], 2, *good[5:]]),
        "is no schedule file": b"",
    }
    for text, content in bad.items():
        file.write_bytes(content)
        for command in (["run", config, "--out", tmp_path / "none"], ["schedule", config]):
            refused = run(*command, *sets(f"/schedule/file={file}"), check=2)
            assert text in refused.stderr and refused.stderr.count("\n") == 1
        assert not (tmp_path / "none").exists()
    file.write_bytes(good)
    other = sets(f"/schedule/file={file}", "/workload/sizes=[16,64,64,64,64,64,64,7]")
    refused = run("run", config, "--out", tmp_path / "none", *other, check=2)
    assert "another graph" in refused.stderr and refused.stderr.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_nothing_is_written_where_nothing_fits(tmp_path, config):
    file = tmp_path / "none.sched"
    run("schedule", config, "--budget", 2000, "--out", file, check=2)
    assert not file.exists()
    assert "--out" in run("schedule", config, "--compare", "--out", file, check=2).stderr
    assert not file.exists()
    refused = run("schedule", config, "--budget", 0.9, "--out", tmp_path / "no folder/x.sched", check=2)
    assert "cannot be written" in refused.stderr


def test_a_graph_with_costs_has_a_file_too(tmp_path):
    graph = shared("cases/schedule/resnet18_cifar_m4f.json")
    file = tmp_path / "cifar.sched"
    got = json.loads(run("schedule", "--device", graph, "--budget", 0.5, "--out", file, "--json", check=0).stdout)
    assert got["file"]["bytes"] == file.stat().st_size < 400


@pytest.mark.parametrize("home", ["extmem", "auto", "l2"])
def test_a_file_of_sqrt_is_the_program_of_sqrt(tmp_path, home):
    """Its schedule has no windows for parameters: these come as they do without a file."""
    config, file = tmp_path / "run.json", tmp_path / "x.sched"
    workload = {"network": "bert", "sizes": [16, 32, 2, 64, 2, 3], "batch": 2, "home": home}
    config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    asked = json.loads(run("schedule", config, "--policy", "sqrt", "--out", file, "--json", check=0).stdout)
    for name, words in (("file", sets(f"/schedule/file={file}")), ("policy", sets("/schedule/policy=sqrt"))):
        run("run", config, "--out", tmp_path / name, "--quiet", "--no-verify", *words, check=0)
    mine, other = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("file", "policy"))
    assert outputs(tmp_path / "file") == outputs(tmp_path / "policy")
    assert mine["memory"] == other["memory"] and mine["counters"] == other["counters"]
    assert mine["step"] == other["step"] and mine["schedule"]["status"] == other["schedule"]["status"]
    cycles = other["schedule"]["predicted"]["cycles"]
    assert cycles == asked["predicted"]["cycles"]
    # With home auto, what costs are taken from depends on whether a budget was given: the file has one.
    assert mine["schedule"]["predicted"]["cycles"] == pytest.approx(cycles, rel=0.03 if home == "auto" else 0)
