# SPDX-License-Identifier: Apache-2.0
"""README's ten lines of Python, as a new user has them: in the environment of the wheel, on a terminal."""

import os
import pty
import re
import subprocess
import textwrap
from pathlib import Path

import etude
from test_wheel import bare, python, wheel  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]


def lines_of(text: str) -> str:
    """The first block of code under "In Python"."""
    section = text.split("## In Python\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^    import etude\n(?:    .*\n|\n(?=    ))+", section, re.M)[:1]
    return textwrap.dedent(block)


def on_a_terminal(command: list[str], **options) -> tuple[int, str]:
    """Exit status of a program, and what it wrote on its terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, **options)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # all of the other side is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    return child.wait(), said.decode(errors="replace")


def test_ten_lines_run_24_points_with_a_bar_and_a_page(python, tmp_path):  # noqa: F811
    code = lines_of((ROOT / "README.md").read_text())
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    (tmp_path / "ten.py").write_text(code)
    environment = {**bare(python, tmp_path), "TERM": "xterm-256color", "COLUMNS": "160"}
    status, said = on_a_terminal([str(python), "ten.py"], cwd=tmp_path, env=environment)
    assert status == 0, said
    assert re.search(r"array: \d+ of 24 points", said) and "━" in said  # the bar
    assert "24 points: 24 done, 0 infeasible, 0 failed" in said
    page = tmp_path / said.strip().splitlines()[-1].strip()
    assert page.name == "report.html" and page.stat().st_size > 20_000
    study = etude.open_study(tmp_path / "out/array")
    status, again = on_a_terminal([str(python), "ten.py"], cwd=tmp_path, env=environment)
    assert status == 0 and again.strip().endswith(str(page.relative_to(tmp_path)))
    assert study.points.equals(etude.open_study(tmp_path / "out/array").points)
