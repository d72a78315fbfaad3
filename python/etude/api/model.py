# SPDX-License-Identifier: Apache-2.0
"""The model tier of this process: what it has worked out serves the next run, too."""

from __future__ import annotations

import functools
import os
from typing import Any

from etude import native
from etude.api.child import measure


def session() -> Any:
    """The one for the database that the environment names now."""
    return _session(tuple(os.environ.get(name) for name in ("ETUDE_MODEL_DATABASE", "XDG_CACHE_HOME", "HOME")))


@functools.lru_cache(maxsize=1)
def _session(database: tuple[str | None, ...]) -> Any:
    return native.core().Model(measure)
