# SPDX-License-Identifier: Apache-2.0
"""Dependencies between the rooms point one way (docs/architecture.md)."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Which rooms the sources of a room may include.
ALLOWED = {
    "models": {"models"},
    "kernels": {"kernels", "models"},
    "workloads": {"workloads", "models/base"},
    "program": {"program", "models/base"},
    "sim": {"sim", "program", "models", "kernels/include"},
    "compiler": {"compiler", "program", "workloads", "sim/config", "models/base", "kernels/include"},
    "run": {"run", "compiler", "program", "sim", "models", "workloads", "kernels/include"},
    "cli": {"cli", "run", "compiler", "program", "sim", "models", "workloads", "kernels/include"},
}


def room_of(path: str) -> str | None:
    return next((room for room in sorted(ALLOWED, key=len, reverse=True) if path.startswith(room + "/")), None)


def violations(path: str, text: str) -> list[str]:
    room = room_of(path)
    if room is None:
        return []
    found = []
    for target in re.findall(r'#\s*include\s+"([^"]+)"', text):
        if room_of(target) is None:
            continue  # beside the file, or a system header
        if not any(target.startswith(allowed + "/") for allowed in ALLOWED[room]):
            found.append(f"{path} includes {target}")
        elif room == "kernels" and target.startswith("models/") and not target.endswith("_regs.h"):
            found.append(f"{path} includes {target}")
    return found


def test_includes_point_one_way():
    files = subprocess.run(["git", "ls-files", "*.h", "*.cpp", "*.c", "*.S"], cwd=ROOT, capture_output=True, text=True)
    found = [v for f in files.stdout.split() if (ROOT / f).exists() for v in violations(f, (ROOT / f).read_text())]
    assert found == []


def test_a_wrong_include_is_found():
    assert violations("models/dma/x.cpp", '#include "sim/config/y.h"')
    assert violations("kernels/lib/x.c", '#include "models/dma/mchan.h"')
    assert not violations("kernels/lib/x.c", '#include "models/dma/mchan_regs.h"')
    assert violations("sim/engine/x.cpp", '#include "compiler/lower/lower.h"')
