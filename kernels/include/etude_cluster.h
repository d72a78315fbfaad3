/* SPDX-License-Identifier: Apache-2.0
 * The cluster for programs of one's own, in C: harts and barriers, events, console, cycles, the
 * MCHAN DMA, RedMulE. Everything is inline; nothing of it needs the runtime. docs/own-program.md
 * has a worked example. Registers: models/base/pulp_map_regs.h and models/<unit>/<unit>_regs.h. */
#ifndef ETUDE_CLUSTER_H
#define ETUDE_CLUSTER_H
#include <stdint.h>

#include "models/base/pulp_map_regs.h"
#include "models/dma/mchan_regs.h"
#include "models/event_unit/event_unit_regs.h"
#include "models/redmule/redmule_regs.h"

/* At file scope, behind a variable's type: it lies in L2, else in L1. */
#define ETUDE_IN_L2 __attribute__((section(".l2data"), aligned(16)))

static inline void etude_store(uint32_t address, uint32_t value) {
  *(volatile uint32_t*)address = value;
}
static inline uint32_t etude_load(uint32_t address) { return *(volatile uint32_t*)address; }
/* cv.elw: a load that the event unit answers when it is time; the core sleeps until then. */
static inline uint32_t etude_sleeping_load(uint32_t address) {
  uint32_t value;
  __asm__ volatile(".insn i 0x0b, 3, %0, %1, 0" : "=r"(value) : "r"(address) : "memory");
  return value;
}

/* Number of this hart in its cluster, from 0. */
static inline uint32_t etude_hart_number(void) {
  uint32_t number;
  __asm__ volatile("csrr %0, mhartid" : "=r"(number));
  return number & 31u;
}

/* Sleeps until one of `events` (a mask of event lines) has come; it is taken. An event that came
 * before is not lost, but two that came are one: ask for what you wait for, sleep, and ask again.
 */
static inline void etude_wait_events(uint32_t events) {
  etude_store(ETUDE_EU_DEMUX_BASE + ETUDE_EU_MASK, events);
  (void)etude_sleeping_load(ETUDE_EU_DEMUX_BASE + ETUDE_EU_EVENT_WAIT_CLEAR);
}
/* Raises software event `event` (0 to 7) at the harts of `mask`. */
static inline void etude_send_event(uint32_t event, uint32_t mask) {
  etude_store(ETUDE_EU_DEMUX_BASE + ETUDE_EU_SW_TRIGGER + 4 * event, mask);
}

/* Sleeps until all harts have come here. What they stored before is seen behind it. */
static inline void etude_wait_all(void) {
  etude_store(ETUDE_EU_DEMUX_BASE + ETUDE_EU_MASK, 1u << ETUDE_EVENT_BARRIER);
  (void)etude_sleeping_load(ETUDE_EU_DEMUX_BASE + ETUDE_EU_BARRIER +
                            ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR);
}
/* The lock of the cluster. */
static inline void etude_lock(void) {
  etude_store(ETUDE_EU_DEMUX_BASE + ETUDE_EU_MASK, 1u << ETUDE_EVENT_MUTEX);
  (void)etude_sleeping_load(ETUDE_EU_DEMUX_BASE + ETUDE_EU_MUTEX);
}
static inline void etude_unlock(void) { etude_store(ETUDE_EU_DEMUX_BASE + ETUDE_EU_MUTEX, 0); }

/* Cycles since the start-up of start.c, modulo 2^32: the cluster's timer. */
static inline uint32_t etude_cycles(void) {
  return etude_load(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CNT_LO);
}

/* Console: stdout of etude-sim. */
static inline void etude_print(const char* text) {
  for (; *text; text++) {
    *(volatile uint8_t*)(ETUDE_STDOUT_BASE + (etude_hart_number() << 3)) = (uint8_t)*text;
  }
}
static inline void etude_print_number(uint32_t value) {
  char digits[12];
  char* p = &digits[11];
  *p = 0;
  do {
    *--p = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  etude_print(p);
}

/* Ends the run: `status` (31 bits) is the exit status of etude-sim. */
static inline void etude_exit(uint32_t status) {
  etude_store(ETUDE_SOC_CORESTATUS, 0x80000000u | status);
  for (;;) {
    __asm__ volatile("wfi");
  }
}

/* Starts a copy of `bytes` (at most 131072; addresses and bytes multiples of 4 are the fastest)
 * between L1 and L2 and returns its number; at most 16 are under way. Wait for every one. */
static inline uint32_t etude_dma_copy(uint32_t direction, volatile void* l1, volatile void* l2,
                                      uint32_t bytes) {
  const uint32_t cmd = ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD;
  const uint32_t number = etude_load(cmd);
  __asm__ volatile("" ::: "memory"); /* what was stored before is what is copied */
  etude_store(
      cmd, (bytes & ETUDE_MCHAN_LEN_MASK) | direction | ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT);
  etude_store(cmd, (uint32_t)l1);
  etude_store(cmd, (uint32_t)l2);
  return number;
}
static inline uint32_t etude_dma_in(volatile void* l1, const volatile void* l2, uint32_t bytes) {
  return etude_dma_copy(ETUDE_MCHAN_TO_L1, l1, (volatile void*)l2, bytes);
}
static inline uint32_t etude_dma_out(const volatile void* l1, volatile void* l2, uint32_t bytes) {
  return etude_dma_copy(0, (volatile void*)l1, l2, bytes);
}
/* Sleeps until copy `number`, which this hart has started, is done, and gives its number back. */
static inline void etude_dma_wait(uint32_t number) {
  while (etude_load(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS) >> number & 1u) {
    etude_wait_events(1u << ETUDE_EVENT_DMA);
  }
  etude_store(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS, 1u << number);
  __asm__ volatile("" ::: "memory");
}

/* RedMulE goes before the cores at the memory's banks, but keeps a core waiting for at most
 * `max_stall` cycles (1 to 255; 0: as long as it takes). Where it is refused, its RTL may hang
 * (docs/models/redmule.md, erratum 7). */
static inline void etude_redmule_first(uint32_t max_stall) {
  etude_store(ETUDE_CLUSTER_CTRL_BASE + ETUDE_CTRL_CLUSTER_CFG, 1u << 8 | max_stall);
}
/* Starts Z[M,K] = Z + X[M,N] W[N,K] on RedMulE: row-major, dense, in L1, FP16; one job at a time.
 * Z takes its M rounded up to a multiple of 12 rows. Take N >= 16 and M >= 12, N a multiple of 4:
 * docs/models/redmule.md says where its RTL fails. */
static inline void etude_redmule_gemm(const volatile void* x, const volatile void* w,
                                      volatile void* z, uint32_t m, uint32_t n, uint32_t k) {
  const uint32_t base = ETUDE_HWPE_BASE;
  __asm__ volatile("" ::: "memory");
  etude_store(base + ETUDE_REDMULE_SOFT_CLEAR, 0);
  while ((int32_t)etude_load(base + ETUDE_REDMULE_ACQUIRE) < 0) {
  }
  etude_store(base + ETUDE_REDMULE_X_PTR, (uint32_t)x);
  etude_store(base + ETUDE_REDMULE_W_PTR, (uint32_t)w);
  etude_store(base + ETUDE_REDMULE_Z_PTR, (uint32_t)z);
  etude_store(base + ETUDE_REDMULE_MCFG0, k << 16 | m);
  etude_store(base + ETUDE_REDMULE_MCFG1, n);
  etude_store(base + ETUDE_REDMULE_ARITH, ETUDE_REDMULE_OP_GEMM << ETUDE_REDMULE_OP_SHIFT |
                                              ETUDE_REDMULE_FMT_FP16 << ETUDE_REDMULE_FMT_SHIFT);
  etude_store(base + ETUDE_REDMULE_TRIGGER, 0);
}
/* Sleeps until the job is done and its last rows are in memory (the event comes before that). */
static inline void etude_redmule_wait(void) {
  etude_wait_events(1u << ETUDE_EVENT_ACC0);
  while (etude_load(ETUDE_HWPE_BASE + ETUDE_REDMULE_STATUS) & 0x101u) {
  }
  __asm__ volatile("" ::: "memory");
}

#endif
