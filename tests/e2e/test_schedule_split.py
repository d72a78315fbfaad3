# SPDX-License-Identifier: Apache-2.0
"""A batch that no schedule holds is split into passes where nothing but the size of L2 was asked."""

import json

from support import run

NETWORK = {"network": "mlp", "sizes": [16, 64, 64, 8], "batch": 512}
SETS = ("--set", "/platform/l2/size=380000")
OPTIMAL = (*SETS, "--set", "/schedule/policy=optimal")


def test_a_batch_that_does_not_fit_is_split_and_said_to_be(tmp_path):
    file, out, half = tmp_path / "run.json", tmp_path / "split", tmp_path / "half"
    config = {"platform": "platform/traindeeploy.json", "workload": NETWORK, "train": {"steps": 1, "seed": 3}}
    file.write_text(json.dumps(config))
    answer = json.loads(run("schedule", file, *SETS, "--json", check=0).stdout)
    parts, samples = answer["accumulate"], answer["batch"]
    assert parts > 1 and parts * samples == NETWORK["batch"]
    said = f"the step is {parts} passes of {samples}"
    assert any(said in warning for warning in answer["warnings"])
    run("run", file, *OPTIMAL, "--out", out, "--quiet", check=0)
    result = json.loads((out / "result.json").read_text())
    assert result["check"]["passed"] and any(said in warning for warning in result["warnings"])
    assert result["schedule"]["predicted"] == answer["predicted"]
    # What the warning names is the same run, to the byte.
    named = ("--set", f"/workload/batch={samples}", "--set", f"/train/accumulate={parts}")
    run("run", file, *OPTIMAL, *named, "--out", half, "--quiet", check=0)
    assert (out / "outputs.npz").read_bytes() == (half / "outputs.npz").read_bytes()
    # Where a budget was given, it is that of the whole batch.
    refused = run("run", file, *OPTIMAL, "--set", "/schedule/budget=0.3", "--out", tmp_path / "no", check=2)
    assert "operator 'fc" in refused.stderr and not (tmp_path / "no").exists()
