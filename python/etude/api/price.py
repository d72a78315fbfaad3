# SPDX-License-Identifier: Apache-2.0
"""A finished run under another table of energies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from etude import native
from etude.api.config import assignments
from etude.api.result import Result, result_of
from etude.errors import ConfigError


def price(run: Result | str | os.PathLike[str], sets: Mapping[str, object] | None = None) -> Result:
    """The result priced again from its counters, without simulating, as `etude-sim price` does.

    `run`: a result or its folder. `sets`: "/energy" (the name of a table's file) or pointers below it.
    Errors: ConfigError for pointers elsewhere, or a folder that holds no result of this version.
    """
    folder = run.folder if isinstance(run, Result) else os.fspath(run)
    if folder is None:
        raise ConfigError("price: this result has no folder; give that of a run")
    priced = result_of(native.core().price(str(folder), assignments(sets or {})))
    return replace(priced, keep=run.keep if isinstance(run, Result) else None)
