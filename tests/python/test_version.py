# SPDX-License-Identifier: Apache-2.0
"""The version stands once, in VERSION; what repeats it for readers repeats it rightly."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build"))
VERSION = (ROOT / "VERSION").read_text().strip()


def test_the_program_has_it():
    done = subprocess.run([BUILD / "etude-sim", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == VERSION


def test_the_python_package_reads_it():
    project = tomllib.loads((ROOT / "python/pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    (file,) = project["tool"]["setuptools"]["dynamic"]["version"]["file"]
    assert (ROOT / "python" / file).read_text().strip() == VERSION


def test_the_citation_names_it():
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.M) == [VERSION]


def test_the_newest_released_section_of_the_changelog_is_it():
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert sections[0] == "[Unreleased]"
    assert re.fullmatch(re.escape(f"[{VERSION}]") + r" - \d{4}-\d{2}-\d{2}", sections[1])
