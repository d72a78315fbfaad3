# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: where the program is, how to assemble a small one, how to run it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build"))
SIM = BUILD / "etude-sim"
SHARED = Path(os.environ.get("ETUDE_SHARED_DIR", ROOT.parent / "shared"))
MARCH = "rv32imc_zfinx_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvelw"


def shared(relative: str) -> Path:
    """`relative` below the reference folder; the running test is skipped where it is absent."""
    if not (SHARED / relative).exists():
        pytest.skip(f"needs shared/{relative} (set ETUDE_SHARED_DIR)")
    return SHARED / relative


def run(*arguments, check=None, **options) -> subprocess.CompletedProcess:
    """Runs etude-sim from the source tree; with `check`, asserts its exit status."""
    done = subprocess.run([SIM, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, **options)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def assemble(tmp_path: Path, text: str, base: int = 0x1C008080, march: str = MARCH, name: str = "program") -> Path:
    """Assembles and links `text` (entry `_start`) at `base`."""
    source, elf = tmp_path / f"{name}.S", tmp_path / f"{name}.elf"
    source.write_text(text)
    subprocess.run(
        ["clang-19", "--target=riscv32", f"-march={march}", "-mabi=ilp32", "-nostdlib", "-static", "-fuse-ld=lld-19"]
        + [f"-Wl,-Ttext=0x{base:x}", "-Wl,--no-relax", "-o", elf, source],
        check=True,
    )
    return elf


def run_elf(elf: Path, *arguments, check: int | None = 0) -> dict:
    """Runs an ELF with --json and returns the report; `check`: the exit status that it must have."""
    return json.loads(run("elf", elf, "--json", *arguments, check=check).stdout)
