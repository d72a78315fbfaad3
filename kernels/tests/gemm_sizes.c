/* SPDX-License-Identifier: Apache-2.0
 * The GEMM kernel at all sizes 1..9 in each dimension and at 300 drawn shapes up to 33, each with
 * the four transpositions (two for the drawn ones), changing endings (bias, accumulate, ReLU) and
 * pitches, on as many cores as there are. Operands are multiples of 2^-15, so the exact result is a
 * 64-bit integer in units of 2^-30: the same number that a float64 reference would give. Words
 * around and between the results, and the operands, must be as before. Exit status 0: all right. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define MOST 33
#define GAP 3
#define EDGE 8
#define WORDS (MOST * (MOST + GAP) + 2 * EDGE)
#define GUARD 0x7FA5A5A5u /* a NaN */

static uint32_t a_words[WORDS], b_words[WORDS], c_words[WORDS], bias_words[MOST + 2 * EDGE];
static int64_t exact[MOST * MOST];      /* of the product alone */
static uint32_t magnitude[MOST * MOST]; /* sum of |a b| / 2^8, rounded up */
static volatile uint32_t failures;

/* 16 bits, signed. */
static inline int32_t draw(uint32_t seed, uint32_t i, uint32_t j) {
  uint32_t x = seed * 0x9E3779B1u + i * 0x85EBCA77u + j * 0xC2B2AE3Du;
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  return (int32_t)x >> 16;
}

static float scaled(int32_t x) { return (float)x * 0x1p-15f; }

static uint32_t bits(float x) {
  union {
    float f;
    uint32_t u;
  } value = {x};
  return value.u;
}

/* A float in units of 2^-30, rounded towards zero. */
static int64_t fixed(uint32_t x) {
  const int32_t shift = (int32_t)(x >> 23 & 0xFF) - 120;
  const int64_t mantissa = (int64_t)((x & 0x7FFFFF) | 0x800000);
  const int64_t value = shift >= 0 ? mantissa << shift : shift > -32 ? mantissa >> -shift : 0;
  return x >> 31 ? -value : value;
}

/* Fills a [rows, cols] operand (or its transpose) with guard words in the gaps. */
static void fill(uint32_t* words, uint32_t rows, uint32_t cols, uint32_t pitch, int transposed,
                 uint32_t seed, uint32_t hart, uint32_t harts) {
  const uint32_t high = transposed ? cols : rows, wide = transposed ? rows : cols;
  for (uint32_t r = hart; r < high; r += harts) {
    uint32_t* line = words + EDGE + r * pitch;
    for (uint32_t c = 0; c < pitch; c++) {
      line[c] = c < wide ? bits(scaled(transposed ? draw(seed, c, r) : draw(seed, r, c))) : GUARD;
    }
  }
}

/* Of a whole buffer: with the same sum before and after, the kernel has not written there. */
static uint32_t checksum(const uint32_t* words, uint32_t used, uint32_t hart, uint32_t harts) {
  uint32_t sum = 0;
  for (uint32_t i = hart; i < used + 2 * EDGE; i += harts) {
    sum = (sum << 1 | sum >> 31) + words[i];
  }
  return sum;
}

static void reference(uint32_t rows, uint32_t inner, uint32_t cols, uint32_t seed, uint32_t hart,
                      uint32_t harts) {
  int32_t row[MOST];
  for (uint32_t j = hart; j < cols; j += harts) {
    for (uint32_t k = 0; k < inner; k++) {
      row[k] = draw(seed + 1, k, j);
    }
    for (uint32_t i = 0; i < rows; i++) {
      const uint32_t* a = a_words + EDGE + i * inner; /* integers, dense */
      int64_t sum = 0;
      uint64_t size = 0;
      for (uint32_t k = 0; k < inner; k++) {
        const int32_t product = (int32_t)a[k] * row[k];
        sum += product;
        size += (uint32_t)(product < 0 ? -product : product);
      }
      exact[i * MOST + j] = sum;
      magnitude[i * MOST + j] = (uint32_t)(size >> 8) + 1;
    }
  }
}

static uint32_t wrong_results(uint32_t rows, uint32_t inner, uint32_t cols, uint32_t pitch,
                              uint32_t flags, uint32_t seed, uint32_t hart, uint32_t harts) {
  uint32_t wrong = 0;
  for (uint32_t i = hart; i < rows; i += harts) {
    for (uint32_t j = 0; j < pitch; j++) {
      const uint32_t got = c_words[EDGE + i * pitch + j];
      if (j >= cols) {
        wrong += got != GUARD;
        continue;
      }
      int64_t want = exact[i * MOST + j];
      uint32_t size = magnitude[i * MOST + j];
      if (flags & ETUDE_GEMM_ACCUMULATE) {
        const int32_t c = draw(seed + 2, i, j);
        want += (int64_t)c << 15;
        size += (uint32_t)(c < 0 ? -c : c) << 7;
      }
      if (flags & ETUDE_GEMM_BIAS) {
        const int32_t c = draw(seed + 3, 0, j);
        want += (int64_t)c << 15;
        size += (uint32_t)(c < 0 ? -c : c) << 7;
      }
      if (flags & ETUDE_GEMM_RELU) {
        wrong += got >> 31;
        want = want < 0 ? 0 : want;
      }
      /* each of inner + 1 roundings is at most 2^-24 of a partial sum; +2 for the units' truncation
       */
      const int64_t error = fixed(got) - want;
      const int64_t limit = (int64_t)((((uint64_t)size * (inner + 1)) >> 16) + 2);
      wrong += error > limit || -error > limit || (got >> 23 & 0xFF) == 0xFF;
    }
  }
  return wrong;
}

static uint32_t guards(const uint32_t* words, uint32_t used) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < EDGE; i++) {
    wrong |= (words[i] ^ GUARD) | (words[EDGE + used + i] ^ GUARD);
  }
  return wrong;
}

static void set_guards(uint32_t* words, uint32_t used) {
  for (uint32_t i = 0; i < EDGE; i++) {
    words[i] = GUARD;
    words[EDGE + used + i] = GUARD;
  }
}

/* One shape with transpositions first, first + step... below 4; returns the number of products. */
static uint32_t try_shape(uint32_t rows, uint32_t inner, uint32_t cols, uint32_t seed,
                          uint32_t first, uint32_t step, uint32_t hart, uint32_t harts) {
  uint32_t products = 0;
  for (uint32_t i = hart; i < rows; i += harts) {
    for (uint32_t k = 0; k < inner; k++) {
      a_words[EDGE + i * inner + k] = (uint32_t)draw(seed, i, k);
    }
  }
  etude_barrier();
  reference(rows, inner, cols, seed, hart, harts);
  for (uint32_t transpose = first; transpose < 4; transpose += step, products++) {
    const uint32_t flags = transpose | ((seed + transpose * 3) & 7) << 2;
    struct etude_gemm_args args;
    const int ta = (flags & ETUDE_GEMM_TRANS_A) != 0, tb = (flags & ETUDE_GEMM_TRANS_B) != 0;
    args.rows = rows;
    args.inner = inner;
    args.cols = cols;
    args.pitch_a = (ta ? rows : inner) + (seed & GAP);
    args.pitch_b = (tb ? inner : cols) + (seed >> 2 & GAP);
    args.pitch_c = cols + (seed >> 4 & GAP);
    args.flags = flags;
    args.a = (uint32_t)(uintptr_t)(a_words + EDGE);
    args.b = (uint32_t)(uintptr_t)(b_words + EDGE);
    args.c = (uint32_t)(uintptr_t)(c_words + EDGE);
    args.bias = (uint32_t)(uintptr_t)(bias_words + EDGE);
    const uint32_t a_used = (ta ? inner : rows) * args.pitch_a;
    const uint32_t b_used = (tb ? cols : inner) * args.pitch_b;
    etude_barrier();
    fill(a_words, rows, inner, args.pitch_a, ta, seed, hart, harts);
    fill(b_words, inner, cols, args.pitch_b, tb, seed + 1, hart, harts);
    fill(c_words, rows, cols, args.pitch_c, 0, seed + 2, hart, harts);
    if (hart == 0) {
      fill(bias_words, 1, cols, cols, 0, seed + 3, 0, 1);
      set_guards(a_words, a_used);
      set_guards(b_words, b_used);
      set_guards(c_words, rows * args.pitch_c);
      set_guards(bias_words, cols);
    }
    etude_barrier();
    const uint32_t before = checksum(a_words, a_used, hart, harts) ^
                            checksum(b_words, b_used, hart, harts) * 3 ^
                            checksum(bias_words, cols, hart, harts) * 5;
    etude_barrier();
    etude_gemm(&args, hart, harts);
    etude_barrier();
    uint32_t wrong = wrong_results(rows, inner, cols, args.pitch_c, flags, seed, hart, harts);
    wrong |= before ^
             (checksum(a_words, a_used, hart, harts) ^ checksum(b_words, b_used, hart, harts) * 3 ^
              checksum(bias_words, cols, hart, harts) * 5);
    if (hart == 0) {
      wrong |= guards(c_words, rows * args.pitch_c);
    }
    if (wrong) {
      failures = 1;
      print_text("wrong: rows ");
      print_number(rows);
      print_text(" inner ");
      print_number(inner);
      print_text(" cols ");
      print_number(cols);
      print_text(" flags ");
      print_number(flags);
      print_text(" hart ");
      print_number(hart);
      print_text("\n");
    }
  }
  etude_barrier();
  return products;
}

int test_main(uint32_t hart, uint32_t harts) {
  uint32_t products = 0;
  uint32_t seed = 1;
  for (uint32_t rows = 1; rows <= 9; rows++) {
    for (uint32_t inner = 1; inner <= 9; inner++) {
      for (uint32_t cols = 1; cols <= 9; cols++) {
        products += try_shape(rows, inner, cols, seed, 0, 1, hart, harts);
        seed++;
      }
    }
  }
  for (uint32_t i = 0; i < 300; i++) {
    const uint32_t rows = 1 + (uint32_t)(draw(77, i, 0) & 0x7FFF) % MOST;
    const uint32_t inner = 1 + (uint32_t)(draw(77, i, 1) & 0x7FFF) % MOST;
    const uint32_t cols = 1 + (uint32_t)(draw(77, i, 2) & 0x7FFF) % MOST;
    products += try_shape(rows, inner, cols, seed, seed & 1, 2, hart, harts);
    seed++;
  }
  if (hart == 0) {
    print_text("gemm_sizes: ");
    print_number(products);
    print_text(" products on ");
    print_number(harts);
    print_text(failures ? " cores, some wrong\n" : " cores, all right\n");
  }
  return failures != 0;
}
