# SPDX-License-Identifier: Apache-2.0
"""The model tier, from an empty database: near the cycle tier, the same again, and honest about what it lacks."""

import json

import pytest
from support import ROOT, run

LORA = ROOT / "configs" / "cct2_lora.json"
DEEP_AE = ROOT / "configs" / "deep_ae.json"


def model_of(tmp_path, monkeypatch, config, *arguments, name="model"):
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    run("run", config, "--tier", "model", "--quiet", "--out", tmp_path / name, *arguments, check=0)
    return json.loads((tmp_path / name / "result.json").read_text())


@pytest.mark.parametrize(("config", "steps"), [(LORA, 1), (DEEP_AE, 1)])
def test_a_step_is_near_the_cycle_tier(tmp_path, monkeypatch, config, steps):
    sets = ["--set", f"/train/steps={steps}"]
    run("run", config, *sets, "--no-verify", "--quiet", "--out", tmp_path / "cycle", check=0)
    cycle = json.loads((tmp_path / "cycle" / "result.json").read_text())
    model = model_of(tmp_path, monkeypatch, config, *sets)
    assert model["tier"] == "model" and model["check"] is None and model["loss"] is None
    assert model["step"]["cycles"] == pytest.approx(cycle["step"]["cycles"], rel=0.08)
    assert model["step"]["energy_j"] == pytest.approx(cycle["step"]["energy_j"], rel=0.03)
    # The same fields, and what does not depend on time.
    assert set(cycle) - {"l2"} <= set(model)
    assert model["memory"]["parameters"] == cycle["memory"]["parameters"]
    assert model["area"] == cycle["area"]
    assert model["traffic"] == pytest.approx(cycle["traffic"], rel=0.02)
    assert [layer["name"] for layer in model["layers"]] == [layer["name"] for layer in cycle["layers"]]
    assert sum(layer["cycles"] for layer in model["layers"]) == model["step"]["cycles"]
    for unit in model["units"].values():
        assert unit["busy"] + sum(unit["stalls"].values()) == model["step"]["cycles"]
    assert not (tmp_path / "model" / "outputs.npz").exists()


def test_what_is_in_the_database_changes_nothing(tmp_path, monkeypatch):
    first = model_of(tmp_path, monkeypatch, DEEP_AE)
    assert first["simulator"]["measured_shapes"] == first["model"]["shapes"] > 20
    again = model_of(tmp_path, monkeypatch, DEEP_AE, name="again")
    assert again["simulator"]["measured_shapes"] == 0
    for result in (first, again):
        del result["simulator"]
    assert first == again
    # A larger L1 has a few shapes of its own; the others are known.
    other = model_of(tmp_path, monkeypatch, DEEP_AE, "--set", "/platform/cluster/tcdm/size=524288", name="other")
    assert other["simulator"]["measured_shapes"] < other["model"]["shapes"]


def test_the_tier_follows_the_hardware(tmp_path, monkeypatch):
    """What no closed form knows of, additions that take a cycle more, shows in the step."""
    key = "/platform/cluster/fpu/addmul_latency"
    fast = model_of(tmp_path, monkeypatch, DEEP_AE, "--set", f"{key}=0")
    slow = model_of(tmp_path, monkeypatch, DEEP_AE, "--set", f"{key}=2", name="slow")
    assert slow["step"]["cycles"] > fast["step"]["cycles"]


def test_a_schedule_is_predicted(tmp_path, monkeypatch):
    """Made from the predicted step, and carried out in a task list that is replayed as any other."""
    sets = ["--set", "/train/steps=1", "--set", "/schedule/policy=page", "--set", "/schedule/budget=0.95"]
    run("run", DEEP_AE, *sets, "--no-verify", "--quiet", "--out", tmp_path / "cycle", check=0)
    cycle = json.loads((tmp_path / "cycle" / "result.json").read_text())
    model = model_of(tmp_path, monkeypatch, DEEP_AE, *sets)
    assert model["schedule"]["policy"] == "page" and model["schedule"]["budget"] == cycle["schedule"]["budget"]
    assert model["step"]["cycles"] == pytest.approx(cycle["step"]["cycles"], rel=0.08)
    assert model["step"]["energy_j"] == pytest.approx(cycle["step"]["energy_j"], rel=0.04)


def test_the_report_says_that_it_predicts(tmp_path, monkeypatch):
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    shown = run("run", DEEP_AE, "--tier", "model", "--out", tmp_path / "out", check=0).stdout
    assert "tier model" in shown and "a prediction: off by" in shown and "not finite" not in shown


@pytest.mark.parametrize(
    ("assignment", "where"),
    [
        ("/schedule/page_to=flash", "/schedule/page_to"),
        ("/platform/cluster/controller=false", "/platform/cluster/controller"),
        ("/run/trace=true", "/run/trace"),
        ("/run/check=true", "/run/check"),
    ],
)
def test_what_the_tier_lacks_is_refused(tmp_path, monkeypatch, assignment, where):
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    out = tmp_path / "out"
    done = run("run", LORA, "--tier", "model", "--set", assignment, "--out", out, check=2)
    assert where in done.stderr and "not available" in done.stderr and done.stderr.count("\n") == 1
    assert not out.exists() and not (tmp_path / "model.sqlite").exists()


def test_a_database_that_is_none(tmp_path, monkeypatch):
    file = tmp_path / "model.sqlite"
    file.write_text("x" * 5000)
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(file))
    done = run("run", LORA, "--tier", "model", "--quiet", "--out", tmp_path / "out", check=2)
    assert str(file) in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
