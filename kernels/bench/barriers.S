/* SPDX-License-Identifier: Apache-2.0
 * Eight cores meet at barrier 0 of the event unit, again and again. ROUNDS is given on the command line. */
#ifndef ROUNDS
#define ROUNDS 1000
#endif
.globl _start
_start:
  csrr s4, mhartid
  andi s4, s4, 31
  li s0, 0x10204000      /* event unit, this core's view */
  li t1, 0xff
  sw t1, 0x200(s0)       /* barrier 0: who is waited for, ... */
  sw t1, 0x20c(s0)       /* ... and who is told */
  li t1, 0x10000         /* event 16 ends the wait */
  sw t1, 0(s0)
  li s1, ROUNDS
1:
  cv.elw t1, 0x21c(s0)   /* arrive, sleep, clear the event */
  addi s1, s1, -1
  bnez s1, 1b
  bnez s4, sleep
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
sleep:
  wfi
  j sleep
