# SPDX-License-Identifier: Apache-2.0
"""Fields of result.json that a sweep can judge points by: numbers that the configuration alone decides."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from etude.api.result import Check, Energy, Memory, Step, Traffic
from etude.errors import UserError

AREA = ("cores", "fpus", "tcdm", "interconnect", "redmule", "dma", "icache", "other", "cluster", "l2", "total")
BILL = ("dynamic_j", "leakage_j", "background_j", "total_low_j", "total_high_j")
UNITS = r"(core(\d|1[0-5])|controller|redmule|dma|soc_dma)"
OF_UNITS = re.compile(rf"units\.{UNITS}\.(busy|stalls\.[a-z_]+)|counters\.[a-z_0-9]+\.[a-z_]+")


def _numbers(section: str, kind: type) -> list[str]:
    texts = ("reference", "passed")
    return [f"{section}.{field.name}" for field in dataclasses.fields(kind) if field.name not in texts]


KNOWN = [
    *_numbers("step", Step),
    *_numbers("energy", Energy),
    *_numbers("memory", Memory),
    *_numbers("traffic", Traffic),
    *_numbers("check", Check),
    *(f"area.{part}" for part in AREA),
    *(f"energy_bill.{part}" for part in BILL),
    *("area_mm2", "loss", "accuracy", "setup_cycles"),
]


def check_field(name: str) -> None:
    """Refuses a field that no result has, or that differs from run to run. Errors: UserError."""
    if name in KNOWN or OF_UNITS.fullmatch(name):
        return
    if name.split(".")[0] == "simulator":
        raise UserError(f"objectives: {name} is of the machine and not of the point; give a field as step.cycles")
    near = difflib.get_close_matches(name, KNOWN, 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else "give a number of result.json as step.cycles"
    raise UserError(f"objectives: {name} is in no result; {hint}")


def value_at(result: Mapping[str, Any], name: str) -> float | int | None:
    """The number at "step.cycles"; None where the result has no finite number of that name."""
    node: Any = result
    section, _, counter = name.partition(".")
    for key in (section, counter) if section == "counters" else name.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    if isinstance(node, bool) or not isinstance(node, int | float) or not math.isfinite(node):
        return None
    return node
