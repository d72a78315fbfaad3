# SPDX-License-Identifier: Apache-2.0
"""A step that runs operators again trains in less L2, with the same bits, and its run stays within its plan."""

import json

import numpy as np
import onnx_file as of
import pytest
from support import ROOT, run

RNG = np.random.default_rng(29)


def f(*shape) -> np.ndarray:
    return (RNG.normal(size=shape) / 2).astype(np.float32)


def trained(tmp_path, file, name, *sets):
    arguments = [argument for each in sets for argument in ("--set", each)]
    run("run", file, "--out", tmp_path / name, "--quiet", *arguments, check=0)
    result = json.loads((tmp_path / name / "result.json").read_text())
    assert result["check"]["passed"] is True, result["check"]["failures"]
    return result, dict(np.load(tmp_path / name / "outputs.npz"))


def same_bits(first: dict, second: dict):
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert values.tobytes() == second[name].tobytes(), name


def write(tmp_path, workload, train):
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": train}))
    return file


LARGE = "/platform/l2/size=8388608"
BERT = {"network": "bert", "sizes": [16, 32, 2, 64, 2, 3], "batch": 2}
MLP = {"network": "mlp", "sizes": [64, 96, 96, 96, 96, 96, 10], "batch": 32}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The run of a step that keeps everything in an L2 with room for it, once for each step."""
    runs = {}

    def of(workload, train):
        key = json.dumps([workload, train])
        if key not in runs:
            folder = tmp_path_factory.mktemp("kept")
            runs[key] = trained(folder, write(folder, workload, train), "keep", LARGE)
        return runs[key]

    return of


def test_sqrt_trains_where_keep_has_no_room(tmp_path):
    workload = {"network": "bert", "sizes": [32, 48, 2, 96, 3, 3]}
    file = write(tmp_path, workload, {"steps": 2, "optimizer": "momentum"})
    usual_run, usual = trained(tmp_path, file, "keep")
    assert all(layer["phase"] != "recompute" for layer in usual_run["layers"])
    small = "/platform/l2/size=300000"
    refused = run("run", file, "--out", tmp_path / "none", "--set", small, check=2)
    assert "/platform/l2/size" in refused.stderr and not (tmp_path / "none").exists()
    result, outputs = trained(tmp_path, file, "sqrt", small, "/schedule/policy=sqrt")
    same_bits(outputs, usual)
    memory = result["memory"]
    assert memory["l2_fixed"] < memory["l2_peak"] <= 300000
    assert memory["activations_peak"] < usual_run["memory"]["activations_peak"]
    again = [layer for layer in result["layers"] if layer["phase"] == "recompute"]
    assert sum(layer["cycles"] for layer in again) > 0
    assert result["step"]["cycles"] == sum(layer["cycles"] for layer in result["layers"])


@pytest.mark.parametrize(
    ("policy", "part"), [("optimal", 0.85), ("checkmate", 0.97), ("page", 0.95), ("capuchin", 0.7)]
)
def test_what_a_policy_chooses_runs_within_its_budget(tmp_path, kept, policy, part):
    workload, train = MLP if policy != "capuchin" else BERT, {"steps": 2, "optimizer": "momentum"}
    file = write(tmp_path, workload, train)
    _, usual = kept(workload, train)
    chosen = json.loads(run("schedule", file, "--policy", policy, "--budget", part, "--json", check=0).stdout)
    assert chosen["budget"] == int(part * chosen["peak_keep"]) and chosen["peak_bytes"] <= chosen["budget"]
    sets = f"/schedule/policy={policy}", f"/schedule/budget={part}"
    result, outputs = trained(tmp_path, file, policy, *sets)
    same_bits(outputs, usual)
    memory = result["memory"]
    assert memory["l2_peak"] <= chosen["budget"] + memory["l2_fixed"]
    # The platform needs no byte more than that.
    least = f"/platform/l2/size={chosen['budget'] + memory['l2_fixed']}"
    assert trained(tmp_path, file, "least", *sets, least)[0]["memory"]["l2_peak"] <= memory["l2_peak"]


def test_a_budget_that_nothing_fits_is_refused(tmp_path):
    file = write(tmp_path, {"network": "mlp", "sizes": [64, 64, 8]}, {})
    for policy in ("optimal", "sqrt"):
        sets = [a for s in (f"/schedule/policy={policy}", "/schedule/budget=2000") for a in ("--set", s)]
        refused = run("run", file, "--out", tmp_path / "none", *sets, check=2)
        assert "/schedule/budget" in refused.stderr and refused.stderr.count("\n") == 1
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("home", ["l2", "extmem"])
def test_statistics_of_a_normalisation_that_runs_again_move_once(tmp_path, home):
    nodes, constants = [], {"fw": f(6, 4)}
    last, channels = "x", 3
    for i in range(4):
        nodes += [
            of.node("Conv", [last, f"w{i}"], [f"c{i}"], pads=[1, 1, 1, 1]),
            of.node(
                "BatchNormalization",
                [f"c{i}", *(f"{part}{i}" for part in "gbmv")],
                [f"n{i}", f"m{i}.new", f"v{i}.new"],
                training_mode=1,
            ),
            of.node("Relu", [f"n{i}"], [f"r{i}"]),
        ]
        constants |= {f"w{i}": f(6, channels, 3, 3)} | {f"{part}{i}": np.abs(f(6)) + np.float32(0.5) for part in "gbmv"}
        last, channels = f"r{i}", 6
    nodes += [
        of.node("GlobalAveragePool", [last], ["p"]),
        of.node("Flatten", ["p"], ["q"]),
        of.node("Gemm", ["q", "fw"], ["y"]),
    ]
    x = f(2, 3, 12, 12)
    of.write(
        tmp_path / "model.onnx",
        nodes,
        [of.constant(name, value) for name, value in constants.items()],
        [of.value("x", x.shape)],
        [of.value("y", (2, 4))],
        15,
    )
    np.savez(tmp_path / "inputs.npz", x=x, labels=np.arange(2))
    file = write(tmp_path, {"onnx": "model.onnx", "inputs": "inputs.npz", "batch": 2, "home": home}, {"steps": 2})
    _, usual = trained(tmp_path, file, "keep")
    result, outputs = trained(tmp_path, file, "sqrt", "/schedule/policy=sqrt")
    same_bits(outputs, usual)
    again = {layer["op"] for layer in result["layers"] if layer["phase"] == "recompute"}
    assert {"Conv", "BatchNormalization", "Relu"} <= again


CCT2 = {"network": "cct2", "inputs": str(ROOT / "workloads/data/digits_tilted.npz"), "batch": 1, "home": "extmem"}
FULL = {"method": "full", "initial": str(ROOT / "workloads/data/cct2_digits.npz"), "lr": 0.01, "seed": 1}


@pytest.mark.parametrize(
    ("workload", "train", "policy", "parts"),
    [
        (BERT, {}, "page", (0.95, 0.7)),
        (BERT, {}, "capuchin", (0.8,)),
        ({"network": "resnet8", "batch": 1}, {}, "capuchin", (0.7,)),
        ({"network": "deep_ae", "batch": 24}, {}, "page", (0.95,)),
    ],
)
def test_the_bits_of_keep_in_an_l2_of_exactly_the_budget(tmp_path, kept, workload, train, policy, parts):
    workload, train = {"home": "extmem"} | workload, {"steps": 1} | train
    file = write(tmp_path, workload, train)
    _, usual = kept(workload, train)
    highest = None
    for part in parts:
        chosen = json.loads(run("schedule", file, "--policy", policy, "--budget", part, "--json", check=0).stdout)
        # The runtime, and the least of the task list that stands in L2 where it is at home in HyperRAM.
        size = chosen["budget"] + 65536 + 64 + 16384
        sets = f"/schedule/policy={policy}", f"/schedule/budget={part}", f"/platform/l2/size={size}"
        result, outputs = trained(tmp_path, file, f"{policy}{part}", *sets)
        same_bits(outputs, usual)
        memory = result["memory"]
        assert memory["l2_peak"] <= size and memory["l2_peak"] - memory["l2_fixed"] <= chosen["budget"]
        assert highest is None or memory["l2_peak"] - memory["l2_fixed"] < highest
        highest = memory["l2_peak"] - memory["l2_fixed"]


def test_a_full_step_of_cct2_trains_in_a_million_bytes(tmp_path, kept):
    file = write(tmp_path, CCT2, FULL | {"steps": 1})
    _, usual = kept(CCT2, FULL | {"steps": 1})
    million = "/platform/l2/size=1000000"
    refused = run("run", file, "--out", tmp_path / "none", "--set", million, check=2)
    assert "/platform/l2/size" in refused.stderr and not (tmp_path / "none").exists()
    result, outputs = trained(tmp_path, file, "page", million, "/schedule/policy=page")
    same_bits(outputs, usual)
    assert result["memory"]["l2_peak"] <= 1000000


def test_passes_of_a_step_follow_a_schedule_each(tmp_path):
    file = write(tmp_path, BERT | {"home": "extmem"}, {"steps": 2, "accumulate": 2})
    _, usual = trained(tmp_path, file, "keep")
    result, outputs = trained(tmp_path, file, "page", "/schedule/policy=page", "/schedule/budget=0.8")
    same_bits(outputs, usual)
    assert result["traffic"]["l3_l2_read"] > 0


@pytest.mark.parametrize(
    ("workload", "train", "policy", "part"),
    [
        (CCT2, FULL, "optimal", 0.5),
        ({"network": "resnet8", "batch": 1}, {}, "page", 0.7),
        ({"network": "deep_ae", "batch": 24}, {"steps": 2}, "page", 0.95),
        (BERT, {"steps": 2, "optimizer": "adam"}, "checkmate", 0.7),
        (BERT | {"batch": 4}, {"steps": 2, "accumulate": 2}, "capuchin", 0.7),
        (BERT, {"optimizer": "momentum"}, "sqrt", 0.9),
    ],
)
def test_parameters_at_home_in_l2_are_outside_the_budget(tmp_path, kept, workload, train, policy, part):
    workload, train = workload | {"home": "l2"}, {"steps": 1} | train
    file = write(tmp_path, workload, train)
    all_kept, usual = kept(workload, train)
    chosen = json.loads(run("schedule", file, "--policy", policy, "--budget", part, "--json", check=0).stdout)
    assert chosen["budget"] == int(part * chosen["peak_keep"]) and chosen["peak_bytes"] <= chosen["budget"]
    assert not {t["kind"] for t in chosen["tensors"]} & {"parameter", "input", "state"}
    size = chosen["budget"] + chosen["l2_fixed"]
    sets = f"/schedule/policy={policy}", f"/schedule/budget={part}", f"/platform/l2/size={size}"
    result, outputs = trained(tmp_path, file, policy, *sets)
    same_bits(outputs, usual)
    memory, told = result["memory"], result["schedule"]
    assert memory["l2_peak"] <= size and memory["l2_fixed"] == chosen["l2_fixed"] > memory["parameters"]
    words = [word for each in sets for word in ("--set", each)]
    again = json.loads(run("schedule", file, *words, "--json", check=0).stdout)
    for key in ("recomputed", "paged", "predicted", "budget", "status", "overhead"):
        assert told[key] == again[key], key
    assert again["recomputed"] == chosen["recomputed"] and again["paged"] == chosen["paged"]
    # Nothing but pages that the schedule names passes the HyperRAM.
    assert (result["traffic"]["l3_l2_read"] > 0) == bool(told["paged"])
    assert told["recomputed"] or told["paged"]
    assert all_kept["traffic"]["l3_l2_read"] == 0
