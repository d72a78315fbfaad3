/* SPDX-License-Identifier: Apache-2.0
 * The inner loops of the GEMM, one per block shape m x n (1..4 by 1..4). All sums of a block stay in
 * registers; an inner index costs m + n loads and m * n multiply-adds (4x4: 24 cycles, 16 MAC). Both
 * operands are walked by post-increment loads with the increment in a register, so the same loop serves
 * every transposition. 16 sums, 8 operands and 6 pointers and increments are all 30 registers but sp,
 * which points to the run's parameters (no interrupts are taken here).
 * Built once as it stands, in binary32, and once from gemm_fp16_run.S, where a column is a pair of
 * binary16 columns and an element of A multiplies both (32 MAC in 24 cycles). */
#include "kernels/lib/gemm/gemm_run.h"

#ifdef GEMM_FP16
#define NAME(x) etude_gemm_fp16_##x
#define GEMM_SECTION .section .text.fp16, "ax"
#define SHAPE_NAME(m, n) shape_fp16_##m##n
#define LOAD_A cv.lh
/* vfmac.r.h: both halves of c plus those of b times the lower half of a; vfadd.h; cv.max.h */
#define MULTIPLY_ADD(c, a, b) .insn r 0x33, 6, 0x48, c, b, a
#define ADD(c, a, b) .insn r 0x33, 2, 0x41, c, a, b
#define NOT_NEGATIVE(c) cv.max.h c, c, x0
#else
#define NAME(x) etude_gemm_##x
#define GEMM_SECTION .section .text.hot, "ax"
#define SHAPE_NAME(m, n) shape_##m##n
#define LOAD_A cv.lw
#define MULTIPLY_ADD(c, a, b) fmadd.s c, a, b, c
#define ADD(c, a, b) fadd.s c, a, b
#define NOT_NEGATIVE(c) cv.max c, c, x0
#endif

#define PA x5
#define SA x6
#define LA x7
#define PB x28
#define SB x29
#define LB x30
#define X0 x10
#define X1 x11
#define X2 x12
#define X3 x13
#define B0 x14
#define B1 x15
#define B2 x16
#define B3 x17
#define C00 x1
#define C01 x3
#define C02 x4
#define C03 x8
#define C10 x9
#define C11 x18
#define C12 x19
#define C13 x20
#define C20 x21
#define C21 x22
#define C22 x23
#define C23 x24
#define C30 x25
#define C31 x26
#define C32 x27
#define C33 x31

/* OP(r, c) for each element of row r, of the first n columns. */
#define EACH1(OP, r) OP(r, 0)
#define EACH2(OP, r) EACH1(OP, r); OP(r, 1)
#define EACH3(OP, r) EACH2(OP, r); OP(r, 2)
#define EACH4(OP, r) EACH3(OP, r); OP(r, 3)
/* ROW(n, r) for each of the first m rows. */
#define ROWS1(ROW, n) ROW(n, 0)
#define ROWS2(ROW, n) ROWS1(ROW, n); ROW(n, 1)
#define ROWS3(ROW, n) ROWS2(ROW, n); ROW(n, 2)
#define ROWS4(ROW, n) ROWS3(ROW, n); ROW(n, 3)

#define ZERO(r, c) li C##r##c, 0
#define FMA(r, c) MULTIPLY_ADD(C##r##c, X##r, B##c)
#define RELU(r, c) NOT_NEGATIVE(C##r##c)
#define STORE(r, c) sw C##r##c, 4 * c(X2)
#define LOAD(r, c) lw C##r##c, 4 * c(X2)
#define PLUSC(r, c) lw X3, 4 * c(X2); ADD(C##r##c, X3, C##r##c)
#define TAKEBIAS(r, c) mv C##r##c, B##c
#define BIAS(r, c) lw B##c, 4 * c(X3)

#define ROW_ZERO(n, r) EACH##n(ZERO, r)
#define ROW_FMA(n, r) EACH##n(FMA, r)
#define ROW_RELU(n, r) EACH##n(RELU, r)
#define ROW_STORE(n, r) EACH##n(STORE, r); add X2, X2, X1
#define ROW_LOAD(n, r) EACH##n(LOAD, r); add X2, X2, X1
#define ROW_PLUSC(n, r) EACH##n(PLUSC, r); add X2, X2, X1
#define ROW_TAKEBIAS(n, r) EACH##n(TAKEBIAS, r)

/* Loads of one inner index: first element of A, all of B, the rest of A. */
#define LOAD_A1 LOAD_A X0, (PA), LA
#define LOAD_A2 LOAD_A X0, (PA), SA
#define LOAD_A3 LOAD_A X0, (PA), SA
#define LOAD_A4 LOAD_A X0, (PA), SA
#define MORE_A1
#define MORE_A2 LOAD_A X1, (PA), LA
#define MORE_A3 LOAD_A X1, (PA), SA; LOAD_A X2, (PA), LA
#define MORE_A4 LOAD_A X1, (PA), SA; LOAD_A X2, (PA), SA; LOAD_A X3, (PA), LA
#define LOAD_B1 cv.lw B0, (PB), LB
#define LOAD_B2 cv.lw B0, (PB), SB; cv.lw B1, (PB), LB
#define LOAD_B3 cv.lw B0, (PB), SB; cv.lw B1, (PB), SB; cv.lw B2, (PB), LB
#define LOAD_B4 cv.lw B0, (PB), SB; cv.lw B1, (PB), SB; cv.lw B2, (PB), SB; cv.lw B3, (PB), LB

#define SHAPE(m, n)                                                              \
SHAPE_NAME(m, n):                                                               ;\
1:                                                                              ;\
  lw X0, RUN_FLAGS(sp)                                                          ;\
  lw PA, RUN_A(sp)                                                              ;\
  lw B0, RUN_INNER(sp)                                                          ;\
  andi X1, X0, 12                                                               ;\
  bnez X1, 4f                                                                   ;\
  ROWS##m(ROW_ZERO, n)                                                          ;\
2:                                                                              ;\
  .balign 4                                                                     ;\
  .option push                                                                  ;\
  .option norvc                                                                 ;\
  /* cv.setup 0, B0, end of body */                                             ;\
  .insn i 0x2b, 4, x14, B0, m + n + m * n + 1                                   ;\
  LOAD_A##m                                                                     ;\
  LOAD_B##n                                                                     ;\
  MORE_A##m                                                                     ;\
  ROWS##m(ROW_FMA, n)                                                           ;\
  .option pop                                                                   ;\
  lw X0, RUN_FLAGS(sp)                                                          ;\
  lw X2, RUN_C(sp)                                                              ;\
  lw X1, RUN_PITCH_C(sp)                                                        ;\
  andi X0, X0, 16                                                               ;\
  bnez X0, 6f                                                                   ;\
3:                                                                              ;\
  ROWS##m(ROW_STORE, n)                                                         ;\
  lw X0, RUN_C(sp)                                                              ;\
  lw X1, RUN_B_STEP(sp)                                                         ;\
  lw X3, RUN_C_END(sp)                                                          ;\
  addi X0, X0, 4 * n                                                            ;\
  add PB, PB, X1                                                                ;\
  sw X0, RUN_C(sp)                                                              ;\
  bne X0, X3, 1b                                                                ;\
  j NAME(done)                                                                  ;\
4: /* from C, from the bias, or from both */                                    ;\
  andi X1, X0, 8                                                                ;\
  lw X2, RUN_C(sp)                                                              ;\
  beqz X1, 5f                                                                   ;\
  lw X3, RUN_BIAS(sp)                                                           ;\
  EACH##n(BIAS, 0)                                                              ;\
  addi X3, X3, 4 * n                                                            ;\
  sw X3, RUN_BIAS(sp)                                                           ;\
  ROWS##m(ROW_TAKEBIAS, n)                                                      ;\
  lw B0, RUN_INNER(sp)                                                          ;\
  andi X1, X0, 4                                                                ;\
  beqz X1, 2b                                                                   ;\
  lw X1, RUN_PITCH_C(sp)                                                        ;\
  /* C + bias: the sums hold the bias, X0, X1 and X3 are free for a row of C */ ;\
  ROWS##m(ROW_PLUSC, n)                                                         ;\
  j 2b                                                                          ;\
5:                                                                              ;\
  lw X1, RUN_PITCH_C(sp)                                                        ;\
  ROWS##m(ROW_LOAD, n)                                                          ;\
  j 2b                                                                          ;\
6:                                                                              ;\
  ROWS##m(ROW_RELU, n)                                                          ;\
  j 3b

  GEMM_SECTION
  .globl NAME(run)
  .type NAME(run), @function
/* a0: the run, a1: m, a2: n */
NAME(run):
  addi sp, sp, -64
  sw ra, 0(sp)
  sw s0, 4(sp)
  sw s1, 8(sp)
  sw s2, 12(sp)
  sw s3, 16(sp)
  sw s4, 20(sp)
  sw s5, 24(sp)
  sw s6, 28(sp)
  sw s7, 32(sp)
  sw s8, 36(sp)
  sw s9, 40(sp)
  sw s10, 44(sp)
  sw s11, 48(sp)
  sw gp, 52(sp)
  sw tp, 56(sp)
  sw sp, RUN_SP(a0)
  mv sp, a0
  slli a1, a1, 4
  slli a2, a2, 2
  add a1, a1, a2
  la a3, NAME(shapes) - 20
  add a3, a3, a1
  lw PB, RUN_B(sp)
  lw SA, RUN_A_NEXT(sp)
  lw LA, RUN_A_BACK(sp)
  lw SB, RUN_B_NEXT(sp)
  lw LB, RUN_B_BACK(sp)
  jr a3
NAME(done):
  lw sp, RUN_SP(sp)
  lw ra, 0(sp)
  lw s0, 4(sp)
  lw s1, 8(sp)
  lw s2, 12(sp)
  lw s3, 16(sp)
  lw s4, 20(sp)
  lw s5, 24(sp)
  lw s6, 28(sp)
  lw s7, 32(sp)
  lw s8, 36(sp)
  lw s9, 40(sp)
  lw s10, 44(sp)
  lw s11, 48(sp)
  lw gp, 52(sp)
  lw tp, 56(sp)
  addi sp, sp, 64
  ret

/* Entry (m, n) at 16 m + 4 n - 20. */
  .balign 4
  .option push
  .option norvc
NAME(shapes):
  j SHAPE_NAME(1, 1)
  j SHAPE_NAME(1, 2)
  j SHAPE_NAME(1, 3)
  j SHAPE_NAME(1, 4)
  j SHAPE_NAME(2, 1)
  j SHAPE_NAME(2, 2)
  j SHAPE_NAME(2, 3)
  j SHAPE_NAME(2, 4)
  j SHAPE_NAME(3, 1)
  j SHAPE_NAME(3, 2)
  j SHAPE_NAME(3, 3)
  j SHAPE_NAME(3, 4)
  j SHAPE_NAME(4, 1)
  j SHAPE_NAME(4, 2)
  j SHAPE_NAME(4, 3)
  j SHAPE_NAME(4, 4)
  .option pop

SHAPE(1, 1)
SHAPE(1, 2)
SHAPE(1, 3)
SHAPE(1, 4)
SHAPE(2, 1)
SHAPE(2, 2)
SHAPE(2, 3)
SHAPE(2, 4)
SHAPE(3, 1)
SHAPE(3, 2)
SHAPE(3, 3)
SHAPE(3, 4)
SHAPE(4, 1)
SHAPE(4, 2)
SHAPE(4, 3)
SHAPE(4, 4)
  .size NAME(run), . - NAME(run)
