# SPDX-License-Identifier: Apache-2.0
"""Finds and runs the C++ program."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

from etude import native
from etude.errors import UserError


def find_program() -> Path:
    """The etude-sim program: $ETUDE_SIM, the package's own or that of its source tree, else on the PATH."""
    named = os.environ.get("ETUDE_SIM")
    if named:
        if not os.access(named, os.X_OK):
            raise UserError(f"ETUDE_SIM: {named} cannot be run; give the path of etude-sim")
        return Path(named)
    built = native.folder() / "etude-sim"
    if os.access(built, os.X_OK):
        return built
    installed = shutil.which("etude-sim")
    if installed is None:
        raise UserError("etude-sim: not built; run scripts/build.sh, or name it in ETUDE_SIM")
    return Path(installed)


def become_program(arguments: list[str]) -> NoReturn:
    """Replaces this process by etude-sim, so that signals and exit statuses are its own."""
    program = str(find_program())
    os.execv(program, [program, *arguments])
