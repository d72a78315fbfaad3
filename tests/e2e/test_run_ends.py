# SPDX-License-Identifier: Apache-2.0
"""However a program ends, its account ends with it, and both engines give the same one."""

import json

import pytest
from support import ROOT, assemble, run

CLUSTER = ["--set", "/platform/cluster/corev_cluster=true"]

# Hart 0 waits {delay} passes of a loop, then ends the run; meanwhile the others are deep in private work of seven
# kinds: divisions, FP divisions, a hardware loop of FP operations, taken branches, cold code, loads, sleep.
WORK = """
.option norelax
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  li a0, 0x10000000
  li s0, {delay}
  li a3, 0x40490fdb
  li a4, 0x3f9e0652
  la t1, table
  slli t2, t0, 2
  add t1, t1, t2
  jr t1
table:
  .option push
  .option norvc
  j ending
  j divisions
  j fp_divisions
  j hardware_loop
  j branches
  j cold
  j loads
  j sleeps
  .option pop
ending:
  addi s0, s0, -1
  bgtz s0, ending
{end}
1: addi s0, s0, 1
  j 1b
divisions:
  div a5, a3, s0
  rem a6, a4, a5
  j divisions
fp_divisions:
  fdiv.s a5, a3, a4
  fmadd.s a6, a3, a4, a5
  fsqrt.s a5, a3
  j fp_divisions
hardware_loop:
  .balign 4
  .option push
  .option norvc
  li a7, 50
  .insn i 0x2b, 4, x14, a7, 4  # cv.setup: a7 passes of the next three
  fmadd.s a5, a3, a4, a5
  fadd.s a6, a3, a6
  mul a5, a5, a6
  j hardware_loop
  .option pop
branches:
  xori a5, a5, 1
  bnez a5, branches
  j branches
cold:
  .rept 200
  addi a5, a5, 1
  addi a6, a6, 2047
  .endr
  j cold
loads:
  lw a5, 0(a0)
  mulh a6, a5, a3
  lw a5, 3(a0)
  j loads
sleeps:
  wfi
  j sleeps
"""

EXIT_REGISTER = "  li a1, 0x1A1040A0\n  li a2, 0x80000000 + {status}\n  sw a2, 0(a1)\n"
UNMAPPED = "  li a1, 0x40000000\n  sw a1, 0(a1)\n"
NO_HANDLER = "  csrwi mtvec, 0\n  .word 0\n"
BRANCH_IN_LOOP = (
    "  .balign 4\n  .option norvc\n  li a7, 9\n  .insn i 0x2b, 4, x14, a7, 4\n  nop\n  beqz x0, 3f\n  nop\n3:\n"
)


def accounts(elf, *arguments):
    """The whole answer of both engines, without what is about the simulator."""
    answers = []
    for engine in ("fast", "lockstep"):
        done = run("elf", elf, "--json", "--engine", engine, *arguments)
        report = json.loads(done.stdout)
        for own in ("stepped_cycles", "mcycles_per_s"):
            del report[own]
        answers.append((done.returncode, done.stderr, report))
    assert answers[0] == answers[1]
    status, stderr, report = answers[0]
    for hart, instructions in enumerate(report["instructions"]):
        stalls = {reason: harts[hart] for reason, harts in report["stalls"].items()}
        traps = report["counters"][f"core{hart}.traps"]
        assert instructions + traps + sum(stalls.values()) == report["cycles"], (hart, instructions, stalls)
    return status, stderr, report


@pytest.mark.parametrize("delay", [1, 7, 100, 1001, 2003])
@pytest.mark.parametrize("fpu", ["0", "1", "2", "shared"])
def test_exit_register(tmp_path, delay, fpu):
    elf = assemble(tmp_path, WORK.format(delay=delay, end=EXIT_REGISTER.format(status=5)))
    unit = ["private=false"] if fpu == "shared" else [f"addmul_latency={fpu}"]
    status, _, report = accounts(elf, *CLUSTER, "--set", "/platform/cluster/fpu/" + unit[0])
    assert (status, report["exit"]) == (5, 5)


@pytest.mark.parametrize("limit", [50, 300, 777, 4096, 5001])
def test_cycle_limit(tmp_path, limit):
    elf = assemble(tmp_path, WORK.format(delay=100000, end=EXIT_REGISTER.format(status=0)))
    status, stderr, report = accounts(elf, *CLUSTER, "--max-cycles", limit)
    assert (status, report["exit"], report["cycles"]) == (3, None, limit)
    assert f"no end within {limit} cycles: hart 0" in stderr and stderr.count("\n") == 1
    assert report["error"] in stderr


@pytest.mark.parametrize(
    "end, message",
    [(UNMAPPED, "store to 0x40000000"), (NO_HANDLER, "trap without handler"), (BRANCH_IN_LOOP, "taken branch")],
)
def test_failures(tmp_path, end, message):
    elf = assemble(tmp_path, WORK.format(delay=500, end=end))
    status, stderr, report = accounts(elf, *CLUSTER)
    assert (status, report["exit"]) == (3, None)
    assert message in report["error"] and report["error"] in stderr


@pytest.mark.parametrize(
    "code, words, sets",
    [
        (".word 0", "illegal instruction 0x00000000, not in isa rv32imc_zfinx", []),
        ("fadd.s a0, a1, a2", "not in isa rv32imc_zicsr", ["/platform/cluster/isa=rv32imc_zicsr"]),
        ("csrr a0, 0x7ff", "no such CSR", []),
        (".insn i 0x0b, 3, a0, 0(a1)", "corev_cluster is false", ["/platform/cluster/corev_cluster=false"]),
    ],
)
def test_an_illegal_instruction_is_named(tmp_path, code, words, sets):
    program = f".globl _start\n_start:\n  csrwi mtvec, 0\n  {code}\n1: j 1b\n"
    options = [option for assignment in sets for option in ("--set", assignment)]
    status, stderr, report = accounts(assemble(tmp_path, program), "--set", "/platform/cluster/cores=1", *options)
    assert status == 3 and report["error"] in stderr
    assert "trap without handler, mcause 2: illegal instruction 0x" in stderr and words in stderr


@pytest.mark.parametrize("name", ["core_bench", "platform/core_bench.json", "configs/platform/core_bench.json"])
def test_a_preset_is_found_by_its_name(tmp_path, name):
    program = ".globl _start\n_start:\n  lui a1, 0x1000F\n  li a0, 7\n  sw a0, 8(a1)\n1: j 1b\n"
    done = run("elf", assemble(tmp_path, program, base=0x80), "--json", "--platform", name)
    assert done.returncode == 7, done.stderr
    done = run("gemm", "--m", "4", "--n", "4", "--k", "4", "--platform", "core_bonch", check=2)
    assert "core_bonch" in done.stderr and "configs/" in done.stderr


def test_a_hart_that_would_fail_behind_the_end_does_not_fail(tmp_path):
    # Hart 1 runs 1,200 cycles of its own into a trap without handler; hart 0 ends the run before.
    program = """
.globl _start
_start:
  csrr t0, mhartid
  li s0, {delay}
  li s1, 600
  bnez t0, 2f
1: addi s0, s0, -1
  bgtz s0, 1b
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
2: addi s1, s1, -1
  bgtz s1, 2b
  csrwi mtvec, 0
  .word 0
"""
    two = [*CLUSTER, "--set", "/platform/cluster/cores=2"]
    status, _, report = accounts(assemble(tmp_path, program.format(delay=100)), *two)
    assert (status, report["exit"]) == (0, 0)
    status, _, report = accounts(assemble(tmp_path, program.format(delay=5000)), *two)
    assert status == 3 and "hart 1" in report["error"]


BENCH = ["--platform", ROOT / "configs/platform/core_bench.json"]


@pytest.mark.parametrize("work", ["nop", "div a5, a3, a4", "lw a5, 0(a0)", "fdiv.s a5, a3, a4", "mulh a5, a3, a3"])
def test_core_bench_counts_nothing_behind_its_exit(tmp_path, work):
    # The exit marker is granted in the last cycle; the endless loop behind it is not counted.
    program = f"""
.option norvc
.globl _start
_start:
  lui a1, 0x1000F
  lui a0, 0x10000
  li a3, 100
  li a4, 7
  li t0, 400
  sw x0, 0(a1)
1: addi t0, t0, -1
  {work}
  bnez t0, 1b
  sw x0, 4(a1)
  sw x0, 8(a1)
2: addi t0, t0, 1
  {work}
  j 2b
"""
    status, _, report = accounts(assemble(tmp_path, program, base=0x80), *BENCH)
    assert status == 0
    # Six and three instructions around 400 passes of three; the store to EXIT is in its last cycle.
    assert report["instructions"] == [6 + 1200 + 1]
    assert report["marker_instructions"] == [1201]
    assert report["cycles"] >= sum(report["instructions"])


@pytest.mark.parametrize("delay", [1, 40, 333])
def test_tohost(tmp_path, delay):
    program = f"""
.globl _start, tohost
_start:
  li s0, {delay}
1: addi s0, s0, -1
  div a0, s0, s0
  bgtz s0, 1b
  la t5, tohost
  li t0, 1
  sw t0, 0(t5)
2: div a0, s0, s0
  j 2b
  .balign 64
tohost: .dword 0
"""
    march = "rv32imfc_zicsr_zifencei"
    status, _, report = accounts(assemble(tmp_path, program, base=0x80000000, march=march))
    assert (status, report["exit"]) == (0, 0)


@pytest.mark.parametrize("when", [300, 1001, 9000])
def test_a_polled_interrupt_line_is_seen_in_its_cycle(tmp_path, when):
    # The timer's line rises while the hart reads mip in a loop of its own, without interrupts.
    program = f"""
.globl _start, tohost
_start:
  li t0, 0x02004000
  sw x0, 4(t0)
  li t1, {when}
  sw t1, 0(t0)
  li t2, 0x80
1: csrr t1, mip
  and t1, t1, t2
  beqz t1, 1b
  la t5, tohost
  li t0, 1
  sw t0, 0(t5)
2: j 2b
  .balign 64
tohost: .dword 0
"""
    march = "rv32imfc_zicsr_zifencei"
    status, _, report = accounts(assemble(tmp_path, program, base=0x80000000, march=march))
    assert status == 0
    assert when < report["cycles"] < when + 30
