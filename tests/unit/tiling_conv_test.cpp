// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/conv_cycles.h"
#include "compiler/tiling/conv_tiling.h"
#include "models/base/error.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;
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

constexpr Bytes kAlignment = 96_B;  // 12 buffers of at most 8 bytes

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
  const ConvTiling t = strips(p, 2);             // 12 pixels, 3 strips of each sample: two at once
  const Bytes weight = bytes_for(8 * (36 + 1));  // 4 channels * 9 taps
  const Bytes columns = 2 * bytes_for(36 * (12 + 1));
  const Bytes image = 2 * bytes_for(4 * 4 * 6);  // 4 channels of (2 - 1) + 3 = 4 rows of 6
  const Bytes result = 2 * bytes_for(8 * (12 + 1));
  CHECK(l1_bytes(p, t, array()) == weight + columns + image + result + kAlignment);
  p.x_resident = true;  // columns are made from where the image stands
  CHECK(l1_bytes(p, t, array()) == weight + columns + result + kAlignment);
  p.epilogue = true;  // a bias of 8
  CHECK(l1_bytes(p, t, array()) == weight + columns + result + 32_B + kAlignment);
}

TEST_CASE("gradients on cores: what each product holds") {
  auto p = windows(Product::kGradWeight);
  const ConvTiling t = strips(p, 2);
  const Bytes gradient = 2 * bytes_for(8 * 13), columns = 2 * bytes_for(36 * 13);
  const Bytes image = 2 * bytes_for(96), weight = bytes_for(8 * 37);
  CHECK(l1_bytes(p, t, array()) == gradient + columns + image + weight + kAlignment);
  p.sgd = true;  // and the parameter, dense
  CHECK(l1_bytes(p, t, array()) ==
        gradient + columns + image + weight + bytes_for(8 * 36) + kAlignment);
  p.w_resident = true;
  CHECK(l1_bytes(p, t, array()) == gradient + columns + image + weight + kAlignment);

  auto q = windows(Product::kGradInput);
  // W^T of 36 rows of 9, two strips of dY and of columns, two whole images dX of 4 * 36 pixels.
  CHECK(l1_bytes(q, strips(q, 2), array()) ==
        bytes_for(36 * 9) + gradient + columns + 2 * bytes_for(4 * 36) + kAlignment);
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
  p.groups = 1;
  t.outputs = 12;  // 12 and 8 rows: 4 too many, which are the next sample's ...
  CHECK_FALSE(writes_in_place(p, t, array()));
  p.image.samples = 1;  // ... if there is one
  CHECK(writes_in_place(p, t, array()));
  p.image.samples = p.groups = 2;
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
            cost.dma(1, bytes_for(8 * 36), true) + 2 * cost.dma(1, bytes_for(4 * 36), true) +
            2 * cost.dma(1, bytes_for(8 * 36), false));
  auto groups = p;
  groups.groups = 3;
  CHECK(modelled_cycles(groups, t, cost) == 3 * modelled_cycles(p, t, cost));
}

TEST_CASE("cycles of the gradients") {
  const CostModel cost(platform());
  auto p = windows(Product::kGradWeight);
  ConvTiling t = strips(p, 6);
  t.double_buffer = false;
  const auto gradient = cost.dma(1, bytes_for(8 * 36), true),
             image = cost.dma(1, bytes_for(4 * 36), true);
  const auto weight = cost.dma(1, bytes_for(8 * 36), true);
  CHECK(modelled_cycles(p, t, cost) == 2 * cost.kernel(ETUDE_KERNEL_GEMM, {8, 36, 36}) +
                                           2 * gradient + 2 * image +
                                           2 * cost.kernel(ETUDE_KERNEL_IM2COL, {4 * 6, 6, 9}) +
                                           cost.dma(1, bytes_for(8 * 36), false));
  auto q = windows(Product::kGradInput);
  // dcols of both samples added up into images that are filled with zeros first.
  CHECK(modelled_cycles(q, t, cost) == 2 * cost.kernel(ETUDE_KERNEL_GEMM, {36, 36, 8}) + weight +
                                           2 * gradient +
                                           2 * cost.kernel(ETUDE_KERNEL_COL2IM, {4 * 6, 6, 9}) +
                                           2 * cost.kernel(ETUDE_KERNEL_FILL, {1, 4 * 36, 1}) +
                                           2 * cost.dma(1, bytes_for(4 * 36), false));
}

TEST_CASE("no tile of whole steps of outputs is cheaper than what the search finds") {
  const CostModel cost(platform());
  const auto product = GENERATE(Product::kForward, Product::kGradWeight, Product::kGradInput);
  auto p = windows(product, GENERATE(Unit::kCores, Unit::kRedmule));
  p.outputs = 24;
  // Outputs are tried in steps: one for each core, L for the array, H where they are its reduction.
  const std::uint32_t step = p.unit == Unit::kCores ? 8 : product == Product::kGradInput ? 4 : 12;
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
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
  limits.preferred = 1024_KiB;
  for (limits.l1_bytes = 2_KiB; limits.l1_bytes < 20000_B; limits.l1_bytes += 1_KiB) {
    CHECK(choose_conv_tiling("c", p, limits, cost, array()).l1_bytes <= limits.l1_bytes);
  }
  // The user's 8 x 36 x 12 with one buffer each: 1184 of W, 1872 of columns, 384 of the image, 416
  // of the result, 96: 3952.
  limits.fixed.m = 8;
  limits.fixed.n = 36;
  limits.fixed.k = 12;
  limits.l1_bytes = 3952_B;
  const auto t = choose_conv_tiling("c", p, limits, cost, array());
  CHECK(t.rows == 2);
  CHECK_FALSE(t.double_buffer);
  limits.l1_bytes = 3900_B;
  CHECK_THROWS_WITH(choose_conv_tiling("c1", p, limits, cost, array()),
                    Catch::Contains("operator 'c1'") && Catch::Contains("tile 8x36x12") &&
                        Catch::Contains("3952 bytes") && Catch::Contains("52 more"));
}

TEST_CASE("what is chosen has its modelled cycles, what it crowds out and what it saves by staying",
          "[conv_tiling]") {
  const CostModel cost(platform());
  const auto p = windows(GENERATE(Product::kForward, Product::kGradInput));
  TilingLimits limits;
  limits.l1_bytes = 1024_KiB;
  limits.preferred = GENERATE(1_KiB, 6_KiB, 1024_KiB);
  limits.keep_bytes = GENERATE(0_B, 1024_KiB);
  const auto t = choose_conv_tiling("c", p, limits, cost, array());
  CHECK((!t.keep || limits.keep_bytes != 0_B));
  // With nothing crowded out the images of the gradient stay; of the forward product tiles of fewer
  // outputs, whose ends are shorter, are cheaper than what staying saves.
  if (limits.preferred == limits.l1_bytes && p.product == Product::kGradInput) {
    CHECK(t.keep == (limits.keep_bytes != 0_B));
  }
  const Cycle modelled = modelled_cycles(p, t, cost);
  const Bytes more = t.l1_bytes > limits.preferred ? t.l1_bytes - limits.preferred : 0_B;
  const Cycle crowded = modelled + modelled * more.raw() / (2 * limits.preferred.raw());
  // 2 samples of 8 outputs, or of 4 channels, of 36 pixels: not stored and fetched again.
  const Bytes result = bytes_for(2 * 36 * (p.product == Product::kForward ? 8 : 4));
  const Cycle saved = cost.dma(1, result, true) + cost.dma(1, result, false);
  CHECK(t.cycles == crowded - (t.keep ? std::min(crowded, saved) : 0_cy));
}

TEST_CASE("a result stays only where the array may write it as a whole", "[conv_tiling]") {
  const CostModel cost(platform());
  auto p = windows(Product::kForward, Unit::kRedmule);
  p.groups = GENERATE(1u, 2u);
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = limits.keep_bytes = 1024_KiB;
  // 8 rows are written as 12: into the next group's.
  CHECK(choose_conv_tiling("c", p, limits, cost, array()).keep == (p.groups == 1));
}

TEST_CASE("a weight is updated in pieces of 8 KiB", "[conv_tiling]") {
  const CostModel cost(platform());
  auto p = windows(Product::kGradWeight);
  p.outputs = 64;
  p.sgd = true;
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
  limits.fixed.m = 64;
  limits.fixed.k = 36;
  // Rows of 4 * 9 floats: 2048 / 36 = 56 of them.
  CHECK(choose_conv_tiling("c", p, limits, cost, array()).update_rows == 56);
}

TEST_CASE("the array's reductions stay long enough, however short L1 is", "[conv_tiling]") {
  const CostModel cost(platform());
  auto p = windows(GENERATE(Product::kForward, Product::kGradWeight, Product::kGradInput),
                   Unit::kRedmule);
  p.outputs = 24;
  TilingLimits limits;
  int chosen = 0;
  for (limits.l1_bytes = 1_KiB; limits.l1_bytes < 40_KiB; limits.l1_bytes += 512_B) {
    limits.preferred = limits.l1_bytes;
    try {
      const auto t = choose_conv_tiling("c", p, limits, cost, array());
      ++chosen;
      switch (p.product) {
        case Product::kForward:
          CHECK(long_enough(4 * 9, t.channels * 9));
          break;
        case Product::kGradInput:
          CHECK(long_enough(24, t.outputs));
          break;
        case Product::kGradWeight:
          CHECK(long_enough(t.samples == 1 && t.rows < 6 ? 36 : 72, t.pixels(p)));
      }
    } catch (const UserError&) {  // nothing fits
    }
  }
  CHECK(chosen > 10);
}

TEST_CASE("a reduction too short for the array is refused as such") {
  const CostModel cost(platform());
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
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
  limits.l1_bytes = limits.preferred = 1024_KiB;
  auto p = windows(Product::kForward);
  p.outputs = 16;
  p.outputs_first = true;
  const auto t = choose_conv_tiling("c", p, limits, cost, array());
  CHECK(t.outputs_outer);
  CHECK(t.outputs < 16);
}

}  // namespace
}  // namespace etude::compiler
