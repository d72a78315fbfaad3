# SPDX-License-Identifier: Apache-2.0
"""Pictures of schedules: what they say, that they are whole, and that large ones stay readable."""

import json
import random
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from browser import chromium, texts_outside
from etude.pictures.drawing import shortened, text_width, ticks
from etude.pictures.front_chart import Point, draw_front, points_of
from etude.pictures.memory_chart import draw_memory, memory_of_answer, memory_of_run
from etude.pictures.schedule_grid import MOST_ROWS, draw_grid, grid_of_answer, grid_of_run, runs
from etude.schedule_pictures import pictures
from etude.svg_chart import Series, bar_chart, line_chart
from run_folder import GOLDEN, with_l2, write_run

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from validation import svg  # noqa: E402

SPACE = "{http://www.w3.org/2000/svg}"


def answer(slots: int = 6, tensors: list[dict] | None = None) -> dict:
    tensors = tensors or [
        {"name": "b", "bytes": 2048, "kind": "activation", "cells": "c1 k2 o3 i4 k5"},
        {"name": "a", "bytes": 1024, "kind": "activation", "cells": "c0 k1 r4 k5"},
        {"name": "w<1>", "bytes": 512, "kind": "parameter", "cells": "i0-1 k2-5"},
    ]
    timed = [
        {"name": f"op{i}", "phase": "forward" if 2 * i < slots else "backward", "start_s": i * 1e-3, "seconds": 1e-3}
        | {"bytes": {"activation": 1024 * (i + 1), "transfer": 512}}
        for i in range(slots)
    ]
    return {
        **{"policy": "optimal", "status": "optimal", "budget": 8192, "peak_keep": 9000, "peak_bytes": 7000},
        **{"energy_j": 1e-3, "time_s": 6e-3, "slots": timed, "tensors": tensors},
    }


def large(slots: int, tensors: int) -> dict:
    draw = random.Random(7)
    made = []
    for i in range(tensors):
        first = draw.randrange(slots - 1)
        last = draw.randrange(first + 1, slots)
        cells = f"c{first} k{first + 1}-{last}" if i % 5 else f"c{first} o{first + 1}-{last}"
        name = f"blocks.{i}.attention.projection.weight.gradient.of.a.long.name"
        made.append({"name": name, "bytes": draw.randrange(8, 200_000), "kind": "gradient", "cells": cells})
    return answer(slots, made)


def titles(picture: str) -> list[str]:
    return [title.text for title in ElementTree.fromstring(picture).iter(f"{SPACE}title")]


def test_grid_has_every_state_in_its_slots():
    grid = grid_of_answer(answer())
    assert [row.name for row in grid.rows] == ["a", "w<1>", "b"]  # by birth
    assert runs(grid.rows[2].cells) == [("c", 1, 1), ("k", 2, 2), ("o", 3, 3), ("i", 4, 4), ("k", 5, 5)]
    told = titles(draw_grid(grid))
    assert "b (activation, 2,048 B): paged out in slot 3, op3" in told
    assert "a (activation, 1,024 B): recomputed in slot 4, op4" in told
    assert "w<1> (parameter, 512 B): paged in in slots 0 to 1, op0" in told
    assert "slot 5: op5, backward, 1 ms" in told


def test_states_differ_without_colour_too():
    picture = ElementTree.fromstring(draw_grid(grid_of_answer(answer()), "g"))
    fills = {r.get("fill") for r in picture.iter(f"{SPACE}rect") if "slot" in "".join(r.itertext())}
    assert {"url(#g-o)", "url(#g-i)"} < fills  # hatched
    assert {p.get("id") for p in picture.iter(f"{SPACE}pattern")} == {"g-o", "g-i"}
    legend = [text.text for text in picture.iter(f"{SPACE}text")]
    assert {"computed", "kept", "recomputed", "paged out", "paged in"} <= set(legend)


@pytest.mark.parametrize(("slots", "tensors"), [(125, 117), (335, 400)])
def test_large_graphs_are_grouped_and_small_files(slots, tensors):
    asked = large(slots, tensors)
    grid = grid_of_answer(asked)
    assert len(grid.rows) <= MOST_ROWS + 1
    assert sum(row.members for row in grid.rows) == tensors
    assert sum(row.bytes for row in grid.rows) == sum(t["bytes"] for t in asked["tensors"])
    assert [row.birth() for row in grid.rows] == sorted(row.birth() for row in grid.rows)
    assert all(row.members == 1 for row in grid.rows if "o" in row.cells)  # what is moved stands alone
    assert len(draw_grid(grid)) < 300_000


def test_grid_of_a_run_follows_its_stays():
    grid = grid_of_run(with_l2(json.loads(GOLDEN.read_text())))
    assert [name for name, _, _ in grid.slots] == ["fc0", "fc0.relu", "loss", "fc0.dw", "fc0.w.update"]
    rows = {row.name: runs(row.cells) for row in grid.rows}
    assert rows["fc0.w"] == [("i", 0, 0), ("k", 1, 3), ("o", 4, 4)]  # comes while its own slot waits
    assert rows["fc0.out"] == [("c", 0, 0), ("k", 1, 2), ("r", 3, 3)]  # the copy stands in the same line
    assert rows["loss"] == [("k", 0, 4)]


def test_memory_of_a_run_adds_up():
    result = with_l2(json.loads(GOLDEN.read_text()))
    memory = memory_of_run(result)
    assert memory.times == pytest.approx([i * 10_000 / result["platform"]["clock_hz"] for i in range(11)])
    fixed = result["memory"]["l2_fixed"]
    # the weight's buffer, 4096 B, and the loss, 8 B, stand above what is fixed
    assert memory.total(0) == fixed + 4096 + 8
    assert memory.bytes["transfer"][0] == 4096 and memory.bytes["parameter"][0] == 0
    assert memory.bytes["parameter"][2] == 4096 and memory.bytes["activation"][2] == 2048
    assert memory.total(9) == fixed + 4096 + 8  # on its way out
    assert list(memory.bytes) == ["fixed", "parameter", "activation", "loss", "transfer"]  # the order of the stack
    assert ("budget", 500_000 + fixed, "#b3261e") in memory.lines
    text = draw_memory(memory)
    assert f"highest address touched: {result['memory']['l2_peak']:,} B" in text
    assert f"budget: {500_000 + fixed:,} B" in text


def test_memory_of_an_answer_keeps_its_fullest_slot():
    memory = memory_of_answer(answer())
    assert max(memory.total(i) for i in range(6)) == 6 * 1024 + 512
    assert any(
        "6,656 B; activations 6,144 B, buffers of transfers 512 B" in title for title in titles(draw_memory(memory))
    )


def comparison(budget: int) -> dict:
    found = {"status": "optimal", "budget": budget, "peak_keep": 10_000, "peak_bytes": budget - 8}
    policies = [
        {**found, "policy": "optimal", "energy_j": 10 / budget, "time_s": 5 / budget},
        {**found, "policy": "page", "energy_j": 12 / budget, "time_s": 6 / budget},
        {"status": "infeasible", "policy": "pofo", "budget": budget},
    ]
    return {"policies": policies}


def test_front_has_every_policy_that_fits_and_names_the_others():
    points = [p for budget in (5000, 8000) for p in points_of(comparison(budget))]
    assert len(points) == 4
    picture = draw_front(points, [Point("optimal", 5000, 4990, 2e-3, 1e-3)], ["pofo"])
    told = titles(picture)
    assert "optimal (optimal), budget 5,000 B, peak 4,992 B: 2 mJ, 1 ms" in told
    assert sum(title.startswith("executed, optimal, 5,000 B, highest address 4,990 B") for title in told) == 2
    assert "no schedule found within these budgets: pofo" in picture
    assert "no policy fits" in draw_front([], [], ["pofo"])


def drawn() -> dict[str, str]:
    made = pictures(answer(), [comparison(5000), comparison(8000)], [])
    made["large"] = draw_grid(grid_of_answer(large(125, 117)))
    made["narrow"] = draw_grid(grid_of_answer(large(335, 200)), "n", 720)
    made["run"] = draw_memory(memory_of_run(with_l2(json.loads(GOLDEN.read_text()))), 700)
    made["one slot"] = draw_grid(grid_of_answer(answer(1, [{"name": "x" * 90, "bytes": 1, "kind": "", "cells": "c0"}])))
    names = [Series(f"a series of a rather long name {i}", [1.0 + i, 1000.5 + i]) for i in range(6)]
    made["lines"] = line_chart("t", "x", "y", [1, 2], names)
    made["bars"] = bar_chart("t", "y", ["first", "second"], names)
    series = {f"a long name of a series {i}": [(5.0 + i, 0.1 * i)] for i in range(12)}
    made["points"] = svg.scatter("t", "x", "y", series)
    for file in sorted([*(ROOT / "results").rglob("*.svg"), *(ROOT / "docs").rglob("*.svg")]):
        made[str(file.relative_to(ROOT))] = file.read_text(encoding="utf-8")
    return made


def test_every_picture_is_well_formed_and_every_text_inside():
    made = drawn()
    assert len(made) > 20
    for name, picture in made.items():
        assert ElementTree.fromstring(picture).tag == f"{SPACE}svg", name
    with chromium() as browser:
        assert texts_outside(browser, made) == {}
        bad = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 50 20"><text x="30" y="12">outside</text></svg>'
        assert texts_outside(browser, {"bad": bad}) == {"bad": ["outside"]}


def test_equal_data_gives_equal_bytes():
    assert pictures(answer(), [comparison(5000)], []) == pictures(answer(), [comparison(5000)], [])


def test_ticks_are_round_and_names_are_shortened_to_their_room():
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    assert ticks(3, 3) == [3]
    assert len(ticks(0, 987_654, 10)) <= 11
    for room in (40, 80, 200):
        assert text_width(shortened("blocks.11.attention.projection.weight", 11, room), 11) <= room


def etude(*arguments, program: Path):
    return subprocess.run(
        [sys.executable, "-m", "etude", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "python"), "ETUDE_SIM": str(program)},
    )


@pytest.fixture
def program(tmp_path):
    """An etude-sim that answers from files and writes down what it was asked."""
    (tmp_path / "one.json").write_text(json.dumps(answer()))
    (tmp_path / "all.json").write_text(json.dumps(comparison(5000)))
    script = tmp_path / "etude-sim"
    script.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n'
        f'case "$*" in *--compare*) cat {tmp_path}/all.json; exit 2;; *refuse*) echo "etude-sim: no" >&2; exit 2;;'
        f" *) cat {tmp_path}/one.json;; esac\n"
    )
    script.chmod(0o755)
    return script


def test_command_writes_three_pictures(program, tmp_path):
    run = write_run(tmp_path / "run", with_l2(json.loads(GOLDEN.read_text())))
    words = ["c.json", "--budget", "0.5", "--svg", tmp_path / "out", "--budgets", "0.9,0.5", "--executed", run]
    done = etude("schedule", *words, program=program)
    assert done.returncode == 0, done.stderr
    assert {f.name for f in (tmp_path / "out").iterdir()} == {"schedule.svg", "memory.svg", "energy_memory.svg"}
    assert "executed, keep, 500,000 B" in (tmp_path / "out" / "energy_memory.svg").read_text()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0] == "schedule c.json --budget 0.5 --json"
    assert asked[1:] == [f"schedule c.json --time-limit 5 --compare --budget {b} --json" for b in ("0.9", "0.5")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["refuse.json", "--svg", "OUT"], "etude-sim: no"),
        (["c.json", "--svg"], "--svg: has no value"),
        (["c.json", "--svg", "OUT", "--budgets", "0.5,x"], "--budgets: 'x' is no budget"),
        (["c.json", "--svg", "OUT", "--budgets", "0"], "--budgets: '0' is no budget"),
        (["c.json", "--budgets", "0.5"], "give --svg FOLDER too"),
        (["c.json", "--svg", "OUT", "--executed", "/nowhere"], "no result.json in it"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_nothing_written(program, tmp_path, words, message):
    out = tmp_path / "out"
    done = etude("schedule", *[str(out) if w == "OUT" else w for w in words], program=program)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not out.exists()
