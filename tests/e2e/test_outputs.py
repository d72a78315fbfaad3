# SPDX-License-Identifier: Apache-2.0
"""Files that a command line names: none overwrites an input or another, and a refusal leaves nothing behind."""

import os
import subprocess

import pytest
from support import ROOT, SIM, assemble, run

PROGRAM = """
    .globl _start
_start:
    li a0, 0x1A1040A0
    lui a1, 0x80000
    sw a1, 0(a0)
1:  wfi
    j 1b
"""


@pytest.fixture
def folder(tmp_path):
    assemble(tmp_path, PROGRAM, name="d")
    assemble(tmp_path, PROGRAM, name="d2")
    (tmp_path / "callgrind.out").symlink_to(tmp_path / "d.elf")
    os.link(tmp_path / "d.elf", tmp_path / "hard")
    (tmp_path / "soft").symlink_to(tmp_path / "d.elf")
    return tmp_path


def run_in(folder, words):
    return subprocess.run([SIM, *words], cwd=folder, capture_output=True, text=True)


REFUSED = [
    "elf d.elf --insn d.elf",
    "elf d.elf --insn ./d.elf",
    "elf d.elf --insn hard",
    "elf d.elf --insn soft",
    "elf d.elf --trace=d.elf",
    "elf d.elf --check=d.elf",
    "elf d.elf --profile d.elf",
    "elf d.elf --profile .",
    "elf d.elf --insn same --check=same",
    "elf d.elf --insn same --trace=./same",
    "elf d.elf --profile p --check=p",
    "elf d.elf --profile p --check=p/stacks.txt",
    "elf d.elf --profile p --insn p/x/../profile.json",
    "elf d.elf --trace --check=d.pftrace",
    "elf --check d.elf d2.elf",
    "elf d.elf --profile p --check=/no/x",
    "elf d.elf --profile p --insn /no/x",
    "elf d.elf --profile p --trace=/no/x.pftrace",
    "elf d.elf --insn log --check=/no/x",
    "elf d.elf --profile d.elf/p",
    "elf d.elf --insn new/",
    "elf d.elf --max-cycles -1",
    "elf d.elf --max-cycles 0",
    "elf d.elf --check=",
    "elf d.elf --trace=",
    "elf d.elf --profile EMPTY",
    "elf d.elf --insn EMPTY",
    "elf d.elf --insn log --insn-from 10 --insn-to 5",
    "elf d.elf --insn log --insn-from -1",
    "elf d.elf --insn log --insn-core -1",
    "run c.json --check=c.json",
    "run c.json --check=/no/x",
    "run c.json --check=",
]


@pytest.mark.parametrize("line", REFUSED)
def test_a_refusal_is_one_line_and_leaves_nothing(folder, line):
    (folder / "c.json").write_text((ROOT / "configs/deep_ae.json").read_text())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    words = ["" if word == "EMPTY" else word for word in line.split(" ")]
    done = run_in(folder, words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not os.path.exists("/no")


def test_a_flag_before_the_program_takes_no_value(folder):
    for words in (["elf", "--check", "d.elf", "--quiet"], ["elf", "--check", "--trace", "d.elf"]):
        assert "check: 0 errors" in run_in(folder, words).stderr
    assert (folder / "d.pftrace").stat().st_size > 0


def test_a_flag_before_the_configuration_takes_no_value(tmp_path):
    done = run("run", "--check", "no.json", "--out", tmp_path / "out", check=2)
    assert "no.json" in done.stderr and "required" not in done.stderr


def test_files_may_stand_in_a_folder_that_is_made(folder):
    words = ["elf", "d.elf", "--quiet", "--profile", "a/p", "--trace", "--insn", "a/p/log", "--check=a/p/found"]
    done = run_in(folder, words)
    assert done.returncode == 0, done.stderr
    names = {"callgrind.out", "stacks.txt", "profile.json", "trace.pftrace", "log", "found"}
    assert {path.name for path in (folder / "a/p").iterdir()} == names


def test_several_may_go_to_the_null_device(folder):
    assert run_in(folder, ["elf", "d.elf", "--check=/dev/null", "--insn", "/dev/null"]).returncode == 0
