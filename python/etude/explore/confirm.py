# SPDX-License-Identifier: Apache-2.0
"""The front of a screening, run again in the cycle tier, with its neighbours, until it no longer moves."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from etude.explore.front import Scores, front_of
from etude.explore.spec import Point, Spec

Confirmation = Generator[Sequence[Point], Sequence[Scores | None], None]
"""Yields points to run, and is sent the objectives of each (less is better), None if it has none."""


def confirmation(spec: Spec, screened: Mapping[Point, Scores | None]) -> Confirmation:
    """Points on the front of what is known (confirmed where it is, else screened) until all of it is confirmed; then
    the front's neighbours among what was screened, and again, until these do not change it or
    `tiers/confirm_points` are spent."""
    best: dict[Point, Scores] = {point: scores for point, scores in screened.items() if scores is not None}
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
            wanted = [point for point in neighbours(spec, front) if point in best and point not in confirmed]
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


def _spread(points: list[Point], best: Mapping[Point, Scores], most: int) -> list[Point]:
    """At most so many of them, evenly over the first objective."""
    if len(points) <= most:
        return points
    ranked = sorted(points, key=lambda point: (best[point], point))
    if most == 1:
        return ranked[:1]
    return [ranked[i * (len(ranked) - 1) // (most - 1)] for i in range(most)]
