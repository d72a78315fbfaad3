# SPDX-License-Identifier: Apache-2.0
"""Training that diverges ends at that step, with a whole result that says so; a wrong kernel is still a failure."""

import json
import subprocess

import numpy as np
import pytest
from support import ROOT, run
from test_run import broken_copy
from test_whole_results import assert_whole, one_line, report

FP16 = {"platform": "platform/siracusa_redmule.json", "train": {"precision": "mixed_fp16"}}


def config(tmp_path, platform="platform/traindeeploy.json", train=None, **workload):
    root = {
        "platform": platform,
        "workload": {"network": "mlp", "sizes": [12, 8, 12], "batch": 4, **workload},
        "train": {"lr": 1000, "steps": 30, **(train or {})},
    }
    (tmp_path / "run.json").write_text(json.dumps(root))
    return tmp_path / "run.json"


@pytest.mark.parametrize("options", [[], ["--no-verify"], ["--engine", "lockstep"]], ids=" ".join)
@pytest.mark.parametrize("kind", [{}, FP16, {"train": {"accumulate": 2}}], ids=["fp32", "fp16", "accumulated"])
def test_it_ends_where_the_loss_is_not_finite(tmp_path, kind, options):
    train = {"lr": 1000, "steps": 30, **kind.get("train", {})}
    file = config(tmp_path, kind.get("platform", "platform/traindeeploy.json"), train)
    out = tmp_path / "out"
    done = run("run", file, "--out", out, "--quiet", *options)
    result = json.loads((out / "result.json").read_text())
    one_line(done, 3, f"not finite from step {result['diverged']}")
    losses = [step["loss"] for step in result["steps"]]
    assert 1 < len(losses) == result["diverged"] < 30
    assert losses[-1] is None and result["loss"] is None
    assert all(np.isfinite(loss) for loss in losses[:-1])
    assert not np.isfinite(np.load(out / "outputs.npz")["loss"])
    if options != ["--no-verify"]:
        assert result["check"]["passed"] and result["check"]["tensors"] > 0
    assert any("not finite" in warning for warning in result["warnings"])
    assert_whole(out)
    run("price", out, check=0)
    assert report(out).returncode == 0
    assert "Training diverged" in (out / "report.html").read_text()


def test_a_last_step_that_leaves_weights_that_are_not_finite_says_so(tmp_path):
    out = tmp_path / "out"
    run("run", config(tmp_path), "--out", out, "--quiet", check=3)
    found = json.loads((out / "result.json").read_text())["diverged"]
    again = run("run", config(tmp_path, train={"steps": found - 1}), "--out", out, "--quiet")
    result = json.loads((out / "result.json").read_text())
    weights = np.load(out / "outputs.npz")
    finite = all(np.isfinite(weights[name]).all() for name in weights.files if not name.endswith(".grad"))
    assert again.returncode == (0 if finite else 3), again.stderr
    assert ("diverged" in result) == (not finite)
    assert result["check"]["passed"]


def to_nan(word: int):
    """fmadd.s becomes fdiv.s of two zeros."""
    return 0x18007053 | word & 0xF80 if word & 0x7F == 0x43 else None


def test_numbers_that_a_wrong_kernel_makes_are_no_divergence(tmp_path):
    # NaN, where float64 has small numbers.
    program = broken_copy(tmp_path, "etude_mse", to_nan)
    command = [program, "run", config(tmp_path, train={"lr": 0.01}), "--out", tmp_path / "out", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    one_line(done, 1, "the numeric check failed")
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["check"]["passed"] is False and len(result["check"]["failures"]) >= 1
