/* SPDX-License-Identifier: Apache-2.0
 * C = opA(A) opB(B) in binary16, on cores with packed FP (Xfvec): pairs of columns by
 * gemm_fp16_run.S; the last column of an odd number, and all of a transposed B, whose columns do
 * not stand side by side, one by one. */
#include "kernels/lib/gemm/gemm_cut.h"

#if !ETUDE_ASM
/* a b + c, rounded once. */
static inline _Float16 fused(_Float16 a, _Float16 b, _Float16 c) {
  /* The product is exact in binary64. The sum is rounded to odd there, so that the rounding to
   * binary16 is the only one that counts. */
  const double product = (double)a * (double)b, addend = (double)c;
  union {
    double value;
    int64_t bits;
  } sum = {product + addend};
  const double back = sum.value - product;
  const double error = (product - (sum.value - back)) + (addend - back);
  if (error == error && error != 0 && (sum.bits & 1) == 0) {
    sum.bits += (error > 0) == (sum.value > 0) ? 1 : -1;
  }
  return (_Float16)sum.value;
}
#endif

/* sum + the n products of a and b, elements a_step and b_step apart (in elements). */
static inline _Float16 chain(const _Float16* a, const _Float16* b, uint32_t a_step, uint32_t b_step,
                             uint32_t n, _Float16 sum) {
#if ETUDE_ASM
  if (n) {
    uint32_t x, y;
    __asm__(ETUDE_HWLOOP(3)
            "cv.lh %[x], (%[a]), %[sa]\n"
            "cv.lh %[y], (%[b]), %[sb]\n"
            "fmadd.h %[sum], %[x], %[y], %[sum]\n" ETUDE_HWLOOP_END
            : [a] "+&r"(a), [b] "+&r"(b), [x] "=&r"(x), [y] "=&r"(y), [sum] "+&r"(sum)
            : [sa] "r"(2 * a_step), [sb] "r"(2 * b_step), [n] "r"(n)
            : "memory");
  }
#else
  for (; n; n--) {
    sum = fused(*a, *b, sum);
    a += a_step;
    b += b_step;
  }
#endif
  return sum;
}

/* What the sums begin with. */
static inline _Float16 first(const struct etude_gemm_args* g, const _Float16* c, uint32_t col) {
  const _Float16* bias = ETUDE_H(g->bias) + col;
  if (g->flags & ETUDE_GEMM_ACCUMULATE) {
    return g->flags & ETUDE_GEMM_BIAS ? *c + *bias : *c;
  }
  return g->flags & ETUDE_GEMM_BIAS ? *bias : (_Float16)0;
}

static inline _Float16 last(const struct etude_gemm_args* g, _Float16 sum) {
  return g->flags & ETUDE_GEMM_RELU && !(sum > 0) && sum == sum ? (_Float16)0 : sum;
}

#if !ETUDE_ASM
/* What gemm_fp16_run.S computes, element by element in the same order. */
void etude_gemm_fp16_run(struct etude_gemm_run* run, uint32_t m, uint32_t n) {
  const uint32_t a_inner = run->a_next * (m - 1) + run->a_back;
  const uint32_t b_inner = run->b_next * (n - 1) + run->b_back;
  struct etude_gemm_args g = {0};
  g.flags = run->flags;
  for (; run->c != run->c_end; run->c += 4 * n) {
    for (uint32_t i = 0; i < m; i++) {
      for (uint32_t j = 0; j < 2 * n; j++) {
        _Float16* c = ETUDE_H(run->c + i * run->pitch_c) + j;
        g.bias = run->bias;
        _Float16 sum = first(&g, c, j);
        for (uint32_t k = 0; k < run->inner; k++) {
          sum = fused(*ETUDE_H(run->a + i * run->a_next + k * a_inner),
                      ETUDE_H(run->b + k * b_inner)[j], sum);
        }
        *c = last(&g, sum);
      }
    }
    run->b += run->b_step + run->inner * b_inner;
    run->bias += 4 * n;
  }
}
#endif

/* Columns begin.. of C, one element after the other. */
static void one_by_one(const struct etude_gemm_args* g, uint32_t begin, uint32_t worker,
                       uint32_t workers) {
  const int ta = (g->flags & ETUDE_GEMM_TRANS_A) != 0, tb = (g->flags & ETUDE_GEMM_TRANS_B) != 0;
  const struct etude_range rows = etude_split(g->rows, worker, workers);
  for (uint32_t row = rows.begin; row < rows.begin + rows.count; row++) {
    for (uint32_t col = begin; col < g->cols; col++) {
      _Float16* c = ETUDE_H(g->c) + row * g->pitch_c + col;
      const _Float16 sum = chain(ETUDE_H(g->a) + row * (ta ? 1 : g->pitch_a),
                                 ETUDE_H(g->b) + col * (tb ? g->pitch_b : 1), ta ? g->pitch_a : 1,
                                 tb ? 1 : g->pitch_b, g->inner, first(g, c, col));
      *c = last(g, sum);
    }
  }
}

void etude_gemm_fp16(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gemm_args* g = args;
  const uint32_t pairs = g->flags & ETUDE_GEMM_TRANS_B ? 0 : g->cols >> 1;
  if (pairs) {
    etude_gemm_cut(g, 2, pairs, worker, workers, etude_gemm_fp16_run);
  }
  if (2 * pairs != g->cols) {
    one_by_one(g, 2 * pairs, worker, workers);
  }
}
