/* SPDX-License-Identifier: Apache-2.0
 * Hart 0 counts down in its registers, the others sleep. TURNS is given on the command line. */
#ifndef TURNS
#define TURNS 1000000
#endif
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  bnez t0, sleep
  li t1, TURNS
  .balign 4
1:
  addi t1, t1, -1
  bnez t1, 1b
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
sleep:
  wfi
  j sleep
