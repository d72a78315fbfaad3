# SPDX-License-Identifier: Apache-2.0
"""etude-sim schedule: the figures of graphs with published costs, tables, and what is refused."""

import json

import pytest
from support import run, shared

# Overhead above keep, J, of ResNet-18 for CIFAR on a Cortex-M4F, by the part of keep's peak.
CIFAR_M4F = {0.9: 1.06e-4, 0.7: 3.18e-4, 0.5: 6.78e-4, 0.35: 1.031e-3}


def small(**changes):
    """Five layers, forward and backward, in whole numbers."""
    count = 10
    slots = []
    for t in range(count):
        used_by = ([t + 1] if t + 1 < count else []) + ([count - 1 - t] if t + 1 < count - 1 - t else [])
        slots.append(
            {"name": f"s{t}", "time_s": 1.0, "energy_j": 1.0 + t, "bytes": 100 * (t % 3 + 1), "used_by": used_by}
            | {
                "inputs": ([t - 1] if t else []) if t < count / 2 else None,
                "forward": t < count / 2,
                "page_in_j": 3,
                "page_out_j": 3,
            }
        )
    return {"page_bytes_per_s": 200.0, "page_latency_s": 0.1, "slots": slots} | changes


@pytest.fixture
def graph(tmp_path):
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(small()))
    return file


def deadline(instance: dict) -> float:
    return 1.5 * sum(slot["time_s"] for slot in instance["slots"])


def answer(*arguments, check=0) -> dict:
    return json.loads(run("schedule", *arguments, "--json", check=check).stdout)


@pytest.mark.parametrize("part", CIFAR_M4F)
def test_the_figures_of_resnet18_for_cifar(part):
    file = shared("cases/schedule/resnet18_cifar_m4f.json")
    whole = json.loads(file.read_text())
    got = answer("--device", file, "--budget", part, "--deadline", deadline(whole), "--time-limit", 60)
    assert got["status"] == "optimal"
    assert got["overhead"] == pytest.approx(CIFAR_M4F[part], rel=2e-3)
    assert got["gap"] <= 1e-3
    assert got["bound"] <= got["overhead"]
    assert got["replay"]["ok"]
    assert got["replay"]["peak_bytes"] == got["peak_bytes"] <= part * whole["peak_keep_bytes"]
    assert got["energy_j"] == pytest.approx(whole["energy_keep_j"] + got["overhead"])
    assert got["peak_keep"] == whole["peak_keep_bytes"]


@pytest.mark.parametrize("part, joules", [(0.9, 0.019), (0.7, 0.146)])
def test_the_figures_of_bert_base(part, joules):
    file = shared("cases/schedule/bert_base_m4f.json")
    got = answer("--device", file, "--budget", part, "--deadline", deadline(json.loads(file.read_text())))
    assert got["status"] == "optimal"
    assert got["overhead"] == pytest.approx(joules, rel=5e-3)


def test_an_operator_that_does_not_fit_is_named():
    file = shared("cases/schedule/resnet18_m4f.json")
    done = run("schedule", "--device", file, "--budget", 0.35, "--json", check=2)
    got = json.loads(done.stdout)
    assert got["status"] == "infeasible"
    assert got["needs"] == {"operator": "GradientLayer125", "bytes": 10408192}
    assert "GradientLayer125" in done.stderr and "10408192" in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_runs_are_equal(graph):
    def result():
        got = answer("--device", graph, "--budget", 0.8)
        got.pop("solve_s")
        return got

    assert result() == result()


def test_all_policies_in_one_table(graph):
    policies = answer("--device", graph, "--budget", 0.8, "--compare")["policies"]
    names = [policy["policy"] for policy in policies]
    assert names == ["keep", "sqrt", "checkmate", "page", "capuchin", "pofo", "poet", "accumulate", "optimal"]
    optimal = policies[-1]
    for policy in policies:
        if policy["status"] in ("optimal", "feasible"):
            assert policy["replay"]["ok"]
            assert policy["peak_bytes"] <= policy["budget"]
    assert optimal["status"] == "optimal"
    for part in policies[2:4]:  # recomputation or pages alone
        assert part["status"] == "optimal"
        assert part["overhead"] >= optimal["overhead"]
    assert policies[2]["paged"] == [] == policies[3]["recomputed"]
    table = run("schedule", "--device", graph, "--budget", 0.8, "--compare", check=0).stdout
    assert all(name in table for name in names)


@pytest.mark.parametrize("objective", ["energy", "time", "edp", "peak"])
def test_objectives(graph, objective):
    got = answer("--device", graph, "--budget", 0.9, "--objective", objective)
    assert got["status"] == "optimal"
    assert got["objective"] == objective


def test_no_time_gives_the_best_heuristic(graph):
    assert answer("--device", graph, "--budget", 0.8, "--time-limit", 0)["status"] == "feasible"


def test_a_deadline_that_would_do_is_named(graph):
    got = answer("--device", graph, "--budget", 0.8, "--deadline", 9.5, check=2)
    would_do = got["needs"]["deadline_s"]
    assert answer("--device", graph, "--budget", 0.8, "--deadline", would_do)["status"] == "optimal"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--budget", "0"], "--budget"),
        (["--budget=-5"], "--budget"),
        (["--budget", "100.5"], "--budget"),
        (["--budget", "nan"], "--budget"),
        (["--deadline", "0"], "--deadline"),
        (["--deadline=-1"], "--deadline"),
        (["--time-limit=-1"], "--time-limit"),
        (["--policy", "recompute"], "checkmate"),
        (["--objective", "speed"], "energy, time, edp, peak"),
    ],
)
def test_bad_requests(graph, arguments, says):
    done = run("schedule", "--device", graph, *arguments, check=2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    "text, says",
    [
        (json.dumps(small())[:300], "graph.json"),
        (json.dumps(small(peak_keep_bytes=1)), "peak_keep_bytes"),
        (json.dumps(small(speed=1)), "speed"),
        ("[]", "object"),
    ],
)
def test_bad_files(tmp_path, text, says):
    file = tmp_path / "graph.json"
    file.write_text(text)
    done = run("schedule", "--device", file, "--budget", 0.8, check=2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_graph_there_is_nothing_to_schedule():
    assert "--device" in run("schedule", check=2).stderr


@pytest.mark.parametrize(
    "setting, says",
    [("budget=0", "/schedule/budget"), ("budget=-3", "/schedule/budget"), ("deadline=0", "/schedule/deadline")],
)
def test_an_explicit_nothing_is_refused(setting, says):
    sets = ["--set", "/schedule/policy=optimal", "--set", f"/schedule/{setting}"]
    for command in (["schedule"], ["run", "--out", "none"]):
        done = run(command[0], "configs/deep_ae.json", *command[1:], *sets, check=2)
        assert says in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""


def test_a_step_of_cct2_counts_parameters_in_the_slots_that_use_them():
    # 1,310,976 B of activations and gradients, 512 B of the parameter that the slot reads, and the loss.
    full = ["configs/cct2_lora.json", "--set", "/train/method=full"]
    keep = answer(*full, "--policy", "keep", "--budget", 1)
    assert keep["status"] == "feasible" and keep["replay"]["ok"]
    assert keep["peak_bytes"] == keep["peak_keep"] == 1_310_976 + 512 + 8
    assert keep["cheapest"] < 0 == keep["overhead"]
    best = answer(*full, "--budget", 1, "--time-limit", 0)
    assert best["status"] == "feasible" and best["energy_j"] < keep["energy_j"]
    assert best["peak_bytes"] <= keep["peak_keep"]
    # One operator needs more than that alone: its gradient, the map below it and the result.
    refused = run("schedule", *full, "--budget", 0.4, "--json", check=2)
    needs = json.loads(refused.stdout)["needs"]
    assert needs == {"operator": "tokenizer.0.relu.out.grad", "bytes": 4 * (2 * 64 * 32 * 32 + 64 * 16 * 16) + 8}
    assert refused.stderr.count("\n") == 1 and "tokenizer.0.relu.out.grad" in refused.stderr
    # And just that is enough.
    least = answer(*full, "--budget", needs["bytes"], "--time-limit", 0)
    assert least["peak_bytes"] <= needs["bytes"]


def test_parameters_stand_where_they_are_at_home():
    near, far, auto = (
        answer("configs/deep_ae.json", "--policy", "keep", "--set", f"/workload/home={home}")
        for home in ("l2", "extmem", "auto")
    )
    assert near["paged"] == [] and len(far["paged"]) > 10
    # At home l2 they are below the budget's bytes; where auto finds that everything fits, among them.
    assert near["peak_keep"] < far["peak_keep"] < auto["peak_keep"]
    assert auto["peak_keep"] - near["peak_keep"] == near["l2_fixed"] - auto["l2_fixed"]
    assert near["energy_j"] == auto["energy_j"] < far["energy_j"]
    # In less memory than all of it takes, auto is HyperRAM.
    small = ["--policy", "keep", "--budget", far["peak_keep"]]
    assert answer("configs/deep_ae.json", *small, "--set", "/workload/home=auto")["peak_keep"] == far["peak_keep"]


def test_a_configuration_brings_its_own_graph():
    got = answer("configs/deep_ae.json", "--policy", "keep")
    assert got["status"] == "optimal" and got["replay"]["ok"]  # all of it stands in L2
    assert got["peak_bytes"] == got["peak_keep"] < 2 << 20
    assert got["l2_fixed"] + got["budget"] == 2 << 20
