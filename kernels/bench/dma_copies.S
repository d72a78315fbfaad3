/* SPDX-License-Identifier: Apache-2.0
 * Hart 0 copies 16 KiB from L2 to L1 by MCHAN, and sleeps until the event; the others sleep all the time.
 * COPIES is given on the command line. */
#ifndef COPIES
#define COPIES 100
#endif
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  bnez t0, sleep
  li s0, 0x10204000      /* event unit */
  li t1, 0x100           /* event 8: the DMA is done */
  sw t1, 0(s0)
  li s1, 0x10204400      /* DMA */
  li s2, COPIES
  li s3, (1 << 20) | (1 << 18) | (1 << 17) | 16384 /* event, increment, to L1 */
  li s4, 0x10001000
  li s5, 0x1C020000
1:
  lw a0, 0(s1)           /* transfer id */
  sw s3, 0(s1)
  sw s4, 0(s1)
  sw s5, 0(s1)
  addi t2, s0, 0x3c
  cv.elw t1, 0(t2)
  li t1, 1
  sll t1, t1, a0
  sw t1, 4(s1)           /* frees the id */
  addi s2, s2, -1
  bnez s2, 1b
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
sleep:
  wfi
  j sleep
