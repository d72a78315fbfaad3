/* SPDX-License-Identifier: Apache-2.0
 * Layer normalisation over the rows of a matrix. A row belongs to one worker; its sums are four
 * chains, added pairwise. */
#include "kernels/lib/rows.h"

struct statistics {
  float mean, rstd;
};

static struct statistics row_statistics(const float* x, uint32_t n, float inverse, float epsilon) {
  struct statistics s;
  s.mean = row_sum(x, n) * inverse;
  s.rstd = 1.0f / etude_sqrt(etude_fma(row_variance(x, n, s.mean), inverse, epsilon));
  return s;
}

/* y = (x - mean) rstd gamma + beta */
static void normalise(const float* x, float* y, const float* gamma, const float* beta, uint32_t n,
                      struct statistics s) {
#if ETUDE_ASM
  if (n >= 2) {
    float t0, t1, g0, g1, b0, b1;
    __asm__ volatile(ETUDE_HWLOOP(14)
                     "cv.lw %[t0], (%[x]), 4\n"
                     "cv.lw %[t1], (%[x]), 4\n"
                     "cv.lw %[g0], (%[gamma]), 4\n"
                     "cv.lw %[g1], (%[gamma]), 4\n"
                     "fsub.s %[t0], %[t0], %[mean]\n"
                     "fsub.s %[t1], %[t1], %[mean]\n"
                     "cv.lw %[b0], (%[beta]), 4\n"
                     "cv.lw %[b1], (%[beta]), 4\n"
                     "fmul.s %[t0], %[t0], %[rstd]\n"
                     "fmul.s %[t1], %[t1], %[rstd]\n"
                     "fmadd.s %[t0], %[t0], %[g0], %[b0]\n"
                     "fmadd.s %[t1], %[t1], %[g1], %[b1]\n"
                     "cv.sw %[t0], (%[y]), 4\n"
                     "cv.sw %[t1], (%[y]), 4\n" ETUDE_HWLOOP_END
                     : [x] "+&r"(x), [y] "+&r"(y), [gamma] "+&r"(gamma), [beta] "+&r"(beta),
                       [t0] "=&r"(t0), [t1] "=&r"(t1), [g0] "=&r"(g0), [g1] "=&r"(g1),
                       [b0] "=&r"(b0), [b1] "=&r"(b1)
                     : [n] "r"(n >> 1), [mean] "r"(s.mean), [rstd] "r"(s.rstd)
                     : "memory");
    n &= 1;
  }
#endif
  for (; n; n--) {
    *y++ = etude_fma((*x++ - s.mean) * s.rstd, *gamma++, *beta++);
  }
}

void etude_layernorm(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    float* y = ETUDE_F(a->y) + row * a->pitch_y;
    const float* gamma = ETUDE_F(a->gamma);
    const float* beta = ETUDE_F(a->beta);
    const struct statistics s = row_statistics(x, a->cols, inverse, epsilon);
    if (a->stats) {
      ETUDE_F(a->stats)[2 * row] = s.mean;
      ETUDE_F(a->stats)[2 * row + 1] = s.rstd;
    }
    normalise(x, y, gamma, beta, a->cols, s);
  }
}

void etude_layernorm_stats(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_stats_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols, epsilon = etude_from_bits(a->epsilon);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const struct statistics s =
        row_statistics(ETUDE_F(a->x) + row * a->pitch_x, a->cols, inverse, epsilon);
    ETUDE_F(a->stats)[2 * row] = s.mean;
    ETUDE_F(a->stats)[2 * row + 1] = s.rstd;
  }
}

/* Sums of g = dy gamma and of g (x - mean): two chains each. */
static void gradient_sums(const float* x, const float* dy, const float* gamma, uint32_t n,
                          float mean, float sums[2]) {
  float g0 = 0, g1 = 0, p0 = 0, p1 = 0;
#if ETUDE_ASM
  if (n >= 2) {
    float e0, e1, m0, m1, x0, x1;
    __asm__ volatile(ETUDE_HWLOOP(14)
                     "cv.lw %[e0], (%[dy]), 4\n"
                     "cv.lw %[e1], (%[dy]), 4\n"
                     "cv.lw %[m0], (%[gamma]), 4\n"
                     "cv.lw %[m1], (%[gamma]), 4\n"
                     "cv.lw %[x0], (%[x]), 4\n"
                     "cv.lw %[x1], (%[x]), 4\n"
                     "fmul.s %[e0], %[e0], %[m0]\n"
                     "fmul.s %[e1], %[e1], %[m1]\n"
                     "fsub.s %[x0], %[x0], %[mean]\n"
                     "fsub.s %[x1], %[x1], %[mean]\n"
                     "fadd.s %[g0], %[g0], %[e0]\n"
                     "fadd.s %[g1], %[g1], %[e1]\n"
                     "fmadd.s %[p0], %[e0], %[x0], %[p0]\n"
                     "fmadd.s %[p1], %[e1], %[x1], %[p1]\n" ETUDE_HWLOOP_END
                     : [x] "+&r"(x), [dy] "+&r"(dy), [gamma] "+&r"(gamma), [g0] "+&r"(g0),
                       [g1] "+&r"(g1), [p0] "+&r"(p0), [p1] "+&r"(p1), [e0] "=&r"(e0),
                       [e1] "=&r"(e1), [m0] "=&r"(m0), [m1] "=&r"(m1), [x0] "=&r"(x0),
                       [x1] "=&r"(x1)
                     : [n] "r"(n >> 1), [mean] "r"(mean)
                     : "memory");
    n &= 1;
  }
#endif
  for (; n >= 2; n -= 2, x += 2, dy += 2, gamma += 2) {
    const float e0 = dy[0] * gamma[0], e1 = dy[1] * gamma[1];
    g0 += e0;
    g1 += e1;
    p0 = etude_fma(e0, x[0] - mean, p0);
    p1 = etude_fma(e1, x[1] - mean, p1);
  }
  if (n) {
    const float e = *dy * *gamma;
    g0 += e;
    p0 = etude_fma(e, *x - mean, p0);
  }
  sums[0] = g0 + g1;
  sums[1] = p0 + p1;
}

static void gradient_row(const float* x, const float* dy, const float* gamma, float* dx, uint32_t n,
                         struct statistics s, float mean_g, float slope) {
#if ETUDE_ASM
  if (n >= 2) {
    float e0, e1, m0, m1, x0, x1;
    __asm__ volatile(ETUDE_HWLOOP(16)
                     "cv.lw %[e0], (%[dy]), 4\n"
                     "cv.lw %[e1], (%[dy]), 4\n"
                     "cv.lw %[m0], (%[gamma]), 4\n"
                     "cv.lw %[m1], (%[gamma]), 4\n"
                     "cv.lw %[x0], (%[x]), 4\n"
                     "cv.lw %[x1], (%[x]), 4\n"
                     "fmsub.s %[e0], %[e0], %[m0], %[mean_g]\n"
                     "fmsub.s %[e1], %[e1], %[m1], %[mean_g]\n"
                     "fsub.s %[x0], %[x0], %[mean]\n"
                     "fsub.s %[x1], %[x1], %[mean]\n"
                     "fnmsub.s %[e0], %[slope], %[x0], %[e0]\n"
                     "fnmsub.s %[e1], %[slope], %[x1], %[e1]\n"
                     "fmul.s %[e0], %[e0], %[rstd]\n"
                     "fmul.s %[e1], %[e1], %[rstd]\n"
                     "cv.sw %[e0], (%[dx]), 4\n"
                     "cv.sw %[e1], (%[dx]), 4\n" ETUDE_HWLOOP_END
                     : [x] "+&r"(x), [dy] "+&r"(dy), [gamma] "+&r"(gamma), [dx] "+&r"(dx),
                       [e0] "=&r"(e0), [e1] "=&r"(e1), [m0] "=&r"(m0), [m1] "=&r"(m1),
                       [x0] "=&r"(x0), [x1] "=&r"(x1)
                     : [n] "r"(n >> 1), [mean] "r"(s.mean), [rstd] "r"(s.rstd),
                       [mean_g] "r"(mean_g), [slope] "r"(slope)
                     : "memory");
    n &= 1;
  }
#endif
  for (; n; n--) {
    const float e = etude_fma(*dy++, *gamma++, -mean_g);
    *dx++ = etude_fma(-slope, *x++ - s.mean, e) * s.rstd;
  }
}

void etude_layernorm_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_grad_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  const float inverse = 1.0f / (float)a->cols;
  const uint32_t cols = a->cols;
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const float* x = ETUDE_F(a->x) + row * a->pitch_x;
    const float* dy = ETUDE_F(a->dy) + row * a->pitch_dy;
    const float* gamma = ETUDE_F(a->gamma);
    float* dx = ETUDE_F(a->dx) + row * a->pitch_dx;
    struct statistics s;
    if (a->stats) {
      s.mean = ETUDE_F(a->stats)[2 * row];
      s.rstd = ETUDE_F(a->stats)[2 * row + 1];
    } else {
      s = row_statistics(x, cols, inverse, etude_from_bits(a->epsilon));
    }
    float sums[2];
    gradient_sums(x, dy, gamma, cols, s.mean, sums);
    /* dx = rstd (g - mean(g)) - (x - mean) rstd^3 mean(g (x - mean)) */
    const float mean_g = sums[0] * inverse;
    const float slope = sums[1] * inverse * s.rstd * s.rstd;
    gradient_row(x, dy, gamma, dx, cols, s, mean_g, slope);
  }
}

/* Four columns: dgamma and dbeta go on from what stands in `gamma` and `beta`. */
static void affine_columns(const float* x, const float* dy, const float* stats, uint32_t rows,
                           uint32_t pitch_x, uint32_t pitch_dy, float gamma[4], float beta[4]) {
#if ETUDE_ASM
  const uint32_t back_x = pitch_x * 4 - 12, back_dy = pitch_dy * 4 - 12;
  float t0, t1, t2, t3, u0, u1, u2, u3, mean, rstd;
  __asm__ volatile(ETUDE_HWLOOP(26)
                   "cv.lw %[mean], (%[stats]), 4\n"
                   "cv.lw %[t0], (%[x]), 4\n"
                   "cv.lw %[t1], (%[x]), 4\n"
                   "cv.lw %[t2], (%[x]), 4\n"
                   "cv.lw %[t3], (%[x]), %[back_x]\n"
                   "cv.lw %[rstd], (%[stats]), 4\n"
                   "cv.lw %[u0], (%[dy]), 4\n"
                   "cv.lw %[u1], (%[dy]), 4\n"
                   "cv.lw %[u2], (%[dy]), 4\n"
                   "cv.lw %[u3], (%[dy]), %[back_dy]\n"
                   "fsub.s %[t0], %[t0], %[mean]\n"
                   "fsub.s %[t1], %[t1], %[mean]\n"
                   "fsub.s %[t2], %[t2], %[mean]\n"
                   "fsub.s %[t3], %[t3], %[mean]\n" ROW_OP4("fmul.s", "t", "t", "rstd")
                       ROW_OPS4("fadd.s", "b", "b", "u") ROW_FMA4("g", "u", "t")
                           ETUDE_HWLOOP_END
                   : [x] "+&r"(x), [dy] "+&r"(dy), [stats] "+&r"(stats), [g0] "+&r"(gamma[0]),
                     [g1] "+&r"(gamma[1]), [g2] "+&r"(gamma[2]), [g3] "+&r"(gamma[3]),
                     [b0] "+&r"(beta[0]), [b1] "+&r"(beta[1]), [b2] "+&r"(beta[2]),
                     [b3] "+&r"(beta[3]), [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2),
                     [t3] "=&r"(t3), [u0] "=&r"(u0), [u1] "=&r"(u1), [u2] "=&r"(u2),
                     [u3] "=&r"(u3), [mean] "=&r"(mean), [rstd] "=&r"(rstd)
                   : [n] "r"(rows), [back_x] "r"(back_x), [back_dy] "r"(back_dy)
                   : "memory");
#else
  for (; rows; rows--, x += pitch_x, dy += pitch_dy, stats += 2) {
    for (uint32_t i = 0; i < 4; i++) {
      beta[i] += dy[i];
      gamma[i] = etude_fma(dy[i], (x[i] - stats[0]) * stats[1], gamma[i]);
    }
  }
#endif
}

/* A column belongs to one worker and is one chain in ascending rows. */
void etude_layernorm_affine_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_layernorm_affine_grad_args* a = args;
  const struct etude_range range = etude_split(a->cols, worker, workers);
  const uint32_t end = range.begin + range.count;
  uint32_t col = range.begin;
  for (; col + 4 <= end && a->rows; col += 4) {
    float gamma[4] = {0, 0, 0, 0}, beta[4] = {0, 0, 0, 0};
    for (uint32_t i = 0; a->accumulate && i < 4; i++) {
      gamma[i] = ETUDE_F(a->dgamma)[col + i];
      beta[i] = ETUDE_F(a->dbeta)[col + i];
    }
    affine_columns(ETUDE_F(a->x) + col, ETUDE_F(a->dy) + col, ETUDE_F(a->stats), a->rows,
                   a->pitch_x, a->pitch_dy, gamma, beta);
    for (uint32_t i = 0; i < 4; i++) {
      ETUDE_F(a->dgamma)[col + i] = gamma[i];
      ETUDE_F(a->dbeta)[col + i] = beta[i];
    }
  }
  for (; col < end; col++) {
    const float* x = ETUDE_F(a->x) + col;
    const float* dy = ETUDE_F(a->dy) + col;
    const float* stats = ETUDE_F(a->stats);
    float gamma = a->accumulate ? ETUDE_F(a->dgamma)[col] : 0.0f;
    float beta = a->accumulate ? ETUDE_F(a->dbeta)[col] : 0.0f;
    for (uint32_t n = a->rows; n; n--) {
      const float value = *x, g = *dy, mean = stats[0], rstd = stats[1];
      const float d = value - mean;
      beta += g;
      gamma = etude_fma(g, d * rstd, gamma);
      x += a->pitch_x;
      dy += a->pitch_dy;
      stats += 2;
    }
    ETUDE_F(a->dgamma)[col] = gamma;
    ETUDE_F(a->dbeta)[col] = beta;
  }
}
