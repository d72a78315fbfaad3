// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "tests/support/tape_cases.h"

namespace etude::test {

namespace {

compiler::WindowView window(TapeScene& s, std::uint32_t channels, bool pooling, bool apart) {
  compiler::ImageGeometry g;
  g.channels = channels;
  g.height = 2 + s.numbers.below(6);
  g.width = 2 + s.numbers.below(6);
  g.kernel_h = 1 + s.numbers.below(std::min(3u, g.height));
  g.kernel_w = 1 + s.numbers.below(std::min(3u, g.width));
  g.stride_h = 1 + s.numbers.below(2);
  g.stride_w = 1 + s.numbers.below(2);
  g.top = static_cast<std::int32_t>(s.numbers.below(pooling ? (g.kernel_h + 1) / 2 : g.kernel_h));
  g.left = static_cast<std::int32_t>(s.numbers.below(pooling ? (g.kernel_w + 1) / 2 : g.kernel_w));
  if (apart) {
    g.dilation_h = 1 + s.numbers.below(3);
    g.dilation_w = g.dilation_h == 1 ? 2 : 1 + s.numbers.below(3);
    g.height += g.reach_h() - g.kernel_h;
    g.width += (g.kernel_w - 1) * (g.dilation_w - 1);
  }
  const std::uint32_t reach_w = (g.kernel_w - 1) * g.dilation_w + 1;
  g.out_height = (g.height + static_cast<std::uint32_t>(g.top) - g.reach_h()) / g.stride_h + 1;
  g.out_width = (g.width + static_cast<std::uint32_t>(g.left) - reach_w) / g.stride_w + 1;
  return compiler::view_of(g, channels, {0, 1, 0, g.out_height}, {0, g.height},
                           g.height * g.width + s.numbers.below(4));
}
std::uint32_t taps(const compiler::WindowView& v) {
  return (v.kernel >> 16) * (v.kernel & 0xFFFFu);
}
std::uint32_t pixels(const compiler::WindowView& v) { return v.out_height * v.out_width; }
Address image(TapeScene& s, const compiler::WindowView& v) {
  return s.dense(v.channels, v.channel_pitch).address;
}

}  // namespace

std::vector<TapeCase> window_cases(bool apart) {
  const auto pool = [apart](bool average) {
    return [average, apart](TapeScene& s, compiler::Tape& t) {
      const compiler::WindowView v = window(s, s.extent(4), true, apart);
      const Address from = image(s, v);
      t.pool(average, v, from, s.matrix(v.channels, pixels(v)),
             !average && s.numbers.below(2) == 0);
    };
  };
  const auto pool_grad = [apart](bool average) {
    return [average, apart](TapeScene& s, compiler::Tape& t) {
      const compiler::WindowView v = window(s, s.extent(4), true, apart);
      const compiler::L1Matrix dy = s.matrix(v.channels, pixels(v));
      const Address x = average ? Address{} : image(s, v);
      t.pool_grad(average, v, dy, x, image(s, v), !average && s.numbers.below(2) == 0);
    };
  };
  std::vector<TapeCase> cases{
      {ETUDE_KERNEL_IM2COL, "im2col",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const Address from = image(s, v);
         t.im2col(v, from, s.matrix(v.channels * taps(v), pixels(v)));
       }},
      {ETUDE_KERNEL_IM2ROW, "im2row",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const Address from = image(s, v);
         t.im2row(v, from, s.matrix(pixels(v), v.channels * taps(v)));
       }},
      {ETUDE_KERNEL_COL2IM, "col2im",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const compiler::L1Matrix columns = s.matrix(v.channels * taps(v), pixels(v));
         t.col2im(v, columns, image(s, v), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_MAXPOOL, "maxpool", pool(false)},
      {ETUDE_KERNEL_AVGPOOL, "avgpool", pool(true)},
      {ETUDE_KERNEL_MAXPOOL_GRAD, "maxpool_grad", pool_grad(false)},
      {ETUDE_KERNEL_AVGPOOL_GRAD, "avgpool_grad", pool_grad(true)},
      {ETUDE_KERNEL_DEPTHWISE, "depthwise",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const Address from = image(s, v), weights = s.vector(v.channels * taps(v));
         t.depthwise(v, from, weights, s.matrix(v.channels, pixels(v)));
       }},
      {ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT, "depthwise_grad_input",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const compiler::L1Matrix dy = s.matrix(v.channels, pixels(v));
         const Address weights = s.vector(v.channels * taps(v));
         t.depthwise_grad_input(v, dy, weights, image(s, v));
       }},
      {ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT, "depthwise_grad_weight",
       [apart](TapeScene& s, compiler::Tape& t) {
         const compiler::WindowView v = window(s, s.extent(4), false, apart);
         const Address from = image(s, v);
         const compiler::L1Matrix dy = s.matrix(v.channels, pixels(v));
         t.depthwise_grad_weight(v, from, dy, s.vector(v.channels * taps(v)),
                                 s.numbers.below(2) == 0);
       }},
  };
  for (TapeCase& one : cases) {
    one.kernel = apart ? compiler::dilated(one.kernel) : one.kernel;
    one.name = apart ? etude_kernel_name(one.kernel) : one.name;
  }
  return cases;
}

}  // namespace etude::test
