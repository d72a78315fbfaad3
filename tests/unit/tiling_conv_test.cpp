// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/conv_cycles.h"
#include "compiler/tiling/conv_tiling.h"

namespace etude::compiler {
namespace {

using Unit = GemmProblem::Unit;
using Product = ConvProblem::Product;

PlatformConfig platform() {
  PlatformConfig made;
  made.cluster.cores = 8;
  made.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  return made;
}
RedmuleConfig array() { return platform().cluster.redmule; }  // H 4, L 12, 16 columns

/// 3x3 windows over 2 samples of 4 channels of 6x6, one pixel of padding: 6x6 again, 8 outputs.
ConvProblem windows(Product product, Unit unit = Unit::kCores) {
  ConvProblem p;
  p.product = product;
  p.unit = unit;
  p.image.samples = 2;
  p.image.channels = 4;
  p.image.height = p.image.width = p.image.out_height = p.image.out_width = 6;
  p.image.kernel_h = p.image.kernel_w = 3;
  p.image.top = p.image.left = 1;
  p.outputs = 8;
  return p;
}

/// All outputs and channels, strips of `rows` rows of one sample.
ConvTiling strips(const ConvProblem& p, std::uint32_t rows) {
  ConvTiling t;
  t.outputs = p.outputs;
  t.channels = p.image.channels;
  t.rows = rows;
  t.update_rows = p.outputs;
  return t;
}

constexpr std::uint32_t kAlignment = 96;  // 12 buffers of at most 8 bytes

TEST_CASE("counts say how often a tiling cuts each direction") {
  const auto p = windows(Product::kForward);
  ConvTiling t = strips(p, 4);
  t.outputs = 3;
  const ConvCounts n(p, t);
  CHECK(n.outputs == 3);  // 3 + 3 + 2
  CHECK(n.channels == 1);
  CHECK(n.rows == 2);  // 4 + 2
  CHECK(n.samples == 2);
  CHECK(n.strips() == 4);    // 2 of each sample
  CHECK(t.pixels(p) == 24);  // 4 rows of 6
  CHECK(t.copies(1) == 1);
  CHECK(t.copies(2) == 2);
  t.double_buffer = false;
  CHECK(t.copies(2) == 1);
}

TEST_CASE("forward on cores: weight, columns, image rows and result, with odd pitches") {
  auto p = windows(Product::kForward);
  const ConvTiling t = strips(p, 2);              // 12 pixels, 3 strips of each sample: two at once
  const std::uint32_t weight = 4 * 8 * (36 + 1);  // 4 channels * 9 taps
  const std::uint32_t columns = 2 * 4 * 36 * (12 + 1);
  const std::uint32_t image = 2 * 4 * 4 * 4 * 6;  // 4 channels of (2 - 1) + 3 = 4 rows of 6
  const std::uint32_t result = 2 * 4 * 8 * (12 + 1);
  CHECK(l1_bytes(p, t, array()) == weight + columns + image + result + kAlignment);
  p.x_resident = true;  // columns are made from where the image stands
  CHECK(l1_bytes(p, t, array()) == weight + columns + result + kAlignment);
  p.epilogue = true;  // a bias of 8
  CHECK(l1_bytes(p, t, array()) == weight + columns + result + 32 + kAlignment);
}

TEST_CASE("gradients on cores: what each product holds") {
  auto p = windows(Product::kGradWeight);
  const ConvTiling t = strips(p, 2);
  const std::uint32_t gradient = 2 * 4 * 8 * 13, columns = 2 * 4 * 36 * 13, image = 2 * 4 * 96;
  const std::uint32_t weight = 4 * 8 * 37;
  CHECK(l1_bytes(p, t, array()) == gradient + columns + image + weight + kAlignment);
  p.sgd = true;  // and the parameter, dense
  CHECK(l1_bytes(p, t, array()) == gradient + columns + image + weight + 4 * 8 * 36 + kAlignment);
  p.w_resident = true;
  CHECK(l1_bytes(p, t, array()) == gradient + columns + image + weight + kAlignment);

  auto q = windows(Product::kGradInput);
  // W^T of 36 rows of 9, two strips of dY and of columns, two whole images dX of 4 * 36 pixels.
  CHECK(l1_bytes(q, strips(q, 2), array()) ==
        4 * 36 * 9 + gradient + columns + 2 * 4 * 4 * 36 + kAlignment);
}

TEST_CASE("the array writes in place only where what it writes too much comes later") {
  auto p = windows(Product::kForward, Unit::kRedmule);
  p.outputs = 24;
  ConvTiling t = strips(p, 6);
  CHECK(writes_in_place(p, t, array()));  // 24 = 2 * 12
  t.rows = 3;
  CHECK_FALSE(writes_in_place(p, t, array()));  // half an image is not whole rows
  p.epilogue = true;
  CHECK(writes_in_place(p, t, array()));  // a kernel writes it
  p.epilogue = false;
  t.rows = 6;
  t.outputs = 8;
  CHECK_FALSE(writes_in_place(p, t, array()));  // 8 rows are written as 12
  p.unit = Unit::kCores;
  CHECK(writes_in_place(p, t, array()));
  p.unit = Unit::kRedmule;
  p.outputs = 20;
  t.outputs = 20;
  CHECK(writes_in_place(p, t, array()));  // all at once, and the next sample later
  p.groups = 2;
  CHECK_FALSE(writes_in_place(p, t, array()));
  t.outputs = 12;  // the last tile has 8 rows: 4 too many, which are the next group's
  CHECK_FALSE(writes_in_place(p, t, array()));
}

TEST_CASE("cycles of a forward product: what is loaded, made and stored") {
  const CostModel cost(platform());
  const auto p = windows(Product::kForward);
  ConvTiling t = strips(p, 6);
  t.double_buffer = false;  // the sum of all
  // 2 samples: the weight once, an image, its columns, a product and a result for each.
  const auto job = cost.kernel(ETUDE_KERNEL_GEMM, {8, 36, 36});
  CHECK(modelled_cycles(p, t, cost) ==
        2 * job + 2 * cost.kernel(ETUDE_KERNEL_IM2COL, {4 * 6, 6, 9}) +
            cost.dma(1, 4 * 8 * 36, true) + 2 * cost.dma(1, 4 * 4 * 36, true) +
            2 * cost.dma(1, 4 * 8 * 36, false));
  auto groups = p;
  groups.groups = 3;
  CHECK(modelled_cycles(groups, t, cost) == 3 * modelled_cycles(p, t, cost));
}

TEST_CASE("cycles of the gradients") {
  const CostModel cost(platform());
  auto p = windows(Product::kGradWeight);
  ConvTiling t = strips(p, 6);
  t.double_buffer = false;
  const auto gradient = cost.dma(1, 4 * 8 * 36, true), image = cost.dma(1, 4 * 4 * 36, true);
  const auto weight = cost.dma(1, 4 * 8 * 36, true);
  CHECK(modelled_cycles(p, t, cost) ==
        2 * cost.kernel(ETUDE_KERNEL_GEMM, {8, 36, 36}) + 2 * gradient + 2 * image +
            2 * cost.kernel(ETUDE_KERNEL_IM2COL, {4 * 6, 6, 9}) + cost.dma(1, 4 * 8 * 36, false));
  auto q = windows(Product::kGradInput);
  // dcols of both samples added up into images that are filled with zeros first.
  CHECK(modelled_cycles(q, t, cost) == 2 * cost.kernel(ETUDE_KERNEL_GEMM, {36, 36, 8}) + weight +
                                           2 * gradient +
                                           2 * cost.kernel(ETUDE_KERNEL_COL2IM, {4 * 6, 6, 9}) +
                                           2 * cost.kernel(ETUDE_KERNEL_FILL, {1, 4 * 36, 1}) +
                                           2 * cost.dma(1, 4 * 4 * 36, false));
}

TEST_CASE("no tile of whole steps of outputs is cheaper than what the search finds") {
  const CostModel cost(platform());
  const auto product = GENERATE(Product::kForward, Product::kGradWeight, Product::kGradInput);
  auto p = windows(product, GENERATE(Unit::kCores, Unit::kRedmule));
  p.outputs = 24;
  // Outputs are tried in steps: one for each core, L for the array, H where they are its reduction.
  const std::uint32_t step = p.unit == Unit::kCores ? 8 : product == Product::kGradInput ? 4 : 12;
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1 << 20;
  const auto found = choose_conv_tiling("c", p, limits, cost, array());
  CHECK(found.l1_bytes == l1_bytes(p, found, array()));
  const std::uint32_t reduction = product == Product::kForward ? 36 : p.outputs;
  for (std::uint32_t outputs = step; outputs <= 24; outputs += step) {
    for (std::uint32_t channels = 1; channels <= 4; ++channels) {
      for (std::uint32_t rows = 1; rows <= 6; ++rows) {
        for (std::uint32_t samples = 1; samples <= (rows == 6 ? 2u : 1u); ++samples) {
          ConvTiling t;
          t.outputs = outputs;
          t.channels = channels;
          t.rows = rows;
          t.samples = samples;
          t.update_rows = outputs;
          const std::uint32_t tile = product == Product::kForward ? channels * 9 : outputs;
          const bool runs = p.unit == Unit::kCores || product == Product::kGradWeight ||
                            long_enough(reduction, tile);
          INFO(outputs << " " << channels << " " << rows << " " << samples);
          CHECK((!runs || modelled_cycles(p, t, cost) >= found.cycles));
        }
      }
    }
  }
}

TEST_CASE("a search keeps within L1, or says what is missing") {
  const CostModel cost(platform());
  const auto p = windows(Product::kForward);
  TilingLimits limits;
  limits.preferred = 1 << 20;
  for (limits.l1_bytes = 2048; limits.l1_bytes < 20000; limits.l1_bytes += 1024) {
    CHECK(choose_conv_tiling("c", p, limits, cost, array()).l1_bytes <= limits.l1_bytes);
  }
  // The user's 8 x 36 x 12 with one buffer each: 1184 of W, 1872 of columns, 384 of the image, 416
  // of the result, 96: 3952.
  limits.fixed.m = 8;
  limits.fixed.n = 36;
  limits.fixed.k = 12;
  limits.l1_bytes = 3952;
  const auto t = choose_conv_tiling("c", p, limits, cost, array());
  CHECK(t.rows == 2);
  CHECK_FALSE(t.double_buffer);
  limits.l1_bytes = 3900;
  CHECK_THROWS_WITH(choose_conv_tiling("c1", p, limits, cost, array()),
                    Catch::Contains("operator 'c1'") && Catch::Contains("tile 8x36x12") &&
                        Catch::Contains("3952 bytes") && Catch::Contains("52 more"));
}

TEST_CASE("a reduction too short for the array is refused as such") {
  const CostModel cost(platform());
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1 << 20;
  auto p = windows(Product::kForward, Unit::kRedmule);
  p.image.channels = 8;
  p.image.kernel_h = p.image.kernel_w = 1;
  p.image.top = p.image.left = 0;  // 8 < 9
  CHECK_THROWS_WITH(choose_conv_tiling("c", p, limits, cost, array()),
                    Catch::Contains("operator 'c'") && Catch::Contains("too short for RedMulE"));
}

TEST_CASE("strips inside several tiles of outputs on request") {
  const CostModel cost(platform());
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1 << 20;
  auto p = windows(Product::kForward);
  p.outputs = 16;
  p.outputs_first = true;
  const auto t = choose_conv_tiling("c", p, limits, cost, array());
  CHECK(t.outputs_outer);
  CHECK(t.outputs < 16);
}

}  // namespace
}  // namespace etude::compiler
