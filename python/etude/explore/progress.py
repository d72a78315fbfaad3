# SPDX-License-Identifier: Apache-2.0
"""How far a sweep is: points a second, the best so far, the size of the front, the time that is left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from etude.api.notebook_bar import NotebookBar, in_notebook
from etude.explore.front import Front, Scores

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINES_S = 10.0  # between plain lines


class SweepWatch:
    """Shows a bar on a terminal and in a notebook, a line every ten seconds elsewhere; False: nothing."""

    def __init__(self, title: str, total: int, objectives: dict[str, str], wanted: bool | None = None) -> None:
        self.title, self.total, self.objectives = title, total, objectives
        self.wanted = wanted
        self.asked = 0
        self.over = 0
        self.ran = 0
        self.front = Front()
        self.best: list[float] | None = None
        self.began_s = self.said_s = time.monotonic()
        self.bar: Progress | None = None
        self.page: NotebookBar | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> SweepWatch:
        self.began_s = self.said_s = time.monotonic()
        if self.wanted is not False and in_notebook():
            self.page = NotebookBar()
            self.page.update(self.line(), 0, self.total)
        elif self.wanted is not False and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (
                BarColumn(bar_width=20),
                TextColumn("{task.description}", markup=False),
            )  # of what is too long the end is cut
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task(self.line(), total=self.total)
            self.bar.start()
        return self

    def expect(self, points: int) -> None:
        """So many more are asked for: the whole is no less than that."""
        self.asked += points
        self.total = max(self.total, self.asked)

    def begin_again(self) -> None:
        """What follows is of another tier: the best and the front are those of it alone."""
        self.front, self.best = Front(), None

    def known(self, scores: Scores | None) -> None:
        """A point that the study has already."""
        self._count(scores)

    def finished(self, scores: Scores | None) -> None:
        """A point that ran."""
        self.ran += 1
        self._count(scores)

    def line(self) -> str:
        """What there is to say now."""
        passed_s = time.monotonic() - self.began_s
        parts = [f"{self.title}: {self.over:,} of {self.total:,} points"]
        if self.ran and passed_s > 0:
            speed = self.ran / passed_s
            parts.append(f"{speed:.1f} points/s")
            parts.append(f"{_clock((self.total - self.over) / speed)} left")
        if self.best is not None:
            signs = (-1 if way == "max" else 1 for way in self.objectives.values())
            best = (f"{n} {s * b:.4g}" for n, s, b in zip(self.objectives, signs, self.best, strict=True))
            parts += [f"best {', '.join(best)}", f"front {len(self.front.members)}"]
        return ", ".join(parts)

    def _count(self, scores: Scores | None) -> None:
        self.over += 1
        if scores is not None:
            self.front.add(self.over, scores)
            self.best = [min(pair) for pair in zip(self.best or scores, scores, strict=True)]
        if self.page is not None:
            self.page.update(self.line(), self.over, self.total)
        elif self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.over, total=self.total, description=self.line())
        elif self.wanted is not False and time.monotonic() - self.said_s > LINES_S:
            self.said_s = time.monotonic()
            print(self.line(), file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        if self.page is not None:
            self.page.close()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
