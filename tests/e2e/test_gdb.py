# SPDX-License-Identifier: Apache-2.0
"""A GDB holds a program: every hart stops, what it reads is right, and no cycle is different for it."""

import json
import random
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from gdb_sessions import build, end_of, gdb, held, needs_gdb, same_account, session
from support import ROOT, assemble, run, run_elf
from test_profile import CLUSTER, START, compile_c, random_program
from test_tohost_programs import FRAME


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("gdb"))


@needs_gdb
def test_a_breakpoint_in_a_kernel_stops_all_harts_and_the_result_is_right(program):
    text, report = session(
        program,
        "break kernel",
        "continue",
        "info threads",
        "print start",
        "print from[3]",
        "monitor cycle",
        "monitor cycle",
        "backtrace",
        "delete",
        "watch marked",
        "continue",
        "print marked",
        "thread",
        "stepi",
        "next",
        "delete",
        "continue",
    )
    assert re.search(r"Thread \d+ \"core\d+\" hit Breakpoint 1, kernel", text), text
    assert len(re.findall(r"^[* ] +\d+ +Thread \d+ \"core\d\"", text, re.M)) == 8
    hart = int(re.search(r"Thread \d+ \"core(\d)\" hit Breakpoint 1", text)[1])
    assert "$1 = 0.5" in text and f"$2 = {hart + 0.375:g}" in text
    cycles = re.findall(r"^(\d+)$", text, re.M)
    assert len(cycles) == 2 and cycles[0] == cycles[1]
    assert re.search(r"#1 +0x[0-9a-f]+ in program \(hart=", text)
    assert re.search(r"Hardware watchpoint 2: marked\n+Old value = 0\nNew value = 77", text)
    assert "[Current thread is 4 " in text and "program (hart=3)" in text.split("New value = 77")[1]
    assert "exited normally" in text
    assert report["exit"] == 0
    same_account(program, report)


@needs_gdb
def test_each_hart_hits_the_breakpoint_each_time_it_passes(program):
    """GDB steps over a breakpoint with the thread alone; nobody else may slip through meanwhile."""
    for place in ("kernel", "*&kernel"):
        with held(program) as (process, port):
            commands = [f"break {place}"] + ["continue"] * 17
            text = gdb(program, port, *commands)
            report = end_of(process)
        hits = re.findall(r"Thread \d+ \"core(\d)\" hit Breakpoint 1", text)
        assert sorted(hits) == sorted(2 * [str(h) for h in range(8)]), text
        assert report["exit"] == 0 and "passes" not in report["stderr"]
        same_account(program, report)


@needs_gdb
@pytest.mark.parametrize("seed", range(4))
def test_breakpoints_are_hit_as_often_as_their_instructions_are_executed(program, tmp_path, seed):
    """The log of retired instructions is the truth; several harts reach a breakpoint in the same cycle."""
    draw = random.Random(seed)
    elf = program if seed < 2 else compile_c(tmp_path, random_program(seed), "-g")
    run_elf(elf, *CLUSTER, "--insn", tmp_path / "log.tsv")
    rows = [line.split("\t") for line in (tmp_path / "log.tsv").read_text().splitlines()[1:]]
    executed = Counter((int(row[1]), int(row[2], 16)) for row in rows)
    at = Counter(int(row[2], 16) for row in rows)
    known = sorted(pc for pc, count in at.items() if 8 <= count <= 40)
    first = draw.randrange(len(known) - 3)
    places = draw.sample(known, 4) if seed % 2 else known[first : first + 4]  # side by side
    total = sum(at[pc] for pc in places)
    text, report = session(elf, *[f"break *{pc:#x}" for pc in places], *["continue"] * (total + 1))
    hits = Counter((int(h), places[int(n) - 1]) for h, n in re.findall(r"\"core(\d)\" hit Breakpoint (\d)", text))
    assert hits == Counter({key: count for key, count in executed.items() if key[1] in places})
    assert "passes" not in report["stderr"]
    same_account(elf, report)


@needs_gdb
def test_read_and_access_watchpoints_and_hardware_breakpoints(program):
    text, report = session(
        program,
        "hbreak kernel",
        "continue",
        "delete",
        "rwatch part[2]",
        "awatch passes[5]",
        *["continue"] * 3,
        "info registers mcycle mhartid",
        "delete",
        "continue",
    )
    assert "Hardware assisted breakpoint 1" in text and "hit Breakpoint 1" in text
    assert text.count("Hardware access (read/write) watchpoint 3: passes[5]") >= 3
    assert re.search(r"mhartid +0x5\s", text)
    same_account(program, report)


@needs_gdb
def test_stepping_goes_instruction_by_instruction(program):
    text, report = session(
        program,
        "break kernel",
        "continue",
        "delete",
        *["stepi", 'printf "at %x\\n", $pc'] * 12,
        "finish",
        "detach",
    )
    pcs = [int(at, 16) for at in re.findall(r"^at ([0-9a-f]+)$", text, re.M)]
    assert len(pcs) == 12
    code = subprocess.run(
        ["llvm-objdump-19", "-d", "--no-show-raw-insn", program], capture_output=True, text=True
    ).stdout
    size = {}
    rows = [int(at, 16) for at in re.findall(r"^ *([0-9a-f]+):\s", code, re.M)]
    for at, behind in zip(rows, rows[1:], strict=False):
        size[at] = behind - at
    jumps = [(a, b) for a, b in zip(pcs, pcs[1:], strict=False) if b != a + size[a]]
    assert len(jumps) <= 2 and all(a != b for a, b in zip(pcs, pcs[1:], strict=False))
    assert re.search(r"Value returned is \$\d+ = [\d.]+", text)
    assert "lets go" in report["stderr"]
    same_account(program, report)


@needs_gdb
def test_what_is_written_is_what_the_program_goes_on_with(program):
    text, report = session(
        program,
        "tbreak kernel",
        "continue",
        "set var part[7] = 1000",
        "print part[7]",
        "set var start = 64.5",
        "print start",
        "continue",
    )
    assert "$1 = 1000" in text and "$2 = 64.5" in text
    # The pass is made twice, and only the first was disturbed.
    assert report["exit"] == 0 and "exited normally" in text


@needs_gdb
def test_jumping_and_the_exit_status(program):
    text, report = session(program, "tbreak kernel", "continue", "set var $a0 = 0", "set var $pc = $ra", "continue")
    # What the call would have stored is stored by the second one.
    assert report["exit"] == 0 and "exited normally" in text
    status = compile_c(program.parent, START + "void program(int hart) { finish(hart, 9); }", "-g", name="nine")
    with held(status) as (process, port):
        assert "exited with code 011" in gdb(status, port, "continue")
        assert end_of(process)["status"] == 9


@needs_gdb
def test_a_core_with_float_registers_shows_them(tmp_path):
    text = """
    __asm__(".globl _start\\n_start: csrr a0, mhartid\\n li t0, 0x6000\\n csrs mstatus, t0\\n"
            " li sp, 0x10004000\\n lui t1, 0x40490\\n fmv.w.x fa0, t1\\n here: fadd.s fa1, fa0, fa0\\n"
            " li t2, 0x1A1040A0\\n li t3, 0x80000000\\n sw t3, 0(t2)\\n loop: j loop");
    """
    elf = compile_c(tmp_path, text, "-march=rv32imfc_zicsr", "-mabi=ilp32")
    isa = ["--set", "/platform/cluster/isa=rv32imfc_zicsr_zifencei"]
    with held(elf, *isa) as (process, port):
        told = gdb(
            elf, port, "break *&here", "continue", "print $fa0", "stepi", "print $fa1", "delete", "print $fcsr", "kill"
        )
        out, err = process.communicate(timeout=60)
    assert "$1 = 3.140625" in told and "$2 = 6.28125" in told, told
    assert process.returncode == 3 and "killed by the debugger" in err


@needs_gdb
def test_a_program_that_fails_is_held_where_it_fails(program, tmp_path):
    body = "__attribute__((noinline)) void deep(int hart) { if (hart == 2) *(volatile int*)0x50000000 = 1; }"
    elf = compile_c(tmp_path, START + body + "void program(int hart) { deep(hart); finish(hart, 0); }", "-g")
    with held(elf) as (process, port):
        text = gdb(elf, port, "continue", "backtrace", "thread", "continue")
        out, err = process.communicate(timeout=60)
    assert "SIGABRT" in text and "where nothing is mapped" in text
    assert re.search(r"#0 .*deep", text) and '"core2"' in text
    assert process.returncode == 3 and "where nothing is mapped" in err
    plain = run("elf", elf, *CLUSTER, "--json", check=3)
    assert json.loads(out)["cycles"] == json.loads(plain.stdout)["cycles"]


@needs_gdb
def test_a_single_core_of_the_isa_tests_is_held_too(tmp_path):
    body = "  li gp, 2\n  li t0, 5\n2: addi t0, t0, -1\n.globl here\nhere: bnez t0, 2b\n  j pass"
    text = ".globl finish\n" + FRAME.format(body=body, extra="")
    elf = assemble(tmp_path, text, base=0x80000000, march="rv32imfc_zicsr_zifencei")
    with held(elf) as (process, port):
        told = gdb(
            elf,
            port,
            "break *&here",
            *["continue", "print $t0"] * 5,
            "break *&finish",
            "continue",
            "print $mcause",
            "continue",
        )
        report = end_of(process)
    assert re.findall(r"^\$\d = (\d+)$", told, re.M) == ["4", "3", "2", "1", "0", "11"], told
    assert "exited normally" in told
    same_account(elf, report)


@needs_gdb
def test_the_core_bench_is_held_too(tmp_path):
    elf = assemble(
        tmp_path,
        ".globl _start\n_start: lui a1, 0x1000F\n  sw x0, 0(a1)\n  lui a0, 0x10000\n  li a2, 42\n"
        ".globl here\nhere: sw a2, 8(a0)\n  sw x0, 4(a1)\n  sw x0, 8(a1)\n1: j 1b\n",
        base=0x80,
        march="rv32imc_zicsr",
    )
    bench = ["--platform", ROOT / "configs/platform/core_bench.json"]
    with held(elf, *bench) as (process, port):
        told = gdb(
            elf,
            port,
            "watch *(int*)0x10000008",
            "continue",
            "print (long)$pc - (long)&here",
            "delete",
            "stepi",
            "continue",
        )
        report = end_of(process)
    assert "New value = 42" in told and "$1 = 2" in told
    same_account(elf, report, *bench)


@needs_gdb
def test_profile_trace_and_log_are_the_same_with_a_debugger(program, tmp_path):
    def files(folder: Path) -> list:
        return ["--profile", folder, f"--trace={folder / 't.pftrace'}", "--insn", folder / "log.tsv"]

    (tmp_path / "plain").mkdir()
    (tmp_path / "held").mkdir()
    run_elf(program, *CLUSTER, *files(tmp_path / "plain"))
    with held(program, *files(tmp_path / "held")) as (process, port):
        gdb(program, port, "break kernel", "continue", "stepi", "continue", "delete", "continue")
        report = end_of(process)
    same_account(program, report, "--profile", tmp_path / "again")
    for name in ("callgrind.out", "stacks.txt", "profile.json", "log.tsv", "t.pftrace"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "held" / name).read_bytes(), name
