# SPDX-License-Identifier: Apache-2.0
"""Axes of a sweep: what a key of the configuration may be, as a list or a range, or what several keys are together."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from etude.errors import UserError

MOST_VALUES = 100_000
LARGEST = 1e300  # end of a range
EXACT_BITS = 4096  # of a value's denominator; beyond, it is the nearest float


@dataclass(frozen=True)
class Axis:
    """A key and its values, in the order of the file. `name`: its column, and its name in constraints.

    An axis without a key of its own (`pointer` is its name) has names as values; `choices` says what keys each sets.
    """

    pointer: str
    name: str
    values: tuple[Any, ...]
    choices: tuple[Mapping[str, Any], ...] = ()

    def sets(self, index: int) -> dict[str, Any]:
        """Keys that a value sets, those that hold others first."""
        if self.choices:
            return shallow_first(self.choices[index])
        return {self.pointer: self.values[index]}

    @property
    def ordered(self) -> bool:
        """Whether neighbours in the list are neighbours in size."""
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)
        return numbers and list(self.values) == sorted(self.values)


def shallow_first(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Keys by JSON pointer, those that hold others first."""
    return dict(sorted(keys.items(), key=lambda pair: pair[0].count("/")))


def named_axis(name: str, asked: Mapping[str, Any]) -> Axis:
    """The axis {"name of a value": {"/json/pointer": value, ...}, ...}. Errors: UserError."""
    if not name.isidentifier():
        raise UserError(f"axes: {json.dumps(name)} is no name; give letters, digits and _")
    if not asked:
        raise UserError(f"axes: {name}: has no value; give one or more")
    for choice, keys in asked.items():
        if not isinstance(keys, Mapping) or not all(isinstance(p, str) and p.startswith("/") for p in keys):
            raise UserError(f'axes: {name}/{choice}: is no object of keys; give one as {{"/train/rank": 8}}')
    return Axis(name, name, tuple(asked), tuple(asked.values()))


def axis_of(pointer: str, name: str, asked: object) -> Axis:
    """The axis that SWEEP.json asks for at a pointer. Errors: UserError."""
    place = f"axes: {pointer}"
    if isinstance(asked, Mapping):
        values = _range(place, asked)
    elif isinstance(asked, list):
        values = asked
    else:
        raise UserError(f'{place}: {json.dumps(asked)} is neither a list nor {{"from", "to", "step" or "factor"}}')
    if not values:
        raise UserError(f"{place}: has no value; give one or more")
    seen: set[Any] = set()
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        text = json.dumps(value, sort_keys=True)
        key = value if number else text  # 8 and 8.0 are the same number
        if (number, key) in seen:
            raise UserError(f"{place}: has {text} twice; leave one out")
        seen.add((number, key))
    return Axis(pointer, name, tuple(values))


def _fraction(place: str, asked: Mapping[str, Any], key: str) -> Fraction:
    value = asked[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{place}/{key}: {json.dumps(value)} is no number; give a number")
    if abs(value) > LARGEST:
        raise UserError(f"{place}/{key}: is beyond {LARGEST:g}; give a smaller number")
    return Fraction(str(value))


def _range(place: str, asked: Mapping[str, Any]) -> list[Any]:
    """from, from + step, ... or from, from * factor, ... up to and with `to`; whole numbers stay whole."""
    kinds = [key for key in ("step", "factor") if key in asked]
    unknown = [key for key in asked if key not in ("from", "to", "step", "factor")]
    if unknown or len(kinds) != 1 or not {"from", "to"} <= set(asked):
        raise UserError(
            f'{place}: has {", ".join(asked) or "nothing"}; a range has "from", "to" and "step" or "factor"'
        )
    low, high, by = (_fraction(place, asked, key) for key in ("from", "to", kinds[0]))
    if kinds == ["step"] and by <= 0:
        raise UserError(f"{place}/step: {asked['step']} is not above 0; give a step above 0")
    if kinds == ["factor"] and (by <= 1 or low <= 0):
        raise UserError(f"{place}: a range by factor {asked['factor']} from {asked['from']} does not grow; "
                        "give a factor above 1 and a start above 0")  # fmt: skip
    if low > high:
        raise UserError(
            f"{place}: is empty, from {asked['from']} to {asked['to']}; give a start that is not above the end"
        )
    if kinds == ["factor"] and (math.log(high) - math.log(low)) / math.log(by) > MOST_VALUES:
        raise UserError(f"{place}: has more than {MOST_VALUES:,} values; give a larger factor")
    values: list[Any] = []
    while low <= high:
        if len(values) == MOST_VALUES:
            raise UserError(f"{place}: has more than {MOST_VALUES:,} values; give a larger {kinds[0]}")
        values.append(int(low) if low.denominator == 1 else float(low))
        low = low + by if kinds == ["step"] else low * by
        if low.denominator.bit_length() > EXACT_BITS:
            low = Fraction(float(low))
    if any(isinstance(asked[key], float) for key in asked):  # one type in a column
        if any(isinstance(value, float) for value in values):
            values = [float(value) for value in values]
    return values
