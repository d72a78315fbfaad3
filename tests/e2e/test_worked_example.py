# SPDX-License-Identifier: Apache-2.0
"""The worked example of docs/workloads.md: every command is run, and what the page quotes is what it prints.

A line "..." stands for lines left out. With ETUDE_WRITE_DOCS=1 the page is written anew: between two "..." of an old
quotation the same number of lines is taken from where its first line stands now.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest
from support import BUILD, ROOT
from test_exports import needs_exporters

PAGE = ROOT / "docs/workloads.md"


def commands() -> list[tuple[str, list[str]]]:
    """The commands of the section, and the lines that the page quotes below each."""
    section = PAGE.read_text().split("## From a PyTorch module to a report")[1].split("\n## ")[0]
    found: list[tuple[str, list[str]]] = []
    for line in section.split("\n"):
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line[4:].rstrip())
    return found


def printed(command: str, folder) -> list[str]:
    """What a command of the page prints in a folder that looks like the repository."""
    programs = {"build/etude-sim": str(BUILD / "etude-sim"), ".venv/bin/python": sys.executable}
    words = shlex.split(command)
    done = subprocess.run(
        [programs.get(words[0], words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, timeout=120
    )
    noise = ("Warning", "warnings.warn", "torch.onnx.export(", "W1", "W0")
    text = done.stdout + "".join(
        line + "\n" for line in done.stderr.split("\n") if line.startswith("etude-sim") and not line.startswith(noise)
    )
    return [line.rstrip() for line in text.replace(str(folder) + "/", "").split("\n")]


def shape(line: str) -> str:
    """The line without its numbers and the space that they take: cycles and joules move with any change, and the
    model's hash with the folder that the exporter notes in it."""
    line = re.sub(r"ONNX graph [0-9a-f]{8}", "ONNX graph", line)
    return re.sub(r"\s+", " ", re.sub(r"\d[\d,.]*(e-?\d+)?", "#", line))


def missing(quoted: list[str], lines: list[str], exact: bool) -> list[str]:
    """Quoted lines that are not printed, in this order."""
    at, absent = 0, []
    for line in quoted:
        if line in ("...", ""):
            continue
        same = [i for i in range(at, len(lines)) if lines[i] == line or not exact and shape(lines[i]) == shape(line)]
        if same:
            at = same[0] + 1
        else:
            absent.append(line)
    return absent


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """What every command of the page prints, in order."""
    folder = tmp_path_factory.mktemp("example")
    for name in ("examples", "configs"):
        (folder / name).symlink_to(ROOT / name)
    return [(command, quoted, printed(command, folder)) for command, quoted in commands()]


@needs_exporters
def test_the_page_quotes_what_its_commands_print(example):
    assert len(example) >= 8
    if os.environ.get("ETUDE_WRITE_DOCS"):
        text = PAGE.read_text()
        for command, quoted, lines in example:
            new = [next((x for x in lines if shape(x) == shape(line) and line.strip()), line) for line in quoted]
            block = "".join(f"    {line}".rstrip() + "\n" for line in quoted)
            head = f"    $ {command}\n"
            text = text.replace(head + block, head + "".join(f"    {line}".rstrip() + "\n" for line in new))
        PAGE.write_text(text)
    for command, quoted, lines in example:
        # Names, shapes, refusals and losses as they stand; cycles, joules and bytes by their line.
        exact = "describe" in command and "--json" not in command
        assert missing(quoted, lines, exact=False) == [], (command, lines)
        if exact:
            layers = [line for line in quoted if re.search(r" (Gemm|LayerNormalization) .*\d+x?\d*", line)]
            assert missing(layers, lines, exact=True) == [], (command, lines)


@needs_exporters
def test_the_reports_loss_is_pytorchs(example):
    torch_losses = {
        float(x.split(": ")[1]) for _, _, lines in example for x in lines if x.startswith("loss of the first")
    }
    reports = [x for command, _, lines in example for x in lines if " run " in command and x.startswith("  loss ")]
    assert len(torch_losses) == 1 and reports
    first = float(re.search(r"loss +([\d.]+)", reports[0]).group(1))
    assert abs(first - torch_losses.pop()) <= 1e-5
