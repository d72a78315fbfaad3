# SPDX-License-Identifier: Apache-2.0
"""Objectives as sums of what each axis, and each two of them, do to them: a Bayesian linear model that is certain of
little after a few points, and draws of it that say what may be true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from etude.explore.axes import Axis

Floats = NDArray[numpy.float64]
NOISES = (1e-4, 1e-3, 1e-2, 1e-1)  # variance of what the model cannot say, in parts of all of it
SPREADS = (0.1, 0.3, 1.0)  # variance of weights


class Features:
    """Points as rows of numbers: of an ordered axis its place and the square of it, of another one which value it has,
    and products of these of any two axes, which matter less."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.columns: list[Floats] = []
        for axis in axes:
            count = len(axis.values)
            if count == 1:
                self.columns.append(numpy.zeros((1, 0)))
            elif axis.ordered:
                place = numpy.linspace(-1.0, 1.0, count)
                bent = place**2 - numpy.mean(place**2)
                self.columns.append(numpy.stack([place, bent], 1)[:, : 1 if count == 2 else 2])
            else:
                self.columns.append(numpy.eye(count) - 1.0 / count)

    def of(self, points: Sequence[Sequence[int]]) -> Floats:
        """A row for each point."""
        indices = numpy.array(points, dtype=int)
        parts = [column[indices[:, i]] for i, column in enumerate(self.columns)]
        rows = [numpy.ones((len(points), 1)), *parts]
        for i, one in enumerate(parts):
            for other in parts[:i]:
                products = one[:, :, None] * other[:, None, :]
                rows.append(0.5 * products.reshape(len(points), -1))
        return numpy.concatenate(rows, 1)


class Surrogate:
    """What is known of one objective: fitted to points that have it."""

    def __init__(self, rows: Floats, values: Floats) -> None:
        self.middle, self.scale = float(values.mean()), float(values.std()) or 1.0
        target = (values - self.middle) / self.scale
        best = max((self._evidence(rows, target, n, s), n, s) for n in NOISES for s in SPREADS)
        _, noise, spread = best
        precision = rows.T @ rows / noise + numpy.eye(rows.shape[1]) / spread
        self.lower = numpy.linalg.cholesky(precision)
        self.mean = numpy.linalg.solve(self.lower.T, numpy.linalg.solve(self.lower, rows.T @ target / noise))

    @staticmethod
    def _evidence(rows: Floats, target: Floats, noise: float, spread: float) -> float:
        covariance = spread * rows @ rows.T + noise * numpy.eye(len(target))
        lower = numpy.linalg.cholesky(covariance)
        white = numpy.linalg.solve(lower, target)
        return float(-0.5 * white @ white - numpy.log(numpy.diag(lower)).sum())

    def draw(self, rows: Floats, rng: numpy.random.Generator) -> Floats:
        """The objective at points, as it may be."""
        weights = self.mean + numpy.linalg.solve(self.lower.T, rng.standard_normal(len(self.mean)))
        return numpy.asarray((rows @ weights) * self.scale + self.middle)

    def expect(self, rows: Floats) -> Floats:
        """The same as it is most likely."""
        return numpy.asarray((rows @ self.mean) * self.scale + self.middle)
