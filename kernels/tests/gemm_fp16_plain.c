/* SPDX-License-Identifier: Apache-2.0
 * Cycles of a 96x96x96 FP16 GEMM in L1 in plain C, one scalar multiplication and addition at a
 * time, the rows shared out between the cores: software as a compiler makes it of the textbook's
 * three loops, which is what ratios between an accelerator and software often compare with. */
#include "kernels/tests/spmd.h"

#define SIZE 96
#define PITCH (SIZE + 2)

static _Float16 a[SIZE * PITCH], b[SIZE * PITCH], c[SIZE * PITCH];

static void product(uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < SIZE; i += harts) {
    for (uint32_t j = 0; j < SIZE; j++) {
      _Float16 sum = 0;
      for (uint32_t k = 0; k < SIZE; k++) {
        sum += a[i * PITCH + k] * b[k * PITCH + j];
      }
      c[i * PITCH + j] = sum;
    }
  }
}

int test_main(uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < SIZE * PITCH; i += harts) {
    a[i] = b[i] = (_Float16)0.125f;
  }
  etude_barrier();
  const uint32_t start = cycles_now();
  product(hart, harts);
  etude_barrier();
  const uint32_t cycles = cycles_now() - start;
  if (hart == 0) {
    const uint32_t rate = SIZE * SIZE * SIZE * 10 / (cycles / 10);
    print_number(cycles);
    print_text(" cycles, ");
    print_number(rate / 100);
    print_text(".");
    print_number(rate / 10 % 10);
    print_number(rate % 10);
    print_text(" MAC/cycle\n");
  }
  return c[0] != (_Float16)1.5f;
}
