/* SPDX-License-Identifier: Apache-2.0
 * What the programs of tests/e2e/test_check.py share: eight harts start, meet, call program(hart)
 * and meet again; hart 0 ends the run. */
#ifndef ETUDE_TESTS_CHECK_CLUSTER_H
#define ETUDE_TESTS_CHECK_CLUSTER_H
#include "kernels/include/etude_check.h"
#include "kernels/runtime/runtime.h"
#include "models/dma/idma_regs.h"
#include "models/dma/mchan_regs.h"
#include "models/redmule/redmule_regs.h"

#define HARTS 8u
#define ALL ((1u << HARTS) - 1u)
#define NOINLINE __attribute__((noinline))
/* Outside of what is loaded: nobody has written it. */
#define UNDEFINED __attribute__((section(".undefined"), aligned(16)))
#define IN_L2 __attribute__((section(".l2"), aligned(16)))

void program(uint32_t hart);

static inline void put(uint32_t address, uint32_t value) { etude_write(address, value); }
static inline uint32_t get(uint32_t address) { return etude_read(address); }

static inline void barrier(uint32_t number) {
  put(ETUDE_EU_MASK, 1u << ETUDE_EVENT_BARRIER);
  (void)etude_blocking_load(ETUDE_EU_BARRIER_WAIT_CLEAR + 0x20u * number);
}
static inline void set_barrier(uint32_t number, uint32_t mask) {
  put(ETUDE_EU_BARRIER_MASK + 0x20u * number, mask);
  put(ETUDE_EU_BARRIER_TARGET + 0x20u * number, mask);
}
static inline void pause_for(uint32_t n) {
  __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(n));
}

/* A transfer by MCHAN; returns its id. */
static inline uint32_t copy(uint32_t to_l1, const volatile void* l1, const volatile void* l2,
                            uint32_t bytes) {
  const uint32_t id = get(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD,
      bytes | (to_l1 ? ETUDE_MCHAN_TO_L1 : 0u) | ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD, (uint32_t)(uintptr_t)l1);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD, (uint32_t)(uintptr_t)l2);
  return id;
}
static inline void wait_copy(uint32_t id) {
  while (get(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS) >> id & 1u) {
    etude_sleep(1u << ETUDE_EVENT_DMA);
  }
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS, 1u << id);
}
/* The same by iDMA. */
static inline uint32_t idma_copy(volatile void* to, const volatile void* from, uint32_t bytes) {
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_SRC, (uint32_t)(uintptr_t)from);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_DST, (uint32_t)(uintptr_t)to);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_NUM_BYTES, bytes);
  put(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_CONF, 0);
  return get(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_NEXT_ID);
}
static inline void idma_wait(uint32_t id) {
  while ((int32_t)(get(ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_DONE) - id) < 0) {
    etude_sleep(1u << ETUDE_EVENT_DMA);
  }
}
/* Z = Y + X W in fp16 by RedMulE: m x n times n x k. */
static inline void start_job(const void* x, const void* w, void* z, uint32_t m, uint32_t n,
                             uint32_t k) {
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_SOFT_CLEAR, 0);
  while ((int32_t)get(ETUDE_HWPE_BASE + ETUDE_REDMULE_ACQUIRE) < 0) {
  }
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_X_PTR, (uint32_t)(uintptr_t)x);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_W_PTR, (uint32_t)(uintptr_t)w);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_Z_PTR, (uint32_t)(uintptr_t)z);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_MCFG0, k << 16 | m);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_MCFG1, n);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_ARITH, ETUDE_REDMULE_OP_GEMM << ETUDE_REDMULE_OP_SHIFT |
                                                 ETUDE_REDMULE_FMT_FP16 << ETUDE_REDMULE_FMT_SHIFT);
  put(ETUDE_HWPE_BASE + ETUDE_REDMULE_TRIGGER, 0);
}
static inline void wait_job(void) {
  etude_sleep(1u << ETUDE_EVENT_ACC0);
  while (get(ETUDE_HWPE_BASE + ETUDE_REDMULE_STATUS) & 0x101u) {
  }
}

__attribute__((section(".undefined"), used, aligned(16))) uint32_t stacks[HARTS][128];

__attribute__((used)) static void start(uint32_t hart) {
  if (hart == 0) {
    set_barrier(0, ALL);
    put(ETUDE_EU_SW_TRIGGER + 4 * 7, ALL);
  }
  etude_sleep(1u << 7);
  program(hart);
  barrier(0);
  if (hart == 0) {
    put(ETUDE_SOC_CORESTATUS, 0x80000000u);
  }
  for (;;) {
    __asm__ volatile("wfi");
  }
}

__attribute__((naked, used, section(".text.start"))) void _start(void) {
  ETUDE_CHECK_STACKS(&stacks, 512, HARTS);
  __asm__ volatile(
      "csrr a0, mhartid\n andi a0, a0, 31\n la sp, stacks\n addi t0, a0, 1\n slli t0, t0, 9\n"
      " add sp, sp, t0\n j start\n");
}
#endif
