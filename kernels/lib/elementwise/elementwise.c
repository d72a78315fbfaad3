/* SPDX-License-Identifier: Apache-2.0
 * Operators on each element by itself. Four elements per pass of the inner loop, so that loads and
 * results of the FPU are used at least two instructions after they were asked for. */
#include "kernels/lib/support.h"

/* max of the bits as a signed integer with 0: negative numbers and -0 become +0, a positive NaN
 * (the canonical one) stays. */
static inline uint32_t relu_bits(uint32_t x) { return (int32_t)x > 0 ? x : 0; }

void etude_relu(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_unary_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* x = ETUDE_W(a->x) + p_.row * a->pitch_x + p_.col;
    uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
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
                       "cv.max %[t0], %[t0], x0\n"
                       "cv.max %[t1], %[t1], x0\n"
                       "cv.max %[t2], %[t2], x0\n"
                       "cv.max %[t3], %[t3], x0\n"
                       "cv.sw %[t0], (%[y]), 4\n"
                       "cv.sw %[t1], (%[y]), 4\n"
                       "cv.sw %[t2], (%[y]), 4\n"
                       "cv.sw %[t3], (%[y]), 4\n" ETUDE_HWLOOP_END
                       : [x] "+&r"(x), [y] "+&r"(y), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [t2] "=&r"(t2), [t3] "=&r"(t3)
                       : [n] "r"(quads)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *y++ = relu_bits(*x++);
    }
  }
}

void etude_relu_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_result_grad_args* a = args;
  const int dense = a->pitch_dy == a->cols && a->pitch_y == a->cols && a->pitch_dx == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* dy = ETUDE_W(a->dy) + p_.row * a->pitch_dy + p_.col;
    const uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t* dx = ETUDE_W(a->dx) + p_.row * a->pitch_dx + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      /* cv.clipu with 2 gives 0 or 1, and an integer product with 0 or 1 keeps or drops all bits */
      uint32_t t0, t1, t2, t3, u0, u1, u2, u3;
      __asm__ volatile(ETUDE_HWLOOP(20)
                       "cv.lw %[t0], (%[y]), 4\n"
                       "cv.lw %[t1], (%[y]), 4\n"
                       "cv.lw %[t2], (%[y]), 4\n"
                       "cv.lw %[t3], (%[y]), 4\n"
                       "cv.lw %[u0], (%[dy]), 4\n"
                       "cv.lw %[u1], (%[dy]), 4\n"
                       "cv.lw %[u2], (%[dy]), 4\n"
                       "cv.lw %[u3], (%[dy]), 4\n"
                       "cv.clipu %[t0], %[t0], 2\n"
                       "cv.clipu %[t1], %[t1], 2\n"
                       "cv.clipu %[t2], %[t2], 2\n"
                       "cv.clipu %[t3], %[t3], 2\n"
                       "mul %[u0], %[u0], %[t0]\n"
                       "mul %[u1], %[u1], %[t1]\n"
                       "mul %[u2], %[u2], %[t2]\n"
                       "mul %[u3], %[u3], %[t3]\n"
                       "cv.sw %[u0], (%[dx]), 4\n"
                       "cv.sw %[u1], (%[dx]), 4\n"
                       "cv.sw %[u2], (%[dx]), 4\n"
                       "cv.sw %[u3], (%[dx]), 4\n" ETUDE_HWLOOP_END
                       : [y] "+&r"(y), [dy] "+&r"(dy), [dx] "+&r"(dx), [t0] "=&r"(t0),
                         [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [u0] "=&r"(u0),
                         [u1] "=&r"(u1), [u2] "=&r"(u2), [u3] "=&r"(u3)
                       : [n] "r"(quads)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      const uint32_t gradient = *dy++;
      *dx++ = (int32_t)*y++ > 0 ? gradient : 0;
    }
  }
}

void etude_sgd(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_sgd_args* a = args;
  const int dense = a->pitch_w == a->cols && a->pitch_g == a->cols;
  const float lr = etude_from_bits(a->lr);
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    float* w = ETUDE_F(a->w) + p_.row * a->pitch_w + p_.col;
    const float* g = ETUDE_F(a->g) + p_.row * a->pitch_g + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      uint32_t t0, t1, t2, t3, u0, u1, u2, u3;
      __asm__ volatile(ETUDE_HWLOOP(16)
                       "cv.lw %[t0], (%[g]), 4\n"
                       "cv.lw %[t1], (%[g]), 4\n"
                       "cv.lw %[t2], (%[g]), 4\n"
                       "cv.lw %[t3], (%[g]), 4\n"
                       "lw %[u0], 0(%[w])\n"
                       "lw %[u1], 4(%[w])\n"
                       "lw %[u2], 8(%[w])\n"
                       "lw %[u3], 12(%[w])\n"
                       "fnmsub.s %[u0], %[lr], %[t0], %[u0]\n"
                       "fnmsub.s %[u1], %[lr], %[t1], %[u1]\n"
                       "fnmsub.s %[u2], %[lr], %[t2], %[u2]\n"
                       "fnmsub.s %[u3], %[lr], %[t3], %[u3]\n"
                       "cv.sw %[u0], (%[w]), 4\n"
                       "cv.sw %[u1], (%[w]), 4\n"
                       "cv.sw %[u2], (%[w]), 4\n"
                       "cv.sw %[u3], (%[w]), 4\n" ETUDE_HWLOOP_END
                       : [w] "+&r"(w), [g] "+&r"(g), [t0] "=&r"(t0), [t1] "=&r"(t1),
                         [t2] "=&r"(t2), [t3] "=&r"(t3), [u0] "=&r"(u0), [u1] "=&r"(u1),
                         [u2] "=&r"(u2), [u3] "=&r"(u3)
                       : [n] "r"(quads), [lr] "r"(lr)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *w = __builtin_fmaf(-lr, *g++, *w);
      w++;
    }
  }
}

/* Positive floats are ordered as their bits are. */
#define SIX 0x40C00000

void etude_relu6(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_unary_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* x = ETUDE_W(a->x) + p_.row * a->pitch_x + p_.col;
    uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      const int32_t value = (int32_t)relu_bits(*x++);
      /* infinity is cut, NaN is kept */
      *y++ = (uint32_t)(value > SIX && value <= 0x7F800000 ? SIX : value);
    }
  }
}

void etude_relu6_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_result_grad_args* a = args;
  const int dense = a->pitch_dy == a->cols && a->pitch_y == a->cols && a->pitch_dx == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const uint32_t* dy = ETUDE_W(a->dy) + p_.row * a->pitch_dy + p_.col;
    const uint32_t* y = ETUDE_W(a->y) + p_.row * a->pitch_y + p_.col;
    uint32_t* dx = ETUDE_W(a->dx) + p_.row * a->pitch_dx + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      const uint32_t gradient = *dy++;
      const int32_t value = (int32_t)*y++;
      *dx++ = value > 0 && (value < SIX || value > 0x7F800000) ? gradient : 0;
    }
  }
}
