# SPDX-License-Identifier: Apache-2.0
"""Programs in the convention of the RISC-V ISA tests: start-up that probes machine-mode CSRs, end through tohost."""

import pytest
from support import assemble, run_elf

# Start-up as such programs do it: CSRs that a hart may lack are written under a handler that skips them, the
# test is entered by mret, left by ecall, and the trap handler stores the result to tohost for ever.
FRAME = """
.globl _start
_start:
  j reset
  .balign 4
trap:
  csrr t5, mcause
  li t6, 11
  beq t5, t6, finish
  li t6, 8
  beq t5, t6, finish
  li gp, 1337
finish:
  la t5, tohost
  sw gp, 0(t5)
  sw zero, 4(t5)
  j finish
reset:
  csrr a0, mhartid
1: bnez a0, 1b
  la t0, 2f
  csrw mtvec, t0
  csrwi 0x744, 8
  .balign 4
2: la t0, 3f
  csrw mtvec, t0
  csrwi satp, 0
  .balign 4
3: la t0, 4f
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 31
  csrw pmpcfg0, t0
  .balign 4
4: csrwi mie, 0
  la t0, 5f
  csrw mtvec, t0
  csrwi medeleg, 0
  csrwi mideleg, 0
  .balign 4
5: li gp, 0
  la t0, trap
  csrw mtvec, t0
  csrwi mstatus, 0
  {extra}
  la t0, 6f
  csrw mepc, t0
  mret
6:
{body}
pass:
  fence
  li gp, 1
  ecall
fail:
  fence
7: beqz gp, 7b
  slli gp, gp, 1
  ori gp, gp, 1
  ecall
  .section .tohost, "aw", @progbits
  .balign 64
  .globl tohost
tohost: .dword 0
  .balign 64
  .globl fromhost
fromhost: .dword 0
"""
FLOAT = "li a0, 0x6000\n  csrs mstatus, a0\n  csrwi fcsr, 0"


def outcome(tmp_path, body, extra="", march="rv32imfc_zicsr_zifencei", abi="ilp32"):
    text = FRAME.format(body=body, extra=extra)
    return run_elf(assemble(tmp_path, text, base=0x80000000, march=march), check=None)["exit"]


def test_a_program_that_passes_ends_with_status_0(tmp_path):
    assert outcome(tmp_path, "li gp, 2\n li a0, 7\n li a1, 6\n mul a2, a0, a1\n li a3, 42\n bne a2, a3, fail") == 0


def test_a_program_that_fails_test_5_ends_with_status_5(tmp_path):
    assert outcome(tmp_path, "li gp, 5\n j fail") == 5


def test_an_exception_goes_to_the_programs_own_handler(tmp_path):
    assert outcome(tmp_path, "li gp, 2\n .word 0xffffffff") == 1337 >> 1


def test_floating_point_with_its_flags(tmp_path):
    body = """
  li gp, 3
  li a0, 0x3f800000
  li a1, 0x40400000
  fmv.w.x f1, a0
  fmv.w.x f2, a1
  fdiv.s f3, f1, f2
  fmv.x.w a2, f3
  li a3, 0x3eaaaaab
  bne a2, a3, fail
  frflags a2
  li a3, 1
  bne a2, a3, fail
"""
    assert outcome(tmp_path, body, extra=FLOAT) == 0


@pytest.mark.parametrize("code, cause", [("ebreak", 3), (".word 0", 2), ("csrw mhartid, x0", 2)])
def test_traps_report_their_cause(tmp_path, code, cause):
    body = f"""
  la t0, handler
  csrw mtvec, t0
  li gp, 4
culprit:
  {code}
  j fail
  .balign 4
handler:
  csrr a0, mcause
  li a1, {cause}
  bne a0, a1, fail
  csrr a0, mepc
  la a1, culprit
  bne a0, a1, fail
  la t0, trap
  csrw mtvec, t0
"""
    assert outcome(tmp_path, body) == 0


def test_a_timer_interrupt_wakes_and_interrupts(tmp_path):
    body = """
  la t0, handler
  csrw mtvec, t0
  li gp, 6
  li t0, 0x02004000      # mtimecmp of hart 0
  li t1, 5000
  sw t1, 0(t0)
  sw x0, 4(t0)
  li t1, 0x80
  csrs mie, t1
  csrsi mstatus, 8
  wfi
  j fail
  .balign 4
handler:
  csrr a0, mcause
  li a1, 0x80000007
  bne a0, a1, fail
  li t0, 0x0200bff8
  lw t1, 0(t0)
  li t2, 5000
  bltu t1, t2, fail
  la t0, trap
  csrw mtvec, t0
  csrw mie, x0
"""
    assert outcome(tmp_path, body) == 0
