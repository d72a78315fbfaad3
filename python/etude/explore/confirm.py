# SPDX-License-Identifier: Apache-2.0
"""The front of a screening, run again in the cycle tier, with its neighbours, until it no longer moves."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from etude.explore.front import Scores, dominates, front_of
from etude.explore.spec import Point, Spec

Confirmation = Generator[Sequence[Point], Sequence[Scores | None], None]
"""Yields points to run, and is sent the objectives of each (less is better), None if it has none."""


def confirmation(spec: Spec, screened: Mapping[Point, Scores | None]) -> Confirmation:
    """Points on the front of what is known (confirmed where it is, else screened) until all of it is confirmed; then
    the front's neighbours among what was screened, and again, until these do not change it or
    `tiers/confirm_points` are spent. Neighbours that the front would dominate still if the screening were as far off
    as it was anywhere are left out."""
    best: dict[Point, Scores] = {point: scores for point, scores in screened.items() if scores is not None}
    guessed = dict(best)
    confirmed: set[Point] = set()
    left = spec.confirm_points if spec.confirm_points is not None else len(best)
    looked_around: set[Point] | None = None
    while left > 0:
        points = list(best)
        front = [points[i] for i in front_of([best[point] for point in points])]
        wanted = [point for point in front if point not in confirmed]
        if not wanted:
            if looked_around == set(front):
                return
            looked_around = set(front)
            off = _furthest(guessed, {point: best[point] for point in confirmed if point in best})
            wanted = [
                point
                for point in neighbours(spec, front)
                if point in best and point not in confirmed and _may_join(best[point], off, [best[p] for p in front])
            ]
            if not wanted:
                return
        wanted = _spread(wanted, best, left)
        scores = yield wanted
        left -= len(wanted)
        for point, one in zip(wanted, scores, strict=True):
            confirmed.add(point)
            if one is None:
                del best[point]
            else:
                best[point] = one


def neighbours(spec: Spec, points: Sequence[Point]) -> list[Point]:
    """Points that differ from one of these by one step of an ordered axis, or in the value of another one."""
    found: dict[Point, None] = {}
    for point in points:
        for place, axis in enumerate(spec.axes):
            here = point[place]
            steps = (here - 1, here + 1) if axis.ordered else range(len(axis.values))
            for index in steps:
                if 0 <= index < len(axis.values) and index != here:
                    found[(*point[:place], index, *point[place + 1 :])] = None
    return [point for point in found if point not in set(points)]


def _furthest(guessed: Mapping[Point, Scores], found: Mapping[Point, Scores]) -> list[float]:
    """Of each objective how far the screening was off at most, in parts of what it said."""
    pairs = [zip(guessed[point], scores, strict=True) for point, scores in found.items()]
    return [max(map(_apart, column)) for column in zip(*pairs, strict=True)]


def _apart(pair: tuple[float, float]) -> float:
    one, other = pair
    return abs(other - one) / abs(one) if one else float(other != one)


def _may_join(scores: Scores, off: Sequence[float], front: Sequence[Scores]) -> bool:
    """Whether a point could be on the front if all of its objectives were better by so much."""
    hoped = tuple(score - far * abs(score) for score, far in zip(scores, off, strict=True))
    return not any(dominates(one, hoped) for one in front)


def _spread(points: list[Point], best: Mapping[Point, Scores], most: int) -> list[Point]:
    """At most so many of them, evenly over the first objective."""
    if len(points) <= most:
        return points
    ranked = sorted(points, key=lambda point: (best[point], point))
    if most == 1:
        return ranked[:1]
    return [ranked[i * (len(ranked) - 1) // (most - 1)] for i in range(most)]
