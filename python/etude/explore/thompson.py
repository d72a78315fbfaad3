# SPDX-License-Identifier: Apache-2.0
"""A search that fits each objective and tries what would be on the front if a draw of that fit were true."""

from __future__ import annotations

import random

import numpy
from numpy.typing import NDArray

from etude.explore.front import Scores, front_of
from etude.explore.hypervolume import hypervolume
from etude.explore.samplers import Fresh, Search, total_of
from etude.explore.spec import Point, Spec
from etude.explore.surrogate import Features, Floats, Surrogate

BATCH = 8
MOST_CANDIDATES = 8_000  # points that a draw is looked at; of a larger space a part, with the front's neighbours
WEIGHTINGS = 24  # of the objectives, for each draw
BEYOND = 1.1  # where 1 is the worst that is known of an objective: what counts as dominated ends there


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
        rows, learnt = self.features.of(candidates), self.features.of(list(done))
        values = numpy.array(list(done.values()))
        scales = [_Scale(column) for column in values.T]
        models = [Surrogate(learnt, scale.there(column)) for scale, column in zip(scales, values.T, strict=True)]
        possible = self._possible(candidates)
        best, worst = values.min(0), values.max(0)
        reach = numpy.where(worst > best, worst - best, 1.0)
        front = [tuple(one) for one in (values[front_of(list(done.values()))] - best) / reach]
        chosen: list[Point] = []
        for _ in range(count):
            drawn = [scale.back(model.draw(rows, self.draws)) for scale, model in zip(scales, models, strict=True)]
            scores = (numpy.stack(drawn, 1) - best) / reach
            found = self._choose(scores, front, possible)
            possible[found] = False
            if self.fresh.take(candidates[found]):
                chosen.append(candidates[found])
                front.append(tuple(scores[found]))  # the next one is to gain something else
        return chosen

    def _choose(self, scores: Floats, front: list[Scores], possible: NDArray[numpy.bool_]) -> int:
        """The candidate that adds most to what the front dominates, of those that are best by random weightings."""
        tried: dict[int, None] = {}
        for _ in range(WEIGHTINGS):
            worth = _weighted(scores, self.draws.dirichlet(numpy.ones(scores.shape[1])))
            worth[~possible] = numpy.inf
            tried[int(worth.argmin())] = None
        reference = (BEYOND,) * scores.shape[1]
        return max(tried, key=lambda i: hypervolume([*front, tuple(scores[i])], reference))

    def _possible(self, candidates: list[Point]) -> NDArray[numpy.bool_]:
        """Candidates that are nearer to a point that has objectives than to one that has none."""
        failed = numpy.array([scores is None for scores in self.known.values()])
        if not failed.any():
            return numpy.ones(len(candidates), dtype=bool)
        known, asked = numpy.array(list(self.known)), numpy.array(candidates)
        apart = numpy.zeros((len(candidates), len(known)))
        for i, axis in enumerate(self.spec.axes):
            steps = numpy.abs(asked[:, i, None] - known[None, :, i])
            apart += steps / max(1, len(axis.values) - 1) if axis.ordered else steps != 0
        likely = apart[:, ~failed].min(1) <= apart[:, failed].min(1)
        return numpy.asarray(likely if likely.any() else ~likely)

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


class _Scale:
    """One on which axes rather multiply than add: the logarithm of what has one sign."""

    def __init__(self, values: Floats) -> None:
        self.sign = 1.0 if (values > 0).all() else -1.0 if (values < 0).all() else 0.0

    def there(self, values: Floats) -> Floats:
        return numpy.asarray(self.sign * numpy.log(self.sign * values)) if self.sign else values

    def back(self, values: Floats) -> Floats:
        return numpy.asarray(self.sign * numpy.exp(self.sign * values)) if self.sign else values


def _weighted(values: Floats, weights: Floats) -> Floats:
    """Chebyshev's: the worst objective counts, and all of them a little."""
    parts = values * weights
    return numpy.asarray(parts.max(1) + 0.05 * parts.sum(1))
