# SPDX-License-Identifier: Apache-2.0
"""Dependencies between the rooms point one way, files are short, functions too (docs/architecture.md)."""

import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Which rooms the sources of a room may include. A room that is named with a folder counts for itself.
ALLOWED = {
    "models": {"models"},
    "kernels": {"kernels", "models"},
    "workloads": {"workloads", "models/base"},
    "program": {"program", "models/base"},
    "sim": {"sim", "program", "models", "kernels/include"},
    # Configurations hold the option structs of what they configure.
    "sim/config": {"sim/config", "models", "kernels/include", "workloads/training/method_options.h"},
    "run/plan": {"run/plan", "compiler", "program", "sim/config", "sim/energy", "sim/report", "workloads"}
    | {"models/redmule/control.h"},
    "run/execute": {"run", "program", "sim", "models", "workloads"},
    "run/bench": {"run/bench", "sim", "models"},
    "python/binding": {
        "python/binding",
        "run/plan",
        "sim/config",
        "sim/report",
        "workloads/onnx",
        "workloads/codecs",
        "models/base",
    },
    "cli": {"cli", "run", "sim/config", "sim/report", "models", "workloads/onnx"},
}
# What every room of the compiler may use, and its rooms, each of which may include itself and those before it.
COMPILER_BASE = {"program", "workloads", "sim/config", "models/base", "kernels/include"}
COMPILER = ["cost", "operators", "schedule", "tiling", "tape", "memory", "feeds", "emit", "order", "lower"]
for floor, name in enumerate(COMPILER):
    ALLOWED[f"compiler/{name}"] = COMPILER_BASE | {f"compiler/{below}" for below in COMPILER[: floor + 1]}
for part in ("run/plan", "run/execute"):
    ALLOWED[part] |= {"models/base", "kernels/include"}

MOST_LINES = 450
MOST_LINES_OF_A_FUNCTION = 120
MEDIAN_LINES = 110
# Loops that execute one instruction after the other.
LONG_FUNCTIONS = {"Core::run_loop", "Core::run_calm"}


def sources() -> list[str]:
    patterns = ["*.h", "*.cpp", "*.c", "*.S"]
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True).stdout.split()
    return [f for f in listed if room_of(f) and (ROOT / f).exists()]


def room_of(path: str) -> str | None:
    return next((room for room in sorted(ALLOWED, key=len, reverse=True) if path.startswith(room + "/")), None)


def included(text: str) -> list[str]:
    return re.findall(r'#\s*include\s+"([^"]+)"', text)


def violations(path: str, text: str) -> list[str]:
    room = room_of(path)
    if room is None:
        return []
    found = []
    for target in included(text):
        if target.split("/")[0] not in {name.split("/")[0] for name in ALLOWED}:
            continue  # beside the file, or a system header
        if not any(target == allowed or target.startswith(allowed + "/") for allowed in ALLOWED[room]):
            found.append(f"{path} includes {target}")
        elif room == "kernels" and target.startswith("models/") and not target.endswith("_regs.h"):
            found.append(f"{path} includes {target}")
    return found


def circle(graph: dict[str, list[str]]) -> list[str] | None:
    """Files that include each other in a ring, or None."""
    state: dict[str, int] = {}
    path: list[str] = []

    def visit(node: str) -> list[str] | None:
        state[node] = 1
        path.append(node)
        for target in graph.get(node, []):
            if state.get(target) == 1:
                return [*path[path.index(target) :], target]
            if target not in state and (ring := visit(target)):
                return ring
        state[node] = 2
        path.pop()
        return None

    return next((ring for node in graph if node not in state and (ring := visit(node))), None)


def functions(text: str) -> list[tuple[str, int]]:
    """Name and lines of each function that starts in the first column or is a member defined in its class."""
    found = []
    lines = text.split("\n")
    keyword = (
        r"(?!\*|namespace|class|struct|enum|union|extern|if|for|while|switch|else|return|throw|case|using|typedef|#)"
    )
    start = re.compile(rf"^( {{0,2}}){keyword}(?:[\w:<>&*~,\[\]]+ )+[&*]*([\w~:]+)\(")
    i = 0
    while i < len(lines):
        head = start.match(lines[i])
        if not head:
            i += 1
            continue
        begin = i
        while i < len(lines) and not lines[i].rstrip().endswith(("{", ";", "}")):
            i += 1
        if i < len(lines) and lines[i].rstrip().endswith("{"):
            closing = head.group(1) + "}"
            end = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(closing)), len(lines))
            found.append((head.group(2), end - begin + 1))
        i += 1
    return found


def test_includes_point_one_way():
    assert [v for f in sources() for v in violations(f, (ROOT / f).read_text())] == []


@pytest.mark.parametrize(
    "path, target",
    [
        ("models/dma/x.cpp", "sim/config/y.h"),
        ("kernels/lib/x.c", "models/dma/mchan.h"),
        ("compiler/tiling/x.cpp", "compiler/emit/y.h"),
        ("compiler/emit/x.cpp", "compiler/lower/lower.h"),
        ("compiler/order/x.cpp", "models/redmule/redmule.h"),
        ("compiler/lower/x.cpp", "sim/engine/run.h"),
        ("program/x.h", "workloads/graph/graph.h"),
        ("run/plan/x.cpp", "sim/engine/run.h"),
        ("run/plan/x.cpp", "run/execute/run.h"),
        ("cli/x.cpp", "compiler/lower/lower.h"),
        ("python/binding/x.cpp", "run/execute/run.h"),
        ("sim/report/x.cpp", "compiler/lower/lower.h"),
    ],
)
def test_a_wrong_include_is_found(path, target):
    assert violations(path, f'#include "{target}"')


def test_a_right_include_is_none():
    assert not violations("kernels/lib/x.c", '#include "models/dma/mchan_regs.h"')
    assert not violations("compiler/emit/x.cpp", '#include "compiler/tape/tape.h"\n#include "program/program.h"')


def test_no_files_include_each_other_in_a_circle():
    graph = {f: included((ROOT / f).read_text()) for f in sources()}
    assert circle(graph) is None
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


def test_files_are_short():
    lines = {f: len((ROOT / f).read_text().splitlines()) for f in sources()}
    assert statistics.median(lines.values()) <= MEDIAN_LINES
    free = ("models/", "sim/engine/")
    assert {f: n for f, n in lines.items() if n > MOST_LINES and not f.startswith(free)} == {}


def test_functions_are_short():
    assert functions("int f(int a) {\n  return a;\n}\n") == [("f", 3)]
    long = {}
    for file in sources():
        if file.startswith("kernels/tests/"):
            continue  # lists of cases
        for name, lines in functions((ROOT / file).read_text()):
            if lines > MOST_LINES_OF_A_FUNCTION and name not in LONG_FUNCTIONS:
                long[f"{file}:{name}"] = lines
    assert long == {}


def outer_namespaces(text: str) -> set[str]:
    """The named namespaces that a file opens at the start of a line."""
    return set(re.findall(r"^namespace ([\w:]+) \{", text, re.M))


def test_compiler_run_and_commands_have_namespaces_of_their_own():
    assert outer_namespaces("namespace etude {\n}\n  namespace x {}\n") == {"etude"}
    for file in sources():
        top = file.split("/")[0]
        if top in ("compiler", "run", "cli", "python") and file != "cli/main.cpp":
            names = outer_namespaces((ROOT / file).read_text())
            assert names <= {f"etude::{top}"}, file
