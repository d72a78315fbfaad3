# SPDX-License-Identifier: Apache-2.0
"""Which points are tried. A search is a generator: it yields a batch of new points, and is sent what became of each.

What it yields depends on the sweep and on what it was sent, never on time or workers: a search that is resumed asks
for the same points again, and those that are in the study already are not run.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence

from etude.explore.front import Scores
from etude.explore.spec import Point, Spec, random_point

Search = Generator[Sequence[Point], Sequence[Scores | None], None]
"""Of each point its objectives, less is better; None: it has none (it did not run, or failed)."""

MOST_REFUSED = 10_000  # random points in a row that are not new or not allowed


def search_of(spec: Spec) -> Search:
    """The search that SWEEP.json names. Errors: UserError if what it needs is not installed."""
    if spec.sampler == "grid":
        return _all_at_once(list(spec.listed or spec.everything()))
    if spec.sampler == "random":
        return _all_at_once(_draw(spec))
    if spec.sampler == "thompson":
        from etude.explore.thompson import thompson_search

        return thompson_search(spec)
    from etude.explore.optuna_search import guided_search

    return guided_search(spec)


def total_of(spec: Spec) -> int:
    """How many points a search tries at most."""
    asked = spec.points if spec.points is not None else spec.size
    return min(asked, len(spec.listed)) if spec.listed is not None else asked


def _all_at_once(points: Sequence[Point]) -> Search:
    yield points


def _draw(spec: Spec) -> list[Point]:
    """Different points, all equally likely."""
    rng, wanted = random.Random(spec.seed), total_of(spec)
    if spec.listed is not None:
        return rng.sample(spec.listed, wanted)
    fresh = Fresh(spec, rng)
    found: list[Point] = []
    while len(found) < wanted and (point := fresh.draw()) is not None:
        found.append(point)
    return found


class Fresh:
    """Random points that are allowed and that nobody had."""

    def __init__(self, spec: Spec, rng: random.Random) -> None:
        self.spec, self.rng = spec, rng
        self.had: set[Point] = set()

    def take(self, point: Point) -> bool:
        """Whether the point is new and allowed; it is not new any more."""
        if point in self.had or not self.spec.allowed(point):
            return False
        self.had.add(point)
        return True

    def look(self, count: int) -> list[Point]:
        """The allowed ones of so many random points, new or not: nothing is taken."""
        return [point for _ in range(count) if self.spec.allowed(point := random_point(self.spec, self.rng))]

    def draw(self) -> Point | None:
        """One that was just taken; None if there is none left."""
        for _ in range(MOST_REFUSED):
            if self.take(point := random_point(self.spec, self.rng)):
                return point
        rest = [point for point in self.spec.listed or [] if point not in self.had]
        if not rest:
            return None
        point = self.rng.choice(rest)
        self.had.add(point)
        return point
