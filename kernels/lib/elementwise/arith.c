/* SPDX-License-Identifier: Apache-2.0
 * Elementwise operators of transformers and optimisers, four elements at a time so that loads and
 * FPU results have their cycle of delay filled. */
#include "kernels/lib/math.h"

void etude_scale(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_scale_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  const float k = etude_from_bits(a->scale);
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t n = p_.n;
    for (; n >= 4; n -= 4) {
      const float x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
      const float y0 = x0 * k, y1 = x1 * k, y2 = x2 * k, y3 = x3 * k;
      y[0] = y0;
      y[1] = y1;
      y[2] = y2;
      y[3] = y3;
      x += 4;
      y += 4;
    }
    for (; n; n--) {
      *y++ = *x++ * k;
    }
  }
}

void etude_copy(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_scale_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* x = ETUDE_W(a->x) + p_.row * a->pitch_x + p_.col;
    uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t n = p_.n;
    for (; n >= 4; n -= 4) {
      const uint32_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
      y[0] = x0;
      y[1] = x1;
      y[2] = x2;
      y[3] = x3;
      x += 4;
      y += 4;
    }
    for (; n; n--) {
      *y++ = *x++;
    }
  }
}

void etude_mul(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_add_args* g = args;
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* c = ETUDE_F(g->c) + p_.row * g->pitch_c + p_.col;
    uint32_t n = p_.n;
    for (; n >= 4; n -= 4) {
      const float a0 = a[0], b0 = b[0], a1 = a[1], b1 = b[1];
      const float a2 = a[2], b2 = b[2], a3 = a[3], b3 = b[3];
      const float c0 = a0 * b0, c1 = a1 * b1, c2 = a2 * b2, c3 = a3 * b3;
      c[0] = c0;
      c[1] = c1;
      c[2] = c2;
      c[3] = c3;
      a += 4;
      b += 4;
      c += 4;
    }
    for (; n; n--) {
      *c++ = *a++ * *b++;
    }
  }
}

void etude_add_row(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_add_row_args* a = args;
  ETUDE_FOR_PIECES(a->rows, a->cols, 0, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    const float* b = ETUDE_F(a->row) + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t n = p_.n;
    for (; n >= 4; n -= 4) {
      const float x0 = x[0], b0 = b[0], x1 = x[1], b1 = b[1];
      const float x2 = x[2], b2 = b[2], x3 = x[3], b3 = b[3];
      const float y0 = x0 + b0, y1 = x1 + b1, y2 = x2 + b2, y3 = x3 + b3;
      y[0] = y0;
      y[1] = y1;
      y[2] = y2;
      y[3] = y3;
      x += 4;
      b += 4;
      y += 4;
    }
    for (; n; n--) {
      *y++ = *x++ + *b++;
    }
  }
}

void etude_momentum(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_momentum_args* a = args;
  const float lr = etude_from_bits(a->lr), mu = etude_from_bits(a->mu);
  ETUDE_FOR_PIECES(a->rows, a->cols, a->pitch == a->cols, worker, workers) {
    const uint32_t at = p_.row * a->pitch + p_.col;
    float* w = ETUDE_F(a->w) + at;
    float* v = ETUDE_F(a->v) + at;
    const float* g = ETUDE_F(a->g) + at;
    uint32_t n = p_.n;
    for (; n >= 4; n -= 4) {
      const float g0 = g[0], g1 = g[1], g2 = g[2], g3 = g[3];
      float v0 = v[0], v1 = v[1], v2 = v[2], v3 = v[3];
      v0 = etude_fma(mu, v0, g0);
      v1 = etude_fma(mu, v1, g1);
      v2 = etude_fma(mu, v2, g2);
      v3 = etude_fma(mu, v3, g3);
      const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
      v[0] = v0;
      v[1] = v1;
      v[2] = v2;
      v[3] = v3;
      w[0] = etude_fma(-lr, v0, w0);
      w[1] = etude_fma(-lr, v1, w1);
      w[2] = etude_fma(-lr, v2, w2);
      w[3] = etude_fma(-lr, v3, w3);
      g += 4;
      v += 4;
      w += 4;
    }
    for (; n; n--) {
      const float next = etude_fma(mu, *v, *g++);
      *v++ = next;
      *w = etude_fma(-lr, next, *w);
      w++;
    }
  }
}

void etude_adam(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_adam_args* a = args;
  const float lr = etude_from_bits(a->lr), epsilon = etude_from_bits(a->epsilon);
  const float beta1 = etude_from_bits(a->beta1), beta2 = etude_from_bits(a->beta2);
  ETUDE_FOR_PIECES(a->rows, a->cols, a->pitch == a->cols, worker, workers) {
    const uint32_t at = p_.row * a->pitch + p_.col;
    float* w = ETUDE_F(a->w) + at;
    float* m = ETUDE_F(a->m) + at;
    float* v = ETUDE_F(a->v) + at;
    const float* g = ETUDE_F(a->g) + at;
    for (uint32_t n = p_.n; n; n--) {
      const float gradient = *g++;
      const float square = gradient * gradient;
      const float first = etude_fma(beta1, *m - gradient, gradient);
      const float second = etude_fma(beta2, *v - square, square);
      *m++ = first;
      *v++ = second;
      *w = etude_fma(-lr, first / (etude_sqrt(second) + epsilon), *w);
      w++;
    }
  }
}
