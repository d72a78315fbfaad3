/* SPDX-License-Identifier: Apache-2.0
 * How much a call of a kernel has to do, read off its arguments (plain C): what its cycles are
 * modelled from and measured against. */
#ifndef ETUDE_KERNEL_EXTENTS_H
#define ETUDE_KERNEL_EXTENTS_H
#include "kernels/include/etude_kernels.h"

/* `rows` rows of `cols` elements, with `inner` steps for each element: the reduction of a product,
 * the taps of a window, the samples of a channel. A matrix without gaps between its rows is one row
 * for the kernels that walk over it so. */
struct etude_extents {
  uint32_t rows, cols, inner;
};

static inline struct etude_extents etude_extents_of(uint32_t rows, uint32_t cols, uint32_t inner) {
  struct etude_extents extents = {rows, cols, inner};
  return extents;
}
/* Of a kernel that takes a dense matrix as one row. */
static inline struct etude_extents etude_extents_of_pieces(uint32_t rows, uint32_t cols,
                                                           int dense) {
  return dense ? etude_extents_of(1, rows * cols, 1) : etude_extents_of(rows, cols, 1);
}

static inline struct etude_extents etude_gemm_extents(const struct etude_gemm_args* a) {
  return etude_extents_of(a->rows, a->cols, a->inner);
}
static inline struct etude_extents etude_result_grad_extents(
    const struct etude_result_grad_args* a) {
  return etude_extents_of_pieces(
      a->rows, a->cols, a->pitch_dy == a->cols && a->pitch_y == a->cols && a->pitch_dx == a->cols);
}
static inline struct etude_extents etude_transpose_extents(const struct etude_transpose_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_column_sum_extents(const struct etude_column_sum_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_sgd_extents(const struct etude_sgd_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch_w == a->cols && a->pitch_g == a->cols);
}
static inline struct etude_extents etude_mse_extents(const struct etude_mse_args* a) {
  return etude_extents_of_pieces(
      a->rows, a->cols, a->pitch_y == a->cols && a->pitch_t == a->cols && a->pitch_dy == a->cols);
}
static inline struct etude_extents etude_broadcast_row_extents(
    const struct etude_broadcast_row_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_unary_extents(const struct etude_unary_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch_x == a->cols && a->pitch_y == a->cols);
}
static inline struct etude_extents etude_convert_extents(const struct etude_convert_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols,
                                 a->pitch_src == a->cols && a->pitch_dst == a->cols);
}
static inline struct etude_extents etude_fill_extents(const struct etude_fill_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch_dst == a->cols);
}
static inline struct etude_extents etude_binary_extents(const struct etude_binary_args* a) {
  return etude_extents_of_pieces(
      a->rows, a->cols, a->pitch_a == a->cols && a->pitch_b == a->cols && a->pitch_c == a->cols);
}
static inline struct etude_extents etude_add_row_extents(const struct etude_add_row_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_momentum_extents(const struct etude_momentum_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch == a->cols);
}
static inline struct etude_extents etude_adam_extents(const struct etude_adam_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch == a->cols);
}
static inline struct etude_extents etude_layernorm_extents(const struct etude_layernorm_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_layernorm_grad_extents(
    const struct etude_layernorm_grad_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_layernorm_affine_grad_extents(
    const struct etude_layernorm_affine_grad_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_layernorm_stats_extents(
    const struct etude_layernorm_stats_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_softmax_extents(const struct etude_softmax_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_softmax_grad_extents(
    const struct etude_softmax_grad_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_gelu_extents(const struct etude_gelu_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols,
                                 a->bias == 0 && a->pitch_x == a->cols && a->pitch_y == a->cols);
}
static inline struct etude_extents etude_gelu_grad_extents(const struct etude_gelu_grad_args* a) {
  return etude_extents_of_pieces(
      a->rows, a->cols,
      a->bias == 0 && a->pitch_x == a->cols && a->pitch_dy == a->cols && a->pitch_dx == a->cols);
}
static inline struct etude_extents etude_cross_entropy_extents(
    const struct etude_cross_entropy_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_cross_entropy_grad_extents(
    const struct etude_cross_entropy_grad_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline uint32_t etude_window_taps(const struct etude_window_args* a) {
  return (a->kernel >> 16 & 0x7FFFu) * (a->kernel & 0xFFFFu);
}
/* Windows on rows: the rows of all output images, each pixel with the taps of its window. */
static inline struct etude_extents etude_window_extents(const struct etude_window_args* a) {
  return etude_extents_of(a->channels * a->out_height, a->out_width, etude_window_taps(a));
}
/* Images to columns: a row a row of the columns, in it an inner step an output row. */
static inline struct etude_extents etude_im2col_extents(const struct etude_window_args* a) {
  return etude_extents_of(a->channels * etude_window_taps(a), a->out_width, a->out_height);
}
/* Images to rows: a row an output pixel, with the taps of its window in every channel. */
static inline struct etude_extents etude_im2row_extents(const struct etude_window_args* a) {
  return etude_extents_of(a->out_height * a->out_width, a->channels, etude_window_taps(a));
}
/* Columns to images: a row a channel, with its pixels and their taps. */
static inline struct etude_extents etude_col2im_extents(const struct etude_window_args* a) {
  return etude_extents_of(a->channels, a->out_height * a->out_width, etude_window_taps(a));
}
static inline struct etude_extents etude_affine_rows_extents(
    const struct etude_affine_rows_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_row_sum_extents(const struct etude_row_sum_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
/* Of batch normalisation: a row a channel, an inner step a sample. */
static inline struct etude_extents etude_batchnorm_extents(const struct etude_batchnorm_args* a) {
  return etude_extents_of(a->channels, a->pixels, a->samples);
}
static inline struct etude_extents etude_batchnorm_grad_extents(
    const struct etude_batchnorm_grad_args* a) {
  return etude_extents_of(a->channels, a->pixels, a->samples);
}
static inline struct etude_extents etude_channel_sums_extents(
    const struct etude_channel_sums_args* a) {
  return etude_extents_of(a->channels, a->cols, a->samples);
}
static inline struct etude_extents etude_channel_products_extents(
    const struct etude_channel_products_args* a) {
  return etude_extents_of(a->channels, a->cols, a->samples);
}
static inline struct etude_extents etude_affine_pair_extents(
    const struct etude_affine_pair_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_affine_mask_extents(
    const struct etude_affine_mask_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_batchnorm_scales_extents(
    const struct etude_batchnorm_scales_args* a) {
  return etude_extents_of(a->channels, 1, 1);
}
static inline struct etude_extents etude_gather_extents(const struct etude_gather_args* a) {
  return etude_extents_of(a->rows, a->cols, 1);
}
static inline struct etude_extents etude_batchnorm_slopes_extents(
    const struct etude_batchnorm_slopes_args* a) {
  return etude_extents_of(a->channels, 1, 1);
}

static inline struct etude_extents etude_function_extents(const struct etude_function_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols, a->pitch_x == a->cols && a->pitch_y == a->cols);
}
static inline struct etude_extents etude_function_grad_extents(
    const struct etude_function_grad_args* a) {
  return etude_extents_of_pieces(
      a->rows, a->cols, a->pitch_dy == a->cols && a->pitch_x == a->cols && a->pitch_dx == a->cols);
}
static inline struct etude_extents etude_maximum_grad_extents(
    const struct etude_maximum_grad_args* a) {
  return etude_extents_of_pieces(a->rows, a->cols,
                                 a->pitch_dy == a->cols && a->pitch_a == a->cols &&
                                     a->pitch_b == a->cols && a->pitch_dx == a->cols);
}

/* Stored numbers: a row is a run of them that one loop decodes, down the columns of a group or
 * along a row. */
static inline struct etude_extents etude_decode_extents(const struct etude_decode_args* a) {
  return (a->flags & ETUDE_DECODE_ROWS) != 0 ? etude_extents_of(a->rows, a->cols, 1)
                                             : etude_extents_of((a->cols + 7) / 8, 8 * a->rows, 1);
}

/* Of a kernel by its number, from the 13 words of its operation's arguments; of an unknown one
 * nothing. */
static inline struct etude_extents etude_kernel_extents(uint32_t kernel, const void* args) {
#define ETUDE_KERNEL_EXTENTS_OF(e, number, name, args_) \
  case number:                                          \
    return etude_##args_##_extents((const struct etude_##args_##_args*)args);
  struct etude_window_args plain; /* dilated windows have dilations above their output's extents */
  if (kernel >= ETUDE_KERNEL_IM2COL_DILATED &&
      kernel <= ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT_DILATED) {
    plain = *(const struct etude_window_args*)args;
    plain.out_height &= 0xFFFFu;
    plain.out_width &= 0xFFFFu;
    args = &plain;
  }
  switch (kernel) { /* the same arguments for other loops */
    case ETUDE_KERNEL_IM2COL:
    case ETUDE_KERNEL_IM2COL_DILATED:
      return etude_im2col_extents((const struct etude_window_args*)args);
    case ETUDE_KERNEL_IM2ROW:
    case ETUDE_KERNEL_IM2ROW_DILATED:
      return etude_im2row_extents((const struct etude_window_args*)args);
    case ETUDE_KERNEL_COL2IM:
    case ETUDE_KERNEL_COL2IM_DILATED:
      return etude_col2im_extents((const struct etude_window_args*)args);
  }
  switch (kernel) { ETUDE_KERNEL_LIST(ETUDE_KERNEL_EXTENTS_OF) }
#undef ETUDE_KERNEL_EXTENTS_OF
  return etude_extents_of(0, 0, 0);
}
#endif
