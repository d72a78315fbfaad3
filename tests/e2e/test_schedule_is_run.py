# SPDX-License-Identifier: Apache-2.0
"""`etude-sim schedule` says what a run of the same configuration does: networks, policies, homes and budgets."""

import json
import random

import numpy as np
import pytest
from support import run

MLP = {"network": "mlp", "sizes": [64, 96, 96, 96, 96, 10], "batch": 16}
BERT = {"network": "bert", "sizes": [16, 32, 2, 64, 2, 3], "batch": 2}
POLICIES = ("keep", "optimal", "checkmate", "page", "sqrt", "capuchin", "pofo")
HOMES = ("auto", "l2", "extmem")
BUDGETS = (None, 0.6, 0.8, 0.95, 1, 1_000_000)
SAME = ("policy", "objective", "budget", "deadline_s", "status", "overhead", "bound", "gap", "recomputed", "paged")


def cases() -> list:
    """Every policy at every home, with the rest drawn."""
    draw = random.Random(41)
    every = []
    for policy in POLICIES:
        for home in HOMES:
            workload = draw.choice((MLP, BERT))
            budget = draw.choice(BUDGETS)
            train = draw.choice(({}, {"optimizer": "momentum"}, {"accumulate": 2}))
            more = draw.choice(({}, {"objective": "time"}, {"page_to": "flash"}, {"deadline": 0.01}))
            every.append((workload | {"home": home}, train, {"policy": policy} | more, budget))
    # Where L2 leaves no room: the task list at home in HyperRAM, parameters there, and a refusal.
    for home in HOMES:
        every.append((BERT | {"home": home, "batch": 4}, {}, {"policy": "page", "l2": 180_000}, None))
    return every


@pytest.mark.parametrize(("workload", "train", "schedule", "budget"), cases())
def test_schedule_is_what_a_run_does(tmp_path, workload, train, schedule, budget):
    size = schedule.pop("l2", 2 << 20)
    schedule = schedule | ({} if budget is None else {"budget": budget})
    config = {"platform": "platform/traindeeploy.json", "workload": workload, "train": train, "schedule": schedule}
    file, out = tmp_path / "run.json", tmp_path / "out"
    file.write_text(json.dumps(config))
    words = ["--set", f"/platform/l2/size={size}"]
    asked = run("schedule", file, *words, "--policy", schedule["policy"], "--json")
    ran = run("run", file, *words, "--out", out, "--quiet", "--no-verify")
    assert asked.returncode == ran.returncode, asked.stderr + ran.stderr
    if ran.returncode != 0:
        assert ran.returncode == 2 and not out.exists()
        assert asked.stderr.count("\n") == ran.stderr.count("\n") == 1
        return
    answer, result = json.loads(asked.stdout), json.loads((out / "result.json").read_text())
    told = result.get("schedule")
    assert answer["l2_fixed"] == result["memory"]["l2_fixed"]
    assert result["memory"]["l2_peak"] <= answer["budget"] + answer["l2_fixed"]
    if told is None:  # nothing was asked of keep
        assert schedule == {"policy": "keep"}
        return
    assert {key: told[key] for key in (*SAME, "predicted")} == {key: answer[key] for key in (*SAME, "predicted")}
    # The same words among warnings, but for what only one of them has to say.
    mine = [warning for warning in result["warnings"] if "schedule" in warning or "fits at home" in warning]
    assert [warning for warning in answer["warnings"] if warning in mine] == mine
    again = any(layer["phase"] == "recompute" for layer in result["layers"])
    assert again == bool(told["recomputed"])


def outputs(folder):
    return {name: values.tobytes() for name, values in np.load(folder / "outputs.npz").items()}


def drawn(seed: int) -> tuple[dict, dict, str]:
    """A small step whose budget holds what keeping everything takes in part, the policy, and an L2 with room for it."""
    draw = random.Random(seed)
    home = draw.choice(("l2", "extmem"))
    layers = [draw.choice((32, 64, 96, 128)) for _ in range(draw.randint(4, 7))]
    workload = draw.choice(({"network": "mlp", "sizes": [*layers, 8], "batch": 32}, BERT)) | {"home": home}
    l2, l1 = draw.choice((1 << 19, 1 << 21, 1 << 26)), draw.choice((1 << 16, 1 << 17, 1 << 18))
    sets = {"/platform/l2/size": l2, "/platform/cluster/tcdm/size": l1}
    return workload, sets, draw.choice((0.75, 0.9, 1))


RESNET = {"network": "resnet8", "batch": 1, "home": "extmem"}, {}, 0.9


@pytest.mark.parametrize(
    ("policy", "case"), [*((policy, drawn(i)) for i, policy in enumerate(POLICIES)), ("checkmate", RESNET)]
)
def test_budget_and_l2_fixed_are_enough(tmp_path, policy, case):
    """The program of a budget is that of every L2 which has room for it, so that the least one is named."""
    workload, sets, part = case
    budget = 1 if policy in ("keep", "sqrt") else part
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    l1 = f"/platform/cluster/tcdm/size={sets.get('/platform/cluster/tcdm/size', 1 << 18)}"
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    status, answer, line = ask(file, *words, "--policy", policy, "--budget", budget)
    if status != 0:
        assert policy in ("capuchin", "pofo") and line.count("\n") == 1
        return
    l2 = max(answer["budget"] + answer["l2_fixed"], 131072)
    exact = [word for each in (f"/platform/l2/size={l2}", l1) for word in ("--set", each)]
    status, again, line = ask(file, *exact, "--policy", policy, "--budget", answer["budget"])
    assert status == 0, line
    for key in ("budget", "recomputed", "paged", "l2_fixed"):
        assert again[key] == answer[key], key
    assert again["predicted"]["cycles"] == answer["predicted"]["cycles"]
    chosen = "--set", f"/schedule/policy={policy}", "--set", f"/schedule/budget={answer['budget']}"
    run("run", file, *exact, *chosen, "--out", tmp_path / "out", "--quiet", check=0)
    run("run", file, "--set", l1, "--out", tmp_path / "keep", "--quiet", "--no-verify", check=0)
    memory = json.loads((tmp_path / "out/result.json").read_text())["memory"]
    assert memory["l2_peak"] <= answer["budget"] + answer["l2_fixed"]
    assert outputs(tmp_path / "out") == outputs(tmp_path / "keep")


def ask(file, *words):
    asked = run("schedule", file, *map(str, words), "--json")
    return asked.returncode, json.loads(asked.stdout or "{}"), asked.stderr


def test_a_deadline_holds_in_the_l2_that_the_budget_needs(tmp_path):
    """Another L2 makes another program: what is said of a larger one than the platform's is what a run there does."""
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [64, 32, 96, 64, 8], "batch": 8, "home": "l2"}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    small = "--set", "/platform/l2/size=131072"
    status, fastest, _ = ask(file, *small, "--budget", 0.9, "--objective", "time")
    assert status == 0
    for part in (0.9, 1, 1.01):
        deadline = fastest["time_s"] * part
        status, answer, line = ask(file, *small, "--budget", 0.9, "--deadline", deadline)
        inside = ask(file, *small, *("--set", f"/schedule/deadline={deadline}"), "--budget", 0.9)
        assert (status, answer["status"]) == (inside[0], inside[1]["status"])
        if status != 0:
            assert part < 1 and answer["needs"]["deadline_s"] > deadline and "deadline" in line
            continue
        assert answer["time_s"] <= deadline
        size = f"/platform/l2/size={answer['budget'] + answer['l2_fixed']}"
        limits = f"/schedule/budget={answer['budget']}", f"/schedule/deadline={deadline}"
        words = [word for each in ("/schedule/policy=optimal", *limits, size) for word in ("--set", each)]
        run("run", file, *words, "--out", tmp_path / str(part), "--quiet", "--no-verify", check=0)
        told = json.loads((tmp_path / str(part) / "result.json").read_text())["schedule"]
        assert {key: told[key] for key in SAME} == {key: answer[key] for key in SAME}
        assert told["predicted"]["cycles"] == answer["predicted"]["cycles"]
        assert told["predicted"]["energy_j"] == pytest.approx(answer["predicted"]["energy_j"], rel=1e-9)


def test_a_budget_below_the_smallest_l2_says_what_runs(tmp_path):
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [16, 32, 32, 32, 8], "batch": 16, "home": "extmem"}
    schedule = {"policy": "optimal", "budget": 0.9}
    config = {"platform": "platform/traindeeploy.json", "workload": workload, "schedule": schedule}
    file.write_text(json.dumps(config))
    status, answer, _ = ask(file)
    assert status == 0
    needed = answer["budget"] + answer["l2_fixed"]
    assert needed < 131072
    for words in ((), ("--set", "/platform/l2/size=131072")):
        described = json.loads(run("describe", file, *words, "--json", check=0).stdout)
        run("run", file, *words, "--out", tmp_path / str(len(words)), "--quiet", "--no-verify", check=0)
        result = json.loads((tmp_path / str(len(words)) / "result.json").read_text())
        for warnings in (ask(file, *words)[1]["warnings"], described["warnings"], result["warnings"]):
            assert [w for w in warnings if str(needed) in w and "/platform/l2/size" in w and "131072" in w]
        assert result["memory"]["l2_peak"] <= needed
    for command in ("schedule", "describe", "run"):
        out = ("--out", tmp_path / "none") if command != "describe" else ()
        refused = run(command, file, "--set", f"/platform/l2/size={needed}", *out, check=2)
        assert "/platform/l2/size" in refused.stderr and "131072" in refused.stderr
        assert refused.stderr.count("\n") == 1 and not (tmp_path / "none").exists()


def test_more_room_makes_no_slower_program(tmp_path):
    """The same slots are lowered as for a smaller budget where that is faster."""
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [16, 32, 96, 96, 96, 96, 8], "batch": 8, "home": "l2"}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    times = [ask(file, "--budget", budget, "--objective", "time")[1]["time_s"] for budget in (0.7, 0.75, 0.9)]
    assert times == sorted(times, reverse=True)
