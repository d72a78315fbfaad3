# SPDX-License-Identifier: Apache-2.0
"""The question that a sweep is to answer: whether some values of its axes are worth it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from etude.errors import UserError
from etude.explore.axes import Axis

KEYS = ("text", "of", "against", "by")


def check_question(asked: Any, axes: Sequence[Axis], objectives: Mapping[str, str]) -> None:
    """Refuses a question that the study could not answer. Errors: UserError."""
    if asked is None:
        return
    if not isinstance(asked, Mapping) or set(asked) != set(KEYS) or not isinstance(asked["text"], str):
        raise UserError(f"question: is no object with {', '.join(KEYS)}; give all four, or leave it out")
    by_name = {axis.name: axis for axis in axes}
    for side in ("of", "against"):
        values = asked[side]
        if not isinstance(values, Mapping) or not values:
            raise UserError(f'question/{side}: has no axis; give values as {{"height": 8}}')
        for name, value in values.items():
            if name not in by_name:
                raise UserError(f"question/{side}: {json.dumps(name)} is no axis; give one of {', '.join(by_name)}")
            if value not in by_name[name].values:
                raise UserError(f"question/{side}: {name} is never {json.dumps(value)}; give a value of the axis")
    if asked["by"] not in objectives:
        raise UserError(f"question/by: {json.dumps(asked['by'])} is no objective; give one of {', '.join(objectives)}")
