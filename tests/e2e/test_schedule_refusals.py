# SPDX-License-Identifier: Apache-2.0
"""What `etude-sim schedule` does not understand ends with status 2 and one line, and nothing is written."""

import copy
import json

import pytest
from support import ROOT, run

TABLE = ROOT / "configs/devices/nrf52840.json"
ON_TABLE = ("transformer_1", "--device", TABLE)
PAGED = {"page_in_j": 0.1, "page_out_j": 0.1}
GRAPH = {
    "slots": [
        {"name": "a", "time_s": 1, "energy_j": 1, "bytes": 100, "inputs": [], "used_by": [1], **PAGED},
        {"name": "b", "time_s": 1, "energy_j": 1, "bytes": 100, "inputs": None, "used_by": [], **PAGED},
    ],
    "page_bytes_per_s": 1000,
    "page_latency_s": 0.001,
}


def refused(*arguments):
    """The one line of a refusal."""
    done = run("schedule", *arguments, check=2)
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def changed(value, path, new):
    """`value` with another value at a path of keys."""
    made = copy.deepcopy(value)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return made


@pytest.mark.parametrize("option", ["budget", "deadline", "time-limit", "batch", "out", "write-graph", "graph"])
def test_an_empty_value_is_none(option):
    assert "empty" in refused(*ON_TABLE, f"--{option}", "")


@pytest.mark.parametrize("option", ["budget", "deadline"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e400", "0.5x"])
def test_limits_are_numbers_above_0(option, value):
    assert option in refused(*ON_TABLE, f"--{option}", value)


@pytest.mark.parametrize(
    "more",
    [
        ("--policy", "recompute"),
        ("--objective", "speed"),
        ("--time-limit", "-1"),
        ("--budget", "1.5"),
        ("--budget", "10"),
        ("--out", "{folder}/no folder/x.sched"),
        ("--out", "{folder}/graph.json"),
    ],
)
def test_a_graph_is_written_behind_all_checks(tmp_path, more):
    file = tmp_path / "graph.json"
    refused(*ON_TABLE, "--write-graph", file, *(word.format(folder=tmp_path) for word in more))
    assert not list(tmp_path.iterdir())
    run("schedule", *ON_TABLE, "--write-graph", file, check=0)
    run("schedule", "--device", file, check=0)


def test_the_policy_that_recomputes_is_named():
    assert "checkmate" in refused(*ON_TABLE, "--policy", "recompute")


@pytest.mark.parametrize(
    "more", [("--set", "/train/lr=1"), ("--batch", "2"), ("--graph", "published"), ("--page-to", "flash")]
)
def test_options_that_change_nothing_beside_a_graph_are_refused(tmp_path, more):
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(GRAPH))
    run("schedule", "--device", file, check=0)
    assert more[0] in refused("--device", file, *more)
    assert "--graph" in refused("deep_ae", "--device", TABLE, "--graph", "corrected")


@pytest.mark.parametrize("value", [1e308, 1e16, -1, "1", None])
def test_figures_of_tables_have_a_range(tmp_path, value):
    table, file = json.loads(TABLE.read_text()), tmp_path / "table.json"
    for key in [key for key in table if isinstance(table[key], dict)]:
        file.write_text(json.dumps(changed(table, (key, "value"), value)))
        assert key in refused("transformer_1", "--device", file)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("slots", 0, "time_s"), 1e308),
        (("slots", 0, "energy_j"), 1e308),
        (("slots", 0, "page_in_j"), 1e308),
        (("slots", 0, "name"), ""),
        (("slots", 0, "bytes"), 2**63),
        (("slots", 0, "inputs"), [0]),
        (("slots", 0, "cost"), 1),
        (("static_w",), 1e308),
        (("page_latency_s",), 1e308),
        (("budget",), 1),
    ],
)
def test_figures_of_graphs_have_a_range(tmp_path, path, value):
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(changed(GRAPH, path, value)))
    line = refused("--device", file)
    assert str(path[-1]) in line and "18446744073709551615" not in line


@pytest.fixture
def perceptron(tmp_path):
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [32, 48, 48, 8], "batch": 8, "home": "extmem"}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))
    return file


def test_a_late_policy_is_not_blamed_on_its_budget(tmp_path, perceptron):
    late = refused(perceptron, "--policy", "keep", "--budget", "1", "--deadline", "1e-6")
    assert late.startswith("etude-sim: --deadline: ") and late.endswith(" s would do\n") and "bytes" not in late
    sets = [a for s in ("budget=1", "deadline=1e-6") for a in ("--set", f"/schedule/{s}")]
    done = run("run", perceptron, "--out", tmp_path / "none", *sets, check=2)
    assert "/schedule/deadline: of 1e-06 s" in done.stderr and not (tmp_path / "none").exists()


def test_what_a_policy_cannot_take_is_not_a_matter_of_time(perceptron):
    line = refused(perceptron, "--policy", "poet", "--budget", "0.9")
    assert line.startswith("etude-sim: --policy: poet has no schedule: ") and "in time" not in line


def test_a_budget_that_l2_has_no_room_for_names_both(tmp_path, perceptron):
    large = "/workload/sizes=[64, 128, 128, 128, 16]", "/workload/batch=32"
    limits = "/schedule/policy=page", "/schedule/budget=0.9", "/platform/l2/size=131072"
    sets = [a for s in (*large, *limits) for a in ("--set", s)]
    done = run("run", perceptron, "--out", tmp_path / "none", *sets, check=2)
    assert "/platform/l2/size" in done.stderr and "131072" in done.stderr and not (tmp_path / "none").exists()


def test_of_two_files_none_is_written_where_one_cannot_be(tmp_path):
    graph, out = tmp_path / "graph.json", tmp_path / "no" / "x.sched"
    refused(*ON_TABLE, "--budget", "0.9", "--time-limit", "0", "--write-graph", graph, "--out", out)
    assert not list(tmp_path.iterdir())


CHAIN = {"network": "mlp", "sizes": [32, 24, 130, 130, 48, 32, 8], "batch": 8}
ENCODER = {"network": "bert", "sizes": [8, 16, 2, 32, 2, 3], "batch": 3}


@pytest.mark.parametrize(("workload", "objective"), [(CHAIN, "energy"), (CHAIN, "peak"), (ENCODER, "peak")])
def test_the_least_bytes_of_a_refusal_do(tmp_path, workload, objective):
    """What the largest operator takes alone is enough: a gradient that it does not read goes out in front of it."""
    file = tmp_path / "run.json"
    training = {"optimizer": "momentum" if workload is CHAIN else "sgd"}
    config = {"platform": "platform/traindeeploy.json", "workload": {**workload, "home": "l2"}, "train": training}
    file.write_text(json.dumps(config))
    asked = ("schedule", file, "--objective", objective, "--time-limit", "5", "--json", "--budget")
    least = json.loads(run(*asked, "0.1", check=2).stdout)["needs"]["bytes"]
    assert json.loads(run(*asked, str(least), check=0).stdout)["peak_bytes"] == least
    run(*asked, str(least - 1), check=2)
