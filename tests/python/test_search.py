# SPDX-License-Identifier: Apache-2.0
"""Hypervolumes, and the search that fits its objectives."""

import itertools
import random
from pathlib import Path

import etude
import pytest
from etude.explore.hypervolume import hypervolume
from etude.explore.samplers import search_of
from etude.explore.spec import load_spec
from sweep_cases import BASE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_a_hypervolume_is_the_share_of_cells(objectives):
    """Against counting on a grid whose lines the points are on."""
    rng = random.Random(objectives)
    for _ in range(5):
        points = [tuple(rng.randrange(7) for _ in range(objectives)) for _ in range(rng.randrange(9))]
        cells = itertools.product(range(6), repeat=objectives)
        counted = sum(any(all(a <= b for a, b in zip(p, cell, strict=True)) for p in points) for cell in cells)
        assert hypervolume([tuple(map(float, p)) for p in points], (6.0,) * objectives) == counted


def spec_of(sampler, points, seed):
    axes = {
        "/platform/cluster/redmule/width": list(range(2, 22, 2)),
        "/platform/cluster/tcdm/size": [65536 * k for k in range(1, 11)],
        "/workload/batch": list(range(1, 9)),
    }
    objectives = {"step.cycles": "min", "area_mm2": "min"}
    search = {"sampler": sampler, "points": points, "seed": seed}
    return load_spec({"base": BASE, "axes": axes, "objectives": objectives, "search": search})


def scores(point):
    """Made up: one falls with what the other grows with; small memories have no result."""
    width, size, batch = (index + 1 for index in point)
    return None if size < 3 else (batch * (100 / width + 30 / size), width**0.8 + 0.7 * size + 0.1 * batch)


def found(sampler, seed, points=48):
    search = search_of(spec_of(sampler, points, seed))
    batch, all_ = next(search), []
    while True:
        all_ += batch
        try:
            batch = search.send([scores(point) for point in batch])
        except StopIteration:
            return all_


def test_a_fit_finds_more_than_chance():
    def volume(points):
        return hypervolume([one for point in points if (one := scores(point))], (300.0, 20.0))

    ours, chance = ([volume(found(name, seed)) for seed in range(4)] for name in ("thompson", "random"))
    assert min(ours) > max(chance)
    points = found("thompson", 1)
    assert points == found("thompson", 1) and len(set(points)) == len(points) == 48


def test_a_small_space_is_looked_through():
    assert len(found("thompson", 3, points=120)) == 120


@pytest.mark.parametrize(
    "sets",
    [
        {"/platform/cluster/tcdm/banks": 32},
        {"/platform/cluster/icache/shared_sets": 64, "/platform/cluster/fpu/addmul_latency": 2},
    ],
)
def test_plans_are_shared_by_what_they_do_not_follow_from(monkeypatch, sets):
    """As ModelSession does: the program of another value is the same."""
    monkeypatch.chdir(ROOT)
    one, other = (etude.lower(etude.load("configs/deep_ae.json").set_all(s)) for s in ({}, sets))
    assert one.raw == other.raw


def test_small_budgets_are_kept():
    assert len(found("thompson", 1, points=5)) == 5
