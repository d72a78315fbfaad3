# SPDX-License-Identifier: Apache-2.0
"""What a bare-metal program of one's own is built with (docs/own-program.md)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from etude import native
from etude.errors import MachineError

FLAGS = (
    *("--target=riscv32", "-march=rv32imc_zfinx_zhinx_zicsr_zifencei", "-mabi=ilp32"),
    *("-O2", "-g", "-ffreestanding", "-ffp-contract=fast", "-nostdlib", "-static"),
    *("-fuse-ld=lld-19", "-Wl,--no-relax", "-Wall", "-Wextra"),
)


@dataclass(frozen=True)
class ProgramKit:
    """Files for programs that `etude elf` runs."""

    start: Path
    """Start-up in C: it calls `int program(uint32_t hart)` on each core."""
    link_script: Path
    include: Path
    """Folder of headers: #include "kernels/include/etude_cluster.h"."""

    def command(self, sources: Sequence[str | os.PathLike[str]], elf: str | os.PathLike[str], *flags: str) -> list[str]:
        """The line, for subprocess.run, with which clang-19 makes a program of C files; `flags` go with it."""
        files = [os.fspath(source) for source in sources]
        kit = [f"-I{self.include}", "-T", str(self.link_script), str(self.start)]
        return ["clang-19", *FLAGS, *flags, *kit, *files, "-o", os.fspath(elf)]


def program_kit() -> ProgramKit:
    """The files of this package, or of its source tree. Errors: MachineError where neither has them."""
    for program, include in ((native.HERE / "program", native.HERE / "include"),
                             (native.SOURCE / "kernels/program", native.SOURCE)):  # fmt: skip
        if (program / "start.c").exists():
            return ProgramKit(program / "start.c", program / "link.ld", include)
    raise MachineError(f"{native.HERE}: has no files for programs of one's own; install etude again")
