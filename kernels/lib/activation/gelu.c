/* SPDX-License-Identifier: Apache-2.0
 * GELU in its three forms and the gradient. The forms with a sigmoid are done in short loops over
 * 32 elements at a time instead of one long loop, because code beyond 512 bytes would be fetched
 * anew for every element. */
#include "kernels/lib/activation/gelu_erf.h"

#define CHUNK 32u

/* The argument of the sigmoid in the forms that have one, and its derivative:
 * (1 + tanh v) / 2 = sigmoid(2 v) with v = sqrt(2 / pi) (x + 0.044715 x^3); or 1.702 x. */
static inline void sigmoid_argument(const float x[2], uint32_t form, float v[2], float dv[2]) {
  if (form == ETUDE_GELU_TANH) {
    const float two = ETUDE_CONSTANT(0x3FCC422Au);   /* 2 sqrt(2 / pi) */
    const float cubic = ETUDE_CONSTANT(0x3D922279u); /* that * 0.044715 */
    const float cubic_3 = ETUDE_CONSTANT(0x3E5B33B6u);
    ETUDE_BOTH(dv[i] = x[i] * x[i])
    ETUDE_BOTH(v[i] = etude_fma(cubic, dv[i], two) * x[i])
    ETUDE_BOTH(dv[i] = etude_fma(cubic_3, dv[i], two))
  } else {
    const float k = ETUDE_CONSTANT(0x3FD9DB23u); /* 1.702 */
    ETUDE_BOTH(v[i] = k * x[i])
    ETUDE_BOTH(dv[i] = k)
  }
}

/* e = the argument of the form's exponential, never positive. `n` is even here and below. */
static __attribute__((noinline)) void arguments(const float* x, float* e, uint32_t n,
                                                uint32_t form) {
  for (uint32_t k = 0; k < n; k += 2) {
    float v[2], ignored[2];
    sigmoid_argument(x + k, form, v, ignored);
    ETUDE_BOTH(e[k + i] = etude_from_bits(etude_bits(v[i]) | 0x80000000u))
  }
}

static __attribute__((noinline)) void exponentials(float* e, uint32_t n) {
  for (uint32_t k = 0; k < n; k += 2) {
    float v[2] = {e[k], e[k + 1]};
    etude_exp_both(v);
    e[k] = v[0];
    e[k + 1] = v[1];
  }
}

/* x = the value or, `gradient`, the slope at x; e as above, raised. */
static __attribute__((noinline)) void finish_sigmoid(float* x, const float* e, uint32_t n,
                                                     uint32_t form, uint32_t gradient) {
  for (uint32_t k = 0; k < n; k += 2) {
    const float at[2] = {x[k], x[k + 1]};
    float v[2], dv[2], s[2], slope[2];
    sigmoid_argument(at, form, v, dv);
    etude_sigmoid_both(v, e + k, s, slope);
    if (gradient) {
      ETUDE_BOTH(dv[i] = dv[i] * at[i])
      ETUDE_BOTH(x[k + i] = etude_fma(dv[i], slope[i], s[i]))
    } else {
      ETUDE_BOTH(x[k + i] = at[i] * s[i])
    }
  }
}

/* Replaces n (at most CHUNK) elements of x by value or slope; x[n] may be written. */
static void evaluate(float* x, uint32_t n, uint32_t form, uint32_t gradient) {
  float e[CHUNK];
  if (n & 1) {
    x[n++] = 0;
  }
  arguments(x, e, n, form);
  exponentials(e, n);
  finish_sigmoid(x, e, n, form, gradient);
}

static void take(float* to, const float* x, const float* bias, uint32_t n) {
  if (bias) {
    for (uint32_t i = 0; i < n; i++) {
      to[i] = x[i] + bias[i];
    }
  } else {
    etude_copy_words((uint32_t*)to, (const uint32_t*)x, n);
  }
}

void etude_gelu(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gelu_args* a = args;
  const int dense = a->bias == 0 && a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    const float* bias = a->bias ? ETUDE_F(a->bias) + p_.col : 0;
    if (a->form == ETUDE_GELU_ERF && !bias) {
      etude_gelu_erf(x, y, p_.n);
      continue;
    }
    for (uint32_t done = 0; done < p_.n; done += CHUNK) {
      const uint32_t n = etude_min(CHUNK, p_.n - done);
      float v[CHUNK];
      take(v, x + done, bias ? bias + done : 0, n);
      if (a->form == ETUDE_GELU_ERF) {
        etude_gelu_erf(v, y + done, n);
        continue;
      }
      evaluate(v, n, a->form, 0);
      etude_copy_words((uint32_t*)(y + done), (const uint32_t*)v, n);
    }
  }
}

void etude_gelu_grad(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gelu_grad_args* a = args;
  const int dense =
      a->bias == 0 && a->pitch_x == a->cols && a->pitch_dy == a->cols && a->pitch_dx == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    const float* dy = ETUDE_F(a->dy) + p_.row * a->pitch_dy + p_.col;
    float* dx = ETUDE_F(a->dx) + p_.row * a->pitch_dx + p_.col;
    const float* bias = a->bias ? ETUDE_F(a->bias) + p_.col : 0;
    if (a->form == ETUDE_GELU_ERF && !bias) {
      etude_gelu_erf_grad(x, dy, dx, p_.n);
      continue;
    }
    for (uint32_t done = 0; done < p_.n; done += CHUNK) {
      const uint32_t n = etude_min(CHUNK, p_.n - done);
      float v[CHUNK];
      take(v, x + done, bias ? bias + done : 0, n);
      if (a->form == ETUDE_GELU_ERF) {
        etude_gelu_erf_grad(v, dy + done, dx + done, n);
        continue;
      }
      evaluate(v, n, a->form, 1);
      for (uint32_t i = 0; i < n; i++) {
        dx[done + i] = dy[done + i] * v[i];
      }
    }
  }
}
