# SPDX-License-Identifier: Apache-2.0
"""Typed records out of JSON objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import polars

Record = TypeVar("Record")


def record(kind: type[Record], fields: Mapping[str, Any]) -> Record:
    """A dataclass of the members that it has by these names; what is missing must have a default."""
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in fields.items() if name in names})


def frame(rows: Any, **types: Any) -> polars.DataFrame:
    """A data frame of rows (list) or columns (mapping); `types` of columns that may be empty."""
    import polars

    if not rows or (isinstance(rows, Mapping) and not any(len(column) for column in rows.values())):
        return polars.DataFrame(schema=types)
    return polars.DataFrame(rows, schema_overrides=types, infer_schema_length=None, strict=False)
