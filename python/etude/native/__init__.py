# SPDX-License-Identifier: Apache-2.0
"""What was compiled: the module `_core` and, in an installed package, etude-sim, kernels, configurations and libraries.

In a source tree they are in its build folder ($ETUDE_BUILD_DIR, else build/), where scripts/build.sh puts them.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from etude.errors import MachineError

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2]


def folder() -> Path:
    """Where the compiled parts are, or would be."""
    if (HERE / "etude-sim").exists() or not (SOURCE / "CMakeLists.txt").exists():
        return HERE
    return Path(os.environ.get("ETUDE_BUILD_DIR", SOURCE / "build"))


def core() -> ModuleType:
    """The compiled module. Errors: MachineError if it is not built."""
    place = str(folder())
    if place not in __path__:
        __path__.append(place)
    try:
        from etude.native import _core
    except ImportError as error:
        raise MachineError(f"etude: its compiled module cannot be loaded ({error}); run scripts/build.sh") from None
    return _core
