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
        square, onto = rows.T @ rows, rows.T @ target
        fits = [_fit(square, onto, float(target @ target), len(target), n, s) for n in NOISES for s in SPREADS]
        _, self.lower, self.mean = max(fits, key=lambda fit: fit[0])

    def draw(self, rows: Floats, rng: numpy.random.Generator) -> Floats:
        """The objective at points, as it may be."""
        weights = self.mean + numpy.linalg.solve(self.lower.T, rng.standard_normal(len(self.mean)))
        return numpy.asarray((rows @ weights) * self.scale + self.middle)


def _fit(
    square: Floats, onto: Floats, length: float, count: int, noise: float, spread: float
) -> tuple[float, Floats, Floats]:
    """The log evidence of a noise and a spread (but for a constant), the Cholesky factor of the weights' precision, and
    the weights' mean."""
    lower = numpy.linalg.cholesky(square / noise + numpy.eye(len(onto)) / spread)
    white = numpy.linalg.solve(lower, onto / noise)
    mean = numpy.linalg.solve(lower.T, white)
    determinant = 2 * numpy.log(numpy.diag(lower)).sum() + count * numpy.log(noise) + len(onto) * numpy.log(spread)
    evidence = -0.5 * (length / noise - white @ white + determinant)
    return float(evidence), numpy.asarray(lower, numpy.float64), numpy.asarray(mean, numpy.float64)
