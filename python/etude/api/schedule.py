# SPDX-License-Identifier: Apache-2.0
"""What to keep, to make again and to page under a budget of memory and a deadline."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etude import native
from etude.api.child import measure
from etude.api.config import ConfigLike, load
from etude.api.html import table
from etude.api.progress import Watch
from etude.api.records import frame
from etude.errors import ConfigError, InfeasibleError
from etude.result import engineering

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Schedule:
    """A schedule that was found. `raw` has the fields of `etude-sim schedule --json` (docs/schedule.md)."""

    raw: dict[str, Any]
    text: str

    @property
    def policy(self) -> str:
        return str(self.raw["policy"])

    @property
    def status(self) -> str:
        """optimal (nothing cheaper exists) or feasible."""
        return str(self.raw["status"])

    @property
    def energy_j(self) -> float:
        return float(self.raw["energy_j"])

    @property
    def time_s(self) -> float:
        return float(self.raw["time_s"])

    @property
    def peak_bytes(self) -> int:
        """The most bytes of L2 that objects take at once."""
        return int(self.raw["peak_bytes"])

    @property
    def budget(self) -> int | None:
        """Bytes of L2 that they may take."""
        found: int | None = self.raw["budget"]
        return found

    @property
    def overhead(self) -> float:
        """Above keeping everything, in the objective's unit (J, s, Js or bytes)."""
        return float(self.raw["overhead"])

    @property
    def bound(self) -> float | None:
        """No schedule that the policy may choose has less overhead; None where none is known."""
        found: float | None = self.raw["bound"]
        return found

    @property
    def gap(self) -> float | None:
        """(overhead - bound) / (overhead - cheapest); 0: proven."""
        found: float | None = self.raw["gap"]
        return found

    @property
    def recomputed(self) -> list[str]:
        return list(self.raw["recomputed"])

    @property
    def paged(self) -> list[str]:
        return list(self.raw["paged"])

    @property
    def warnings(self) -> list[str]:
        return [*self.raw["notes"], *self.raw["warnings"]]

    @cached_property
    def slots(self) -> polars.DataFrame:
        """Operators as they run: name, phase, start_s, seconds, and bytes of L2 by kind at the slot's peak."""
        rows = []
        for slot in self.raw.get("slots", []):
            row = {key: value for key, value in slot.items() if key != "bytes"}
            held = slot.get("bytes", {})
            rows.append(row | ({f"{kind}_bytes": n for kind, n in held.items()} if isinstance(held, dict) else {}))
        return frame(rows, name=str)

    @cached_property
    def tensors(self) -> polars.DataFrame:
        """Tensors: name, bytes, kind, cells (their states by slot, docs/schedule.md)."""
        return frame(self.raw.get("tensors", []), name=str, bytes=int, kind=str)

    def __repr__(self) -> str:
        return f"<Schedule {self.policy}, {self.status}: {self.peak_bytes:,} B, {engineering(self.energy_j, 'J')}>"

    def _repr_html_(self) -> str:
        rows = [
            ("status", self.status if self.gap is None else f"{self.status}, gap {self.gap:.2%}"),
            ("energy, time", f"{engineering(self.energy_j, 'J')}, {engineering(self.time_s, 's')}"),
            ("peak, budget", f"{self.peak_bytes:,} B, {'none' if self.budget is None else f'{self.budget:,} B'}"),
            ("made again, paged", f"{len(self.recomputed)}, {len(self.paged)}"),
        ]
        return table(["", ""], rows, caption=self.policy)


def schedule(
    config: ConfigLike | None = None,
    *,
    budget: float | None = None,
    deadline: float | None = None,
    objective: str | None = None,
    policy: str | None = None,
    page_to: str | None = None,
    time_limit: float | None = None,
    device: str | os.PathLike[str] | None = None,
    network: str | None = None,
    batch: int | None = None,
    graph: str | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Schedule:
    """Finds a schedule; what is None comes from the configuration, then from the defaults (optimal, energy, no limit).

    `budget`: bytes of L2, or at most 1: a part of what keeping everything needs. `deadline`, `time_limit` (of the
    search): seconds. `objective`: energy, time, edp or peak. `policy`: keep, optimal, checkmate, page, sqrt, capuchin,
    pofo or poet. `device`: a graph with its costs, or a cost table, then with `network` (or the configuration), `batch`
    and `graph`. `out`: a file for /schedule/file. Ctrl-C ends the search.

    Errors: InfeasibleError if nothing fits, with what would; ConfigError.
    """
    given = dict(budget=budget, deadline=deadline, objective=objective, policy=policy, page_to=page_to)
    given |= dict(time_limit=time_limit, batch=batch, graph=graph)
    answer, text, refusal = _ask(config, network, device, out, given, False, progress)
    if refusal is not None:
        raise InfeasibleError(refusal, answer)
    return Schedule(answer, text)


def compare_policies(
    config: ConfigLike | None = None,
    *,
    budget: float | None = None,
    deadline: float | None = None,
    objective: str | None = None,
    time_limit: float | None = None,
    device: str | os.PathLike[str] | None = None,
    network: str | None = None,
    batch: int | None = None,
    graph: str | None = None,
    progress: bool | None = None,
) -> polars.DataFrame:
    """Every policy under the same costs: policy, status, energy_j, time_s, peak_bytes, overhead, bound, gap, reason.

    What is infeasible is a row with its reason. Arguments as those of `schedule`. Errors: ConfigError.
    """
    given = dict(budget=budget, deadline=deadline, objective=objective, time_limit=time_limit, batch=batch, graph=graph)
    answer, _, _ = _ask(config, network, device, None, given, True, progress)
    names = ("policy", "status", "energy_j", "time_s", "peak_bytes", "overhead", "bound", "gap", "reason")
    rows = [{name: row.get(name) for name in names} for row in answer["policies"]]
    return frame(rows, policy=str, status=str, energy_j=float, time_s=float, bound=float, gap=float, reason=str)


def _ask(
    config: ConfigLike | None,
    network: str | None,
    device: str | os.PathLike[str] | None,
    out: str | os.PathLike[str] | None,
    given: dict[str, Any],
    compare: bool,
    progress: bool | None,
) -> tuple[dict[str, Any], str, str | None]:
    if config is not None and network is not None:
        raise ConfigError("network: a configuration has one already; leave one of both out")
    core = native.core()
    question = core.Question()
    for name, value in given.items():
        setattr(question, name, value)
    question.compare = compare
    question.device = "" if device is None else os.fspath(device)
    question.out = "" if out is None else os.fspath(out)
    with ExitStack() as stack:
        if config is not None:
            asked = load(config)
            question.config = stack.enter_context(asked.on_disk())
            question.sets = list(asked.sets)
        elif network is not None:
            question.config = network
        stack.enter_context(Watch("schedule", progress))
        text, refusal = core.schedule(question, measure)
    return json.loads(text), text, refusal
