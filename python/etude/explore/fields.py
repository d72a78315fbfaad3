# SPDX-License-Identifier: Apache-2.0
"""Fields of result.json that a sweep can judge points by: numbers that the configuration alone decides."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from etude.api.result import Check, Energy, Memory, Step, Traffic
from etude.errors import UserError

AREA = ("cores", "fpus", "tcdm", "interconnect", "redmule", "dma", "icache", "other", "cluster", "l2", "total")
BILL = ("dynamic_j", "leakage_j", "background_j", "total_low_j", "total_high_j")
CORES = (
    "csr event_wait fp_dependency fp_structural icache_miss jump branch load_use multi_cycle misaligned shared_fpu "
    "tcdm_conflict l2_access peripheral dma_program sleep"
)  # reasons of a core's stalls, as sim/engine/accounting.cpp
STALLS = {
    r"core(\d|1[0-5])|controller": CORES,
    "redmule": "drain idle port_conflict tiler w_wait x_wait yz_wait",
    "dma": "idle l2_wait queue tcdm_conflict",
    "soc_dma": "idle",
}
UNITS = "|".join(rf"({unit})\.(busy|stalls\.({'|'.join(stalls.split())}))" for unit, stalls in STALLS.items())
OF_UNITS = re.compile(rf"units\.({UNITS})|counters\.[a-z_0-9]+\.[a-z_]+")
UNPREDICTED = re.compile(r"loss|accuracy|check\..*|setup_cycles")  # a prediction computes no values, and is of a step


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
    if (unit := re.match(r"units\.(\w+)\.stalls\.", name)) is not None:
        for units, stalls in STALLS.items():
            if re.fullmatch(units, unit[1]):
                raise UserError(
                    f"objectives: {name} is in no result; {unit[1]} has {', '.join(sorted(stalls.split()))}"
                )
    near = difflib.get_close_matches(name, KNOWN, 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else "give a number of result.json as step.cycles"
    raise UserError(f"objectives: {name} is in no result; {hint}")


def check_reach(name: str, screen: str | None, may_be: Callable[[str], set[Any] | None]) -> None:
    """Refuses a known field that no point of this sweep has. `may_be`: what a key is at its points, None where that is
    not known. Errors: UserError."""
    if screen == "model" and UNPREDICTED.fullmatch(name):
        raise UserError(f"objectives: {name} is in no prediction; give tiers/screen null, or another field")
    if name == "accuracy" and (methods := may_be("/train/method")) is not None and "none" not in methods:
        raise UserError('objectives: accuracy is of inference alone; give /train/method "none", or another field')
    core = re.match(r"units\.core(\d+)\.", name)
    if core is not None and (cores := may_be("/platform/cluster/cores")) and int(core[1]) >= max(cores):
        raise UserError(f"objectives: {name} is in no result; there are {max(cores)} cores at most, from core0")
    if name.startswith("units.redmule.") and may_be("/platform/cluster/redmule/enabled") == {False}:
        raise UserError(f"objectives: {name} is in no result; /platform/cluster/redmule/enabled is false")


def value_at(result: Mapping[str, Any], name: str) -> float | int | None:
    """The number at "step.cycles"; None where the result has no finite number of that name."""
    node: Any = result
    section, _, counter = name.partition(".")
    for key in (section, counter) if section == "counters" else name.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    if isinstance(node, bool) or not isinstance(node, int | float) or not math.isfinite(node):
        return None
    return node
