/* SPDX-License-Identifier: Apache-2.0
 * The task list (plain C, little endian): what the compiler writes and the runtime's interpreter
 * executes.
 *
 * One in-order list. An operation is posted to the queue of its unit and the interpreter goes on;
 * each unit completes its operations in order, so "operation number n of unit u" is a token, and
 * ETUDE_OP_WAIT waits until unit u has completed n operations since the start of the step. Overlap
 * is what lies between the posting and the wait. The interpreter itself waits only when a unit's
 * queue is full. */
#ifndef ETUDE_TASK_H
#define ETUDE_TASK_H
#include <stdint.h>

#define ETUDE_TASK_MAGIC 0x4B534154u /* "TASK" */
#define ETUDE_TASK_VERSION 2u

enum etude_unit {
  ETUDE_UNIT_CORES = 0,
  ETUDE_UNIT_REDMULE = 1,
  ETUDE_UNIT_DMA = 2,
  ETUDE_UNIT_SOC_DMA = 3,
  ETUDE_UNITS = 4
};

enum etude_op_code {
  ETUDE_OP_END = 0,    /* the last operation; waits for every unit */
  ETUDE_OP_WAIT = 1,   /* arg 0: unit, arg 1: count */
  ETUDE_OP_KERNEL = 2, /* arg 0: enum etude_kernel; args 1..13: its arguments (etude_kernels.h), all
                          workers run it */
  ETUDE_OP_DMA = 3, /* arg 0: enum etude_dma_direction, 1: L1 address, 2: L2 address, 3: bytes of a
                       row, 4: rows (1: one-dimensional), 5: L1 bytes between row starts, 6: L2
                       bytes between row starts (one of the two equals the row bytes) */
  ETUDE_OP_SOC_DMA = 4, /* arg 0: source (or ETUDE_SOC_DMA_SRC_ERASE), 1: destination, 2: bytes of a
                           row, 3: bytes between rows outside, 4: rows */
  ETUDE_OP_REDMULE = 5 /* arg 0: X, 1: W, 2: Z (= Y) address in L1, 3: M, 4: N (reduction), 5: K, 6:
                          operation (0 matmul, 1 gemm), 7: format code */
};
enum etude_dma_direction { ETUDE_DMA_TO_L1 = 0, ETUDE_DMA_TO_L2 = 1 };

/* `window`: 0, or a power of two: bytes of L2 in which the list stands, a part at a time, as a
 * ring; operations of the list itself bring the next parts from external memory. */
struct etude_task_header {
  uint32_t magic, version, op_count, window;
}; /* followed, at +64 bytes, by op_count operations */
#define ETUDE_TASK_FIRST_OP 64u

struct etude_op {
  uint16_t code, unit; /* unit: the queue it goes to (WAIT, END: ignored) */
  uint32_t layer;      /* index of the layer that it belongs to; for the simulator's account only */
  uint32_t arg[14];
}; /* 64 bytes */

/* The runtime reads the list through a ring in L1. */
#define ETUDE_RING_CHUNKS 4        /* power of two */
#define ETUDE_RING_CHUNK_OPS 8     /* power of two; operations that one DMA transfer brings */
#define ETUDE_RING_CHUNK_BYTES 512 /* 8 operations of 64 bytes: two MCHAN bursts */
#endif
