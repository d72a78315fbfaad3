# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows, what a type checker says, and what a shell offers."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import etude
import pytest

ROOT = Path(__file__).resolve().parents[2]
STEP = {"platform": "platform/traindeeploy.json", "workload": {"network": "mlp", "sizes": [16] * 5, "batch": 64}}


class Cells(HTMLParser):
    """Texts of a table, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_everything_has_a_table():
    config = etude.load(STEP).set("/train/seed", 3)
    assert Cells(config._repr_html_()).texts[-2:] == ["/train/seed", "3"]
    result = etude.run(config)
    texts = Cells(result._repr_html_()).texts
    assert f"{result.step.cycles:,}" in texts and "passed" in texts and result.raw["title"] in texts
    texts = Cells(etude.describe(config)._repr_html_()).texts
    assert any(f"{etude.describe(config).parameters.elements:,}" in text for text in texts)
    assert "kernel" in Cells(etude.lower(config)._repr_html_()).texts
    schedule = etude.schedule(config, budget=0.8)
    assert any(f"{schedule.peak_bytes:,} B" in text for text in Cells(schedule._repr_html_()).texts)
    for shown in (result, etude.describe(config), etude.lower(config), schedule):
        assert repr(shown).startswith(f"<{type(shown).__name__} ") and "\n" not in repr(shown)
    assert "<table" in result.layers._repr_html_()


def test_text_in_a_table_is_text():
    from etude.api.html import table

    assert Cells(table(["<b>"], [["</td><script>"]], caption="&")).texts == ["&", "<b>", "</td><script>"]


def test_a_notebook_has_a_bar(monkeypatch):
    import io

    from etude.api.progress import Watch

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Watch("sweep") as watch:
        watch.update(3, 24)
    assert "3/24" in stream.getvalue()
    quiet = Terminal()
    monkeypatch.setattr(sys, "stderr", quiet)
    with Watch("sweep", False) as watch:
        watch.update(3, 24)
    assert quiet.getvalue() == ""


def test_the_package_and_who_uses_it_are_checked_by_types(tmp_path):
    """Nothing is wrong in the package (pyproject.toml says how strictly), and three lines of a user's are."""
    pytest.importorskip("mypy", reason="needs mypy (scripts/setup.sh --tests)")
    user = tmp_path / f"user_{os.getpid()}.py"  # a module of its own: the cache keeps a module's path of an earlier run
    user.write_text(
        "import etude\n"
        "config = etude.load('a.json').set('/train/rank', 8)\n"
        "cycles: int = etude.run(config).step.cycles\n"
        "joules: float = etude.schedule(config, budget=0.5).energy_j\n"
        "wrong: int = etude.run(config).step.energy_j\n"
        "etude.run(config, teir='model')\n"
        "etude.describe(config).memory.l1_peak\n"
    )
    command = [sys.executable, "-m", "mypy", "--cache-dir", "build/mypy", "python/etude", user]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    errors = [line.split(":")[:2] for line in done.stdout.splitlines() if ": error:" in line]
    assert errors == [[str(user), "5"], [str(user), "6"], [str(user), "7"]], done.stdout + done.stderr


def test_a_bar_in_a_notebook_needs_no_widgets(monkeypatch):
    """What the page shows last is an empty place."""
    import types

    from etude.api import notebook_bar
    from etude.api.progress import Watch
    from etude.explore.progress import SweepWatch

    shown: list[str] = []

    class Handle:
        update = staticmethod(shown.append)

    def display(html, display_id):
        shown.append(html)
        return Handle()

    page = types.SimpleNamespace(HTML=str, display=display)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=page))
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    monkeypatch.setattr(notebook_bar, "BETWEEN_S", 0.0)
    with Watch("a < b") as watch:
        watch.update(3, 24)
    assert shown == ["<progress></progress> a &lt; b", '<progress value="3" max="24"></progress> a &lt; b: 3 of 24', ""]
    shown.clear()
    with SweepWatch("array", 24, {"step.cycles": "min"}) as sweep:
        sweep.finished((5.0,))
    assert 'value="1" max="24"' in shown[1] and "1 of 24 points" in shown[1] and shown[-1] == ""
    shown.clear()
    with SweepWatch("array", 24, {"step.cycles": "min"}, False) as sweep:
        sweep.finished((5.0,))
    assert shown == []
