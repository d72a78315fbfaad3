/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/lib/elementwise/function_rows.h"

ETUDE_RARE void etude_for_function_rows(const void* args, uint32_t worker, uint32_t workers,
                                        etude_function_row row) {
  const struct etude_function_args* a = args;
  const int dense = a->pitch_x == a->cols && a->pitch_y == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    row(ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col, ETUDE_F(a->y) + p_.row * a->pitch_y + p_.col,
        p_.n, a->p);
  }
}

ETUDE_RARE void etude_for_slope_rows(const void* args, uint32_t worker, uint32_t workers,
                                     etude_slope_row row) {
  const struct etude_function_grad_args* a = args;
  const int dense = a->pitch_dy == a->cols && a->pitch_x == a->cols && a->pitch_dx == a->cols;
  ETUDE_FOR_PIECES(a->rows, a->cols, dense, worker, workers) {
    row(ETUDE_F(a->dy) + p_.row * a->pitch_dy + p_.col,
        ETUDE_F(a->x) + p_.row * a->pitch_x + p_.col,
        ETUDE_F(a->dx) + p_.row * a->pitch_dx + p_.col, p_.n, a->p);
  }
}
