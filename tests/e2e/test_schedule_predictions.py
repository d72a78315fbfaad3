# SPDX-License-Identifier: Apache-2.0
"""What a schedule is predicted to take is what its run takes, within 3 percent; both follow from the budget."""

import json

import pytest
from support import run

BERT = {"network": "bert", "sizes": [32, 64, 2, 128, 2, 3]}
MLP = {"network": "mlp", "sizes": [128, 192, 192, 192, 192, 192, 16], "batch": 32}
IDMA = ("/platform/cluster/dma/engine=idma",)
SMALL = {"network": "bert", "sizes": [32, 32, 1, 64, 2, 2]}
ONE_L1 = ("/platform/cluster/tcdm/size=131072", "/energy/extmem/byte/value=324")


def sets_of(*assignments):
    return [argument for each in assignments for argument in ("--set", each)]


@pytest.mark.parametrize(
    ("workload", "train", "policy", "objective", "part", "more"),
    [
        (BERT, {"optimizer": "momentum"}, "capuchin", "energy", 0.8, ONE_L1),
        (SMALL, {"accumulate": 2}, "sqrt", "energy", 1, IDMA),
        (MLP, {}, "optimal", "energy", 0.8, ()),
        (MLP, {"optimizer": "adam"}, "page", "energy", 0.95, ()),
        (MLP, {}, "page", "energy", 0.9, ("/platform/cluster/controller=false",)),
        ({"network": "resnet8"}, {}, "capuchin", "energy", 0.7, IDMA),
    ],
)
def test_a_run_takes_what_was_predicted(tmp_path, workload, train, policy, objective, part, more):
    file = tmp_path / "run.json"
    train = {"steps": 1, "seed": 7, **train}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": train}))
    asked = [f"/schedule/policy={policy}", f"/schedule/budget={part}", f"/schedule/objective={objective}", *more]
    answer = json.loads(run("schedule", file, *sets_of(*asked), "--json", check=0).stdout)
    # The platform has no byte more than the schedule needs, or none for the task list.
    for name, fixed in (("least", answer["l2_fixed"]), ("list at home", 131136)):
        size = f"/platform/l2/size={answer['budget'] + fixed}"
        out = tmp_path / name
        run("run", file, "--out", out, "--quiet", "--no-verify", *sets_of(*asked, size), check=0)
        result = json.loads((out / "result.json").read_text())
        step, schedule = result["step"], result["schedule"]
        assert schedule["policy"] == policy and schedule["budget"] == answer["budget"]
        predictions = [schedule["predicted"]]
        if name == "least":
            assert schedule["recomputed"] == answer["recomputed"] and schedule["paged"] == answer["paged"]
            predictions.append(answer["predicted"])
        for predicted in predictions:
            assert step["cycles"] == pytest.approx(predicted["cycles"], rel=0.03), name
            assert step["energy_j"] == pytest.approx(predicted["energy_j"], rel=0.03), name


def test_predictions_are_of_the_step_that_was_measured(tmp_path):
    """A core that takes longer for its kernels, which no model knows of, shows in what is predicted."""
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": BERT, "train": {}}))
    sets = ["/schedule/policy=page", "/schedule/budget=0.8"]

    def predicted(*more):
        return json.loads(run("schedule", file, *sets_of(*sets, *more), "--json", check=0).stdout)["predicted"]

    usual, slow = predicted(), predicted("/platform/cluster/icache/private_sets=1", "/platform/l2/core_latency=60")
    assert predicted() == usual
    assert slow["cycles"] > usual["cycles"]
