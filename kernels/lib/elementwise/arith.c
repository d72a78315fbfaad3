/* SPDX-License-Identifier: Apache-2.0
 * Elementwise operators of transformers and optimisers, four elements at a time so that loads and
 * FPU results have their cycle of delay filled. */
#include "kernels/lib/math.h"

#if ETUDE_ASM
/* c = a op b for `quads` times four elements; moves the pointers on. */
#define QUADS_BINARY(op, a, b, c, quads)                                                             \
  do {                                                                                               \
    uint32_t t0, t1, t2, t3, u0, u1, u2, u3;                                                         \
    __asm__ volatile(ETUDE_HWLOOP(16)                                                              \
                     "cv.lw %[t0], (%[a_]), 4\n"                                                   \
                     "cv.lw %[u0], (%[b_]), 4\n"                                                   \
                     "cv.lw %[t1], (%[a_]), 4\n"                                                   \
                     "cv.lw %[u1], (%[b_]), 4\n"                                                   \
                     "cv.lw %[t2], (%[a_]), 4\n"                                                   \
                     "cv.lw %[u2], (%[b_]), 4\n"                                                   \
                     "cv.lw %[t3], (%[a_]), 4\n"                                                   \
                     "cv.lw %[u3], (%[b_]), 4\n"                                                   \
                     op " %[t0], %[t0], %[u0]\n"                                                   \
                     op " %[t1], %[t1], %[u1]\n"                                                   \
                     op " %[t2], %[t2], %[u2]\n"                                                   \
                     op " %[t3], %[t3], %[u3]\n"                                                   \
                     "cv.sw %[t0], (%[c_]), 4\n"                                                   \
                     "cv.sw %[t1], (%[c_]), 4\n"                                                   \
                     "cv.sw %[t2], (%[c_]), 4\n"                                                   \
                     "cv.sw %[t3], (%[c_]), 4\n" ETUDE_HWLOOP_END                                  \
                     : [a_] "+&r"(a), [b_] "+&r"(b), [c_] "+&r"(c), [t0] "=&r"(t0),                \
                       [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [u0] "=&r"(u0),             \
                       [u1] "=&r"(u1), [u2] "=&r"(u2), [u3] "=&r"(u3)                              \
                     : [n] "r"(quads)                                                              \
                     : "memory"); \
  } while (0)
#endif

void etude_scale(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_unary_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  const float k = etude_from_bits(a->scale);
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      uint32_t t0, t1, t2, t3;
      __asm__ volatile(ETUDE_HWLOOP(12)
                       "cv.lw %[t0], (%[x]), 4\n"
                       "cv.lw %[t1], (%[x]), 4\n"
                       "cv.lw %[t2], (%[x]), 4\n"
                       "cv.lw %[t3], (%[x]), 4\n"
                       "fmul.s %[t0], %[t0], %[k]\n"
                       "fmul.s %[t1], %[t1], %[k]\n"
                       "fmul.s %[t2], %[t2], %[k]\n"
                       "fmul.s %[t3], %[t3], %[k]\n"
                       "cv.sw %[t0], (%[y]), 4\n"
                       "cv.sw %[t1], (%[y]), 4\n"
                       "cv.sw %[t2], (%[y]), 4\n"
                       "cv.sw %[t3], (%[y]), 4\n" ETUDE_HWLOOP_END
                       : [x] "+&r"(x), [y] "+&r"(y), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [t2] "=&r"(t2), [t3] "=&r"(t3)
                       : [n] "r"(quads), [k] "r"(k)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *y++ = *x++ * k;
    }
  }
}

void etude_copy(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_unary_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* x = ETUDE_W(a->x) + p_.row * a->pitch_x + p_.col;
    uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
    etude_copy_words(y, x, p_.n);
  }
}

void etude_add(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_binary_args* g = args;
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* c = ETUDE_F(g->c) + p_.row * g->pitch_c + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    if (n >= 4) {
      QUADS_BINARY("fadd.s", a, b, c, n >> 2);
      n &= 3;
    }
#endif
    for (; n; n--) {
      *c++ = *a++ + *b++;
    }
  }
}

void etude_mul(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_binary_args* g = args;
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* c = ETUDE_F(g->c) + p_.row * g->pitch_c + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    if (n >= 4) {
      QUADS_BINARY("fmul.s", a, b, c, n >> 2);
      n &= 3;
    }
#endif
    for (; n; n--) {
      *c++ = *a++ * *b++;
    }
  }
}

void etude_sub(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_binary_args* g = args;
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* c = ETUDE_F(g->c) + p_.row * g->pitch_c + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    if (n >= 4) {
      QUADS_BINARY("fsub.s", a, b, c, n >> 2);
      n &= 3;
    }
#endif
    for (; n; n--) {
      *c++ = *a++ - *b++;
    }
  }
}

void etude_div(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_binary_args* g = args;
  const int dense = g->pitch_a == g->cols && g->pitch_b == g->cols && g->pitch_c == g->cols;
  ETUDE_FOR_PIECES(g->rows, g->cols, dense, worker, workers) {
    const float* a = ETUDE_F(g->a) + p_.row * g->pitch_a + p_.col;
    const float* b = ETUDE_F(g->b) + p_.row * g->pitch_b + p_.col;
    float* c = ETUDE_F(g->c) + p_.row * g->pitch_c + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      *c++ = *a++ / *b++;
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
#if ETUDE_ASM
    if (n >= 4) {
      QUADS_BINARY("fadd.s", x, b, y, n >> 2);
      n &= 3;
    }
#endif
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
