/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/tests/spmd.h"

#include "kernels/include/etude_check.h"
#include "kernels/runtime/runtime.h"

static volatile uint32_t present[32];
static volatile uint32_t team_size;
static float scratch[64];

float* etude_scratch(void) { return scratch; }

void etude_barrier(void) {
  etude_write(ETUDE_EU_MASK, 1u << ETUDE_EVENT_BARRIER);
  (void)etude_blocking_load(ETUDE_EU_BARRIER_WAIT_CLEAR);
}

void print_text(const char* text) {
  for (; *text; text++) {
    *(volatile uint8_t*)(ETUDE_STDOUT_BASE + (etude_hart() << 3)) = (uint8_t)*text;
  }
}

void print_number(uint32_t value) {
  char digits[12];
  char* p = &digits[11];
  *p = 0;
  do {
    *--p = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  print_text(p);
}

uint32_t cycles_now(void) { return etude_read(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CNT_LO); }

void spmd_main(uint32_t hart) {
  /* Nothing tells a program how many harts there are: each one leaves a word, and hart 0 counts
   * after a time in which all have certainly come. */
  present[hart] = 1;
  if (hart == 0) {
    for (volatile uint32_t i = 0; i < 500; i++) {
    }
    uint32_t harts = 1;
    while (present[harts]) {
      harts++;
    }
    const uint32_t team = (1u << harts) - 1;
    etude_write(ETUDE_EU_BARRIER_MASK, team);
    etude_write(ETUDE_EU_BARRIER_TARGET, team);
    etude_write(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CFG_LO, 3);
    etude_write(ETUDE_CLUSTER_TIMER_BASE + ETUDE_TIMER_CFG_LO, 1);
    team_size = harts;
  } else {
    while (team_size == 0) {
    }
  }
  etude_barrier();
  const int status = test_main(hart, team_size);
  etude_barrier();
  if (hart == 0) {
    etude_write(ETUDE_SOC_CORESTATUS, 0x80000000u | (uint32_t)status);
  }
  for (;;) {
    __asm__ volatile("wfi");
  }
}

__attribute__((naked, section(".text.start"), used)) void _start(void) {
  ETUDE_CHECK_FLAG(present, sizeof present);
  ETUDE_CHECK_FLAG(&team_size, sizeof team_size);
  ETUDE_CHECK_STACKS(ETUDE_L1_BASE, 2048, 16);
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
      "j spmd_main\n" ::[l1] "i"(ETUDE_L1_BASE));
}
