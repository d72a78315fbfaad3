# SPDX-License-Identifier: Apache-2.0
"""docs/own-program.md, followed by a new user: an installed Etude, an empty folder outside the tree, and the page."""

import os
import re
import shutil
import subprocess

import pytest
from support import BUILD, ROOT

PAGE = ROOT / "docs/own-program.md"
TOLERANCE = 0.01  # of a figure on the page


def blocks(text: str) -> list[tuple[str, str]]:
    """Kind line and contents of each fenced block, in the order of the page."""
    return re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder in which the page was followed, its environment, and what each block printed, with the next block."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "mine"
    folder.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    pieces = blocks(PAGE.read_text())
    printed = []
    for index, (kind, text) in enumerate(pieces):
        language, _, name = kind.partition(" ")
        if language == "c":
            (folder / name).write_text(text)
        elif kind == "sh in the source tree":
            command = text.replace(" build ", f" {BUILD} ")
            subprocess.run(["bash", "-ec", command], cwd=ROOT, env=environment, check=True, capture_output=True)
        elif language == "sh":
            script = text + '\necho "ETUDE=$ETUDE" >&3; echo "PATH=$PATH" >&3\n'
            done = subprocess.run(
                ["bash", "-ec", f"exec 3>{home}/env\n{script}"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            assert "warning" not in done.stderr, done.stderr
            environment |= dict(line.split("=", 1) for line in (home / "env").read_text().splitlines())
            printed.append((text, done.stdout, pieces[index + 1] if index + 1 < len(pieces) else ("", "")))
    return folder, environment, printed


def test_the_page_names_only_what_is_installed(followed):
    _, environment, printed = followed
    version, listing = printed[0][1].split("\n", 1)
    assert version.strip() == (ROOT / "VERSION").read_text().strip()
    assert {"start.c", "link.ld", "etude_cluster.h", "etude_region.h"} <= set(listing.split())
    for row in re.findall(r"^\| `((?:share|include)/[^`]*\.(?:c|h|ld))`", PAGE.read_text(), re.M):
        assert os.path.exists(f"{environment['ETUDE']}/{row}"), row


def test_each_step_computes_the_product_in_the_cycles_of_the_page(followed):
    figures = [(out, expected) for _, out, (kind, expected) in followed[2] if kind == "text"]
    assert len(figures) == 4
    x = [[(m * 7 + n * 5) % 11 - 4 for n in range(64)] for m in range(96)]
    w = [[(n * 3 + k) % 5 - 2 for k in range(48)] for n in range(64)]
    z = [[sum(x[m][n] * w[n][k] for n in range(64)) for k in range(48)] for m in range(96)]
    assert max(abs(value) for row in z for value in row) < 2048  # exact in FP16
    weighted = sum((m + 3 * k) % 17 * z[m][k] for m in range(96) for k in range(48)) % 2**32
    cycles = []
    for out, expected in figures:
        measured, total = map(int, re.fullmatch(r"cycles (\d+) sum (\d+)\n", out).groups())
        claimed = int(re.match(r"cycles (\d+)", expected)[1])
        assert total == weighted and f"sum {total}" in expected
        assert measured == pytest.approx(claimed, rel=TOLERANCE)
        cycles.append((measured, claimed))
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| ?([\d.]*)(?: x)? ?\|$", PAGE.read_text(), re.M)
    assert [int(row[0]) for row in rows] == [claimed for _, claimed in cycles]
    for (before, _), (after, _), (_, ratio) in zip(cycles, cycles[1:], rows[1:], strict=False):
        assert before / after == pytest.approx(float(ratio), rel=0.02)


def test_the_debugger_does_what_the_page_says(followed):
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("needs gdb-multiarch (scripts/setup.sh --tests)")
    folder, environment, _ = followed
    text = next(text for kind, text in blocks(PAGE.read_text()) if kind == "gdb")
    start, attach, *commands = text.strip().splitlines()
    process = subprocess.Popen(
        start.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    port = re.search(r"127\.0\.0\.1:(\d+)", process.stderr.readline())[1]
    parts = [part for c in commands for part in ("-ex", c.replace("PORT", port))]
    done = subprocess.run(
        [*attach.split(), "-q", "-nx", "-batch", *parts], cwd=folder, env=environment, capture_output=True, text=True
    )
    out, _ = process.communicate(timeout=60)
    assert len(re.findall(r"^[* ] +\d+ +Thread", done.stdout, re.M)) == 8
    assert "hit Temporary breakpoint 1, tile" in done.stdout and re.search(r"^\$1 = -4$", done.stdout, re.M), (
        done.stdout
    )
    assert "hit Hardware watchpoint 2: z1[0][0][0]" in done.stdout and "exited normally" in done.stdout
    claimed = dict(re.findall(r"sh build\.sh (\w+)\n.*?cycles (\d+)", PAGE.read_text(), re.S))["dma"]
    assert int(re.match(r"cycles (\d+)", out)[1]) == pytest.approx(int(claimed), rel=TOLERANCE)


def test_no_step_can_be_left_out(followed, tmp_path):
    """Without the start-up the program does not link: the page's files are what it runs."""
    folder, environment, _ = followed
    shutil.copytree(folder, tmp_path / "copy")
    script = (tmp_path / "copy/build.sh").read_text().replace('"$ETUDE/share/etude/program/start.c"', "")
    (tmp_path / "copy/build.sh").write_text(script)
    done = subprocess.run(
        ["sh", "build.sh", "naive"], cwd=tmp_path / "copy", env=environment, capture_output=True, text=True
    )
    assert "_start" in done.stderr
