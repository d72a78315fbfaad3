# SPDX-License-Identifier: Apache-2.0
"""Programs on the modelled cluster: bank conflicts, barriers, clear ends, and the two engines against each other."""

import pytest
from support import assemble, run, run_elf

# Each core loads the word at a0 512 times; core 0 ends the run when all have passed the barrier.
LOADS = """
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  li a0, 0x10000000
  li t1, {step}
  mul t1, t1, t0
  add a0, a0, t1
  li s0, 0x10204000      # event unit: barrier 0 of all eight cores, barrier event unmasked
  li t1, 0x10000
  sw t1, 0(s0)
  li t1, 0xff
  sw t1, 0x200(s0)
  sw t1, 0x20c(s0)
  addi s1, s0, 0x21c
  cv.elw t2, 0(s1)
  li t3, 64
1:
  .rept 8
  lw t4, 0(a0)
  .endr
  addi t3, t3, -1
  bnez t3, 1b
  cv.elw t2, 0(s1)
  bnez t0, 2f
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
2:
  wfi
  j 2b
"""

CLUSTER = ["--set", "/platform/cluster/corev_cluster=true"]


def test_one_word_for_eight_cores_takes_a_cycle_each(tmp_path):
    # one bank serves one access per cycle: 8 cores x 512 loads = 4096 grants, 4096 cycles at the least
    report = run_elf(assemble(tmp_path, LOADS.format(step=0)), *CLUSTER)
    assert report["cycles"] >= 4096
    assert sum(report["stalls"]["tcdm_conflict"]) > 4096


def test_eight_cores_on_their_own_banks_lose_nothing(tmp_path):
    report = run_elf(assemble(tmp_path, LOADS.format(step=4)), *CLUSTER)
    assert report["stalls"]["tcdm_conflict"] == [0] * 8
    assert report["cycles"] < 4096


@pytest.mark.parametrize("step", [0, 4, 32])
def test_both_engines_give_the_same_account(tmp_path, step):
    elf = assemble(tmp_path, LOADS.format(step=step))
    fast, lockstep = (run_elf(elf, *CLUSTER, "--engine", engine) for engine in ("fast", "lockstep"))
    for report in (fast, lockstep):
        for own in ("stepped_cycles", "mcycles_per_s"):
            del report[own]
    assert fast == lockstep


def test_cycles_that_a_core_runs_by_itself_are_simulated_and_sleep_is_jumped_over(tmp_path):
    # the loop takes 4 cycles a turn (addi, bnez taken 3), wherever the engine that drives it looks in
    loop = "  li t1, 20000\n1: addi t1, t1, -1\n  bnez t1, 1b\n"
    end = "  li a1, 0x1A1040A0\n  li a2, 0x80000000\n  sw a2, 0(a1)\n  j .\n"
    elf = assemble(tmp_path, ".globl _start\n_start:\n" + loop + end)
    one = ["--set", "/platform/cluster/cores=1", *CLUSTER]
    for engine in ("fast", "lockstep"):
        report = run_elf(elf, *one, "--engine", engine)
        assert 80000 < report["stepped_cycles"] <= report["cycles"] < 81000
    # the timer wakes the core after 50,000 cycles: nothing is simulated meanwhile
    sleep = """
  li a0, 0x10200400
  li a1, 50000
  sw a1, 16(a0)       # compare, low half
  li a2, 0x10204000
  li a3, 0x400        # event 10: timer, low half
  sw a3, 0(a2)
  li a1, 7            # enable, reset, interrupt
  sw a1, 0(a0)
  addi a4, a2, 0x3c
  cv.elw a5, 0(a4)
"""
    report = run_elf(assemble(tmp_path, ".globl _start\n_start:\n" + sleep + end, name="sleep"), *one)
    assert report["cycles"] > 50000
    assert report["stepped_cycles"] < 2000


@pytest.mark.parametrize("engine", ["fast", "lockstep"])
def test_a_line_that_is_flushed_by_its_address_is_fetched_again(tmp_path, engine):
    # a loop of five lines: the three that stores to SEL_FLUSH (0x10201408) name miss in each turn (more than the two
    # fetched last, whose words the core may still hold)
    body = """
.globl _start
_start:
  li a0, 0x10201408
  la a1, 1f
  li t2, {offset}
  add a1, a1, t2
  addi a2, a1, 16
  addi a3, a1, 32
  li t1, 50
  j 1f
  .balign 16
1:
  sw a1, 0(a0)
  sw a2, 0(a0)
  sw a3, 0(a0)
  .rept 31
  c.nop
  .endr
  addi t1, t1, -1
  bnez t1, 1b
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
  j .
"""
    misses = {}
    for name, offset in {"flushed": 16, "other": 80}.items():
        elf = assemble(tmp_path, body.format(offset=offset), name=name)
        report = run_elf(elf, "--set", "/platform/cluster/cores=1", *CLUSTER, "--engine", engine)
        misses[name] = report["counters"]["icache.private_misses"]
    assert misses["flushed"] - misses["other"] == 3 * 49


def fails(tmp_path, body, *arguments):
    elf = assemble(tmp_path, ".globl _start\n_start:\n" + body)
    done = run("elf", elf, "--set", "/platform/cluster/cores=1", *CLUSTER, *arguments, check=3)
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_an_unmapped_access_names_hart_pc_symbol_and_address(tmp_path):
    line = fails(tmp_path, "  li a0, 0x40000000\nculprit:\n  lw a1, 0(a0)\n  j .\n")
    assert "hart 0" in line and "culprit" in line and "0x40000000" in line


def test_sleeping_for_good_is_reported(tmp_path):
    assert "asleep" in fails(tmp_path, "  csrw mie, x0\nnap:\n  wfi\n  j nap\n")


def test_a_trap_without_handler_is_reported(tmp_path):
    line = fails(tmp_path, "broken:\n  .word 0\n")
    assert "trap" in line and "broken" in line


def test_the_cycle_limit_ends_an_endless_loop(tmp_path):
    assert "10000" in fails(tmp_path, "  j .\n", "--max-cycles", "10000")


def test_the_console_and_the_exit_status_are_the_programs(tmp_path):
    body = """
.globl _start
_start:
  li a0, 0x1A10F000
  li a1, 'h'
  sb a1, 0(a0)
  li a1, 'i'
  sb a1, 0(a0)
  li a1, 0x1A1040A0
  li a2, 0x80000007
  sw a2, 0(a1)
  j .
"""
    done = run("elf", assemble(tmp_path, body), "--set", "/platform/cluster/cores=1", check=7)
    assert done.stdout == "hi"
