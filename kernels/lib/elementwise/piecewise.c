/* SPDX-License-Identifier: Apache-2.0
 * Functions of three straight pieces, and the larger or smaller of two numbers. */
#include "kernels/lib/elementwise/function_rows.h"

/* Beyond a knot; flat without a product, which an infinity would make a NaN. */
static inline float beyond(float u, float knot, float slope) {
  return slope == 0.0f ? knot : etude_fma(slope, u - knot, knot);
}

static ETUDE_RARE void piecewise_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  const float low = etude_from_bits(p[0]), high = etude_from_bits(p[1]);
  const float below = etude_from_bits(p[2]), above = etude_from_bits(p[3]);
  const float slope = etude_from_bits(p[4]), offset = etude_from_bits(p[5]);
  for (; n; n--) {
    const float u = etude_fma(slope, *x++, offset);
    float result = u;
    if (u < low) {
      result = beyond(u, low, below);
    } else if (u > high) {
      result = beyond(u, high, above);
    }
    *y++ = result;
  }
}

static ETUDE_RARE void piecewise_slopes(const float* dy, const float* x, float* dx, uint32_t n,
                                        const uint32_t* p) {
  const float low = etude_from_bits(p[0]), high = etude_from_bits(p[1]);
  const float below = etude_from_bits(p[2]), above = etude_from_bits(p[3]);
  const float slope = etude_from_bits(p[4]);
  for (; n; n--) {
    const float at = *x++, given = *dy++;
    float s = slope;
    if (at < low) {
      s = below;
    } else if (at > high) {
      s = above;
    }
    *dx++ = s == 0.0f ? 0.0f : given * s;
  }
}

ETUDE_RARE void etude_piecewise(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, piecewise_row);
}

ETUDE_RARE void etude_piecewise_grad(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_slope_rows(args, worker, workers, piecewise_slopes);
}

/* The larger one of the numbers whose signs are turned by `turn`; a NaN if there is one. */
static ETUDE_RARE void extremes(const struct etude_binary_args* g, uint32_t worker,
                                uint32_t workers, uint32_t turn) {
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const uint32_t* a = ETUDE_W(g->a) + p_.row * g->pitch_a + p_.col;
    const uint32_t* b = ETUDE_W(g->b) + p_.row * g->pitch_b + p_.col;
    uint32_t* c = ETUDE_W(g->c) + p_.row * g->pitch_c + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      const uint32_t first = *a++, second = *b++;
      const float u = etude_from_bits(first ^ turn), v = etude_from_bits(second ^ turn);
      *c++ = u >= v || u != u ? first : second;
    }
  }
}

ETUDE_RARE void etude_maximum(const void* args, uint32_t worker, uint32_t workers) {
  extremes(args, worker, workers, 0);
}

ETUDE_RARE void etude_minimum(const void* args, uint32_t worker, uint32_t workers) {
  extremes(args, worker, workers, 0x80000000u);
}

ETUDE_RARE void etude_maximum_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_maximum_grad_args* g = args;
  const int dense = g->pitch_dy == g->cols && g->pitch_a == g->cols && g->pitch_b == g->cols &&
                    g->pitch_dx == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* dy = ETUDE_F(g->dy) + p_.row * g->pitch_dy + p_.col;
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* dx = ETUDE_F(g->dx) + p_.row * g->pitch_dx + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      const float u = *a++, v = *b++, given = *dy++;
      float result = given;
      if (u < v) {
        result = 0;
      } else if (u == v) {
        result = given * 0.5f;
      }
      *dx++ = result;
    }
  }
}
