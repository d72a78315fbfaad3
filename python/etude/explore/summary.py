# SPDX-License-Identifier: Apache-2.0
"""A study on the terminal."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from etude.explore.spec import COLUMNS
from etude.explore.store import FILE
from etude.pictures.drawing import number

if TYPE_CHECKING:
    from etude.explore.study import Study

MOST_ROWS = 20
MOST_REASONS = 5


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value) if isinstance(value, float) else str(value)


def study_text(study: Study, width: int = 120) -> str:
    """What `print_study` prints."""
    text = io.StringIO()
    print_study(study, Console(file=text, width=width, markup=False, emoji=False))
    return text.getvalue().rstrip("\n")


def print_study(study: Study, console: Console) -> None:
    """The front as a table, the reasons of what is not in it, and where everything is."""
    shown = [name for name in study.front.columns if name not in COLUMNS]
    table = Table("id", *shown)
    for row in study.front.head(MOST_ROWS).iter_rows(named=True):
        table.add_row(*(_cell(row[name]) for name in ("id", *shown)))
    console.print(study.summary(), highlight=False)
    if len(study.front):
        console.print(table)
    if len(study.front) > MOST_ROWS:
        console.print(f"and {len(study.front) - MOST_ROWS:,} more", highlight=False)
    for row in study.model_error().iter_rows(named=True):
        text = (
            f"model against cycle tier, {row['points']:,} points: {row['objective']} {row['mean']:.1%} off on average"
        )
        console.print(f"{text}, {row['worst']:.1%} at most", highlight=False)
    reasons = Counter(reason for reason in study.points["reason"].to_list() if reason is not None)
    for reason, count in reasons.most_common(MOST_REASONS):
        console.print(f"{count:,} x {reason}", markup=False, highlight=False, soft_wrap=True)
    console.print(str(study.folder / FILE), highlight=False, soft_wrap=True)
