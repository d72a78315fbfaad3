# SPDX-License-Identifier: Apache-2.0
"""What schedules and runs say for pictures agrees with their own totals, and with the memory that there is."""

import json
import os
import re
import subprocess
import sys

import pytest
from support import ROOT, SIM, run, shared

ETUDE = [sys.executable, "-m", "etude"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "ETUDE_SIM": str(SIM)}


HOME = ("parameter", "input", "state")


def cells(text: str, slots: int) -> list[str]:
    row = [" "] * slots
    for state, first, last in re.findall(r"([a-z])(\d+)(?:-(\d+))?", text):
        for slot in range(int(first), int(last or first) + 1):
            assert row[slot] == " "
            row[slot] = state
    return row


def check_answer(answer: dict) -> None:
    """Slots and tensors against what the replay found."""
    slots = answer["slots"]
    replayed = answer["replay"].get("time_s", answer["time_s"])
    assert sum(slot["seconds"] for slot in slots) == pytest.approx(replayed)
    starts = [slot["start_s"] for slot in slots]
    assert starts == sorted(starts) and starts[0] == 0
    assert max(sum(slot["bytes"].values()) for slot in slots) == answer["peak_bytes"]
    rows = {tensor["name"]: (tensor, cells(tensor["cells"], len(slots))) for tensor in answer["tensors"]}
    assert {name for name, (_, row) in rows.items() if "r" in row} == set(answer["recomputed"])
    assert {name for name, (_, row) in rows.items() if set(row) & {"i", "o"}} >= set(answer["paged"]) - {
        name for name, (_, row) in rows.items() if "r" in row or "c" in row
    }
    for slot in range(len(slots)):
        # What stood at the fullest moment stood in the slot; twice where it is fetched beside what runs again.
        there = sum(tensor["bytes"] for tensor, row in rows.values() if row[slot] != " ")
        held = sum(size for kind, size in slots[slot]["bytes"].items() if kind != "workspace")
        assert held <= there
    for tensor, row in rows.values():
        for slot in range(1, len(slots)):  # nothing is kept that was not there before
            if row[slot] == "k":
                assert row[slot - 1] in "kcrio", (tensor["name"], slot)


@pytest.mark.parametrize("policy", ["keep", "page", "optimal"])
def test_pictures_of_a_step_agree_with_the_replay(policy):
    words = ["--policy", policy, "--budget", "1" if policy == "keep" else "0.9", "--time-limit", "5", "--json"]
    answer = json.loads(run("schedule", "configs/deep_ae.json", *words, check=0).stdout)
    check_answer(answer)
    assert {tensor["kind"] for tensor in answer["tensors"]} >= {"parameter", "activation", "gradient", "input"}
    phases = [slot["phase"] for slot in answer["slots"]]
    assert phases[0] == phases[-1] == "page"  # the ends of the step
    assert {"forward", "backward"} <= set(phases)
    again = [t for t in answer["tensors"] if "r" in t["cells"] or t["cells"].count("i") > (t["kind"] in HOME)]
    moved = [t for t in answer["tensors"] if t["kind"] not in HOME and set("rio") & set(t["cells"])]
    if policy == "keep":
        assert moved == []
    else:  # what makes room: something runs again, goes out and comes back, or comes twice from home
        assert moved + again


def test_pictures_of_a_graph_with_its_costs_agree_with_the_replay():
    graph = shared("cases/schedule/resnet18_cifar_m4f.json")
    answer = json.loads(run("schedule", "--device", graph, "--budget", "0.5", "--json", check=0).stdout)
    assert answer["recomputed"]
    check_answer(answer)


@pytest.fixture(scope="module", params=["keep", "sqrt", "page"])
def folder(request, tmp_path_factory):
    """A run by each kind of policy."""
    out = tmp_path_factory.mktemp(request.param)
    words = ["--set", f"/schedule/policy={request.param}", "--set", "/train/steps=1", "--no-verify", "--out", out]
    if request.param == "page":
        words += ["--set", "/schedule/budget=0.9"]
    if request.param == "sqrt":
        words += ["--set", "/workload/home=extmem"]
    run("run", "configs/deep_ae.json", *words, "--quiet", check=0)
    return out


def test_what_stands_in_l2_has_room_there(folder):
    result = json.loads((folder / "result.json").read_text())
    stays, use, memory = result["l2"]["stays"], result["l2"]["use"], result["memory"]
    # No two at one place: never more bytes than there are below the highest one that was touched.
    fullest = max(map(sum, zip(*use.values(), strict=True)))
    assert memory["l2_fixed"] + fullest <= memory["l2_peak"] + 8
    together = [sum(s["bytes"] for s in stays if s["from"] <= a["from"] < s["to"]) for a in stays]
    assert 0.5 * max(together) < fullest <= max(together)  # pieces of a tensor come and go by themselves
    assert max(stay["offset"] + stay["bytes"] for stay in stays) <= memory["l2_peak"] + 8
    assert min(stay["offset"] for stay in stays) >= memory["l2_fixed"]
    for stay in stays:
        assert 0 <= stay["from"] < stay["to"] <= result["step"]["cycles"]
        assert stay["from"] <= stay.get("ready", stay["from"]) <= stay["to"]
    policy = next((c["value"] for c in result["simulator"]["changed"] if c["key"] == "/schedule/policy"), "keep")
    hows = {stay["how"] for stay in stays}
    assert "computed" in hows
    assert ("recomputed" in hows) == (policy == "sqrt")
    assert ("paged in" in hows) == (policy != "keep")
    if policy == "keep":
        assert result["l2"]["budget"] is None
    else:
        assert result["l2"]["budget"] + memory["l2_fixed"] >= memory["l2_peak"]
    if policy == "page":
        assert any("leaves" in stay for stay in stays)


def test_the_command_repeats_the_run_and_keys_are_those_that_it_sets(folder, tmp_path):
    result = json.loads((folder / "result.json").read_text())
    command = result["simulator"]["command"].split()
    assert command[:3] == ["etude-sim", "run", "configs/deep_ae.json"] and "--set /run/verify=false" in " ".join(
        command
    )
    changed = {entry["key"]: entry for entry in result["simulator"]["changed"]}
    assert changed["/run/verify"] == {"key": "/run/verify", "value": False, "default": True}
    assert changed["/workload/batch"]["value"] == 24
    assert not any(key.startswith("/energy/") and key != "/energy/name" for key in changed)
    resolved = run("config", "resolve", *command[2:], check=0).stdout
    assert resolved == (folder / "config.resolved.json").read_text()


def test_page_of_a_run_is_small_and_has_its_pictures(folder):
    done = subprocess.run([*ETUDE, "report", folder], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (folder / "report.html").read_text()
    assert len(page.encode()) < 500_000
    result = json.loads((folder / "result.json").read_text())
    assert "<h2>Memory over time</h2>" in page and "<h2>Schedule</h2>" in page
    assert f"highest address touched: {result['memory']['l2_peak']:,} B" in page
    assert ("): recomputed in slot" in page) == any(stay["how"] == "recomputed" for stay in result["l2"]["stays"])


def test_etude_schedule_draws_what_the_program_finds(tmp_path):
    out, config = tmp_path / "pictures", tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [16, 64, 64, 64, 64, 64, 64, 8], "batch": 64}
    config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    words = [config, "--policy", "page", "--budget", "0.8", "--time-limit", "0.2"]
    command = [*ETUDE, "schedule", *words, "--svg", out, "--budgets", "1,0.8"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("page (")
    assert re.search(r"page \((optimal|feasible)\), budget", (out / "energy_memory.svg").read_text())
    assert ": paged in in slot" in (out / "schedule.svg").read_text()
    refused = [*ETUDE, "schedule", config, "--budget", "1000", "--svg", tmp_path / "none"]
    done = subprocess.run(refused, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "no schedule fits" in done.stderr
    assert not (tmp_path / "none").exists()
