// SPDX-License-Identifier: Apache-2.0
// Kernels on images and their columns.
#include "explore/lower/op_sequence.h"

namespace etude {

namespace {

Access matrix_access(const L1Matrix& m, bool write) {
  return {write, Access::Space::kL1, 0, m.address, m.rows, 4 * m.cols, 4 * m.pitch};
}

Access image_access(const WindowView& v, std::uint32_t address, bool write) {
  return {write,
          Access::Space::kL1,
          0,
          address,
          v.channels,
          4 * v.height * v.width,
          4 * v.channel_pitch};
}

/// Bit of `kernel` with which columns are added to an image, and only positive maxima count.
constexpr std::uint32_t kFlag = 1u << 31;

}  // namespace

PlanOp& OpSequence::window(etude_kernel number, const WindowView& v, std::uint32_t src,
                           std::uint32_t dst, std::uint32_t pitch, std::uint32_t aux,
                           std::uint64_t cycles) {
  return kernel(number,
                {src, dst, v.channels, v.height, v.width, v.channel_pitch, v.kernel, v.stride,
                 v.pad, v.out_height, v.out_width, pitch, aux},
                cycles);
}

void OpSequence::im2col(const WindowView& view, std::uint32_t image, const L1Matrix& columns) {
  PlanOp& made = window(ETUDE_KERNEL_IM2COL, view, image, columns.address, columns.pitch, 0,
                        cost_.im2col(columns.rows, view.out_height, view.out_width));
  made.accesses = {image_access(view, image, false), matrix_access(columns, true)};
}

void OpSequence::im2row(const WindowView& view, std::uint32_t image, const L1Matrix& rows) {
  PlanOp& made = window(ETUDE_KERNEL_IM2ROW, view, image, rows.address, rows.pitch, 0,
                        cost_.core_kernel(rows.rows * rows.cols, CostModel::kIm2row));
  made.accesses = {image_access(view, image, false), matrix_access(rows, true)};
}

void OpSequence::col2im(const WindowView& view, const L1Matrix& columns, std::uint32_t image,
                        bool accumulate) {
  WindowView v = view;
  v.kernel |= accumulate ? kFlag : 0;
  PlanOp& made = window(ETUDE_KERNEL_COL2IM, v, columns.address, image, columns.pitch, 0,
                        cost_.core_kernel(columns.rows * columns.cols, CostModel::kCol2im));
  made.accesses = {matrix_access(columns, false), image_access(view, image, true)};
}

void OpSequence::pool(bool average, const WindowView& view, std::uint32_t image,
                      const L1Matrix& pooled) {
  const std::uint32_t taps = (view.kernel >> 16) * (view.kernel & 0xFFFFu);
  PlanOp& made = window(average ? ETUDE_KERNEL_AVGPOOL : ETUDE_KERNEL_MAXPOOL, view, image,
                        pooled.address, pooled.pitch, 0,
                        cost_.core_kernel(pooled.rows * pooled.cols * taps, CostModel::kPool));
  made.accesses = {image_access(view, image, false), matrix_access(pooled, true)};
}

void OpSequence::pool_grad(bool average, const WindowView& view, const L1Matrix& dy,
                           std::uint32_t x, std::uint32_t dx, bool positive) {
  const std::uint32_t taps = (view.kernel >> 16) * (view.kernel & 0xFFFFu);
  WindowView v = view;
  v.kernel |= positive ? kFlag : 0;
  PlanOp& made = window(average ? ETUDE_KERNEL_AVGPOOL_GRAD : ETUDE_KERNEL_MAXPOOL_GRAD, v,
                        dy.address, dx, dy.pitch, average ? 0 : x,
                        cost_.core_kernel(dy.rows * dy.cols * taps, CostModel::kPoolGrad));
  made.accesses = {matrix_access(dy, false), image_access(view, dx, true)};
  if (!average) {
    made.accesses.push_back(image_access(view, x, false));
  }
}

void OpSequence::affine_rows(const L1Matrix& x, const L1Matrix& y, std::uint32_t scale,
                             std::uint32_t shift, std::uint32_t channels,
                             std::uint32_t activation) {
  PlanOp& made = kernel(
      ETUDE_KERNEL_AFFINE_ROWS,
      {x.address, y.address, scale, shift, x.rows, x.cols, x.pitch, y.pitch, channels, activation},
      cost_.core_kernel(x.rows * x.cols, CostModel::kAffineRows));
  made.accesses = {matrix_access(x, false), matrix_access(y, true)};
  for (const std::uint32_t vector : {scale, shift}) {
    if (vector != 0) {
      made.accesses.push_back(
          {false, Access::Space::kL1, 0, vector, 1, 4 * channels, 4 * channels});
    }
  }
}

void OpSequence::row_sum(const L1Matrix& src, std::uint32_t dst, bool accumulate) {
  PlanOp& made = kernel(ETUDE_KERNEL_ROW_SUM,
                        {src.address, dst, src.rows, src.cols, src.pitch, accumulate ? 1u : 0u},
                        cost_.core_kernel(src.rows * src.cols, CostModel::kRowSum));
  made.accesses = {matrix_access(src, false),
                   {true, Access::Space::kL1, 0, dst, 1, 4 * src.rows, 4 * src.rows}};
}

}  // namespace etude
