/* SPDX-License-Identifier: Apache-2.0
 * What the files of the runtime share: its layout in L1, memory-mapped access, sleeping.
 *
 * L1 from its base: task ring, kernel table, scratch of reductions, shared state; then
 * (etude_boot.h) the stacks. Everything is at a fixed address, so the code needs no loads of
 * addresses from L2. */
#ifndef ETUDE_RUNTIME_H
#define ETUDE_RUNTIME_H

#define ETUDE_RING_OFFSET 0
#define ETUDE_TABLE_OFFSET 2048   /* 128 words: address of each kernel */
#define ETUDE_SCRATCH_OFFSET 2560 /* 16 workers x 16 bytes: partial sums */
#define ETUDE_STATE_OFFSET 2816   /* struct etude_state */
#define ETUDE_TABLE_ENTRIES 128

#define ETUDE_SW_EVENT_KERNEL_DONE 0u /* worker 0 wakes the controller */
#include <stdint.h>

#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_kernels.h"
#include "kernels/include/etude_task.h"
#include "models/base/pulp_map_regs.h"
#include "models/base/sim_port_regs.h"

/* Shared by all harts, at ETUDE_STATE_OFFSET. */
struct etude_state {
  uint32_t kernels_done; /* written by worker 0 alone, read by the controller */
};

typedef void (*etude_kernel_fn)(const void* args, uint32_t worker, uint32_t workers);

#define ETUDE_STATE ((volatile struct etude_state*)(ETUDE_L1_BASE + ETUDE_STATE_OFFSET))
#define ETUDE_TABLE ((volatile uint32_t*)(ETUDE_L1_BASE + ETUDE_TABLE_OFFSET))
#define ETUDE_RING ((const struct etude_op*)(ETUDE_L1_BASE + ETUDE_RING_OFFSET))
#define ETUDE_BOOT ((const volatile struct etude_boot*)ETUDE_BOOT_ADDRESS)

static inline uint32_t etude_read(uint32_t address) { return *(volatile uint32_t*)address; }
static inline void etude_write(uint32_t address, uint32_t value) {
  *(volatile uint32_t*)address = value;
}

/* Event unit as seen by its own core. */
#define ETUDE_EU_MASK (ETUDE_EU_DEMUX_BASE + 0x000u)
#define ETUDE_EU_WAIT_CLEAR (ETUDE_EU_DEMUX_BASE + 0x03Cu)
#define ETUDE_EU_DISPATCH_FIFO (ETUDE_EU_DEMUX_BASE + 0x080u)
#define ETUDE_EU_DISPATCH_TEAM (ETUDE_EU_DEMUX_BASE + 0x084u)
#define ETUDE_EU_SW_TRIGGER (ETUDE_EU_DEMUX_BASE + 0x100u)
#define ETUDE_EU_BARRIER_MASK (ETUDE_EU_DEMUX_BASE + 0x200u)
#define ETUDE_EU_BARRIER_TARGET (ETUDE_EU_DEMUX_BASE + 0x20Cu)
#define ETUDE_EU_BARRIER_WAIT_CLEAR (ETUDE_EU_DEMUX_BASE + 0x21Cu)

/* cv.elw: a load that the event unit answers when what it stands for has happened; the core is
 * clock-gated meanwhile. clang has no mnemonic without the whole extension. */
static inline uint32_t etude_blocking_load(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".insn i 0x0b, 3, %0, %1, 0" : "=r"(value) : "r"(address) : "memory");
  return value;
}

/* Sleeps until one of the events in `mask` has come since it was last waited for, and forgets it.
 * A second masked event would end a wait early, so every wait sets its own mask. */
static inline void etude_sleep(uint32_t mask) {
  etude_write(ETUDE_EU_MASK, mask);
  (void)etude_blocking_load(ETUDE_EU_WAIT_CLEAR);
}

static inline uint32_t etude_hart(void) {
  uint32_t hart;
  __asm__ volatile("csrr %0, mhartid" : "=r"(hart));
  return hart & 0x1Fu;
}

/* Fills the kernel table (kernel_table.c). */
void etude_fill_table(void);
/* Runs task lists until the simulator has no step left (interpreter.c). */
void etude_interpret(uint32_t hart, uint32_t workers, uint32_t controller);
/* A worker's life: takes kernels from the dispatch FIFO for ever; `announce`, if not 0, is the mask
 * of harts that it tells about each kernel that all workers have finished (start.c). */
void etude_work(uint32_t worker, uint32_t workers, uint32_t announce);
/* The barrier of all workers (start.c). */
void etude_barrier(void);
/* Ends the run with `status`. */
void etude_exit(uint32_t status) __attribute__((noreturn));
#endif
