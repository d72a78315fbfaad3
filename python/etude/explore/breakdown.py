# SPDX-License-Identifier: Apache-2.0
"""What a study keeps of each point's result beside its row: layers, units, energy, area and memory over time."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from etude.pictures.memory_chart import memory_of_run
from etude.report.layers import L2_BYTES, L3_BYTES, bytes_of

WHOLE = ("title", "platform", "step", "energy", "area", "memory", "traffic", "units")
COLUMNS = 100  # of the memory over time: within each the fullest moment stays


def _layers(result: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A list per column. `fma`: useful products of the array in the layer's cycles, of whatever layer; `in`, `out`:
    bytes that the cluster's DMA brought and took in them; None without counters."""
    layers = result["layers"]
    kept: dict[str, list[Any]] = {
        name: [layer[name] for layer in layers]
        for name in ("name", "op", "phase", "unit", "cycles", "macs", "energy_j")
    }
    kept["l2"] = [bytes_of(layer, L2_BYTES) for layer in layers]
    kept["l3"] = [bytes_of(layer, L3_BYTES) for layer in layers]
    for name, counter in (("fma", "redmule.fma_useful"), ("in", "dma.bytes_in"), ("out", "dma.bytes_out")):
        kept[name] = [layer["counters"].get(counter, 0) for layer in layers]
    return kept


def _memory(result: dict[str, Any]) -> dict[str, Any] | None:
    """Bytes in L2 by kind in equal parts of the step; None where the result does not say."""
    if not result.get("l2", {}).get("use"):
        return None
    memory = memory_of_run(result)
    count = len(memory.times) - 1
    parts = min(COLUMNS, count)
    fullest = [max(range(i * count // parts, (i + 1) * count // parts), key=memory.total) for i in range(parts)]
    return {
        "seconds": memory.times[-1] - memory.times[0],
        "bytes": {kind: [values[i] for i in fullest] for kind, values in memory.bytes.items()},
        "lines": [[name, level] for name, level, _ in memory.lines] + ([list(memory.peak)] if memory.peak else []),
    }


def breakdown_of(result: dict[str, Any]) -> bytes:
    """The part of a result that is kept, packed: a function of the configuration alone, as the result is."""
    kept = {name: result[name] for name in WHOLE}
    kept["bounds"] = [{name: bound[name] for name in ("resource", "work", "cycles")} for bound in result["bounds"]]
    kept |= {"layers": _layers(result), "memory_time": _memory(result)}
    return zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), 9)


def read_breakdowns(file: Path, numbers: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What is kept of points, in this order, of those of which something is. Errors: sqlite3.Error."""
    connection = sqlite3.connect(f"file:{file}?mode=rw", uri=True)
    try:
        if not connection.execute("SELECT name FROM sqlite_master WHERE name = 'breakdowns'").fetchall():
            return  # a study of before
        there = {number for (number,) in connection.execute("SELECT id FROM breakdowns")}
        for number in dict.fromkeys(numbers):
            if number in there:
                (packed,) = connection.execute("SELECT kept FROM breakdowns WHERE id = ?", (number,)).fetchone()
                yield number, json.loads(zlib.decompress(packed))
    finally:
        connection.close()
