/* SPDX-License-Identifier: Apache-2.0
 * Start-up of a program of one's own: every hart calls program(hart); hart 0's result is the exit
 * status, once all have returned. Compile with -DETUDE_HARTS=N for a cluster of N cores. */
#include "kernels/include/etude_check.h"
#include "kernels/include/etude_cluster.h"

#ifndef ETUDE_HARTS
#define ETUDE_HARTS 8
#endif

int program(uint32_t hart);

/* Software event 7 says that hart 0 has set up the barrier. Events that come early are kept. */
void etude_start(uint32_t hart) {
  ETUDE_CHECK_STACKS(ETUDE_L1_BASE, 2048, ETUDE_HARTS);
  if (hart >= ETUDE_HARTS) {
    for (;;) {
      __asm__ volatile("wfi");
    }
  }
  if (hart == 0) {
    const uint32_t all = (1u << ETUDE_HARTS) - 1u;
    const uint32_t barrier = ETUDE_EU_DEMUX_BASE + ETUDE_EU_BARRIER;
    etude_store(barrier + ETUDE_EU_BARRIER_TRIGGER_MASK, all);
    etude_store(barrier + ETUDE_EU_BARRIER_TARGET_MASK, all);
    etude_store(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CFG_LO, 3); /* reset and run */
    etude_store(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CFG_LO, 1);
    etude_send_event(7, all);
  }
  etude_wait_events(1u << 7);
  const int status = program(hart);
  etude_wait_all();
  if (hart == 0) {
    etude_exit((uint32_t)status & 0x7FFFFFFFu);
  }
  for (;;) {
    __asm__ volatile("wfi");
  }
}

/* Harts begin without a stack: hart h gets [L1 + 2 KiB h, L1 + 2 KiB (h + 1)). The tops are moved
 * apart by 16 bytes, or all stacks would begin in the same bank. */
__attribute__((naked, section(".text.start"), used)) void _start(void) {
  __asm__ volatile(
      "csrr a0, mhartid\n"
      "andi a0, a0, 0x1f\n"
      "li sp, %[l1]\n"
      "addi t0, a0, 1\n"
      "slli t0, t0, 11\n"
      "add sp, sp, t0\n"
      "andi t0, a0, 3\n"
      "slli t0, t0, 4\n"
      "sub sp, sp, t0\n"
      "j etude_start\n" ::[l1] "i"(ETUDE_L1_BASE));
}

/* What the compiler may call by itself. */
__attribute__((weak)) void* memcpy(void* to, const void* from, __SIZE_TYPE__ bytes) {
  char* a = to;
  for (const char* b = from; bytes != 0; bytes--) {
    *a++ = *b++;
  }
  return to;
}
__attribute__((weak)) void* memset(void* to, int value, __SIZE_TYPE__ bytes) {
  for (char* a = to; bytes != 0; bytes--) {
    *a++ = (char)value;
  }
  return to;
}
