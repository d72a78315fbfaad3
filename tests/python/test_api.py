# SPDX-License-Identifier: Apache-2.0
"""What `import etude` gives is what etude-sim says, to the byte, on configurations drawn at random."""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import etude
import numpy as np
import polars
import pytest
from etude.program import find_program

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("ETUDE_SEED", "13"))
POINTS = int(os.environ.get("ETUDE_POINTS", "5"))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Names of files are looked for from here."""
    monkeypatch.chdir(ROOT)


def sim(*arguments, status=0) -> str:
    """What etude-sim prints."""
    done = subprocess.run([find_program(), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout


def draw(number: int) -> dict:
    """A small step on a platform that nobody has seen."""
    rng = random.Random(f"{SEED}-{number}")
    sizes = [rng.randint(3, 40) for _ in range(rng.randint(3, 5))]
    redmule = {"enabled": rng.random() < 0.7, "width": rng.choice([4, 8, 12]), "height": rng.choice([2, 4])}
    platform = json.loads((ROOT / "configs/platform/traindeeploy.json").read_text())
    platform["cluster"]["redmule"] |= redmule
    platform["cluster"]["dma"] = {"engine": rng.choice(["mchan", "idma"])}
    platform["cluster"]["tcdm"]["size"] = rng.choice([65536, 131072, 262144])
    platform["cluster"] |= {"cores": rng.choice([1, 2, 4, 8]), "controller": rng.random() < 0.7}
    train = {
        "steps": rng.randint(1, 3),
        "optimizer": rng.choice(["sgd", "momentum", "adam"]),
        "seed": rng.randint(0, 9),
    }
    workload = {"network": "mlp", "sizes": sizes, "batch": rng.randint(1, 6), "home": rng.choice(["auto", "extmem"])}
    return {"platform": platform, "workload": workload, "train": train}


@pytest.fixture(params=range(POINTS))
def drawn(request, tmp_path):
    """A configuration as a dict, and as a file."""
    root = draw(request.param)
    file = tmp_path / "point.json"
    file.write_text(json.dumps(root))
    return root, file


def without_simulator(text: str) -> str:
    """result.json without the member that is of this machine."""
    rest, removed = re.subn(r'^ "simulator": \{\n.*?^ \},?\n', "", text, flags=re.M | re.S)
    assert removed == 1 and len(rest) > len(text) / 2
    return rest


def test_resolved_described_and_lowered_as_the_program_says(drawn):
    root, file = drawn
    given, read = etude.load(root), etude.load(file)
    assert given.resolved_text == read.resolved_text == sim("config", "resolve", file)
    assert given.hash == read.hash
    description = etude.describe(given)
    assert description.text == sim("describe", file, "--json")
    program = etude.lower(read)
    assert program.memory == description.memory
    assert program.modelled_cycles == description.modelled_cycles
    assert program.layers.rows() == [tuple(layer.values()) for layer in description.raw["layers"]]
    kinds = dict(program.operations.group_by("kind").len().rows())
    assert kinds.get("kernel", 0) == description.tasks["kernels"] and kinds["end"] == 1
    assert kinds.get("job", 0) == description.tasks["redmule_jobs"]
    moved = program.operations.filter(polars.col("kind") == "to L1")["bytes"].sum()
    assert moved == description.traffic.l2_l1_read


def test_runs_are_those_of_the_program(drawn, tmp_path):
    root, file = drawn
    sim("run", file, "--quiet", "--out", tmp_path / "own")
    result = etude.run(root)
    own = tmp_path / "own" / "result.json"
    assert without_simulator(result.text) == without_simulator(own.read_text())
    for name in ("config.resolved.json", "outputs.npz"):
        assert (result.folder / name).read_bytes() == (tmp_path / "own" / name).read_bytes()
    assert result.config_hash == etude.load(root).hash
    opened = etude.open_result(tmp_path / "own")
    assert (opened.step, opened.energy, opened.memory) == (result.step, result.energy, result.memory)


def test_priced_again_as_the_program_does(tmp_path):
    result = etude.run(draw(0), out=tmp_path / "run")
    table = {"/energy/supply_v": 0.8}
    assert etude.price(result, table).text == sim("price", tmp_path / "run", "--set", "/energy/supply_v=0.8", "--json")
    same = etude.price(tmp_path / "run")
    assert same.energy == result.energy
    assert etude.price(result, table).energy.total != result.energy.total
    assert etude.price(result, table).step.cycles == result.step.cycles
    with pytest.raises(etude.ConfigError, match="another table alone"):
        etude.price(result, {"/platform/cluster/cores": 4})


def answered(text: str) -> dict:
    """Without how long it took."""
    return {key: value for key, value in json.loads(text).items() if key != "solve_s"}


@pytest.mark.parametrize("budget", [0.9, 0.75])
def test_schedules_are_those_of_the_program(budget, tmp_path):
    workload = {"network": "mlp", "sizes": [16] * 5, "batch": 64}
    root = {"platform": "platform/traindeeploy.json", "workload": workload}
    file = tmp_path / "step.json"
    file.write_text(json.dumps(root))
    own = sim("schedule", file, "--budget", budget, "--json", "--out", tmp_path / "own.sched")
    found = etude.schedule(root, budget=budget, out=tmp_path / "found.sched")
    assert answered(found.text) == answered(own)
    assert (tmp_path / "found.sched").read_bytes() == (tmp_path / "own.sched").read_bytes()
    assert found.peak_bytes <= found.budget and found.tensors.height > 3 and found.slots.height > 3
    asked = etude.load(root).set("/schedule/policy", "optimal").set("/schedule/budget", budget)
    described = sim(
        "describe", file, "--json", "--set", "/schedule/policy=optimal", "--set", f"/schedule/budget={budget}"
    )
    assert etude.describe(asked).text == described


def test_policies_in_one_frame():
    frame = etude.compare_policies(draw(1), budget=0.9, time_limit=1)
    assert frame["policy"][0] == "keep" and "optimal" in frame["policy"].to_list()
    assert set(frame["status"]) <= {"optimal", "feasible", "infeasible", "unknown"}


def test_a_budget_that_nothing_fits_names_what_would(tmp_path):
    with pytest.raises(etude.InfeasibleError, match="no schedule fits; operator .* needs [0-9]+ bytes") as caught:
        etude.schedule(draw(0), budget=64, out=tmp_path / "none.sched")
    file = tmp_path / "step.json"
    file.write_text(json.dumps(draw(0)))
    done = subprocess.run([find_program(), "schedule", file, "--budget", "64"], capture_output=True, text=True)
    assert done.returncode == caught.value.exit_status == 2
    assert done.stderr == f"etude-sim: {caught.value}\n"
    assert caught.value.answer["needs"]["bytes"] > 64 and not (tmp_path / "none.sched").exists()


def test_frames_add_up():
    result = etude.run(draw(2))
    assert result.layers["cycles"].sum() == result.step.cycles
    assert result.layers["macs"].sum() == result.step.macs
    cycles = result.units.group_by("unit").agg(polars.col("cycles").sum())["cycles"].to_list()
    assert set(cycles) == {result.step.cycles}
    assert result.energy_terms["energy_j"].sum() == pytest.approx(result.energy.total)
    assert result.steps.height == draw(2)["train"]["steps"] and result.steps["cycles"][-1] == result.step.cycles
    assert result.bounds["share"].max() <= 1 and result.check.passed
    parts = dict(result.area.rows())
    assert parts["cluster"] + parts["l2"] == pytest.approx(parts["total"]) == pytest.approx(result.area_mm2)
    outputs = result.outputs
    assert float(outputs["loss"]) == pytest.approx(result.loss) and all(np.isfinite(a).all() for a in outputs.values())
    assert result.report().splitlines()[0] and f"{result.step.cycles:,}" in result.report()


def test_a_temporary_folder_goes_with_its_result():
    result = etude.run(draw(3))
    folder, outputs = result.folder, result.outputs
    page = result.write_page()
    assert page == folder / "report.html" and page.exists() and outputs
    del result
    assert not folder.exists()


def test_an_onnx_graph_is_described_from_python(tmp_path):
    step = etude.load(draw(4)).set("/train/optimizer", "sgd")
    etude.export_onnx(step, tmp_path / "step.onnx")
    imported = etude.describe(etude.import_onnx(tmp_path / "step.onnx"))
    assert imported.macs.total == etude.describe(step).macs.total
    assert imported.inputs.height >= 1 and imported.nodes.height > 3


def test_settings_reach_into_files_and_leave_the_first_one_alone():
    first = etude.load("configs/cct2_lora.json")
    second = first.set("/train/rank", 16).set("/platform/cluster/tcdm/size", np.int64(131072))
    assert (first.get("/train/rank"), second.get("/train/rank")) == (4, 16) or first.get("/train/rank") != 16
    assert second.get("/platform/cluster/tcdm/size") == 131072 and first.sets == ()
    assert second.resolved_text == sim(
        "config",
        "resolve",
        "configs/cct2_lora.json",
        "--set",
        "/train/rank=16",
        "--set",
        "/platform/cluster/tcdm/size=131072",
    )
    assert str(second).startswith("configs/cct2_lora.json --set /train/rank=16")
    assert etude.load(second) is second


def test_a_text_stays_a_text(tmp_path):
    """A value that looks like a number is one only if it is one."""
    with pytest.raises(etude.ConfigError, match='"8"'):
        etude.load(draw(0)).set("/platform/cluster/cores", "8")
    assert etude.load(draw(0)).set("/platform/cluster/cores", 8).get("/platform/cluster/cores") == 8


def test_the_schema_is_one_file_that_knows_every_shipped_configuration():
    import jsonschema

    schema = etude.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in ("deep_ae", "cct2_lora"):
        validator.validate(json.loads((ROOT / f"configs/{name}.json").read_text()))
        validator.validate(etude.load(f"configs/{name}.json").resolved)
    wrong = draw(0)
    wrong["platform"]["cluster"]["coers"] = 4
    assert not validator.is_valid(wrong)
    assert etude.schema("train") == json.loads(sim("config", "schema", "train.json"))
    with pytest.raises(etude.ConfigError, match="no such section; give one of"):
        etude.schema("trian")
