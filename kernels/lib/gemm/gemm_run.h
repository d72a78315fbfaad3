/* SPDX-License-Identifier: Apache-2.0
 * One run of blocks: neighbouring blocks of C in one block row, each m x n (1..4 by 1..4)
 * with its sums in registers. Shared by gemm.c and gemm_run.S. */
#ifndef ETUDE_GEMM_RUN_H
#define ETUDE_GEMM_RUN_H

/* Byte offsets of struct etude_gemm_run, for the assembly. */
#define RUN_A 0
#define RUN_B 4
#define RUN_C 8
#define RUN_BIAS 12
#define RUN_A_NEXT 16
#define RUN_A_BACK 20
#define RUN_B_NEXT 24
#define RUN_B_BACK 28
#define RUN_B_STEP 32
#define RUN_PITCH_C 36
#define RUN_INNER 40
#define RUN_FLAGS 44
#define RUN_C_END 48
#define RUN_SP 52

#ifndef __ASSEMBLER__
#include <stdint.h>

struct etude_gemm_run {
  uint32_t a, b, c, bias; /* first element of the block; b, c and bias move on by the block */
  uint32_t a_next;        /* bytes from one row of opA(A) to the next */
  uint32_t a_back;        /* bytes from the block's last row to its first, one inner index later */
  uint32_t b_next, b_back;
  uint32_t b_step;  /* bytes from behind one block's last column of opB(B) to the next block */
  uint32_t pitch_c; /* bytes */
  uint32_t inner, flags, c_end; /* c_end: c behind the last block */
  uint32_t sp;                  /* the assembly's own: it needs every register but x0 */
};

void etude_gemm_run(struct etude_gemm_run* run, uint32_t m, uint32_t n);
/* The same with a of binary16 and b, c and bias of pairs. */
void etude_gemm_fp16_run(struct etude_gemm_run* run, uint32_t m, uint32_t n);
#endif
#endif
