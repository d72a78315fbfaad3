/* SPDX-License-Identifier: Apache-2.0
 * GELU in its three forms and the gradient. */
#include "kernels/lib/math.h"

#define SQRT_2_PI 0x1.988454p-1f /* sqrt(2 / pi) */
#define CUBIC 0x1.6e4e26p-5f     /* 0.044715 */
#define SIGMOID 0x1.b3b646p+0f   /* 1.702 */

static float forward(float x, uint32_t form) {
  if (form == ETUDE_GELU_ERF) {
    float density;
    return x * etude_normal(x, &density);
  }
  if (form == ETUDE_GELU_TANH) {
    /* (1 + tanh u) / 2 = sigmoid(2 u) */
    const float u = x * SQRT_2_PI * etude_fma(CUBIC * x, x, 1.0f);
    return x * etude_sigmoid(2.0f * u);
  }
  return x * etude_sigmoid(SIGMOID * x);
}

static float slope(float x, uint32_t form) {
  if (form == ETUDE_GELU_ERF) {
    float density;
    const float below = etude_normal(x, &density);
    return etude_fma(x, density, below);
  }
  float s, du;
  if (form == ETUDE_GELU_TANH) {
    const float square = x * x;
    s = etude_sigmoid(2.0f * x * SQRT_2_PI * etude_fma(CUBIC, square, 1.0f));
    du = 2.0f * SQRT_2_PI * etude_fma(3.0f * CUBIC, square, 1.0f);
  } else {
    s = etude_sigmoid(SIGMOID * x);
    du = SIGMOID;
  }
  return etude_fma(x * du, s * (1.0f - s), s);
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
