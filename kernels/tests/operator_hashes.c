/* SPDX-License-Identifier: Apache-2.0
 * Prints a hash of every operator's results (operator_cases.h). */
#include "kernels/tests/operator_cases.h"
#include "kernels/tests/spmd.h"

static uint32_t words[5 * ETUDE_CASE_WORDS];
static volatile uint32_t team;

static uint32_t hart_id(void) {
  uint32_t hart;
  __asm__ volatile("csrr %0, mhartid" : "=r"(hart));
  return hart & 0x1F;
}

static void run(etude_case_kernel kernel, const void* args) {
  kernel(args, hart_id(), team);
  etude_barrier();
}

static void report(const char* name, uint32_t hash) {
  print_text(name);
  print_text(" ");
  print_number(hash);
  print_text("\n");
}

int test_main(uint32_t hart, uint32_t harts) {
  team = harts;
  etude_barrier();
  const struct etude_case_env env = {(uint32_t)(uintptr_t)words, hart == 0, run, etude_barrier,
                                     report};
  etude_operator_cases(&env);
  return 0;
}
