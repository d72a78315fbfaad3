/* SPDX-License-Identifier: Apache-2.0
 * RedMulE jobs of 96x96x96 FP16 back to back; every core asleep meanwhile. JOBS is given on the command line.
 * Hart 0 fills X, W and Y with numbers in [1, 2), starts a job, sleeps until its event, and starts the next. */
#ifndef JOBS
#define JOBS 100
#endif
#define SIZE 96
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  bnez t0, sleep
  /* operands: 3 x 96 x 96 halves from 0x10001000 on */
  li a0, 0x10001000
  li a1, (3 * SIZE * SIZE)
  li a2, 12345
  li a3, 1103515245
1:
  mul a2, a2, a3
  addi a2, a2, 1013
  srli a4, a2, 22        /* ten bits of fraction */
  li a5, 0x3c00
  or a4, a4, a5
  sh a4, 0(a0)
  addi a0, a0, 2
  addi a1, a1, -1
  bnez a1, 1b
  li s0, 0x10204000      /* event unit */
  li t1, 0x1000          /* accelerator 0 done = event 12 */
  sw t1, 0(s0)
  li s1, 0x10201000      /* RedMulE */
  li s2, JOBS
job:
  sw x0, 0x14(s1)        /* SOFT_CLEAR between jobs */
2:
  lw t1, 4(s1)           /* ACQUIRE */
  bltz t1, 2b
  li t1, 0x10001000
  sw t1, 0x40(s1)
  li t1, 0x10001000 + 2 * SIZE * SIZE
  sw t1, 0x44(s1)
  li t1, 0x10001000 + 4 * SIZE * SIZE
  sw t1, 0x48(s1)
  li t1, (SIZE << 16) | SIZE
  sw t1, 0x4c(s1)
  li t1, SIZE
  sw t1, 0x50(s1)
  li t1, (1 << 10) | (1 << 7) /* GEMM, FP16 */
  sw t1, 0x54(s1)
  sw x0, 0(s1)           /* TRIGGER */
  addi t2, s0, 0x3c
  cv.elw t1, 0(t2)
  addi s2, s2, -1
  bnez s2, job
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
sleep:
  wfi
  j sleep
