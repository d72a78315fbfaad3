# SPDX-License-Identifier: Apache-2.0
"""Searches on a table of points that all ran: the hypervolume that each has found after a part of them.

    python scripts/search_study.py [--table results/search_study/table.parquet] [--out results/search_study]

Writes hypervolume.csv and the table of README.md in the same folder, all rows in one run. Ours are
asked as sweeps ask them. The others are asked point by point and told at once; only points that they had not yet and
that the table has count. Those that they may have in vain are bounded (REPEATS); the rest of their points is drawn from
the table, and each row says how many were. Without pymoo, which is no part of this project's environment, nothing is
written.
"""

import argparse
import itertools
import json
import multiprocessing
import random
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import polars
from etude.explore.front import Scores
from etude.explore.hypervolume import hypervolume
from etude.explore.samplers import search_of
from etude.explore.spec import Point, Spec, load_spec

PARTS = (0.01, 0.025, 0.05)
OURS = ("thompson", "tpe", "nsga2")  # the default first; gp takes more than two seconds a point
REPEATS = 4  # suggestions in vain for each point that is asked for, before chance decides
MARKS = ("<!-- written by scripts/search_study.py -->\n", "<!-- end -->\n")
BASE = "cct2_lora.json"


Found = tuple[list[Point], int]  # different points in order, and how many of them chance gave


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


Search = Callable[[Table, int, int], Found]  # of a table, how many points, the seed
COMPARED: dict[str, Search] = {}  # what processes that are forked have from their parent
TABLES: list[Table] = []


def ours(sampler: str) -> Search:
    def run(table: Table, points: int, seed: int) -> Found:
        search = search_of(table.spec(sampler, points, seed))
        order: list[Point] = []
        batch = next(search)
        while True:
            order += batch
            try:
                batch = search.send([table.scores[point] for point in batch])
            except StopIteration:
                return order[:points], 0

    return run


class Rival:
    """The different points that a rival had, in order, and how many more it may suggest in vain."""

    def __init__(self, table: Table, points: int, seed: int) -> None:
        self.table, self.points, self.seed = table, points, seed
        self.order: dict[Point, None] = {}
        self.left = REPEATS * points

    def had(self, point: Point) -> Scores:
        """What the table has for a point; the worst of everything where it has nothing, without which TPE asks for the
        same refused points again and again."""
        if point not in self.table or point in self.order:
            self.left -= 1
        elif len(self.order) < self.points:
            self.order[point] = None
        return self.table.scores.get(point) or tuple(self.table.high)

    @property
    def over(self) -> bool:
        return len(self.order) >= self.points or self.left <= 0

    def end(self) -> Found:
        """All points, with those that chance gave."""
        missing = self.points - len(self.order)
        others = [other for other in self.table.scores if other not in self.order]
        return [*self.order, *random.Random(self.seed).sample(others, missing)], missing


def optuna_rival(make: Callable[[int], object]) -> Search:
    def run(table: Table, points: int, seed: int) -> Found:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=make(seed), directions=["minimize"] * len(table.objectives))
        axes = {p: optuna.distributions.IntDistribution(0, len(v) - 1) for p, v in table.values.items()}
        rival = Rival(table, points, seed)
        while not rival.over:
            trial = study.ask(axes)
            study.tell(trial, list(rival.had(tuple(trial.params[p] for p in table.axes))))
        return rival.end()

    return run


def pymoo_rival(table: Table, points: int, seed: int) -> Found:
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
    rival = Rival(table, points, seed)
    while not rival.over:
        population = algorithm.ask()
        if population is None or len(population) == 0:
            break
        found = [rival.had(tuple(int(x) for x in row)) for row in population.get("X")]
        population.set("F", numpy.array(found))
        algorithm.tell(infills=population)
    return rival.end()


def searches(ours_: list[str]) -> dict[str, Search]:
    """All that are compared, by the names of their rows."""
    import optuna
    import pymoo.algorithms.moo.nsga2  # noqa: F401

    samplers = optuna.samplers
    return {f"etude {name}": ours(name) for name in ours_} | {
        "random": ours("random"),
        "Optuna TPE, univariate": optuna_rival(lambda seed: samplers.TPESampler(seed=seed, multivariate=False)),
        "Optuna NSGA-II": optuna_rival(lambda seed: samplers.NSGAIISampler(seed=seed, population_size=16)),
        "pymoo NSGA-II": pymoo_rival,
    }


def one(name: str, seed: int, points: int) -> tuple[float, Found]:
    """CPU seconds of a search, and what it found; in a process that has the table and the searches already."""
    began = time.process_time()
    found = COMPARED[name](TABLES[0], points, seed)
    return time.process_time() - began, found


def row_of(name: str, runs: list[tuple[float, Found]], table: Table) -> dict:
    """Hypervolumes of a search after each part of the table, over its seeds."""
    row = {"search": name, "cpu_s": statistics.mean(cpu_s for cpu_s, _ in runs)}
    row["by_chance"] = statistics.mean(missing for _, (_, missing) in runs)
    for part in PARTS:
        volumes = [table.volume(order[: budget_of(part, table)]) / table.whole for _, (order, _) in runs]
        row[f"{part:.1%} mean"] = statistics.mean(volumes)
        row[f"{part:.1%} error"] = statistics.stdev(volumes) / len(volumes) ** 0.5
    return row


def budget_of(part: float, table: Table) -> int:
    return max(1, round(part * len(table.scores)))


def verdict(rows: list[dict]) -> str:
    """What the default is worth: within a standard error of the best at every part, and above it at one?"""
    default = next(row for row in rows if row["search"] == f"etude {OURS[0]}")
    others = [row for row in rows if row is not default]
    said, held, above = [], True, False
    for part in PARTS:
        mean, error = f"{part:.1%} mean", f"{part:.1%} error"
        best = max(others, key=lambda row: row[mean])
        margin = max(default[error], best[error])
        gap = default[mean] - best[mean]
        held, above = held and gap >= -margin, above or gap > margin
        said.append(
            f"at {part:.1%} it is {abs(gap):.3f} {'above' if gap >= 0 else 'below'} the best other "
            f"({best['search']}), where a standard error is {margin:.3f}"
        )
    return (
        f"The default, `{OURS[0]}`, is {'' if held else 'NOT '}within one standard error of the best at every part, "
        f"and {'above' if above else 'NOT above'} it by more than that at one or more: {'; '.join(said)}."
    )


def write_readme(file: Path, rows: list[dict]) -> None:
    """Puts the table between the marks of README.md."""
    head = ["search", *(f"{part:.1%}" for part in PARTS), "CPU seconds a search", "points by chance"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row["search"], *(f"{row[f'{p:.1%} mean']:.3f} ± {row[f'{p:.1%} error']:.3f}" for p in PARTS)]
        lines.append("| " + " | ".join([*cells, f"{row['cpu_s']:.1f}", f"{row['by_chance']:.1f}"]) + " |")
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    file.write_text(
        before + MARKS[0] + "\n".join([*lines, "", verdict(rows)]) + "\n" + MARKS[1] + after, encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path("results/search_study/table.parquet"))
    parser.add_argument("--out", type=Path, default=Path("results/search_study"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="processes; the table is the same for any number")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    try:
        COMPARED.update(searches(list(OURS)))
    except ImportError as error:
        parser.error(f"{error.name} is not installed; pip install {error.name}")
    TABLES.append(Table(given.table))
    table = TABLES[0]
    points = budget_of(PARTS[-1], table)
    rows = []
    with multiprocessing.get_context("fork").Pool(given.jobs) as pool:
        tasks = [(name, seed, points) for name in COMPARED for seed in range(given.seeds)]
        found = pool.starmap_async(one, tasks, chunksize=1).get()
    for i, name in enumerate(COMPARED):
        rows.append(row_of(name, found[i * given.seeds : (i + 1) * given.seeds], table))
        print({k: v if isinstance(v, str) else round(v, 4) for k, v in rows[-1].items()}, flush=True)
    polars.DataFrame(rows).write_csv(given.out / "hypervolume.csv", float_precision=5)
    write_readme(given.out / "README.md", rows)


if __name__ == "__main__":
    main()
