/* SPDX-License-Identifier: Apache-2.0
 * Cycles of a 96x96x96 FP16 GEMM in L1 on cores with packed FP, the size at which RedMulE's figures
 * are given: cold and warm instruction cache, and then again and again, so that what is counted of
 * the whole program is nearly all GEMM. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define SIZE 96
#define PITCH (SIZE + 2) /* no two rows start in one bank */
#define TIMES 20

static uint32_t a[SIZE * PITCH / 2], b[SIZE * PITCH / 2], c[SIZE * PITCH / 2];

int test_main(uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < SIZE * PITCH / 2; i += harts) {
    a[i] = 0x3C00B800u ^ (i % 7 << 7);  /* numbers around 1 and -0.5 */
    b[i] = 0xBA003400u ^ (i % 11 << 5); /* -0.75 and 0.25 */
    c[i] = 0;
  }
  struct etude_gemm_args args = {(uint32_t)(uintptr_t)a,
                                 (uint32_t)(uintptr_t)b,
                                 (uint32_t)(uintptr_t)c,
                                 0,
                                 SIZE,
                                 SIZE,
                                 SIZE,
                                 PITCH,
                                 PITCH,
                                 PITCH,
                                 0};
  for (uint32_t pass = 0; pass < TIMES; pass++) {
    etude_barrier();
    const uint32_t start = cycles_now();
    etude_gemm_fp16(&args, hart, harts);
    etude_barrier();
    const uint32_t cycles = cycles_now() - start;
    if (hart == 0 && pass < 2) {
      const uint32_t rate = SIZE * SIZE * SIZE * 10 / (cycles / 10);
      print_text(pass ? "warm: " : "cold: ");
      print_number(cycles);
      print_text(" cycles, ");
      print_number(rate / 100);
      print_text(".");
      print_number(rate / 10 % 10);
      print_number(rate % 10);
      print_text(" MAC/cycle\n");
    }
  }
  return 0;
}
