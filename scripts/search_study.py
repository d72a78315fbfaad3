# SPDX-License-Identifier: Apache-2.0
"""Searches on a table of points that all ran: the hypervolume that each has found after a part of them.

    python scripts/search_study.py [--table results/search_study/table.parquet] [--out results/search_study]

Ours are asked as sweeps ask them. The others are asked point by point, told at once, and have repeated points for
nothing: only new ones count. pymoo is no part of this project's environment; without it its row is left out.
"""

import argparse
import itertools
import json
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
from etude.explore.front import Scores
from etude.explore.hypervolume import hypervolume
from etude.explore.samplers import search_of
from etude.explore.spec import Point, Spec, load_spec

PARTS = (0.01, 0.025, 0.05)
OURS = ("thompson", "tpe", "gp")
MOST_ASKED = 25  # times in a row that a rival may suggest what it had, before chance decides
BASE = "cct2_lora.json"


class Table:
    """Every point of a space and its objectives, less is better; None: it has none."""

    def __init__(self, file: Path) -> None:
        about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        frame = polars.read_parquet(file)
        self.axes, self.objectives = about["axes"], about["objectives"]
        values = {pointer: sorted(set(frame[pointer].to_list())) for pointer in self.axes}
        self.values = values
        self.names = {f"a{i}": pointer for i, pointer in enumerate(self.axes)}
        ways = list(self.objectives.items())
        self.scores: dict[Point, Scores | None] = {}
        for row in frame.iter_rows(named=True):
            point = tuple(values[pointer].index(row[pointer]) for pointer in self.axes)
            found = [row[name] for name, _ in ways]
            signs = [-1.0 if way == "max" else 1.0 for _, way in ways]
            self.scores[point] = None if None in found else tuple(s * f for s, f in zip(signs, found, strict=True))
        done = [scores for scores in self.scores.values() if scores is not None]
        columns = list(zip(*done, strict=True))
        self.low, self.high = [min(c) for c in columns], [max(c) for c in columns]
        self.whole = self.volume(list(self.scores))

    def spec(self, sampler: str, points: int, seed: int) -> Spec:
        """The table's space as a sweep; what the table does not hold is not allowed."""
        spec = load_spec(
            {
                "base": BASE,
                "axes": self.values,
                "names": self.names,
                "objectives": self.objectives,
                "search": {"sampler": sampler, "points": points, "seed": seed},
            }
        )
        listed = [point for point in itertools.product(*(range(len(a.values)) for a in spec.axes)) if point in self]
        spec.__dict__["listed"] = listed
        object.__setattr__(spec, "constraints", (lambda names: self.of_values(names) in self.scores,))
        return spec

    def of_values(self, names: dict) -> Point:
        """A point by the values of its axes."""
        return tuple(self.values[pointer].index(names[name]) for name, pointer in self.names.items())

    def __contains__(self, point: Point) -> bool:
        return point in self.scores

    def volume(self, points: list[Point]) -> float:
        """What is dominated by points, where each objective is 0 at its best and 1 at its worst."""
        found = [scores for point in points if (scores := self.scores[point]) is not None]
        scaled = [tuple((s - a) / (b - a) for s, a, b in zip(one, self.low, self.high, strict=True)) for one in found]
        return hypervolume(scaled, (1.0 + 1e-9,) * len(self.low))


def ours(sampler: str) -> Callable[[Table, int, int], list[Point]]:
    def run(table: Table, points: int, seed: int) -> list[Point]:
        search = search_of(table.spec(sampler, points, seed))
        order: list[Point] = []
        batch = next(search)
        while True:
            order += batch
            try:
                batch = search.send([table.scores[point] for point in batch])
            except StopIteration:
                return order[:points]

    return run


def asked(
    table: Table, points: int, seed: int, suggestions: Iterator[Point], tell: Callable[[Scores | None], None]
) -> list[Point]:
    """Follows a rival until it has had so many different points."""
    order: dict[Point, None] = {}
    rng, everything = random.Random(seed), list(table.scores)
    repeated = 0
    for point in suggestions:
        fresh = point in table and point not in order
        repeated = 0 if fresh else repeated + 1
        if fresh:
            order[point] = None
        tell(table.scores.get(point))
        if repeated == MOST_ASKED:
            order[rng.choice([other for other in everything if other not in order])] = None
            repeated = 0
        if len(order) >= points:
            return list(order)
    return list(order)


def optuna_rival(make: Callable[[int], object]) -> Callable[[Table, int, int], list[Point]]:
    def run(table: Table, points: int, seed: int) -> list[Point]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=make(seed), directions=["minimize"] * len(table.objectives))
        axes = {p: optuna.distributions.IntDistribution(0, len(v) - 1) for p, v in table.values.items()}
        trials: list = []

        def suggestions() -> Iterator[Point]:
            while True:
                trials.append(study.ask(axes))
                yield tuple(trials[-1].params[p] for p in table.axes)

        def tell(scores: Scores | None) -> None:
            if scores is None:
                study.tell(trials[-1], state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trials[-1], list(scores))

        return asked(table, points, seed, suggestions(), tell)

    return run


def pymoo_rival(table: Table, points: int, seed: int) -> list[Point]:
    import numpy
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    last = [len(v) - 1 for v in table.values.values()]
    problem = Problem(n_var=len(last), n_obj=len(table.low), xl=numpy.zeros(len(last)), xu=numpy.array(last), vtype=int)
    repaired = {"vtype": float, "repair": RoundingRepair()}
    algorithm = NSGA2(
        pop_size=max(8, points // 5),
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, **repaired),
        mutation=PM(prob=1.0, eta=3.0, **repaired),
        eliminate_duplicates=True,
    )
    algorithm.setup(problem, termination=("n_gen", 10_000), seed=seed, verbose=False)
    order: dict[Point, None] = {}
    for _ in range(1000):
        population = algorithm.ask()
        if population is None or len(population) == 0:
            break
        found = []
        for row in population.get("X"):
            point = tuple(int(x) for x in row)
            if point in table and len(order) < points:
                order[point] = None
            found.append(table.scores.get(point) or tuple(table.high))
        population.set("F", numpy.array(found))
        algorithm.tell(infills=population)
        if len(order) >= points:
            break
    return list(order)


def rivals() -> dict[str, Callable[[Table, int, int], list[Point]]]:
    import optuna

    samplers = optuna.samplers
    found = {
        "random": ours("random"),
        "Optuna TPE, univariate": optuna_rival(lambda seed: samplers.TPESampler(seed=seed, multivariate=False)),
        "Optuna NSGA-II": optuna_rival(lambda seed: samplers.NSGAIISampler(seed=seed, population_size=16)),
    }
    try:
        import pymoo  # noqa: F401
    except ImportError:
        return found
    return found | {"pymoo NSGA-II": pymoo_rival}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=Path("results/search_study/table.parquet"))
    parser.add_argument("--out", type=Path, default=Path("results/search_study"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ours", default=",".join(OURS))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    table = Table(given.table)
    budgets = [max(1, round(part * len(table.scores))) for part in PARTS]
    searches = {f"etude {name}": ours(name) for name in given.ours.split(",")} | rivals()
    rows = []
    for name, search in searches.items():
        began = time.process_time()
        volumes: list[list[float]] = [[] for _ in budgets]
        for seed in range(given.seeds):
            order = search(table, budgets[-1], seed)
            for found, budget in zip(volumes, budgets, strict=True):
                found.append(table.volume(order[:budget]) / table.whole)
        row = {"search": name, "cpu_s": (time.process_time() - began) / given.seeds}
        for part, found in zip(PARTS, volumes, strict=True):
            row[f"{part:.1%} mean"] = statistics.mean(found)
            row[f"{part:.1%} error"] = statistics.stdev(found) / len(found) ** 0.5 if len(found) > 1 else 0.0
        rows.append(row)
        print(name, {k: round(v, 4) for k, v in row.items() if k != "search"}, flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    polars.DataFrame(rows).write_csv(given.out / "hypervolume.csv", float_precision=5)


if __name__ == "__main__":
    main()
