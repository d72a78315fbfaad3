# SPDX-License-Identifier: Apache-2.0
"""Searches that learn: Optuna's samplers, asked in batches of a fixed size so that workers do not change their path."""

from __future__ import annotations

import importlib
import random
import warnings
from typing import TYPE_CHECKING, Any

from etude.errors import UserError
from etude.explore.front import Scores
from etude.explore.samplers import Fresh, Search, total_of
from etude.explore.spec import Point, Spec

if TYPE_CHECKING:
    import optuna

BATCH = 8
MOST_ASKED = 20  # times in a row that a sampler may suggest what is known or not allowed, before chance decides


def _sampler(spec: Spec, optuna: Any) -> Any:
    points = total_of(spec)
    start = max(5, min(40, points // 5))
    if spec.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=spec.seed, multivariate=True, n_startup_trials=start)
    if spec.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=spec.seed, population_size=max(BATCH, min(48, points // 4)))
    for module in ("torch", "scipy"):
        try:
            importlib.import_module(module)
        except ImportError:
            raise UserError(
                f"search/sampler: gp needs {module}, which is not installed; pip install {module}"
            ) from None
    importlib.import_module("torch").set_num_threads(1)  # its matrices are small
    return optuna.samplers.GPSampler(seed=spec.seed, n_startup_trials=start, deterministic_objective=True)


def _distributions(spec: Spec, optuna: Any) -> dict[str, Any]:
    """Values by their number, so that every range is a scale of equal steps."""
    found: dict[str, Any] = {}
    for axis in spec.axes:
        last = len(axis.values) - 1
        if axis.ordered and last > 0:
            found[axis.pointer] = optuna.distributions.IntDistribution(0, last)
        else:
            found[axis.pointer] = optuna.distributions.CategoricalDistribution(list(range(last + 1)))
    return found


def guided_search(spec: Spec) -> Search:
    """TPE (multivariate), NSGA-II or a Gaussian process. Errors: UserError if Optuna or what it needs is missing."""
    try:
        import optuna
    except ImportError:
        raise UserError("search/sampler: needs optuna, which is not installed; pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = _sampler(spec, optuna)
        study = optuna.create_study(sampler=sampler, directions=["minimize"] * len(spec.objectives))
    return _Guided(spec, study, _distributions(spec, optuna)).search()


class _Guided:
    def __init__(self, spec: Spec, study: optuna.Study, distributions: dict[str, Any]) -> None:
        self.spec, self.study, self.distributions = spec, study, distributions
        self.fresh = Fresh(spec, random.Random(spec.seed))
        self.worst: list[float] | None = None

    def search(self) -> Search:
        """Batches until so many points were tried as were asked for."""
        left = total_of(self.spec)
        while left > 0:
            asked = [found for _ in range(min(BATCH, left)) if (found := self._ask()) is not None]
            if not asked:
                return
            scores = yield [point for _, point in asked]
            left -= len(asked)
            for one in scores:
                if one is not None:
                    self.worst = [max(pair) for pair in zip(self.worst or one, one, strict=True)]
            for (trial, _), one in zip(asked, scores, strict=True):
                self._tell(trial, one)

    def _ask(self) -> tuple[Any, Point] | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(MOST_ASKED):
                trial = self.study.ask(self.distributions)
                point = tuple(int(trial.params[axis.pointer]) for axis in self.spec.axes)
                if self.fresh.take(point):
                    return trial, point
                self.study.tell(trial, state=_failed())
            drawn = self.fresh.draw()
            if drawn is None:
                return None
            params = {axis.pointer: index for axis, index in zip(self.spec.axes, drawn, strict=True)}
            self.study.enqueue_trial(params)
            return self.study.ask(self.distributions), drawn

    def _tell(self, trial: Any, scores: Scores | None) -> None:
        """A point that has no objectives counts as bad as the worst of each, so that it is avoided."""
        told = scores if scores is not None else self.worst
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if told is None:
                self.study.tell(trial, state=_failed())
            else:
                self.study.tell(trial, list(map(float, told)))


def _failed() -> Any:
    import optuna

    return optuna.trial.TrialState.FAIL
