/* SPDX-License-Identifier: Apache-2.0
 * Binary cross entropy of logits, and its gradient. */
#include "kernels/lib/math.h"

/* One chain per worker; then worker 0 adds the workers' sums in ascending order. */
ETUDE_RARE void etude_bce(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_mse_args* a = args;
  const int dense = a->pitch_y == a->cols && a->pitch_t == a->cols && a->pitch_dy == a->cols;
  const float scale = etude_from_bits(a->scale_grad);
  float sum = 0;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    const float* x = ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col;
    const float* t = ETUDE_F(a->t) + p_.row * a->pitch_t + p_.col;
    float* dx = ETUDE_F(a->dy) + p_.row * a->pitch_dy + p_.col;
    for (uint32_t n = p_.n; n; n--) {
      const float logit = *x++, target = *t++;
      const float e = etude_exp(etude_from_bits(etude_bits(logit) | 0x80000000u));
      const float large = 1.0f / (1.0f + e), small = e * large;
      /* max(x, 0) - x t, without the difference of two large numbers: of a positive logit the
       * part x (1 - t), of a negative one -x t */
      const int positive = (int32_t)etude_bits(logit) > 0;
      sum += (positive ? logit * (1.0f - target) : -logit * target) + etude_log_of_one_and(e);
      /* sigmoid(x) - t; where both are near 1, as (1 - t) - (1 - sigmoid(x)) */
      *dx++ = (positive ? (1.0f - target) - small : small - target) * scale;
    }
  }
  float* scratch = etude_scratch();
  scratch[4 * worker] = sum;
  etude_barrier();
  if (worker == 0) {
    float total = scratch[0];
    for (uint32_t i = 1; i < workers; i++) {
      total += scratch[4 * i];
    }
    *ETUDE_F(a->loss) = etude_fma(etude_from_bits(a->scale_loss), total, *ETUDE_F(a->loss));
  }
}
