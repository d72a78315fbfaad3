// SPDX-License-Identifier: Apache-2.0
// Kernels on images and their columns.
#include "compiler/tape/l1_access.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

namespace {

Access image_access(const WindowView& v, Address address, bool write) {
  return l1_access({address, v.channels, v.height * v.width, v.channel_pitch}, write);
}

std::uint32_t taps_of(const WindowView& view) {
  return (view.kernel >> 16) * (view.kernel & 0xFFFFu);
}

/// Bit of `kernel` with which results are added to what is there, and only positive maxima count.
constexpr std::uint32_t kFlag = 1u << 31;

}  // namespace

PlanOp& Tape::window(etude_kernel number, const WindowView& v, Address src, Address dst,
                     std::uint32_t pitch, std::uint32_t aux) {
  const bool apart = v.dilation != (1u << 16 | 1u);
  return kernel(apart ? dilated(number) : number,
                etude_window_args{.src = src.raw(),
                                  .dst = dst.raw(),
                                  .channels = v.channels,
                                  .height = v.height,
                                  .width = v.width,
                                  .channel_pitch = v.channel_pitch,
                                  .kernel = v.kernel,
                                  .stride = v.stride,
                                  .pad = v.pad,
                                  .out_height = v.out_height | (apart ? v.dilation >> 16 << 16 : 0),
                                  .out_width = v.out_width | (apart ? v.dilation << 16 : 0),
                                  .pitch = pitch,
                                  .aux = aux});
}

void Tape::im2col(const WindowView& view, Address image, const L1Matrix& columns) {
  PlanOp& made = window(ETUDE_KERNEL_IM2COL, view, image, columns.address, columns.pitch, 0);
  made.accesses = {image_access(view, image, false), l1_access(columns, true)};
}

void Tape::im2row(const WindowView& view, Address image, const L1Matrix& rows) {
  PlanOp& made = window(ETUDE_KERNEL_IM2ROW, view, image, rows.address, rows.pitch, 0);
  made.accesses = {image_access(view, image, false), l1_access(rows, true)};
}

void Tape::col2im(const WindowView& view, const L1Matrix& columns, Address image, bool accumulate) {
  WindowView v = view;
  v.kernel |= accumulate ? kFlag : 0;
  PlanOp& made = window(ETUDE_KERNEL_COL2IM, v, columns.address, image, columns.pitch, 0);
  // It makes entries zero that lie outside the image.
  made.accesses = {l1_access(columns, true), image_access(view, image, true)};
}

void Tape::pool(bool average, const WindowView& view, Address image, const L1Matrix& pooled,
                bool positive) {
  WindowView v = view;
  v.kernel |= positive ? kFlag : 0;
  PlanOp& made = window(average ? ETUDE_KERNEL_AVGPOOL : ETUDE_KERNEL_MAXPOOL, v, image,
                        pooled.address, pooled.pitch, 0);
  made.accesses = {image_access(view, image, false), l1_access(pooled, true)};
}

void Tape::pool_grad(bool average, const WindowView& view, const L1Matrix& dy, Address x,
                     Address dx, bool positive) {
  WindowView v = view;
  v.kernel |= positive ? kFlag : 0;
  PlanOp& made = window(average ? ETUDE_KERNEL_AVGPOOL_GRAD : ETUDE_KERNEL_MAXPOOL_GRAD, v,
                        dy.address, dx, dy.pitch, average ? 0 : x.raw());
  made.accesses = {l1_access(dy, false), image_access(view, dx, true)};
  if (!average) {
    made.accesses.push_back(image_access(view, x, false));
  }
}

void Tape::depthwise(const WindowView& view, Address image, Address weights, const L1Matrix& y) {
  const std::uint32_t taps = taps_of(view);
  PlanOp& made = window(ETUDE_KERNEL_DEPTHWISE, view, image, y.address, y.pitch, weights.raw());
  made.accesses = {image_access(view, image, false), l1_vector(weights, y.rows * taps, false),
                   l1_access(y, true)};
}

void Tape::depthwise_grad_input(const WindowView& view, const L1Matrix& dy, Address weights,
                                Address dx) {
  const std::uint32_t taps = taps_of(view);
  PlanOp& made =
      window(ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT, view, dy.address, dx, dy.pitch, weights.raw());
  made.accesses = {l1_access(dy, false), l1_vector(weights, dy.rows * taps, false),
                   image_access(view, dx, true)};
}

void Tape::depthwise_grad_weight(const WindowView& view, Address image, const L1Matrix& dy,
                                 Address dw, bool accumulate) {
  const std::uint32_t taps = taps_of(view);
  WindowView v = view;
  v.kernel |= accumulate ? kFlag : 0;
  PlanOp& made =
      window(ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT, v, image, dw, dy.pitch, dy.address.raw());
  made.accesses = {image_access(view, image, false), l1_access(dy, false),
                   l1_vector(dw, dy.rows * taps, true)};
}

void Tape::affine_rows(const L1Matrix& x, const L1Matrix& y, Address scale, Address shift,
                       std::uint32_t channels, std::uint32_t activation) {
  PlanOp& made = kernel<ETUDE_KERNEL_AFFINE_ROWS>({.x = x.address.raw(),
                                                   .y = y.address.raw(),
                                                   .scale = scale.raw(),
                                                   .shift = shift.raw(),
                                                   .rows = x.rows,
                                                   .cols = x.cols,
                                                   .pitch_x = x.pitch,
                                                   .pitch_y = y.pitch,
                                                   .channels = channels,
                                                   .activation = activation});
  made.accesses = {l1_access(x, false), l1_access(y, true)};
  for (const Address vector : {scale, shift}) {
    if (vector != Address{}) {
      made.accesses.push_back(l1_vector(vector, channels, false));
    }
  }
}

void Tape::row_sum(const L1Matrix& src, Address dst, bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_ROW_SUM>({.src = src.address.raw(),
                                               .dst = dst.raw(),
                                               .rows = src.rows,
                                               .cols = src.cols,
                                               .pitch_src = src.pitch,
                                               .accumulate = accumulate ? 1u : 0u});
  made.accesses = {l1_access(src, false), l1_vector(dst, src.rows, true)};
}

}  // namespace etude::compiler
