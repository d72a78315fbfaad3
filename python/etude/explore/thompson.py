# SPDX-License-Identifier: Apache-2.0
"""A search that fits each objective and tries what would be on the front if a draw of that fit were true."""

from __future__ import annotations

import random
import numpy
from numpy.typing import NDArray

from etude.explore.front import Scores, front_of
from etude.explore.samplers import Fresh, Search, total_of
from etude.explore.spec import Point, Spec
from etude.explore.surrogate import Features, Floats, Surrogate

BATCH = 8
MOST_CANDIDATES = 8_000  # points that a draw is looked at; of a larger space a part, with the front's neighbours
LIKELY = 0.5  # of having objectives at all


def thompson_search(spec: Spec) -> Search:
    """Batches of eight: the first at random, then each point from a draw of its own."""
    return _Thompson(spec).search()


class _Thompson:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.rng = random.Random(spec.seed)
        self.draws = numpy.random.default_rng(spec.seed)
        self.fresh = Fresh(spec, self.rng)
        self.features = Features(spec.axes)
        self.known: dict[Point, Scores | None] = {}

    def search(self) -> Search:
        """Until so many points were tried as were asked for."""
        left = total_of(self.spec)
        while left > 0:
            batch = self._batch(min(BATCH, left))
            if not batch:
                return
            scores = yield batch
            left -= len(batch)
            self.known |= dict(zip(batch, scores, strict=True))

    def _batch(self, count: int) -> list[Point]:
        done = {point: scores for point, scores in self.known.items() if scores is not None}
        if len(done) < BATCH:
            return self._random(count)
        candidates = self._candidates(done)
        if len(candidates) <= count:
            return [point for point in candidates if self.fresh.take(point)] + self._random(count - len(candidates))
        rows = self.features.of(candidates)
        targets = _scaled(numpy.array(list(done.values())))
        learnt = self.features.of(list(done))
        models = [Surrogate(learnt, column) for column in targets.T]
        possible = self._possible(rows)
        chosen: list[Point] = []
        best = targets.min(0)
        reach = numpy.maximum(targets.max(0) - best, 1e-12)
        for _ in range(count):
            drawn = numpy.stack([model.draw(rows, self.draws) for model in models], 1)
            found = self._choose((drawn - best) / reach, possible)
            possible[found] = False
            if self.fresh.take(candidates[found]):
                chosen.append(candidates[found])
        return chosen

    def _choose(self, drawn: Floats, possible: NDArray[numpy.bool_]) -> int:
        """The best candidate by a random weighting of the objectives."""
        weights = self.draws.dirichlet(numpy.ones(drawn.shape[1]))
        worth = _weighted(drawn, weights)
        worth[~possible] = numpy.inf
        return int(worth.argmin())

    def _possible(self, rows: Floats) -> NDArray[numpy.bool_]:
        """Candidates that are likely to have objectives."""
        failed = [scores is None for scores in self.known.values()]
        if not any(failed):
            return numpy.ones(len(rows), dtype=bool)
        model = Surrogate(self.features.of(list(self.known)), 1.0 - numpy.array(failed, dtype=float))
        likely = model.expect(rows) > LIKELY
        return likely if likely.any() else numpy.ones(len(rows), dtype=bool)

    def _candidates(self, done: dict[Point, Scores]) -> list[Point]:
        """Points that are allowed and that nobody had."""
        listed = self.spec.listed
        if listed is not None and len(listed) <= MOST_CANDIDATES:
            return [point for point in listed if point not in self.fresh.had]
        from etude.explore.confirm import neighbours

        points = list(done)
        front = [points[i] for i in front_of(list(done.values()))]
        near = [point for point in neighbours(self.spec, front) if self.spec.allowed(point)]
        drawn = self.fresh.look(MOST_CANDIDATES)
        return list(dict.fromkeys(point for point in [*near, *drawn] if point not in self.fresh.had))

    def _random(self, count: int) -> list[Point]:
        drawn = [self.fresh.draw() for _ in range(count)]
        return [point for point in drawn if point is not None]


def _scaled(values: Floats) -> Floats:
    """Objectives on a scale on which axes rather multiply than add: logarithms of those that have one sign."""
    columns = []
    for column in values.T:
        if (column > 0).all():
            columns.append(numpy.log(column))
        elif (column < 0).all():  # more was better
            columns.append(-numpy.log(-column))
        else:
            columns.append(column)
    return numpy.stack(columns, 1)


def _weighted(values: Floats, weights: Floats) -> Floats:
    """Chebyshev's: the worst objective counts, and all of them a little."""
    parts = values * weights
    return numpy.asarray(parts.max(1) + 0.05 * parts.sum(1))

