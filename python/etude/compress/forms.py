# SPDX-License-Identifier: Apache-2.0
"""How weights are stored, and the archives that hold them. The codecs themselves are the compiled library's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from etude import native
from etude.errors import UserError

Arrays = dict[str, np.ndarray]
NUMBERS = {16: "fp16", 8: "int8", 4: "int4", 3: "int3"}
CODES = ("plain", "bitmap", "huffman")
PATTERNS = ("free", "2:4")
LEAST_EXTENT = 16  # rows and columns of a matrix that is packed: scales and tables would weigh more than they save


@dataclass(frozen=True)
class Form:
    """What becomes of every matrix of an archive."""

    number: str
    code: str = "plain"
    sparsity: float = 0.0
    pattern: str = "free"

    def name(self) -> str:
        """For tables and pictures: "int4 50 % bitmap"."""
        sparse = "" if not self.sparsity else " 2:4" if self.pattern == "2:4" else f" {100 * self.sparsity:g} %"
        return f"{self.number}{sparse} {self.code}"


def form_of(bits: int, sparsity: float | None, pattern: str, code: str) -> Form:
    """The form of the options of `etude compress`. Errors: UserError naming the option."""
    if bits not in NUMBERS:
        raise UserError(f"--bits: is {bits}; give one of {', '.join(map(str, sorted(NUMBERS)))}")
    if pattern not in PATTERNS:
        raise UserError(f"--pattern: '{pattern}' is unknown here; give one of {', '.join(PATTERNS)}")
    if code not in CODES:
        raise UserError(f"--code: '{code}' is unknown here; give one of {', '.join(CODES)}")
    if code == "huffman" and bits == 16:
        raise UserError("--code: half precision has no Huffman code; give plain or bitmap, or --bits 8, 4 or 3")
    if pattern == "2:4" and sparsity not in (None, 0.5):
        raise UserError(f"--sparsity: is {sparsity:g}, and 2:4 makes half of the weights zero; leave it out")
    part = 0.5 if pattern == "2:4" else sparsity or 0.0
    if not 0 <= part <= 0.99:
        raise UserError(f"--sparsity: {part:g} is out of range; give a number from 0 to 0.99")
    return Form(NUMBERS[bits], code, part, pattern)


@dataclass
class Archive:
    """Parameters by name: arrays, and packed ones (`packed`) with their extents."""

    plain: Arrays
    packed: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    record: str = ""

    def decoded(self) -> Arrays:
        """All parameters as float32, as a chip decodes them."""
        whole = {name: one.unpack(name).reshape(self.shapes[name]) for name, one in self.packed.items()}
        return {**self.plain, **whole}

    def weight_bytes(self) -> int:
        """Bytes of all parameters as they stand in a memory."""
        return sum(4 * a.size for a in self.plain.values()) + sum(p.stored_bytes for p in self.packed.values())


def read_archive(file: Path) -> Archive:
    """Reads packed and plain archives alike. Errors: UserError naming file and parameter."""
    return Archive(*native.core().read_archive(str(file)))


def write_archive(file: Path, archive: Archive) -> None:
    """Writes an archive; equal ones give equal bytes. Errors: UserError naming the file."""
    native.core().write_archive(str(file), archive.plain, archive.packed, archive.shapes, archive.record)


def scale_per_row(array: np.ndarray) -> bool:
    """Whether a channel is a row: filters [O,C,...] are, matrices [in,out] have a channel for each column."""
    return array.ndim > 2


def is_matrix(array: np.ndarray) -> bool:
    """Whether packing an array pays: at least LEAST_EXTENT rows and columns."""
    if array.ndim < 2:
        return False
    rows = array.shape[0] if scale_per_row(array) else array.size // max(array.shape[-1], 1)
    return rows >= LEAST_EXTENT and array.size // max(rows, 1) >= LEAST_EXTENT


def matrices(arrays: Arrays) -> list[str]:
    """The parameters that are packed."""
    return [name for name, array in arrays.items() if is_matrix(array)]


def pruned(arrays: Arrays, form: Form) -> Arrays:
    """The matrices with their smallest magnitudes set to zero; all else as it is."""
    if not form.sparsity:
        return arrays
    core = native.core()
    zeroed = {
        name: core.prune(arrays[name], form.pattern, form.sparsity, scale_per_row(arrays[name]))
        for name in matrices(arrays)
    }
    return {**arrays, **zeroed}


def packed(arrays: Arrays, form: Form, where: str) -> Archive:
    """Every matrix in that form. Errors: UserError naming `where` and the parameter that cannot be stored."""
    core = native.core()
    archive = Archive(dict(arrays))
    for name in matrices(arrays):
        array = archive.plain.pop(name)
        archive.packed[name] = core.pack(array, form.number, form.code, scale_per_row(array), f"{where}: '{name}'")
        archive.shapes[name] = list(array.shape)
    return archive
