# SPDX-License-Identifier: Apache-2.0
"""What a configuration will run, without simulating it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etude import native
from etude.api.child import measure
from etude.api.config import ConfigLike, load
from etude.api.html import table
from etude.api.records import frame, record
from etude.api.result import Memory, Traffic

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Parameters:
    """Of the network: numbers, and their bytes."""

    elements: int
    trainable: int
    bytes: int
    gradient_bytes: int


@dataclass(frozen=True)
class Macs:
    """Multiplications with additions of one pass, whole batch."""

    forward: int
    backward: int
    update: int
    total: int


@dataclass(frozen=True, eq=False)
class Description:
    """`raw` is what `etude-sim describe --json` prints, `text` as it stands.

    What needs the step lowered (memory, traffic, tasks, modelled_cycles, home) is None where an operator is not
    available on the simulated chip; `warnings` says which.
    """

    raw: dict[str, Any]
    text: str

    @property
    def title(self) -> str:
        return str(self.raw["title"])

    @cached_property
    def parameters(self) -> Parameters:
        return record(Parameters, self.raw["parameters"])

    @cached_property
    def macs(self) -> Macs:
        return record(Macs, self.raw["macs"])

    @cached_property
    def memory(self) -> Memory | None:
        """Bytes."""
        return record(Memory, self.raw["memory"]) if "memory" in self.raw else None

    @cached_property
    def traffic(self) -> Traffic | None:
        """Bytes that a pass moves between memories."""
        return record(Traffic, self.raw["traffic"]) if "traffic" in self.raw else None

    @property
    def tasks(self) -> dict[str, int] | None:
        """How many operations of each kind the task list has."""
        return self.raw.get("tasks")

    @property
    def modelled_cycles(self) -> int | None:
        """Of the compiler's own, uncalibrated model of the step: for comparing tiles, not for reporting."""
        return self.raw.get("modelled_cycles")

    @property
    def home(self) -> str | None:
        """Where parameters stand between steps: l2 or extmem."""
        return self.raw.get("home")

    @property
    def warnings(self) -> list[str]:
        return list(self.raw["warnings"])

    @cached_property
    def nodes(self) -> polars.DataFrame:
        """The operators of the step's graph in their order: name, op, phase, shape (list), macs."""
        return frame(self.raw["nodes"], name=str, op=str, phase=str, macs=int)

    @cached_property
    def layers(self) -> polars.DataFrame:
        """Layers as `/train/layers` and `/train/freeze` name them: name, op, block, adapters (LoRA may be put there),
        parameters (names), elements, trainable (elements)."""
        rows = []
        for layer in self.raw["network"]["layers"]:
            row = {key: layer[key] for key in ("name", "op", "block", "adapters")}
            parameters = [(p["name"], _elements(p["shape"]), p["trainable"]) for p in layer["parameters"]]
            row["parameters"] = [name for name, _, _ in parameters]
            row["elements"] = sum(count for _, count, _ in parameters)
            row["trainable"] = sum(count for _, count, trained in parameters if trained)
            rows.append(row)
        return frame(rows, name=str, op=str, block=str, adapters=bool)

    @cached_property
    def inputs(self) -> polars.DataFrame:
        """Inputs of the graph: name, type, shape (list)."""
        return _values(self.raw["network"]["inputs"])

    @cached_property
    def outputs(self) -> polars.DataFrame:
        """Outputs of the network: name, type, shape (list)."""
        return _values(self.raw["network"]["outputs"])

    def __repr__(self) -> str:
        return f"<Description {self.title}: {self.parameters.elements:,} parameters, {self.macs.total:,} MACs>"

    def _repr_html_(self) -> str:
        parameters, macs, memory = self.parameters, self.macs, self.memory
        rows = [
            ("parameters", f"{parameters.elements:,} ({parameters.bytes:,} B), trainable {parameters.trainable:,}"),
            ("MACs forward / backward / update", f"{macs.forward:,} / {macs.backward:,} / {macs.update:,}"),
            ("home", self.home or "not known"),
        ]
        if memory is not None:
            rows.append(("L1, L2, L3", f"{memory.l1_peak:,} B / {memory.l2_peak:,} B / {memory.l3_peak:,} B"))
        rows += [("warning", warning) for warning in self.warnings]
        return table(["", ""], rows, caption=self.title)


def _elements(shape: list[int]) -> int:
    count = 1
    for extent in shape:
        count *= extent
    return count


def _values(values: list[dict[str, Any]]) -> polars.DataFrame:
    return frame([{key: v[key] for key in ("name", "type", "shape")} for v in values], name=str, type=str)


def describe(config: ConfigLike) -> Description:
    """Graph, parameters, MACs, and, if the step can be lowered, memory and traffic, in this process.

    A configuration whose schedule is to be found has its costs measured by one pass in a child. Errors: ConfigError.
    """
    asked = load(config)
    with asked.on_disk() as file:
        text = native.core().describe(file, list(asked.sets), measure)
    return Description(json.loads(text), text)


def export_onnx(config: ConfigLike, file: str | os.PathLike[str]) -> None:
    """Writes the graph of the step, with the values that training starts from, as an ONNX file. Errors: ConfigError."""
    asked = load(config)
    with asked.on_disk() as source:
        native.core().export_onnx(source, list(asked.sets), os.fspath(file))
