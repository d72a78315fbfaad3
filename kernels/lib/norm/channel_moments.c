/* SPDX-License-Identifier: Apache-2.0
 * Batch normalisation in pieces, so that images of any size pass through L1: sums per channel,
 * vectors of coefficients, and the affine map that is left. A channel belongs to one worker in the
 * sums; pieces are dense [samples, channels, cols]. */
#include "kernels/lib/math.h"

/* A sum that does not lose what is rounded off (Kahan): what the gradient of the images adds up to
 * has to be zero, as far as FP32 can have it. */
struct exact_sum {
  float sum, low;
};

static inline void exact_add(struct exact_sum* s, float value) {
  const float y = value - s->low, t = s->sum + y;
  s->low = (t - s->sum) - y;
  s->sum = t;
}

static void add_row(struct exact_sum* s, const float* x, uint32_t n) {
  struct exact_sum total = *s;
  for (; n >= 4; n -= 4, x += 4) {
    const float a = x[0] + x[1], b = x[2] + x[3];
    exact_add(&total, a + b);
  }
  for (; n; n--) {
    exact_add(&total, *x++);
  }
  *s = total;
}

/* Sum of (x - mean)^2 over n elements, in four chains. */
static float row_squares(const float* x, uint32_t n, float mean) {
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#if ETUDE_ASM
  const uint32_t quads = n >> 2;
  if (quads) {
    float t0, t1, t2, t3;
    __asm__ volatile(ETUDE_HWLOOP(12)
                     "cv.lw %[t0], (%[x]), 4\n"
                     "cv.lw %[t1], (%[x]), 4\n"
                     "cv.lw %[t2], (%[x]), 4\n"
                     "cv.lw %[t3], (%[x]), 4\n"
                     "fsub.s %[t0], %[t0], %[m]\n"
                     "fsub.s %[t1], %[t1], %[m]\n"
                     "fsub.s %[t2], %[t2], %[m]\n"
                     "fsub.s %[t3], %[t3], %[m]\n"
                     "fmadd.s %[s0], %[t0], %[t0], %[s0]\n"
                     "fmadd.s %[s1], %[t1], %[t1], %[s1]\n"
                     "fmadd.s %[s2], %[t2], %[t2], %[s2]\n"
                     "fmadd.s %[s3], %[t3], %[t3], %[s3]\n" ETUDE_HWLOOP_END
                     : [x] "+&r"(x), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2),
                       [s3] "+&r"(s3), [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2),
                       [t3] "=&r"(t3)
                     : [n] "r"(quads), [m] "r"(mean)
                     : "memory");
    n &= 3;
  }
#else
  for (; n >= 4; n -= 4, x += 4) {
    const float t0 = x[0] - mean, t1 = x[1] - mean, t2 = x[2] - mean, t3 = x[3] - mean;
    s0 = etude_fma(t0, t0, s0);
    s1 = etude_fma(t1, t1, s1);
    s2 = etude_fma(t2, t2, s2);
    s3 = etude_fma(t3, t3, s3);
  }
#endif
  for (; n; n--, x++) {
    const float t = *x - mean;
    s0 = etude_fma(t, t, s0);
  }
  return (s0 + s1) + (s2 + s3);
}

void etude_channel_sums(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_channel_sums_args* a = args;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    struct exact_sum sum = {a->accumulate ? ETUDE_F(a->dst)[c] : 0.0f, 0.0f};
    const float mean = a->mean ? ETUDE_F(a->mean)[c] : 0.0f;
    const float* x = ETUDE_F(a->src) + c * a->cols;
    for (uint32_t s = 0; s < a->samples; s++, x += a->channels * a->cols) {
      if (a->mean) {
        sum.sum += row_squares(x, a->cols, mean);
      } else {
        add_row(&sum, x, a->cols);
      }
    }
    ETUDE_F(a->dst)[c] = sum.sum;
  }
}

/* Adds dy to a sum, and returns the sum of dy (x - mean), in two chains. */
static float row_products(struct exact_sum* s, const float* x, const float* dy, uint32_t n,
                          float mean) {
  struct exact_sum total = *s;
  float p0 = 0, p1 = 0;
  for (; n >= 4; n -= 4, x += 4, dy += 4) {
    const float g0 = dy[0], g1 = dy[1], g2 = dy[2], g3 = dy[3];
    const float t0 = x[0] - mean, t1 = x[1] - mean, t2 = x[2] - mean, t3 = x[3] - mean;
    const float a = g0 + g1, b = g2 + g3;
    p0 = etude_fma(g0, t0, p0);
    p1 = etude_fma(g1, t1, p1);
    exact_add(&total, a + b);
    p0 = etude_fma(g2, t2, p0);
    p1 = etude_fma(g3, t3, p1);
  }
  for (; n; n--) {
    p0 = etude_fma(*dy, *x++ - mean, p0);
    exact_add(&total, *dy++);
  }
  *s = total;
  return p0 + p1;
}

void etude_channel_products(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_channel_products_args* a = args;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    const float mean = ETUDE_F(a->mean)[c], rstd = ETUDE_F(a->rstd)[c];
    const float* x = ETUDE_F(a->x) + c * a->cols;
    const float* dy = ETUDE_F(a->dy) + c * a->cols;
    const uint32_t step = a->channels * a->cols;
    struct exact_sum sum = {a->accumulate ? ETUDE_F(a->dbeta)[c] : 0.0f, 0.0f};
    float product = 0;
    for (uint32_t s = 0; s < a->samples; s++, x += step, dy += step) {
      product += row_products(&sum, x, dy, a->cols, mean);
    }
    product *= rstd;
    ETUDE_F(a->dbeta)[c] = sum.sum;
    ETUDE_F(a->dgamma)[c] = a->accumulate ? ETUDE_F(a->dgamma)[c] + product : product;
  }
}

void etude_affine_pair(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_affine_pair_args* a = args;
  ETUDE_FOR_PIECES(a->rows, a->cols, 0, worker, workers) {
    const uint32_t first = p_.row * a->cols + p_.col;
    const float* x = ETUDE_F(a->a) + first;
    const float* z = ETUDE_F(a->b) + first;
    float* y = ETUDE_F(a->y) + first;
    uint32_t channel = p_.row;
    while (channel >= a->channels) {
      channel -= a->channels;
    }
    const float sa = ETUDE_F(a->scale_a)[channel], sb = ETUDE_F(a->scale_b)[channel];
    const float shift = ETUDE_F(a->shift)[channel];
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t pairs = n >> 1;
    if (pairs) {
      float t0, t1, u0, u1;
      __asm__ volatile(ETUDE_HWLOOP(11)
                       "cv.lw %[u0], (%[z]), 4\n"
                       "cv.lw %[u1], (%[z]), 4\n"
                       "cv.lw %[t0], (%[x]), 4\n"
                       "cv.lw %[t1], (%[x]), 4\n"
                       "fmadd.s %[u0], %[u0], %[sb], %[shift]\n"
                       "fmadd.s %[u1], %[u1], %[sb], %[shift]\n"
                       "fmadd.s %[u0], %[t0], %[sa], %[u0]\n"
                       "fmadd.s %[u1], %[t1], %[sa], %[u1]\n"
                       "cv.sw %[u0], (%[y]), 4\n"
                       "addi x0, x0, 0\n"
                       "cv.sw %[u1], (%[y]), 4\n" ETUDE_HWLOOP_END
                       : [x] "+&r"(x), [z] "+&r"(z), [y] "+&r"(y), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [u0] "=&r"(u0), [u1] "=&r"(u1)
                       : [n] "r"(pairs), [sa] "r"(sa), [sb] "r"(sb), [shift] "r"(shift)
                       : "memory");
      n &= 1;
    }
#endif
    for (; n; n--) {
      *y++ = etude_fma(*x++, sa, etude_fma(*z++, sb, shift));
    }
  }
}

/* The gradient of a ReLU behind the normalisation, from its input: nothing else is kept. */
void etude_affine_mask(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_affine_mask_args* a = args;
  ETUDE_FOR_PIECES(a->rows, a->cols, 0, worker, workers) {
    const uint32_t first = p_.row * a->cols + p_.col;
    const float* x = ETUDE_F(a->x) + first;
    const float* dy = ETUDE_F(a->dy) + first;
    float* dst = ETUDE_F(a->dst) + first;
    uint32_t channel = p_.row;
    while (channel >= a->channels) {
      channel -= a->channels;
    }
    const float scale = ETUDE_F(a->scale)[channel], shift = ETUDE_F(a->shift)[channel];
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t pairs = n >> 1;
    if (pairs) {
      float t0, t1, g0, g1;
      __asm__ volatile(ETUDE_HWLOOP(12)
                       "cv.lw %[t0], (%[x]), 4\n"
                       "cv.lw %[t1], (%[x]), 4\n"
                       "cv.lw %[g0], (%[dy]), 4\n"
                       "fmadd.s %[t0], %[t0], %[scale], %[shift]\n"
                       "fmadd.s %[t1], %[t1], %[scale], %[shift]\n"
                       "cv.lw %[g1], (%[dy]), 4\n"
                       "flt.s %[t0], x0, %[t0]\n"
                       "flt.s %[t1], x0, %[t1]\n"
                       "mul %[g0], %[g0], %[t0]\n"
                       "mul %[g1], %[g1], %[t1]\n"
                       "cv.sw %[g0], (%[dst]), 4\n"
                       "cv.sw %[g1], (%[dst]), 4\n" ETUDE_HWLOOP_END
                       : [x] "+&r"(x), [dy] "+&r"(dy), [dst] "+&r"(dst), [t0] "=&r"(t0),
                         [t1] "=&r"(t1), [g0] "=&r"(g0), [g1] "=&r"(g1)
                       : [n] "r"(pairs), [scale] "r"(scale), [shift] "r"(shift)
                       : "memory");
      n &= 1;
    }
#endif
    for (; n; n--, dy++) {
      *dst++ = 0.0f < etude_fma(*x++, scale, shift) ? *dy : 0.0f;
    }
  }
}

void etude_batchnorm_scales(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_batchnorm_scales_args* a = args;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  const float factor = etude_from_bits(a->factor), epsilon = etude_from_bits(a->epsilon);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    const float rstd = 1.0f / etude_sqrt(etude_fma(ETUDE_F(a->variance)[c], factor, epsilon));
    if (a->rstd) {
      ETUDE_F(a->rstd)[c] = rstd;
    }
    if (a->scale) {
      const float scale = ETUDE_F(a->gamma)[c] * rstd;
      ETUDE_F(a->scale)[c] = scale;
      if (a->shift) {
        ETUDE_F(a->shift)[c] = etude_fma(-ETUDE_F(a->mean)[c], scale, ETUDE_F(a->beta)[c]);
      }
    }
  }
}

void etude_batchnorm_slopes(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_batchnorm_slopes_args* a = args;
  const struct etude_range range = etude_split(a->channels, worker, workers);
  const float inverse = etude_from_bits(a->inverse);
  for (uint32_t c = range.begin; c < range.begin + range.count; c++) {
    const float rstd = ETUDE_F(a->rstd)[c], scale = ETUDE_F(a->gamma)[c] * rstd;
    const float slope = -scale * (ETUDE_F(a->dgamma)[c] * inverse * rstd);
    ETUDE_F(a->scale_dy)[c] = scale;
    ETUDE_F(a->scale_x)[c] = slope;
    /* scale dbeta / count + slope mean, rounded once: an error in it falls on every pixel */
    const float dbeta = ETUDE_F(a->dbeta)[c], mean = ETUDE_F(a->mean)[c];
    const float share = dbeta * inverse, share_low = etude_fma(dbeta, inverse, -share);
    const float p = scale * share, q = slope * mean, sum = p + q, back = sum - p;
    const float p_low = etude_fma(scale, share_low, etude_fma(scale, share, -p));
    const float q_low = etude_fma(slope, mean, -q);
    const float low = (p - (sum - back)) + (q - back);
    ETUDE_F(a->shift)[c] = -(sum + (low + (p_low + q_low)));
  }
}
