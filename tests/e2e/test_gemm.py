# SPDX-License-Identifier: Apache-2.0
"""etude-sim gemm as a user calls it."""

import json

import pytest
from support import run


def gemm(*args):
    result = run("gemm", *args, check=0)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_job_has_the_cycles_of_the_rtl():
    (job,) = gemm("--m", "24", "--n", "32", "--k", "32", "--json")
    assert job["cycles"] == 620
    assert job["bit_exact"] is True
    assert job["beats"] == {"x": 96, "w": 128, "y": 48, "z": 48}
    assert job["errata"] == []
    assert job["macs"] == 24 * 32 * 32
    assert job["utilisation"] == pytest.approx(24 * 32 * 32 / (620 * 48))


def test_shapes_from_a_file(tmp_path):
    shapes = tmp_path / "shapes.csv"
    shapes.write_text("M,N,K,gap,stall,seed\n24,32,32,5,0,1\n96,96,96,0,0.5,7\n12,16,16,,,\n")
    jobs = gemm("--shapes", str(shapes))
    assert [j["cycles"] for j in jobs][::2] == [615, 170]
    assert jobs[1]["cycles"] > 18540
    assert jobs[1]["errata"] == [7]
    assert all(j["bit_exact"] for j in jobs)
    assert jobs == gemm("--shapes", str(shapes))  # the same bytes again


@pytest.mark.parametrize("op", ["matmul", "addmax", "addmin", "mulmax", "mulmin", "maxmin", "minmax"])
def test_every_operation(op):
    (job,) = gemm("--m", "12", "--n", "20", "--k", "16", "--op", op, "--json")
    assert job["bit_exact"] is True


def test_another_array():
    size = [f"--set=/platform/cluster/redmule/{k}={v}" for k, v in (("height", 8), ("width", 8), ("pipe", 1))]
    (job,) = gemm("--m", "64", "--n", "64", "--k", "64", "--json", *size)
    assert job["bit_exact"] is True
    (fp32,) = gemm("--m", "64", "--n", "64", "--k", "64", "--json", "--set=/platform/cluster/redmule/format=fp32")
    assert fp32["bit_exact"] is True
    assert fp32["cycles"] == 6252


def test_cycles_of_a_job_that_the_hardware_does_not_end_are_an_estimate():
    (job,) = gemm("--m", "24", "--n", "3", "--k", "32", "--json")
    assert job["estimate"] is True
    assert job["errata"] == [3]
    assert "are an estimate" in run("gemm", "--m", "24", "--n", "3", "--k", "32", check=0).stdout
    (job,) = gemm("--m", "24", "--n", "32", "--k", "32", "--json")
    assert "estimate" not in job


def test_an_fp32_array_knows_its_own_format_only():
    size = ["--m", "24", "--n", "32", "--k", "32", "--set", "/platform/cluster/redmule/format=fp32"]
    assert run("gemm", *size, "--format", "fp32", check=0).stdout.startswith("M=24 N=32 K=32: 620 cycles")
    assert "is an fp32 one" in run("gemm", *size, "--format", "fp8", check=2).stderr


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--m", "0", "--n", "1", "--k", "1"], "--m"),
        (["--m", "1", "--n", "65536", "--k", "1"], "--n"),
        (["--m", "1", "--n", "1", "--k", "1", "--op", "conv"], "--op"),
        (["--m", "1", "--n", "1", "--k", "1", "--stall", "1"], "stall"),
        (["--m", "1", "--n", "1", "--k", "1", "--seed", "-1"], "seed"),
        (["--shapes", "/nowhere.csv"], "--shapes"),
        (["--m", "24", "--n", "3", "--k", "40", "--set", "/platform/cluster/redmule/errata=error"], "erratum 3"),
    ],
)
def test_wrong_input(args, part):
    result = run("gemm", *args, check=2)
    assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
