# SPDX-License-Identifier: Apache-2.0
"""A sweep's table is a function of SWEEP.json and the program alone, however often it was ended and wherever it ran."""

import dataclasses
import hashlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import etude
import pytest
from etude import native
from etude.api.child import measure
from etude.errors import UserError
from etude.explore import fields
from etude.explore.point import evaluate
from etude.explore.pool import pool_of
from etude.program import find_program
from sweep_cases import BASE, SEED, SWEEP, changed, command, dump, environment, killed_and_resumed, rows_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Names of files are looked for from here."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """SWEEP, one point after the other."""
    os.chdir(ROOT)
    return etude.sweep(SWEEP, out=tmp_path_factory.mktemp("sweep") / "serial", jobs=1, progress=False)


def test_points_are_runs(undisturbed):
    rows = undisturbed.points.rows(named=True)
    allowed = [p for p in itertools.product([2, 4, 8], [4, 8, 16], [2, 4]) if p[0] * p[1] <= 64]
    assert [(r["height"], r["width"], r["batch"]) for r in rows] == allowed
    assert [r["id"] for r in rows] == list(range(1, len(rows) + 1))
    assert {r["status"] for r in rows} == {"done", "infeasible"}
    rng = random.Random(SEED)
    for row in rng.sample([r for r in rows if r["status"] == "done"], 3):
        sets = {f"/platform/cluster/redmule/{name}": row[name] for name in ("height", "width")}
        result = etude.run(BASE, sets={**sets, "/workload/batch": row["batch"]})
        found = (result.config_hash, result.step.cycles, result.step.energy_j, result.area_mm2)
        assert found == (row["config_hash"], row["step.cycles"], row["step.energy_j"], row["area_mm2"])
    for row in (r for r in rows if r["status"] == "infeasible"):
        assert "its port of 128 bytes" in row["reason"] and row["height"] == 8 and row["step.cycles"] is None
        assert len(row["config_hash"] or "x" * 64) == 64


def test_front_and_files(undisturbed):
    import polars

    done = undisturbed.points.filter(undisturbed.points["status"] == "done")
    objectives = [tuple(r) for r in done.select(list(SWEEP["objectives"])).rows()]
    best = {
        a for a in objectives if not any(b != a and all(x <= y for x, y in zip(b, a, strict=True)) for b in objectives)
    }
    assert {tuple(r) for r in undisturbed.front.select(list(SWEEP["objectives"])).rows()} == best
    assert polars.read_parquet(undisturbed.folder / "points.parquet").equals(undisturbed.points)
    written = {f.stem: hashlib.sha256(f.read_bytes()).hexdigest() for f in (undisturbed.folder / "front").iterdir()}
    assert written == {str(r["id"]): r["config_hash"] for r in undisturbed.front.rows(named=True)}


def test_predicted_in_this_process_as_by_the_command(tmp_path, monkeypatch):
    """Points of the model tier share a process, plans and what is known; a command has neither."""
    monkeypatch.setenv("ETUDE_MODEL_DATABASE", str(tmp_path / "model.sqlite"))
    asked = changed(tiers={"screen": "model", "confirm": None})
    studies = [etude.sweep(asked, out=tmp_path / str(jobs), jobs=jobs, progress=False) for jobs in (1, 2)]
    assert dump(studies[0].folder) == dump(studies[1].folder)
    model, base = native.core().Model(measure), tmp_path / "base.json"
    base.write_text(json.dumps(BASE))
    for row in studies[0].points.rows(named=True)[::5]:
        sets = [f"{pointer}={json.dumps(value)}" for pointer, value in studies[0].sets_of(row).items()]
        sets.append('/run/tier="model"')
        command = [find_program(), "run", base, "--quiet", "--out", tmp_path / "run"]
        done = subprocess.run([*command, *(word for one in sets for word in ("--set", one))], capture_output=True)
        if done.returncode:
            assert row["status"] == "infeasible" and done.stderr.decode().strip().endswith(row["reason"])
            continue
        theirs, ours = json.loads((tmp_path / "run/result.json").read_text()), json.loads(model.result(str(base), sets))
        del theirs["simulator"]["command"]
        for result in (theirs, ours):
            for name in ("wall_s", "measured_shapes"):
                del result["simulator"][name]
        assert json.dumps(ours) == json.dumps(theirs)
        assert (theirs["step"]["cycles"], theirs["config_hash"]) == (row["step.cycles"], row["config_hash"])


def test_parallel_is_serial(undisturbed, tmp_path):
    pytest.importorskip("distributed")
    study = etude.sweep(SWEEP, out=tmp_path / "parallel", jobs=2, progress=False)
    assert dump(study.folder) == dump(undisturbed.folder)
    assert (study.folder / "points.parquet").read_bytes() == (undisturbed.folder / "points.parquet").read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_resumed(undisturbed, tmp_path, jobs):
    assert dump(killed_and_resumed(SWEEP, tmp_path, jobs).folder) == dump(undisturbed.folder)


@pytest.fixture
def scheduler(tmp_path):
    """The address of a Dask scheduler with two workers, and the processes."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    quiet = {"cwd": tmp_path, "env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = [sys.executable, "-m"]
    leader = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = ["distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    worker += ["--scheduler-file", str(file)]
    processes = [subprocess.Popen([*python, *leader, "--scheduler-file", str(file)], **quiet)]
    try:
        while not file.exists() or not file.read_text().endswith("}"):
            assert processes[0].poll() is None
            time.sleep(0.05)
        processes += [subprocess.Popen([*python, *worker], **quiet) for _ in range(2)]
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_remote_scheduler_whose_worker_dies_and_that_dies(undisturbed, tmp_path, scheduler):
    address, (leader, *workers) = scheduler
    file, out = tmp_path / "sweep.json", tmp_path / "remote"
    file.write_text(json.dumps(SWEEP))
    child = subprocess.Popen(command(file, "--out", out, "--dask", address), env=environment(), stdout=-1, stderr=-1)
    while child.poll() is None and len(rows_of(out)) < 3:
        time.sleep(0.01)
    workers[0].kill()
    said = child.communicate()[1]
    assert (child.returncode, said) == (0, b"")
    assert dump(out) == dump(undisturbed.folder)

    out = tmp_path / "dead"
    child = subprocess.Popen(command(file, "--out", out, "--dask", address), env=environment(), stdout=-1, stderr=-1)
    while child.poll() is None and len(rows_of(out)) < 3:
        time.sleep(0.01)
    leader.kill()
    said = child.communicate()[1]
    assert child.returncode == 1 and said.count(b"\n") == 1 and b"--resume goes on" in said
    assert len(rows_of(out)) >= 3
    study = etude.sweep(file, out=out, jobs=1, resume=True, progress=False)
    assert dump(study.folder) == dump(undisturbed.folder)


def test_a_guided_search_tries_all_of_a_small_space_and_ends(tmp_path):
    pytest.importorskip("optuna")
    search = {"sampler": "tpe", "points": 500, "seed": 3}
    asked = changed(axes={"/workload/batch": [1, 2, 3], "/platform/cluster/tcdm/banks": [16, 32]}, constraints=[])
    studies = [
        etude.sweep({**asked, "search": search}, out=tmp_path / str(jobs), jobs=jobs, progress=False) for jobs in (1, 2)
    ]
    assert sorted(studies[0].points.select("batch", "banks").rows()) == sorted(itertools.product([1, 2, 3], [16, 32]))
    assert dump(studies[0].folder) == dump(studies[1].folder)


def test_resuming_repeats_nothing(undisturbed, monkeypatch):
    before = dump(undisturbed.folder)
    monkeypatch.setattr("etude.explore.pool.evaluate", lambda task: pytest.fail("a point ran again"))
    etude.sweep(SWEEP, out=undisturbed.folder, jobs=1, resume=True, progress=False)
    assert dump(undisturbed.folder) == before
    with pytest.raises(UserError, match="is there already; give --resume"):
        etude.sweep(SWEEP, out=undisturbed.folder, jobs=1, progress=False)
    with pytest.raises(UserError, match="is of another sweep"):
        other = changed(constraints=["height <= 4"])
        etude.sweep(other, out=undisturbed.folder, jobs=1, resume=True, progress=False)
    monkeypatch.setattr("etude.explore.study.program_version", lambda: "0.1.0+another")
    with pytest.raises(UserError, match=r"is of version .*, and this is 0\.1\.0\+another"):
        etude.sweep(SWEEP, out=undisturbed.folder, jobs=1, resume=True, progress=False)
    assert dump(undisturbed.folder) == before


def stand_in(folder: Path, monkeypatch, text: str) -> None:
    """An etude-sim that does something else for `run`."""
    file = folder / "etude-sim"
    file.write_text(f'#!/bin/sh\nif [ "$1" = run ]; then\n{text}\nfi\nexec {find_program()} "$@"\n')
    file.chmod(0o755)
    monkeypatch.setenv("ETUDE_SIM", str(file))


def test_a_crash_is_a_row(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, 'case "$*" in */workload/batch=4*) kill -SEGV $$;; esac')
    asked = changed(axes={"/workload/batch": [2, 4]}, constraints=[])
    study = etude.sweep(asked, out=tmp_path / "crash", jobs=1, progress=False)
    assert study.points["status"].to_list() == ["done", "failed"]
    assert "SIGSEGV" in study.points["reason"][1]


def test_a_full_disk_ends_the_sweep_and_loses_nothing(tmp_path, monkeypatch):
    asked = changed(axes={"/workload/batch": [2, 4]}, constraints=[])
    full = 'echo "etude-sim: x: No space left on device" >&2; exit 1'
    full = f'case "$*" in */workload/batch=4*) [ -e FLAG ] || {{ {full}; }};; esac'
    stand_in(tmp_path, monkeypatch, full.replace("FLAG", str(tmp_path / "emptied")))
    with pytest.raises(etude.MachineError, match="No space left"):
        etude.sweep(asked, out=tmp_path / "full", jobs=1, progress=False)
    assert rows_of(tmp_path / "full") == [(1,)]
    (tmp_path / "emptied").touch()
    study = etude.sweep(asked, out=tmp_path / "full", jobs=1, resume=True, progress=False)
    assert study.points["status"].to_list() == ["done", "done"]


@pytest.mark.parametrize(
    "members, line",
    [
        ({"axes": {"/platform/cluster/redmule/hight": [2]}, "constraints": []}, "hight"),
        ({"axes": {"/workload/batch": []}, "constraints": []}, "axes: /workload/batch: has no value"),
        ({"axes": {"/workload/batch": {"from": 8, "to": 4, "step": 1}}, "constraints": []}, "is empty, from 8 to 4"),
        ({"axes": {"/workload/batch": {"from": 1, "to": 4, "step": 0}}, "constraints": []}, "0 is not above 0"),
        ({"axes": {"/workload/batch": {"from": 1, "to": 4, "factor": 1}}, "constraints": []}, "does not grow"),
        ({"axes": {"/workload/batch": {"from": 1, "to": 4}}, "constraints": []}, '"step" or "factor"'),
        ({"axes": {"/workload/batch": [2, 2]}, "constraints": []}, "2 twice"),
        ({"axes": {"/workload/batch": [8, 2, 8.0]}, "constraints": []}, "8.0 twice"),
        ({"axes": {"/train/lr": {"from": 1e-300, "to": 1, "factor": 1.0000000001}}}, "more than 100,000 values"),
        ({"axes": {"/train/lr": {"from": 1, "to": 10**400, "factor": 1.5}}}, "is beyond 1e+300"),
        ({"axes": {"/workload/batch": ["many"]}, "constraints": []}, "axes: /workload/batch: "),
        ({"axes": {"/run/tier": ["cycle", "model"]}, "names": {"t": "/run/tier"}}, "t sets /run/tier"),
        ({"axes": {"how": {"quick": {"/run": {"tier": "model"}}}}, "constraints": []}, "how sets /run/tier"),
        ({"axes": {}}, "axes: has none"),
        ({"axes": {"batch": [1]}}, "no JSON pointer"),
        ({"axes": {"/platform/l2/size": [1048576], "/platform/cluster/tcdm/size": [65536]}}, "both called size"),
        ({"constraints": ["height < 2", "width > 3"]}, 'none of 18 points meets "height < 2"'),
        ({"constraints": ["height < 4", "height > 2"]}, 'none of 18 points meets "height < 4" and "height > 2"'),
        ({"constraints": ["hight < 4"]}, "did you mean height?"),
        ({"constraints": ["height <"]}, "is no expression"),
        ({"constraints": ["__import__('os').system('true')"]}, "is not allowed"),
        ({"constraints": ["height.real > 1"]}, "is not allowed"),
        ({"constraints": ["height / (width - 4) > 1"]}, "has no value where height = 2, width = 4"),
        ({"constraints": ["2 ** (height * 1000) > 1"]}, "exponent"),
        ({"constraints": "height < 4"}, "no list"),
        ({"objectives": {"step.cycle": "min"}}, "did you mean step.cycles?"),
        ({"objectives": {"simulator.wall_s": "min"}}, "of the machine"),
        ({"objectives": {"units.core0.stalls.hunger": "min"}}, "core0 has branch, csr, dma_program"),
        ({"objectives": {"units.redmule.stalls.icache_miss": "min"}}, "redmule has drain, idle"),
        ({"objectives": {"units.core8.busy": "min"}}, "there are 8 cores at most, from core0"),
        ({"objectives": {"accuracy": "max"}}, "accuracy is of inference alone"),
        ({"objectives": {"loss": "min"}, "tiers": {"screen": "model"}}, "loss is in no prediction"),
        ({"objectives": {"setup_cycles": "min"}, "tiers": {"screen": "model"}}, "setup_cycles is in no prediction"),
        ({"objectives": {"step.cycles": "least"}}, 'give "min" or "max"'),
        ({"objectives": {}}, "objectives: has none"),
        ({"search": {"sampler": "annealing"}}, '"annealing" is unknown'),
        ({"search": {"sampler": "random"}}, "search/points: is missing"),
        ({"search": {"sampler": "random", "points": 0}}, "search/points: 0"),
        ({"search": {"sampler": "grid", "points": 3}}, "less than the grid's 16"),
        ({"search": {"sampler": "tpe", "points": 3, "seed": 2**32}}, "no whole number from 0 to 4294967295"),
        ({"search": {"sample": "grid"}}, "did you mean sampler?"),
        ({"tiers": {"screen": "tile"}}, '"tile" is unknown'),
        ({"tiers": {"screen": None, "confirm": None}}, "nothing would run"),
        ({"tiers": {"confirm": "tile"}}, '"tile" is unknown'),
        ({"objective": {}}, "did you mean objectives?"),
        ({"base": "nothing.json"}, "base: nothing.json is not there"),
        ({"base": etude.load(BASE)}, "base: is a Config; give its file"),
        ({"names": {"h-1": "/platform/cluster/redmule/height"}}, "is no name"),
        ({"names": {"status": "/platform/cluster/redmule/height"}}, "both called status"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(tmp_path, members, line, monkeypatch):
    monkeypatch.setattr("etude.explore.pool.evaluate", lambda task: pytest.fail("a point ran"))
    with pytest.raises(UserError) as raised:
        etude.sweep(changed(**members), out=tmp_path / "bad", jobs=1, progress=False)
    assert line in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "bad").exists()


def test_the_command(tmp_path, undisturbed):
    file, out = tmp_path / "sweep.json", tmp_path / "out"
    file.write_text(json.dumps(SWEEP))
    done = subprocess.run(command(file, "--out", out, "--jobs", 1), env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(undisturbed.summary()) and "its port of 128 bytes" in done.stdout
    assert dump(out) == dump(undisturbed.folder)
    file.write_text('{"base": {}, "base": {}}')
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    for bad in (file, tmp_path / "none.json", deep):
        done = subprocess.run(
            command(bad, "--out", tmp_path / "bad"), env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and not (tmp_path / "bad").exists()


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(UserError, match=r"file.*: cannot be written .*; give another --out"):
            etude.sweep(SWEEP, out=folder, jobs=1, progress=False)
    assert (tmp_path / "file").read_text() == "no folder"


def test_stalls_are_those_of_the_program():
    """Names that objectives may have are those that units have."""
    source = (ROOT / "sim/engine/accounting.cpp").read_text()
    assert set(re.findall(r'return "([a-z_0-9]+)";', source)) == set(fields.CORES.split())
    result = etude.run(BASE, progress=False).raw
    for unit, told in result["units"].items():
        for name in told["stalls"]:
            fields.check_field(f"units.{unit}.stalls.{name}")
            assert fields.value_at(result, f"units.{unit}.stalls.{name}") == told["stalls"][name]


def test_accuracy_is_the_share_of_right_answers(tmp_path):
    base = {"platform": "platform/traindeeploy.json", "workload": {"network": "cct2", "batch": 1}}
    axes = {"/train/method": ["none"], "/train/steps": [2]}
    study = etude.sweep(
        {"base": base, "axes": axes, "objectives": {"accuracy": "max"}},
        out=tmp_path / "out", jobs=1, keep_runs=True, progress=False,
    )  # fmt: skip
    result = study.result(1)
    assert result.raw["classified"]["samples"] == 2
    assert study.points["accuracy"].to_list() == [result.accuracy] == [result.raw["accuracy"]]


def test_a_tier_that_is_not_there_is_refused(tmp_path, monkeypatch):
    def lower(probe):
        raise etude.ConfigError(f"/run/tier: {probe['run']['tier']} is not available")

    monkeypatch.setattr("etude.explore.spec.lower", lower)
    with pytest.raises(UserError, match='tiers/screen: "model" is not available'):
        etude.sweep(changed(tiers={"screen": "model"}), out=tmp_path / "bad", jobs=1, progress=False)
    assert not (tmp_path / "bad").exists()


def test_a_screened_front_is_confirmed(undisturbed, tmp_path, monkeypatch):
    """The stand-in for the model tier simulates with other banks, so that its cycles and areas are a little off."""

    def simulate(task, base, sets, scratch):
        other = {**task.sets, "/platform/cluster/tcdm/banks": 32}
        return dataclasses.replace(evaluate(dataclasses.replace(task, sets=other, tier="cycle")), tier="model")

    monkeypatch.setattr("etude.explore.point._predict", simulate)
    truth = {tuple(r) for r in undisturbed.front.select("height", "width", "batch").rows()}
    for most in (None, 3):
        asked = changed(tiers={"screen": "model", "confirm": "cycle", "confirm_points": most})
        study = etude.sweep(asked, out=tmp_path / str(most), jobs=1, progress=False)
        if most is not None:
            parallel = etude.sweep(asked, out=tmp_path / "parallel", jobs=2, progress=False)
            assert dump(study.folder) == dump(parallel.folder)
        tiers = study.points["tier"].to_list()
        assert tiers == ["model"] * 16 + ["cycle"] * (len(tiers) - 16) and len(tiers) > 16
        assert set(study.front["tier"]) == {"cycle"}
        front = {tuple(r) for r in study.front.select("height", "width", "batch").rows()}
        if most is None:
            assert front == truth
        else:
            assert len(tiers) == 16 + most and front
        error = study.model_error()
        assert error["objective"].to_list() == list(SWEEP["objectives"]) and (error["worst"] > 0).all()


@pytest.mark.parametrize(
    "options, status, line",
    [
        ({"jobs": 0}, 2, "--jobs: 0 is below 1"),
        ({"dask": "localhost"}, 2, "is no address of a scheduler"),
        ({"dask": "tcp://127.0.0.1:9"}, 1, "no scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_workers_that_are_not_there(tmp_path, monkeypatch, options, status, line):
    pytest.importorskip("distributed")
    monkeypatch.setattr("etude.explore.pool.CONNECT_S", 0.3)
    with pytest.raises(etude.Error) as raised:
        etude.sweep(SWEEP, out=tmp_path / "bad", progress=False, **options)
    assert raised.value.exit_status == status and line in str(raised.value)
    assert not (tmp_path / "bad").exists()


def running_of(session: int) -> list[str]:
    """Processes of a session that run."""
    listed = subprocess.run(["ps", "-s", str(session), "-o", "stat=,args="], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if not line.startswith("Z")]


def test_an_interrupt_ends_the_runs_and_keeps_the_points(undisturbed, tmp_path):
    file, out = tmp_path / "sweep.json", tmp_path / "interrupted"
    file.write_text(json.dumps(SWEEP))
    child = subprocess.Popen(
        command(file, "--out", out, "--jobs", 2), env=environment(), stdout=-1, stderr=-1, start_new_session=True
    )
    while child.poll() is None and len(rows_of(out)) < 3:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    child.communicate()
    assert child.returncode == 130
    end = time.monotonic() + 5
    while (left := running_of(child.pid)) and time.monotonic() < end:  # a run that had just begun ends by itself
        time.sleep(0.05)
    assert left == []
    assert len(rows_of(out)) >= 3
    study = etude.sweep(file, out=out, jobs=1, resume=True, progress=False)
    assert dump(study.folder) == dump(undisturbed.folder)


def test_two_sweeps_at_a_time_are_silent_and_the_leader_is_for_this_machine_alone(recwarn):
    pytest.importorskip("distributed")
    pools = [pool_of(2, None) for _ in range(2)]
    try:
        assert [str(warning.message) for warning in recwarn if "Port" in str(warning.message)] == []
        assert [pool.cluster.scheduler.http_server.address for pool in pools] == ["127.0.0.1"] * 2
    finally:
        for pool in pools:
            pool.close()
