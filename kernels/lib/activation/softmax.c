/* SPDX-License-Identifier: Apache-2.0
 * Softmax over rows and what is trained through it. A row belongs to one worker. */
#include "kernels/lib/rows.h"

/* 2^f on |f| <= 1/2, relative error 9e-8; the constant term is 1. */
#define POWER_1 0x3F317215u
#define POWER_2 0x3E75FCDEu
#define POWER_3 0x3D635BA9u
#define POWER_4 0x3C1E7547u
#define POWER_5 0x3AADDD0Eu
#define LOG2E 0x3FB8AA3Bu
#define LOWEST 0xC2FC0000u /* -126 */

/* y = 2^(k x + c) of 2 * `pairs` elements, pairs > 0, whose exponents are not positive (but for
 * rounding); adds them to sums[0] and sums[1] in turn. y may be x. */
#if ETUDE_ASM
#define TWO(op, d, a, b) \
  op " %[" d "0], %[" a "0], %[" b "0]\n" op " %[" d "1], %[" a "1], %[" b "1]\n"
#define TWO_BY(op, d, a, b) op " %[" d "0], %[" a "0], " b "\n" op " %[" d "1], %[" a "1], " b "\n"
#define TWO_STEP(top0, top1, c)          \
  "fmadd.s %[p0], " top0 ", %[z0], %[" c \
  "]\n"                                  \
  "fmadd.s %[p1], " top1 ", %[z1], %[" c "]\n"
#define BITS(bits_) "r"(ETUDE_CONSTANT(bits_))
static __attribute__((noinline)) void powers(const float* x, float* y, uint32_t pairs, float k,
                                             float c, float sums[2]) {
  float z0, z1, s0, s1, p0, p1, sum0 = sums[0], sum1 = sums[1];
  __asm__ volatile(
      ETUDE_HWLOOP(30)
      "cv.lw %[z0], (%[x]), 4\n"
      "cv.lw %[z1], (%[x]), 4\n"
      "fmadd.s %[z0], %[z0], %[k], %[c]\n"
      "fmadd.s %[z1], %[z1], %[k], %[c]\n"
      TWO_BY("cv.minu", "z", "z", "%[low]")
      TWO_BY("fadd.s", "s", "z", "%[magic]")
      TWO_BY("fsub.s", "p", "s", "%[magic]")
      TWO("fsub.s", "z", "z", "p")
      TWO_STEP("%[c5]", "%[c5]", "c4")
      TWO_STEP("%[p0]", "%[p1]", "c3")
      TWO_STEP("%[p0]", "%[p1]", "c2")
      TWO_STEP("%[p0]", "%[p1]", "c1")
      TWO_STEP("%[p0]", "%[p1]", "one")
      TWO_BY("slli", "s", "s", "23")
      TWO("add", "p", "p", "s")
      "cv.sw %[p0], (%[y]), 4\n"
      "cv.sw %[p1], (%[y]), 4\n"
      "fadd.s %[sum0], %[sum0], %[p0]\n"
      "fadd.s %[sum1], %[sum1], %[p1]\n" ETUDE_HWLOOP_END
      : [x] "+&r"(x), [y] "+&r"(y), [z0] "=&r"(z0), [z1] "=&r"(z1), [s0] "=&r"(s0),
        [s1] "=&r"(s1), [p0] "=&r"(p0), [p1] "=&r"(p1), [sum0] "+&r"(sum0), [sum1] "+&r"(sum1)
      : [n] "r"(pairs), [k] "r"(k), [c] "r"(c), [low] BITS(LOWEST), [magic] BITS(0x4B400000u),
        [one] BITS(0x3F800000u), [c1] BITS(POWER_1), [c2] BITS(POWER_2), [c3] BITS(POWER_3),
        [c4] BITS(POWER_4), [c5] BITS(POWER_5)
      : "memory");
  sums[0] = sum0;
  sums[1] = sum1;
}
#else
static void powers(const float* x, float* y, uint32_t pairs, float k, float c, float sums[2]) {
  static const uint32_t terms[] = {POWER_4, POWER_3, POWER_2, POWER_1, 0x3F800000u};
  for (uint32_t i = 0; i < 2 * pairs; i++) {
    const float z = etude_from_bits(etude_min(etude_bits(etude_fma(x[i], k, c)), LOWEST));
    const float shifted = z + 0x1.8p+23f;
    const float f = z - (shifted - 0x1.8p+23f);
    float p = etude_from_bits(POWER_5);
    for (uint32_t t = 0; t < 5; t++) {
      p = etude_fma(p, f, etude_from_bits(terms[t]));
    }
    y[i] = etude_from_bits(etude_bits(p) + (etude_bits(shifted) << 23));
    sums[i & 1] += y[i];
  }
}
#endif

static void scale_row(float* y, uint32_t n, float k) {
#if ETUDE_ASM
  if (n >= 4) {
    float t[4];
    const float* from = y;
    __asm__ volatile(ETUDE_HWLOOP(12) ROW_LOAD4("t", "from") ROW_OP4("fmul.s", "t", "t", "k")
                         ROW_STORE4("t", "y") ETUDE_HWLOOP_END
                     : [from] "+&r"(from), [y] "+&r"(y), ROW_TEMP4(t)
                     : [n] "r"(n >> 2), [k] "r"(k)
                     : "memory");
    n &= 3;
  }
#endif
  for (; n; n--) {
    *y++ *= k;
  }
}

void etude_softmax(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float k = etude_from_bits(a->scale) * ETUDE_CONSTANT(LOG2E);
  const uint32_t cols = a->cols;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float c = -(row_max(x, cols) * k);
    float sums[2] = {0, 0};
    if (cols >= 2) {
      powers(x, y, cols >> 1, k, c, sums);
    }
    if (cols & 1) {
      float pair[2] = {x[cols - 1], x[cols - 1]}, ignored[2] = {0, 0};
      powers(pair, pair, 1, k, c, ignored);
      y[cols - 1] = pair[0];
      sums[0] += pair[0];
    }
    scale_row(y, cols, 1.0f / (sums[0] + sums[1]));
  }
}

/* dx = (dy - dot - rest) (y scale) */
static void softmax_slopes(const float* y, const float* dy, float* dx, uint32_t n, float dot,
                           float rest, float scale) {
#if ETUDE_ASM
  if (n >= 4) {
    float t[4], u[4];
    __asm__ volatile(ETUDE_HWLOOP(28) ROW_LOAD4("t", "y") ROW_LOAD4("u", "dy")
                         ROW_OP4("fmul.s", "t", "t", "scale") ROW_OP4("fsub.s", "u", "u", "dot")
                             ROW_OP4("fsub.s", "u", "u", "rest") ROW_OPS4("fmul.s", "t", "u", "t")
                                 ROW_STORE4("t", "dx") ETUDE_HWLOOP_END
                     : [y] "+&r"(y), [dy] "+&r"(dy), [dx] "+&r"(dx), ROW_TEMP4(t), ROW_TEMP4(u)
                     : [n] "r"(n >> 2), [dot] "r"(dot), [rest] "r"(rest), [scale] "r"(scale)
                     : "memory");
    n &= 3;
  }
#endif
  for (; n; n--) {
    *dx++ = (*dy++ - dot - rest) * (*y++ * scale);
  }
}

void etude_softmax_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_softmax_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  const uint32_t cols = a->cols;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    const float dot = row_product(y, dy, cols, 0.0f);
    /* The weighted mean again, of what is left: rounding of the first sum, and of the y whose sum
     * is not quite 1, would else give the row a sum that all rows' gradients lack. It is taken off
     * apart, because the last digit of dot is worth more. */
    const float rest = row_product(y, dy, cols, dot);
    softmax_slopes(y, dy, dx, cols, dot, rest, scale);
  }
}

/* log(1 + s) for s >= 0, accurate where s is small (Goldberg 1991, theorem 4). */
static float log_1_plus(float s) {
  const float u = 1.0f + s;
  return u == 1.0f ? s : etude_log(u) * (s / (u - 1.0f));
}

/* dx = (p - one at the label) scale of a row, p = exp(x - most - log_sum). The label's own is minus
 * the sum of the others, not p - 1: a network that is sure of it would leave no digits there. */
static void label_gradient(const float* x, float most, float log_sum, uint32_t label, uint32_t cols,
                           float scale, float* dx) {
  float others = 0;
  for (uint32_t i = 0; i < cols; i++) {
    if (i != label) {
      const float p = etude_exp(x[i] - most - log_sum);
      others += p;
      dx[i] = p * scale;
    }
  }
  dx[label] = -others * scale;
}

void etude_cross_entropy(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_cross_entropy_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale_grad);
  const uint32_t* labels = ETUDE_W(a->labels);
  float loss = 0;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    const uint32_t label = labels[row];
    const float most = row_max(x, a->cols);
    const float own = x[label] - most;
    float others = 0;
    for (uint32_t i = 0; i < a->cols; i++) {
      others += i == label ? 0.0f : etude_exp(x[i] - most);
    }
    const float log_sum = own == 0.0f ? log_1_plus(others) : etude_log(others + etude_exp(own));
    loss += log_sum - own;
    if (a->dx) {
      label_gradient(x, most, log_sum, label, a->cols, scale, ETUDE_F(a->dx) + row * a->pitch_dx);
    }
    if (a->log_p) {
      float* log_p = ETUDE_F(a->log_p) + row * a->pitch_log_p;
      for (uint32_t i = 0; i < a->cols; i++) {
        log_p[i] = x[i] - most - log_sum;
      }
    }
  }
  if (a->loss == 0) {
    return;
  }
  float* scratch = etude_scratch();
  scratch[4 * worker] = loss;
  etude_barrier();
  if (worker == 0) {
    float total = scratch[0];
    for (uint32_t i = 1; i < workers; i++) {
      total += scratch[4 * i];
    }
    *ETUDE_F(a->loss) = etude_fma(etude_from_bits(a->scale_loss), total, *ETUDE_F(a->loss));
  }
}

void etude_cross_entropy_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_cross_entropy_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float scale = etude_from_bits(a->scale);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* log_p = ETUDE_F(a->log_p) + row * a->pitch_log_p;
    label_gradient(log_p, 0.0f, 0.0f, ETUDE_W(a->labels)[row], a->cols, scale,
                   ETUDE_F(a->dx) + row * a->pitch_dx);
  }
}
