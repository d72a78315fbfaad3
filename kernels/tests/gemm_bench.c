/* SPDX-License-Identifier: Apache-2.0
 * Cycles of a 64x128x128 FP32 GEMM in L1 for each transposition, with odd pitches (no two rows
 * start in one bank) and with dense ones. Prints cycles and MAC per cycle; cold and warm
 * instruction cache. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define ROWS 64
#define INNER 128
#define COLS 128

static float a[INNER * 129], b[INNER * 129], c[INNER * 129];

static const struct {
  uint16_t rows, inner, cols, flags;
} shapes[] = {{64, 128, 4, 0}, {64, 4, 128, 0},   {128, 64, 4, 1},   {24, 128, 8, 0},
              {24, 8, 128, 0}, {24, 128, 128, 0}, {128, 24, 128, 1}, {64, 64, 64, 0}};

static void fill(float* x, uint32_t n, uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < n; i += harts) {
    x[i] = (float)(i % 17) * 0.125f - 1.0f;
  }
}

int test_main(uint32_t hart, uint32_t harts) {
  fill(a, sizeof a / 4, hart, harts);
  fill(b, sizeof b / 4, hart, harts);
  for (uint32_t dense = 0; dense < 2; dense++) {
    for (uint32_t flags = 0; flags < 4; flags++) {
      struct etude_gemm_args args;
      args.a = (uint32_t)(uintptr_t)a;
      args.b = (uint32_t)(uintptr_t)b;
      args.c = (uint32_t)(uintptr_t)c;
      args.bias = 0;
      args.rows = ROWS;
      args.inner = INNER;
      args.cols = COLS;
      args.pitch_a = (flags & ETUDE_GEMM_TRANS_A ? ROWS : INNER) + !dense;
      args.pitch_b = (flags & ETUDE_GEMM_TRANS_B ? INNER : COLS) + !dense;
      args.pitch_c = COLS + !dense;
      args.flags = flags;
      for (uint32_t warm = 0; warm < 2; warm++) {
        etude_barrier();
        const uint32_t start = cycles_now();
        etude_gemm(&args, hart, harts);
        etude_barrier();
        const uint32_t cycles = cycles_now() - start;
        if (hart == 0) {
          const uint32_t rate = ROWS * INNER * COLS * 100 / cycles;
          print_text(dense ? "dense pitch, " : "odd pitch, ");
          print_text(flags & ETUDE_GEMM_TRANS_A ? "A transposed, " : "A as is, ");
          print_text(flags & ETUDE_GEMM_TRANS_B ? "B transposed, " : "B as is, ");
          print_text(warm ? "warm: " : "cold: ");
          print_number(cycles);
          print_text(" cycles, ");
          print_number(rate / 100);
          print_text(".");
          print_number(rate / 10 % 10);
          print_number(rate % 10);
          print_text(" MAC/cycle\n");
        }
      }
    }
  }
  for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const uint32_t rows = shapes[i].rows, inner = shapes[i].inner, cols = shapes[i].cols;
    const uint32_t flags = shapes[i].flags;
    struct etude_gemm_args args = {(uint32_t)(uintptr_t)a,
                                   (uint32_t)(uintptr_t)b,
                                   (uint32_t)(uintptr_t)c,
                                   0,
                                   rows,
                                   inner,
                                   cols,
                                   (flags & ETUDE_GEMM_TRANS_A ? rows : inner) | 1,
                                   (flags & ETUDE_GEMM_TRANS_B ? inner : cols) | 1,
                                   cols | 1,
                                   flags};
    uint32_t cycles = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
      etude_barrier();
      const uint32_t start = cycles_now();
      etude_gemm(&args, hart, harts);
      etude_barrier();
      cycles = cycles_now() - start;
    }
    if (hart == 0) {
      const uint32_t rate = rows * inner * cols * 100 / cycles;
      print_number(rows);
      print_text("x");
      print_number(inner);
      print_text("x");
      print_number(cols);
      print_text(flags & ETUDE_GEMM_TRANS_A ? " A transposed: " : ": ");
      print_number(cycles);
      print_text(" cycles = ");
      print_number(rate / 100);
      print_text(".");
      print_number(rate / 10 % 10);
      print_number(rate % 10);
      print_text(" MAC/cycle\n");
    }
  }
  return 0;
}
