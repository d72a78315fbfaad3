# SPDX-License-Identifier: Apache-2.0
"""A bar on a terminal or in a notebook for work that takes long; plain lines elsewhere, if they are asked for."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from etude.api.notebook_bar import NotebookBar, in_notebook

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINES_S = 10.0  # between plain lines


class Watch:
    """Shows what `update` says while its block lasts. `wanted`: None means on a terminal or in a notebook alone."""

    def __init__(self, title: str, wanted: bool | None = None) -> None:
        self.title = title
        self.wanted = wanted
        self.bar: Progress | None = None
        self.page: NotebookBar | None = None
        self.task: TaskID | None = None
        self.said_s = 0.0

    def __enter__(self) -> Watch:
        if self.wanted is False:
            return self
        if in_notebook():
            self.page = NotebookBar()
            self.page.update(self.title, 0, None)
            return self
        if not sys.stderr.isatty():
            return self
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        self.bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(self.title, total=None)
        self.bar.start()
        return self

    def update(self, done: int, total: int) -> None:
        """So much of so much is over."""
        if self.page is not None:
            self.page.update(f"{self.title}: {done:,} of {total:,}", done, total)
        elif self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, total=total)
        elif self.wanted and (done == total or time.monotonic() - self.said_s > LINES_S):
            self.said_s = time.monotonic()
            print(f"{self.title}: {done} of {total}", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        if self.page is not None:
            self.page.close()
