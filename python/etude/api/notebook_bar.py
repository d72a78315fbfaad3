# SPDX-License-Identifier: Apache-2.0
"""A bar in a notebook: an element of the page, which needs no widgets."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

BETWEEN_S = 0.2  # changes of what is shown


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    return "ipykernel" in sys.modules


class NotebookBar:
    """Shown from `update` to `close`, and nothing of it stays."""

    def __init__(self) -> None:
        self.handle: Any = None
        self.changed_s = 0.0

    def update(self, text: str, done: int, total: int | None) -> None:
        """`text` beside a bar that is so far; without a `total` it only moves."""
        now = time.monotonic()
        if self.handle is not None and now - self.changed_s < BETWEEN_S:
            return
        self.changed_s = now
        far = f' value="{done}" max="{total}"' if total else ""
        self._show(f"<progress{far}></progress> {escape(text)}")

    def close(self) -> None:
        """Leaves an empty place."""
        if self.handle is not None:
            self._show("")

    def _show(self, html: str) -> None:
        from IPython.display import HTML, display

        if self.handle is None:
            self.handle = display(HTML(html), display_id=True)
        else:
            self.handle.update(HTML(html))
