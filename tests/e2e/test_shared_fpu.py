# SPDX-License-Identifier: Apache-2.0
"""Shared FPUs: one operation a cycle each, one division at a time; cores take turns; both engines agree."""

import pytest
from support import assemble, run_elf

PASSES = 200
CORES = 8

# Every hart repeats its work and says so. Hart 0 ends the run when all are done.
PROGRAM = """
.option norelax
.globl _start
_start:
  csrr s1, mhartid
  andi s1, s1, 31
  li a3, 0x40490fdb
  li a4, 0x3f9e0652
  li s0, {passes}
  li t4, {dividing}
  .balign 16
  bgeu s1, t4, 2f
1: fdiv.s a5, a3, a4
  addi s0, s0, -1
  bnez s0, 1b
  j 3f
2: fadd.s a5, a3, a4
  addi s0, s0, -1
  bnez s0, 2b
3: li t0, 1
  li t1, 0x10000100
  slli t2, s1, 2
  add t1, t1, t2
  sw t0, 0(t1)
  bnez s1, 5f
  li t1, 0x10000100
  li t5, {cores}
4: lw t0, 0(t1)
  beqz t0, 4b
  addi t1, t1, 4
  addi t5, t5, -1
  bnez t5, 4b
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
5: wfi
  j 5b
"""


def shared_fpu_run(tmp_path, cores: int, units: int, dividing: int):
    text = PROGRAM.format(passes=PASSES, dividing=dividing, cores=cores)
    elf = assemble(tmp_path, text)
    options = []
    for pointer, value in (("cores", cores), ("fpu/private", "false"), ("fpu/shared", units)):
        options += ["--set", f"/platform/cluster/{pointer}={value}"]
    reports = []
    for engine in ("fast", "lockstep"):
        report = run_elf(elf, *options, "--engine", engine)
        for own in ("stepped_cycles", "mcycles_per_s"):
            del report[own]
        reports.append(report)
    assert reports[0] == reports[1]
    return reports[0]


@pytest.mark.parametrize(("cores", "units", "sharing"), [(1, 1, 1), (8, 1, 8), (8, 4, 2), (6, 3, 2), (8, 8, 1)])
def test_divisions_wait_for_each_other(tmp_path, cores, units, sharing):
    report = shared_fpu_run(tmp_path, cores, units, dividing=cores)
    # An inexact quotient keeps the divider for 19 cycles.
    assert report["cycles"] / PASSES == pytest.approx(19 * sharing, rel=0.06)
    waits = report["stalls"]["shared_fpu"]
    if sharing > 1:
        # In turn: nobody waits much longer than another.
        assert min(waits) > 0.7 * max(waits) > 0
    else:
        assert waits == [0] * cores


def test_other_operations_pass_a_division(tmp_path):
    report = shared_fpu_run(tmp_path, CORES, 1, dividing=1)
    # Seven harts add while hart 0 divides: three instructions and a taken branch a pass, and one FPU for seven.
    assert report["cycles"] / PASSES == pytest.approx(19 + 2, rel=0.2)
