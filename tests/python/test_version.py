# SPDX-License-Identifier: Apache-2.0
"""The version stands once, in VERSION; what repeats it for readers repeats it rightly."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import etude

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build"))
VERSION = (ROOT / "VERSION").read_text().strip()


def test_the_program_has_it():
    done = subprocess.run([BUILD / "etude-sim", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == VERSION


def test_the_python_package_reads_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert (ROOT / project["tool"]["scikit-build"]["metadata"]["version"]["input"]).read_text().strip() == VERSION
    assert etude.__version__ == etude.native.core().version == VERSION


def test_the_command_tells_it():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command = [sys.executable, "-m", "etude", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, env=environment).stdout.strip() == VERSION


def test_what_is_installed_is_what_the_build_asks_for():
    """The versions that scripts/setup.sh installs are those that pip would take."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = dict(re.findall(r"([\w-]+)==([\w.]+)", (ROOT / "scripts/setup.sh").read_text()))
    for wanted in project["build-system"]["requires"] + project["project"]["dependencies"]:
        name, least = re.match(r"([\w-]+)[>=]=([\w.]+)", wanted).groups()
        have = tuple(map(int, installed[name].split(".")))
        assert have >= tuple(map(int, least.split("."))), wanted


def test_the_citation_names_it():
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.M) == [VERSION]


def test_the_newest_released_section_of_the_changelog_is_it():
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert sections[0] == "[Unreleased]"
    assert re.fullmatch(re.escape(f"[{VERSION}]") + r" - \d{4}-\d{2}-\d{2}", sections[1])
