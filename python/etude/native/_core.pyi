# SPDX-License-Identifier: Apache-2.0
"""The compiled module (python/binding): texts in, JSON texts out. Users call `etude`, which gives them types."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

version: str

class Question:
    """What `schedule` is asked; what is None comes from the configuration, then from the defaults."""

    config: str
    sets: list[str]
    device: str
    batch: int | None
    graph: str | None
    policy: str | None
    objective: str | None
    page_to: str | None
    budget: float | None
    deadline: float | None
    time_limit: float | None
    compare: bool
    out: str
    def __init__(self) -> None: ...

Meter = Callable[[bytes], str]
"""Counts a pass: its message to its account (etude-sim measure)."""

class Model:
    """The model tier in this process, for one configuration after the other, by any number of threads."""

    def __init__(self, measure: Meter) -> None: ...
    def result(self, file: str, sets: list[str]) -> str:
        """result.json, as etude-sim run --tier model writes it; `simulator` has no command."""

    def numbers(self, file: str, sets: list[str]) -> str:
        """The same without layers, timeline and texts."""

    def run(self, file: str, sets: list[str], out: str) -> None:
        """Leaves in the folder `out` what etude-sim run leaves there."""

def end_models() -> None:
    """Ends all long work of this module: it raises KeyboardInterrupt."""

Floats = npt.NDArray[np.float32]

class PackedTensor:
    """A matrix as it is stored (workloads/codecs/packed_tensor.h)."""

    rows: int
    cols: int
    stored_bytes: int
    number: str
    code: str
    scale_per_row: bool
    def unpack(self, where: str) -> Floats:
        """What a chip decodes, [rows, cols]. Errors: ConfigError naming `where` if it is damaged."""

def pack(values: npt.NDArray[Any], number: str, code: str, scale_per_row: bool, where: str) -> PackedTensor: ...
def prune(values: npt.NDArray[Any], pattern: str, sparsity: float, scale_per_row: bool) -> Floats: ...
def read_archive(file: str) -> tuple[dict[str, Floats], dict[str, PackedTensor], dict[str, list[int]], str]: ...
def write_archive(
    file: str,
    plain: dict[str, npt.NDArray[Any]],
    packed: dict[str, PackedTensor],
    shapes: dict[str, list[int]],
    record: str,
) -> None: ...
def schemas() -> dict[str, str]: ...
def check_keys(file: str, sets: list[str]) -> None: ...
def resolve(file: str, sets: list[str]) -> tuple[str, str, list[str]]: ...
def describe(file: str, sets: list[str], meter: Meter | None) -> str: ...
def export_onnx(file: str, sets: list[str], onnx: str) -> None: ...
def lower(file: str, sets: list[str], meter: Meter | None) -> str: ...
def schedule(question: Question, meter: Meter | None) -> tuple[str, str | None]: ...
def price(folder: str, sets: list[str]) -> str: ...
def report(result: str, colours: bool) -> str: ...
