/* SPDX-License-Identifier: Apache-2.0
 * The FP16 GEMM kernel at all sizes 1..9 in each dimension and at 150 drawn shapes up to 33, with
 * changing transpositions, endings (bias, accumulate, ReLU) and pitches, on as many cores as there
 * are. Every result is bit by bit the chain of scalar fmadd.h; halfwords around and between the
 * results, and the operands, must be as before. Exit status 0: all right. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/lib/support.h"
#include "kernels/tests/spmd.h"

#define MOST 33
#define GAP 3
#define EDGE 8
#define HALVES (MOST * (MOST + GAP) + 2 * EDGE)
#define GUARD 0x7DA5u /* a NaN */

enum { A, B, C, BIAS, OPERANDS };
/* Operands, and what they should be afterwards. */
static uint16_t halves[OPERANDS][HALVES] __attribute__((aligned(4)));
static uint16_t expected[HALVES];
static volatile uint32_t failures;

static inline uint32_t draw(uint32_t seed, uint32_t i) {
  uint32_t x = seed * 0x9E3779B1u + i * 0x85EBCA77u;
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  return x ^ x >> 13;
}

/* A finite number between 2^-6 and 2, or now and then a zero or a subnormal one. */
static uint16_t number(uint32_t seed, uint32_t i) {
  const uint32_t x = draw(seed, i);
  const uint32_t exponent = (x >> 20 & 15) == 0 ? 0 : 9 + (x >> 16 & 7) % 7;
  return (uint16_t)((x & 0x83FF) | exponent << 10);
}

static _Float16 value(uint16_t bits) {
  union {
    uint16_t bits;
    _Float16 value;
  } x = {bits};
  return x.value;
}
static uint16_t bits(_Float16 v) {
  union {
    _Float16 value;
    uint16_t bits;
  } x = {v};
  return x.bits;
}

/* Operand `which` of [rows, pitch], numbers in the first cols columns; the rest is guards. */
static void fill(uint32_t which, uint32_t rows, uint32_t cols, uint32_t pitch, uint32_t seed) {
  for (uint32_t i = 0; i < HALVES; i++) {
    halves[which][i] = GUARD;
  }
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t c = 0; c < cols; c++) {
      halves[which][EDGE + r * pitch + c] = number(seed + which, r * cols + c);
    }
  }
}

static uint16_t chain(const struct etude_gemm_args* g, uint32_t row, uint32_t col) {
  const int ta = (g->flags & ETUDE_GEMM_TRANS_A) != 0, tb = (g->flags & ETUDE_GEMM_TRANS_B) != 0;
  const _Float16 c = value(halves[C][EDGE + row * g->pitch_c + col]);
  const _Float16 bias = value(halves[BIAS][EDGE + col]);
  _Float16 sum = (_Float16)0;
  if (g->flags & ETUDE_GEMM_ACCUMULATE) {
    sum = g->flags & ETUDE_GEMM_BIAS ? c + bias : c;
  } else if (g->flags & ETUDE_GEMM_BIAS) {
    sum = bias;
  }
  for (uint32_t k = 0; k < g->inner; k++) {
    const _Float16 a = value(halves[A][EDGE + (ta ? k * g->pitch_a + row : row * g->pitch_a + k)]);
    const _Float16 b = value(halves[B][EDGE + (tb ? col * g->pitch_b + k : k * g->pitch_b + col)]);
    __asm__ volatile("fmadd.h %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  }
  return g->flags & ETUDE_GEMM_RELU && bits(sum) & 0x8000 ? 0 : bits(sum);
}

static void try_shape(uint32_t rows, uint32_t inner, uint32_t cols, uint32_t flags, uint32_t seed,
                      uint32_t hart, uint32_t harts) {
  const int ta = (flags & ETUDE_GEMM_TRANS_A) != 0, tb = (flags & ETUDE_GEMM_TRANS_B) != 0;
  struct etude_gemm_args g;
  g.rows = rows;
  g.inner = inner;
  g.cols = cols;
  g.flags = flags;
  g.pitch_a = (ta ? rows : inner) + (seed & GAP);
  g.pitch_b = (tb ? inner : cols) + (seed >> 2 & GAP);
  g.pitch_c = cols + (seed >> 4 & GAP);
  g.a = (uint32_t)(uintptr_t)(halves[A] + EDGE);
  g.b = (uint32_t)(uintptr_t)(halves[B] + EDGE);
  g.c = (uint32_t)(uintptr_t)(halves[C] + EDGE);
  g.bias = (uint32_t)(uintptr_t)(halves[BIAS] + EDGE);
  etude_barrier();
  for (uint32_t which = hart; which < OPERANDS; which += harts) {
    switch (which) {
      case A:
        fill(A, ta ? inner : rows, ta ? rows : inner, g.pitch_a, seed);
        break;
      case B:
        fill(B, tb ? cols : inner, tb ? inner : cols, g.pitch_b, seed);
        break;
      case C:
        fill(C, rows, cols, g.pitch_c, seed);
        break;
      default:
        fill(BIAS, 1, cols, cols, seed);
        break;
    }
  }
  etude_barrier();
  uint32_t before = 0, after = 0;
  for (uint32_t i = hart; i < HALVES; i += harts) {
    before = (before << 1 | before >> 31) + halves[A][i] * 3u + halves[B][i] * 5u + halves[BIAS][i];
    expected[i] = halves[C][i];
  }
  etude_barrier();
  for (uint32_t row = hart; row < rows; row += harts) {
    for (uint32_t col = 0; col < cols; col++) {
      expected[EDGE + row * g.pitch_c + col] = chain(&g, row, col);
    }
  }
  etude_barrier();
  etude_gemm_fp16(&g, hart, harts);
  etude_barrier();
  uint32_t wrong = 0;
  for (uint32_t i = hart; i < HALVES; i += harts) {
    after = (after << 1 | after >> 31) + halves[A][i] * 3u + halves[B][i] * 5u + halves[BIAS][i];
    wrong |= expected[i] ^ halves[C][i];
  }
  if (wrong | (before ^ after)) {
    failures = 1;
    print_text("wrong: rows ");
    print_number(rows);
    print_text(" inner ");
    print_number(inner);
    print_text(" cols ");
    print_number(cols);
    print_text(" flags ");
    print_number(flags);
    print_text("\n");
  }
}

int test_main(uint32_t hart, uint32_t harts) {
  uint32_t seed = 1;
  for (uint32_t rows = 1; rows <= 9; rows++) {
    for (uint32_t inner = 1; inner <= 9; inner++) {
      for (uint32_t cols = 1; cols <= 9; cols++) {
        try_shape(rows, inner, cols, seed * 7 & 31, seed, hart, harts);
        seed++;
      }
    }
  }
  for (uint32_t i = 0; i < 150; i++) {
    const uint32_t rows = 1 + draw(77, 4 * i) % MOST, inner = 1 + draw(77, 4 * i + 1) % MOST;
    const uint32_t cols = 1 + draw(77, 4 * i + 2) % MOST;
    try_shape(rows, inner, cols, draw(77, 4 * i + 3) & 31, seed, hart, harts);
    seed++;
  }
  if (hart == 0) {
    print_text("gemm_fp16_sizes: ");
    print_number(seed - 1);
    print_text(" products on ");
    print_number(harts);
    print_text(failures ? " cores, some wrong\n" : " cores, all right\n");
  }
  return failures != 0;
}
