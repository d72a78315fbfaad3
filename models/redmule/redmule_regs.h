/* SPDX-License-Identifier: Apache-2.0
 * Registers of RedMulE (plain C), offsets from its base (ETUDE_HWPE_BASE in a PULP cluster).
 * Source: RTL 51cd064 (redmule_pkg, redmule_tiler) and hwpe-ctrl's register file. */
#ifndef ETUDE_REDMULE_REGS_H
#define ETUDE_REDMULE_REGS_H

#define ETUDE_REDMULE_TRIGGER 0x00u     /* w: queue the job that the job registers hold */
#define ETUDE_REDMULE_ACQUIRE 0x04u     /* r: job id 0..255, -1 both contexts busy, -2 taken */
#define ETUDE_REDMULE_FINISHED 0x08u    /* r: jobs finished since the last read, modulo 4 */
#define ETUDE_REDMULE_STATUS 0x0Cu      /* r: one byte per context, 1 = queued or running */
#define ETUDE_REDMULE_RUNNING_JOB 0x10u /* r: number of jobs finished since the last clear */
#define ETUDE_REDMULE_SOFT_CLEAR 0x14u  /* w: drop every job and clear all registers */

#define ETUDE_REDMULE_X_PTR 0x40u
#define ETUDE_REDMULE_W_PTR 0x44u
#define ETUDE_REDMULE_Z_PTR 0x48u /* read as Y, then overwritten with Z */
#define ETUDE_REDMULE_MCFG0 0x4Cu /* K << 16 | M */
#define ETUDE_REDMULE_MCFG1 0x50u /* N, the reduction dimension */
#define ETUDE_REDMULE_ARITH 0x54u /* operation << 10 | format << 7; the write starts the tiler */

#define ETUDE_REDMULE_OP_SHIFT 10
#define ETUDE_REDMULE_OP_MATMUL 0u /* Z = X W; errata: hangs if Z has more than one tile */
#define ETUDE_REDMULE_OP_GEMM 1u   /* Z = Y + X W */
#define ETUDE_REDMULE_OP_ADDMAX 2u
#define ETUDE_REDMULE_OP_ADDMIN 3u
#define ETUDE_REDMULE_OP_MULMAX 4u
#define ETUDE_REDMULE_OP_MULMIN 5u
#define ETUDE_REDMULE_OP_MAXMIN 6u
#define ETUDE_REDMULE_OP_MINMAX 7u

#define ETUDE_REDMULE_FMT_SHIFT 7
#define ETUDE_REDMULE_FMT_FP8 0u /* E5M2 in memory, fp16 arithmetic */
#define ETUDE_REDMULE_FMT_FP16 1u
#define ETUDE_REDMULE_FMT_FP8ALT 2u  /* E4M3 in memory, fp16 arithmetic */
#define ETUDE_REDMULE_FMT_FP16ALT 3u /* bfloat16 in memory, fp16 arithmetic */
#define ETUDE_REDMULE_FMT_FP32 4u    /* fp32 arrays only; ours */

#endif
