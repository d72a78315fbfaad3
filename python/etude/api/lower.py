# SPDX-License-Identifier: Apache-2.0
"""A step as the compiler makes it: the task list, and where everything stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etude import native
from etude.api.child import measure
from etude.api.config import ConfigLike, load
from etude.api.html import table
from etude.api.records import frame, record
from etude.api.result import Memory

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Program:
    """A lowered step. Addresses are those of the simulated SoC."""

    raw: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.raw["title"])

    @property
    def home(self) -> str:
        """Where parameters stand between steps: l2 or extmem."""
        return str(self.raw["home"])

    @cached_property
    def memory(self) -> Memory:
        """Bytes."""
        return record(Memory, self.raw["memory"])

    @property
    def modelled_cycles(self) -> int:
        """Of the compiler's own, uncalibrated model: for comparing programs of one platform, not for reporting."""
        return int(self.raw["modelled_cycles"])

    @property
    def budget(self) -> int | None:
        """Bytes of L2 for objects, if some were given."""
        found: int | None = self.raw["budget"]
        return found

    @property
    def warnings(self) -> list[str]:
        return list(self.raw["warnings"])

    @cached_property
    def layers(self) -> polars.DataFrame:
        """What operations count for: name, op, phase, unit, macs."""
        return frame(self.raw["layers"], name=str, op=str, phase=str, unit=str, macs=int)

    @cached_property
    def operations(self) -> polars.DataFrame:
        """The task list in its order: kind (kernel, job, to L1, to L2, page, erase, wait, end), unit, layer, bytes
        (moved), m, n, k (of RedMulE jobs, else 0)."""
        return frame(self.raw["operations"])

    @cached_property
    def tensors(self) -> polars.DataFrame:
        """What stands outside L1: name, kind, memory (l2 or extmem), address, bytes, always (the whole step)."""
        return frame(self.raw["tensors"])

    @cached_property
    def l1_buffers(self) -> polars.DataFrame:
        """Buffers of L1: address, bytes, first_op and last_op (rows of `operations`)."""
        return frame(self.raw["l1_buffers"], address=int, bytes=int, first_op=int, last_op=int)

    def __repr__(self) -> str:
        return f"<Program {self.title}: {self.operations.height:,} operations, home in {self.home}>"

    def _repr_html_(self) -> str:
        kinds = self.operations.group_by("kind").len().sort("len", "kind", descending=[True, False])
        rows = [("home", self.home), ("L2 peak", f"{self.memory.l2_peak:,} B"), *kinds.rows()]
        return table(["", ""], rows, caption=self.title)


def lower(config: ConfigLike) -> Program:
    """Lowers a configuration's step, in this process.

    A configuration whose schedule is to be found has its costs measured by one pass in a child.
    Errors: ConfigError where something does not fit (naming what, and the bytes) or is not available.
    """
    asked = load(config)
    with asked.on_disk() as file:
        text = native.core().lower(file, list(asked.sets), measure)
    return Program(json.loads(text))
