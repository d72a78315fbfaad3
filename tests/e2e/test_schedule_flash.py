# SPDX-License-Identifier: Apache-2.0
"""Pages that go to flash: erased, programmed and read back in the cycle tier, with their wear."""

import json
import math

import numpy as np
import pytest
from support import run

SECTOR, PAGE = 4096, 256


def sets(*each):
    return [a for s in each for a in ("--set", s)]


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "run.json"
    workload = {"network": "mlp", "sizes": [16, 64, 64, 64, 64, 64, 64, 8], "batch": 64}
    file.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload, "train": {"steps": 2}}))
    return file


def trained(config, out, *changes):
    run("run", config, "--out", out, "--quiet", *sets(*changes), check=0)
    result = json.loads((out / "result.json").read_text())
    assert result["check"]["passed"] is True, result["check"]["failures"]
    return result, dict(np.load(out / "outputs.npz"))


PAGED = ("/schedule/policy=page", "/schedule/page_to=flash", "/schedule/budget=0.8")


def test_a_step_pages_to_flash_with_the_same_bits(tmp_path, config):
    _, usual = trained(config, tmp_path / "keep", "/workload/home=extmem")
    asked = json.loads(run("schedule", config, *sets(*PAGED), "--json", check=0).stdout)
    result, outputs = trained(config, tmp_path / "flash", *PAGED)
    assert {name: values.tobytes() for name, values in outputs.items()} == {
        name: values.tobytes() for name, values in usual.items()
    }
    counters, wear = result["counters"], result["wear"]
    assert counters["flash.sectors"] > 0 and counters["flash.lost_bytes"] == 0
    # The plan and the run agree on what flash does in a step; each sector is erased once.
    for mine, counter in {
        "programmed_bytes": "flash.program_bytes",
        "programmed_pages": "flash.pages",
        "erased_sectors": "flash.sectors",
        "erases_of_a_sector": "flash.most_worn",
    }.items():
        assert wear[mine] == counters[counter] == asked["wear"][mine]
    assert wear["erases_of_a_sector"] == 1
    assert wear["erased_sectors"] == math.ceil(counters["flash.pages"] * PAGE / SECTOR)
    # Parameters stay at home in HyperRAM.
    assert counters["hyperram.read_bytes"] >= 4 * (16 * 64 + 5 * 64 * 64 + 64 * 8)
    assert result["traffic"]["l3_l2_write"] == counters["hyperram.write_bytes"] + counters["flash.program_bytes"]
    # Energy: a term for each of what flash did.
    terms = {t["coefficient"]: t["energy_j"] for t in result["energy_bill"]["terms"] if t["component"] == "flash"}
    assert terms["flash/erase_sector"] == pytest.approx(counters["flash.sectors"] * 36e-3 * 1.8 * 80e-3)
    assert terms["flash/program_page"] == pytest.approx(counters["flash.pages"] * 36e-3 * 1.8 * 150e-6)
    assert result["energy"]["flash"] == pytest.approx(sum(terms.values()))
    # The step is what was predicted: erasing is nearly all of it.
    assert result["step"]["latency_s"] == pytest.approx(asked["time_s"], rel=0.03)
    assert result["step"]["energy_j"] == pytest.approx(asked["energy_j"], rel=0.03)
    assert any(bound["resource"] == "flash programming" for bound in result["bounds"])


def test_wear_is_told_and_warned_of(tmp_path, config):
    result, _ = trained(config, tmp_path / "flash", *PAGED)
    wear, step = result["wear"], result["step"]["latency_s"]
    sectors = wear["flash_bytes"] // SECTOR
    life = wear["lifetime"]
    assert life["fixed"]["steps"] == wear["rated_erases"] == 100_000
    assert life["rotated"]["steps"] == 100_000 * sectors // wear["erased_sectors"]
    for each in life.values():
        assert each["seconds"] == pytest.approx(each["steps"] * step)
    assert life["fixed"]["seconds"] < 86_400 < life["rotated"]["seconds"]
    told = [w for w in result["warnings"] if "wears sectors of the flash out within a day" in w]
    assert len(told) == 1 and "100,000 steps" in told[0]
    text = run("schedule", config, *sets(*PAGED), check=0).stdout
    assert "wear levelling" in text and "within a day" in text
    small = "/platform/flash/size=32768"
    text = run("schedule", config, *sets(*PAGED, small), check=0).stdout
    assert "wears the flash out within a day, even spread over all of its 32,768 bytes" in text
    lasting = "/platform/flash/endurance=100000000"
    answer = json.loads(run("schedule", config, *sets(*PAGED, lasting), "--json", check=0).stdout)
    assert answer["wear"]["rated_erases"] == 100_000_000
    assert not any("within a day" in warning for warning in answer["warnings"])


def test_the_memory_of_pages_is_an_option_too(config):
    asked = json.loads(run("schedule", config, *sets(*PAGED), "--json", check=0).stdout)
    options = ["--policy", "page", "--page-to", "flash", "--budget", "0.8"]
    got = json.loads(run("schedule", config, *options, "--json", check=0).stdout)
    assert {**got, "solve_s": 0} == {**asked, "solve_s": 0}
    for bad in (["--page-to", "disk"], ["--page-to", "flash", "--device", config]):
        refused = run("schedule", config, *bad, check=2)
        assert "--page-to" in refused.stderr and refused.stderr.count("\n") == 1


def test_flash_that_is_too_small_is_refused(tmp_path, config):
    out = tmp_path / "none"
    refused = run("run", config, "--out", out, *sets(*PAGED, "/platform/flash/size=4096"), check=2)
    assert "/platform/flash/size" in refused.stderr and refused.stderr.count("\n") == 1
    assert not out.exists()
