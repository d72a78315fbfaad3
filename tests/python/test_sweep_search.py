# SPDX-License-Identifier: Apache-2.0
"""What a sweep asks for: spaces, expressions, searches and fronts, without a run."""

import os
import random
from pathlib import Path

import pytest
from etude.errors import UserError
from etude.explore.expression import Expression
from etude.explore.front import front_of
from etude.explore.samplers import search_of
from etude.explore.spec import load_spec
from sweep_cases import SWEEP, changed

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("ETUDE_SEED", "13"))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Names of files are looked for from here."""
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "gp"])
def test_guided_searches_ask_the_same_again(sampler):
    pytest.importorskip("optuna")
    if sampler == "gp":
        pytest.importorskip("torch")
        pytest.importorskip("scipy")
    axes = {**SWEEP["axes"], "/platform/cluster/dma/engine": ["mchan", "idma"], "/platform/l2/size": [1 << 20, 1 << 21]}
    points = 10 if sampler == "gp" else 24
    paths = []
    for seed in (1, 1, 2):
        spec = load_spec(changed(axes=axes, search={"sampler": sampler, "points": points, "seed": seed}))
        search, scores, path = search_of(spec), None, []
        while True:
            try:
                batch = next(search) if scores is None else search.send(scores)
            except StopIteration:
                break
            assert len(batch) <= 8
            path += batch
            scores = [None if p[0] == 2 else (float(sum(p)), float(p[0] - p[1]), 1.0) for p in batch]
        assert len(path) == len(set(path)) == points and all(map(spec.allowed, path))
        paths.append(path)
    assert paths[0] == paths[1] != paths[2]


def test_tpe_is_nearer_to_the_front_than_chance():
    pytest.importorskip("optuna")
    axes = {"/workload/batch": {"from": 1, "to": 40, "step": 1}, "/train/seed": {"from": 1, "to": 40, "step": 1}}
    found = {}
    for sampler in ("random", "tpe"):
        best = []
        for seed in range(2):
            asked = {"axes": axes, "constraints": [], "objectives": {"step.cycles": "min"}}
            spec = load_spec(changed(**asked, search={"sampler": sampler, "points": 40, "seed": seed}))
            search, scores, tried = search_of(spec), None, []
            while True:
                try:
                    batch = next(search) if scores is None else search.send(scores)
                except StopIteration:
                    break
                scores = [(float((p[0] - 30) ** 2 + (p[1] - 7) ** 2),) for p in batch]
                tried += scores
            best.append(min(tried)[0])
        found[sampler] = sum(best)
    assert found["tpe"] < found["random"]


def test_names_and_constants():
    names = {"l2": "/platform/l2/size", "l1": "/platform/cluster/tcdm/size", "banks": "/platform/cluster/tcdm/banks"}
    axes = {"/platform/cluster/tcdm/size": [65536, 131072], "/platform/l2/size": [131072, 2097152]}
    spec = load_spec(changed(names=names, axes=axes, constraints=["l1 * banks <= l2"]))
    assert [spec.values(point) for point in spec.everything()] == [[65536, 2097152], [131072, 2097152]]


@pytest.mark.parametrize(
    "asked, values",
    [
        ({"from": 1, "to": 7, "step": 3}, [1, 4, 7]),
        ({"from": 0.1, "to": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"from": 1, "to": 2, "step": 0.5}, [1.0, 1.5, 2.0]),
        ({"from": 3, "to": 50, "factor": 2}, [3, 6, 12, 24, 48]),
    ],
)
def test_ranges(asked, values):
    from etude.explore.axes import axis_of

    found = axis_of("/x", "x", asked).values
    assert list(found) == values and {type(v) for v in found} == {type(v) for v in values}


def test_expressions():
    names = {"a": 3, "b": 8, "p": "page"}
    for text, value in (
        ("a*b*(1+1) <= 48", True),
        ("1 < a < 3", False),
        ("p in ['keep', 'page'] and not b % 4", True),
        ("min(a, b) == 3 and max(a, b, 9) == 9 and abs(-a) == a and log2(b) == a", True),
        ("p == 'keep' or b // a == 2", True),
        ("a != 3 or p not in ['page']", False),
        ("2 ** a == b", True),
    ):
        assert Expression(text)(names) is value, text
    for text in (
        "lambda: 1",
        "[x for x in (1, 2)]",
        "a if b else p",
        "p in p",
        "open('x')",
        "a[0]",
        "f'{a}'",
        "a := 1",
    ):
        with pytest.raises(UserError, match="no expression"):
            Expression(text)
    for text in ("p < 3", "p * 99999999", "1 / (a - 3) > 0"):
        with pytest.raises(UserError, match="has no value where"):
            Expression(text)(names)


def test_random_points_are_different_and_depend_on_the_seed():
    large = {f"/platform/cluster/redmule/{name}": {"from": 1, "to": 32, "step": 1} for name in ("height", "width")}
    large |= {"/workload/batch": {"from": 1, "to": 400, "step": 1}}  # looked through point by point no more
    for axes in (SWEEP["axes"], large):
        drawn = []
        for seed in (1, 1, 2):
            search = {"sampler": "random", "points": 12, "seed": seed}
            spec = load_spec(changed(axes=axes, search=search))
            drawn.append(list(next(search_of(spec))))
            assert len(set(drawn[-1])) == 12 and all(map(spec.allowed, drawn[-1]))
        assert drawn[0] == drawn[1] != drawn[2]


def test_front_against_brute_force():
    rng = random.Random(SEED)
    for _ in range(50):
        points = [tuple(rng.randint(0, 4) for _ in range(rng.choice([2, 3]))) for _ in range(1)]
        points += [tuple(rng.randint(0, 4) for _ in points[0]) for _ in range(rng.randint(0, 30))]
        brute = [
            i
            for i, a in enumerate(points)
            if not any(b != a and all(x <= y for x, y in zip(b, a, strict=True)) for b in points)
        ]
        assert front_of(points) == brute


@pytest.mark.parametrize("file", sorted((ROOT / "configs/sweep").glob("*.json")), ids=lambda file: file.name)
def test_shipped_sweeps_are_read(file):
    spec = load_spec(file)
    assert spec.axes and spec.objectives
