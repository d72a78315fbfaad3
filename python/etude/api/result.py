# SPDX-License-Identifier: Apache-2.0
"""What a run left: result.json as typed fields and data frames."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude import native
from etude.api.html import table
from etude.api.records import frame, record
from etude.errors import ConfigError
from etude.result import engineering, load_result

if TYPE_CHECKING:
    import numpy.typing
    import polars


@dataclass(frozen=True)
class Step:
    """The last step of a run."""

    cycles: int  # of the cluster clock
    latency_s: float
    energy_j: float
    macs: int  # algorithmic, whole batch
    flop: int  # 2 * macs
    flop_per_cycle: float
    samples_per_s: float
    edp_js: float  # energy * latency
    energy_low_j: float | None = None  # every coefficient at the low end of its range
    energy_high_j: float | None = None
    gflops_per_mm2: float | None = None  # 1e9 FLOP per second and mm2 of the cluster


@dataclass(frozen=True)
class Energy:
    """Joules of the step by component."""

    cores: float
    tcdm: float
    redmule: float
    dma: float
    l2: float
    extmem: float
    flash: float
    leakage: float  # with the background: clock tree and idle logic
    total: float


@dataclass(frozen=True)
class Memory:
    """Bytes; docs/report.md says what each is."""

    l1_peak: int
    l2_peak: int
    l3_peak: int
    parameters: int
    trainable: int
    gradients: int
    activations_peak: int
    l2_fixed: int | None = None
    activations_peak_gradients_kept: int | None = None


@dataclass(frozen=True)
class Traffic:
    """Bytes that a step moves between memories."""

    l2_l1_read: int
    l2_l1_write: int
    l3_l2_read: int
    l3_l2_write: int


@dataclass(frozen=True)
class Check:
    """How the loss and the gradients compare with float64."""

    reference: str
    max_abs_error: float | None
    max_rel_error: float | None
    passed: bool
    error_of_allowed: float | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """A run. `raw` is result.json as it stands; `folder` holds what else it left (see docs/report.md), or is None."""

    raw: dict[str, Any]
    text: str
    """result.json, as it was written."""
    folder: Path | None = None
    keep: object = None
    """What the folder lives as long as, if it is a temporary one."""

    @property
    def config_hash(self) -> str:
        return str(self.raw["config_hash"])

    @property
    def tier(self) -> str:
        """cycle: simulated; model: from calibrated coefficients."""
        return str(self.raw["tier"])

    @cached_property
    def step(self) -> Step:
        return record(Step, self.raw["step"])

    @cached_property
    def energy(self) -> Energy:
        return record(Energy, self.raw["energy"])

    @cached_property
    def memory(self) -> Memory:
        return record(Memory, self.raw["memory"])

    @cached_property
    def traffic(self) -> Traffic:
        return record(Traffic, self.raw["traffic"])

    @cached_property
    def check(self) -> Check | None:
        """None if the run was asked for without."""
        check = self.raw.get("check")
        return record(Check, check) if check and "passed" in check else None

    @property
    def loss(self) -> float | None:
        """Of the last step; None if it is not finite."""
        return self.raw.get("loss")

    @property
    def accuracy(self) -> float | None:
        """Share of right answers, where the data has labels."""
        return self.raw.get("accuracy")

    @property
    def area_mm2(self) -> float | None:
        """Cluster and L2."""
        return self.raw.get("area_mm2")

    @property
    def warnings(self) -> list[str]:
        return list(self.raw.get("warnings", []))

    @cached_property
    def layers(self) -> polars.DataFrame:
        """A row for each layer: name, op, phase, unit, cycles (exclusive, they sum to the step), macs, energy_j,
        l2_bytes and l3_bytes (read and written), and `stall: REASON` in cycles."""
        from etude.report.layers import L2_BYTES, L3_BYTES, bytes_of

        layers = self.raw["layers"]
        reasons = dict.fromkeys(f"stall: {reason}" for layer in layers for reason in layer.get("stalls", {}))
        rows = []
        for layer in layers:
            row = {key: layer[key] for key in ("name", "op", "phase", "unit", "cycles", "macs", "energy_j")}
            row |= {"l2_bytes": bytes_of(layer, L2_BYTES), "l3_bytes": bytes_of(layer, L3_BYTES)}
            stalls = layer.get("stalls", {})
            rows.append(row | {reason: stalls.get(reason.removeprefix("stall: "), 0) for reason in reasons})
        return frame(rows, name=str, op=str, phase=str, unit=str, cycles=int, macs=int, energy_j=float)

    @cached_property
    def units(self) -> polars.DataFrame:
        """A row for each unit and reason: unit, state ("busy", or why it stalled), cycles. A unit's sum is the step."""
        rows = [
            {"unit": unit, "state": state, "cycles": cycles}
            for unit, counts in self.raw["units"].items()
            for state, cycles in {"busy": counts["busy"], **counts["stalls"]}.items()
        ]
        return frame(rows, unit=str, state=str, cycles=int)

    @cached_property
    def bounds(self) -> polars.DataFrame:
        """What the step cannot be shorter than: resource, work, cycles, share of the step; longest first."""
        rows = [{key: b[key] for key in ("resource", "work", "cycles", "share")} for b in self.raw["bounds"]]
        return frame(rows, resource=str, work=str, cycles=float, share=float)

    @cached_property
    def steps(self) -> polars.DataFrame:
        """Every step of the run: step (from 1), loss, cycles."""
        rows = [{"step": i, "loss": s["loss"], "cycles": s["cycles"]} for i, s in enumerate(self.raw["steps"], 1)]
        return frame(rows, step=int, loss=float, cycles=int)

    @cached_property
    def energy_terms(self) -> polars.DataFrame:
        """The bill: each coefficient with events, pJ each, joules with their range, status and source."""
        return frame(self.raw.get("energy_bill", {}).get("terms", []), component=str, coefficient=str, energy_j=float)

    @cached_property
    def area(self) -> polars.DataFrame:
        """mm2 by part; `cluster` and `total` are sums."""
        return frame([{"part": p, "mm2": a} for p, a in self.raw.get("area", {}).items()], part=str, mm2=float)

    @property
    def outputs(self) -> dict[str, numpy.typing.NDArray[Any]]:
        """outputs.npz: updated parameters, gradients and loss by name. Errors: ConfigError if there is none."""
        import numpy

        file = self.folder and self.folder / "outputs.npz"
        if file is None or not file.exists():
            raise ConfigError("outputs: this result has no folder with outputs.npz; run the configuration")
        with numpy.load(file) as arrays:
            return dict(arrays)

    def report(self, colours: bool = False) -> str:
        """What `etude-sim run` prints."""
        text: str = native.core().report(self.text, colours)
        return text

    def write_page(self) -> Path:
        """Writes report.html into the folder and returns its name. Errors: ConfigError without a folder."""
        if self.folder is None:
            raise ConfigError("report: this result has no folder; run the configuration")
        from etude.report.page import write_page

        page: Path = write_page(self.raw, self.folder)
        return page

    def __repr__(self) -> str:
        step = self.step
        return f"<Result {self.raw.get('title', '')}: {step.cycles:,} cycles, {engineering(step.energy_j, 'J')}>"

    def _repr_html_(self) -> str:
        return table(["", ""], summary(self.raw), caption=self.raw.get("title", ""))


def summary(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The first things that one asks of a result."""
    step, memory = raw["step"], raw["memory"]
    check = raw.get("check") or {}
    rows = [
        ("tier", raw["tier"]),
        ("cycles", f"{step['cycles']:,}"),
        ("latency", engineering(step["latency_s"], "s")),
        ("energy", engineering(step["energy_j"], "J")),
        ("FLOP/cycle", f"{step['flop_per_cycle']:.2f}"),
        ("loss", "not finite" if raw.get("loss") is None else f"{raw['loss']:.6g}"),
        ("L1, L2, L3 peak", " / ".join(f"{memory[name]:,} B" for name in ("l1_peak", "l2_peak", "l3_peak"))),
        ("area", f"{raw['area_mm2']:.3f} mm2" if raw.get("area_mm2") is not None else "-"),
        ("check", "passed" if check.get("passed") else "failed" if "passed" in check else "left out"),
    ]
    return rows + [("warning", warning) for warning in raw.get("warnings", [])]


def open_result(folder: str | os.PathLike[str]) -> Result:
    """The result of a run's folder. Errors: UserError, also where its files are not those of its manifest."""
    path = Path(folder)
    raw = load_result(path)
    file = path / "result.json" if path.is_dir() else path
    return Result(raw, file.read_text(encoding="utf-8"), file.parent)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes with the result that keeps it."""
    return tempfile.TemporaryDirectory(prefix="etude-run-", ignore_cleanup_errors=True)


def result_of(text: str) -> Result:
    """A result without a folder: one that was priced again."""
    return Result(json.loads(text), text)
