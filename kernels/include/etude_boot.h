/* SPDX-License-Identifier: Apache-2.0
 * The boot block that the loader writes and the runtime reads, at the start of L2 (plain C, little
 * endian). */
#ifndef ETUDE_BOOT_H
#define ETUDE_BOOT_H
#include <stdint.h>

#define ETUDE_BOOT_MAGIC 0x45545544u /* "ETUD" */
#define ETUDE_BOOT_ADDRESS 0x1C000000u
#define ETUDE_CODE_ADDRESS \
  0x1C000400u /* the runtime's first instruction; 63 KiB for its code and constants */
#define ETUDE_DATA_ADDRESS 0x1C010000u /* from here on L2 belongs to the memory plan */
#define ETUDE_DECODE_BYTES \
  4096u /* of which steps that decode weights leave so many at its begin to the code for that */

#define ETUDE_BOOT_REDMULE_REFUSED 0x100u
struct etude_boot {
  uint32_t magic;
  uint32_t workers;    /* harts 0..workers-1 compute */
  uint32_t controller; /* 1: hart `workers` interprets the task list; 0: hart 0 does both */
  uint32_t l1_base, l1_bytes;
  uint32_t l2_base, l2_bytes;
  uint32_t task_list;  /* address of the etude_task_header */
  uint32_t redmule;    /* 0 none, 1 fp16 array, 4 fp32 array (register format code), with
                          ETUDE_BOOT_REDMULE_REFUSED if cores may hold up its port for long */
  uint32_t dma_engine; /* 0 MCHAN, 1 iDMA */
};

/* L1 that the runtime keeps for itself, from l1_base up: task ring and counters, controller stack,
 * worker stacks. The memory plan starts behind it. */
#define ETUDE_L1_STACK_BYTES 1024u
#define ETUDE_L1_CONTROLLER_STACK_BYTES 2048u
#define ETUDE_L1_RUNTIME_BYTES 3072u
#define ETUDE_L1_RESERVED(workers) \
  (ETUDE_L1_RUNTIME_BYTES + ETUDE_L1_CONTROLLER_STACK_BYTES + ETUDE_L1_STACK_BYTES * (workers))
#endif
