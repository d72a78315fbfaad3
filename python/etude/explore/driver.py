# SPDX-License-Identifier: Apache-2.0
"""Leads a sweep: asks the search, has its points run, keeps their rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from etude.errors import InternalError
from etude.explore.confirm import Confirmation, confirmation
from etude.explore.front import Scores
from etude.explore.point import Outcome, Task
from etude.explore.pool import Pool
from etude.explore.progress import SweepWatch
from etude.explore.samplers import Search
from etude.explore.spec import Point, Spec
from etude.explore.store import Store, same


def scores_of(spec: Spec, outcome: Outcome) -> Scores | None:
    """The objectives, less is better; None if the point has none."""
    if outcome.status != "done":
        return None
    ways = spec.objectives.values()
    return tuple(-v if way == "max" else v for v, way in zip(outcome.values, ways, strict=True) if v is not None)


class Driver:
    """One sweep on its way."""

    def __init__(self, spec: Spec, store: Store, pool: Pool, watch: SweepWatch, keep: str | None = None) -> None:
        """`keep`: where the folders of runs stay."""
        self.spec, self.store, self.pool, self.watch, self.keep = spec, store, pool, watch, keep
        self.next_id = 1

    def lead(self, search: Search) -> None:
        """Follows the search to its end, then confirms what it found if that is asked for."""
        found = self._follow(search, self.spec.tier)
        if self.spec.screen is not None and self.spec.confirm is not None:
            self.watch.begin_again()
            self._follow(confirmation(self.spec, found), self.spec.confirm)

    def _follow(self, search: Search | Confirmation, tier: str) -> dict[Point, Scores | None]:
        found: dict[Point, Scores | None] = {}
        scores: list[Scores | None] | None = None
        while True:
            try:
                batch = next(search) if scores is None else search.send(scores)
            except StopIteration:
                return found
            self.watch.expect(len(batch))
            scores = [scores_of(self.spec, outcome) for outcome in self._run(batch, tier)]
            found |= dict(zip(batch, scores, strict=True))

    def _run(self, batch: Sequence[Point], tier: str) -> list[Outcome]:
        """What became of each point; those that the study has are not run."""
        first, self.next_id = self.next_id, self.next_id + len(batch)
        values = {first + i: self.spec.values(point) for i, point in enumerate(batch)}
        tasks: list[Task] = []
        for i, point in enumerate(batch):
            known = self.store.known.get(first + i)
            if known is None:
                tasks.append(self._task(first + i, point, tier))
            elif not same(values[first + i], known[0]) or known[1].tier != tier:
                raise InternalError(f"{self.store.file}: row {first + i} is of another point than the search asks for")
            else:
                self.watch.known(scores_of(self.spec, known[1]))
        for outcome in self.pool.run(tasks):
            self.store.add([(values[outcome.id], outcome)])
            self.watch.finished(scores_of(self.spec, outcome))
        return [self.store.known[first + i][1] for i in range(len(batch))]

    def _task(self, number: int, point: Point, tier: str) -> Task:
        base = self.spec.base
        return Task(
            id=number,
            sets=self.spec.sets(point),
            base=None if base.file is None else str(base.file),
            base_text=base.text if base.file is None else Path(base.file).read_text(encoding="utf-8"),
            folder=os.getcwd(),
            tier=tier,
            version=self.store.version,
            objectives=tuple(self.spec.objectives),
            keep=self.keep,
        )
