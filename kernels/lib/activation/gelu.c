/* SPDX-License-Identifier: Apache-2.0
 * GELU in its three forms and the gradient. */
#include "kernels/lib/math.h"

#define SQRT_2_PI 0x1.988454p-1f /* sqrt(2 / pi) */
#define CUBIC 0x1.6e4e26p-5f     /* 0.044715 */
#define SIGMOID 0x1.b3b646p+0f   /* 1.702 */

/* The argument of the sigmoid in the forms that have one: (1 + tanh v) / 2 = sigmoid(2 v). */
static inline float sigmoid_argument(float x, uint32_t form) {
  return form == ETUDE_GELU_TANH ? 2.0f * SQRT_2_PI * x * etude_fma(CUBIC * x, x, 1.0f)
                                 : SIGMOID * x;
}

static float forward(float x, uint32_t form) {
  float ignored;
  if (form == ETUDE_GELU_ERF) {
    return x * etude_normal(x, &ignored);
  }
  return x * etude_sigmoid(sigmoid_argument(x, form), &ignored);
}

static float slope(float x, uint32_t form) {
  if (form == ETUDE_GELU_ERF) {
    float density;
    const float below = etude_normal(x, &density);
    return etude_fma(x, density, below);
  }
  float s_slope;
  const float s = etude_sigmoid(sigmoid_argument(x, form), &s_slope);
  const float du =
      form == ETUDE_GELU_TANH ? 2.0f * SQRT_2_PI * etude_fma(3.0f * CUBIC * x, x, 1.0f) : SIGMOID;
  return etude_fma(x * du, s_slope, s);
}

void etude_gelu(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gelu_args* a = args;
  const int dense = a->bias == 0 && a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col;
    float* y = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    const float* bias = ETUDE_F(a->bias) + p_.col;
    for (uint32_t i = 0; i < p_.n; i++) {
      y[i] = forward(a->bias ? x[i] + bias[i] : x[i], a->form);
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
    const float* bias = ETUDE_F(a->bias) + p_.col;
    for (uint32_t i = 0; i < p_.n; i++) {
      dx[i] = dy[i] * slope(a->bias ? x[i] + bias[i] : x[i], a->form);
    }
  }
}
