// SPDX-License-Identifier: Apache-2.0
// What the cost model makes of coefficients: which of them count for a call, how the cores share
// the work, and what a row of the file has to be.
#include "compiler/cost/cost_model.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "compiler/cost/kernel_costs.h"

namespace etude::compiler {
namespace {

KernelCost costs(KernelShare share) {
  // 100 + 8 a row + 2 an element + 16 a row and inner step + 4 an element and inner step
  return {ETUDE_KERNEL_FILL, share, 100, 8, 2, 16, 4, true};
}

TEST_CASE("each coefficient counts for its extents, an even share of all work a core", "[cost]") {
  const KernelCost cost = costs(KernelShare::kEven);
  // 6 rows * 8 + 6 * 10 elements * 2 + 6 * 3 runs * 16 + 6 * 10 * 3 products * 4
  //   = 48 + 120 + 288 + 720 = 1176; 4 cores: 294
  CHECK(kernel_cycles(cost, {6, 10, 3}, 4) == 100 + 294);
  CHECK(kernel_cycles(cost, {6, 10, 3}, 1) == 100 + 1176);
  // 147 of 8 cores; what is no whole cycle is cut: 1176 / 9 = 130.67
  CHECK(kernel_cycles(cost, {6, 10, 3}, 8) == 100 + 147);
  CHECK(kernel_cycles(cost, {6, 10, 3}, 9) == 100 + 130);
  CHECK(kernel_cycles(cost, {0, 0, 0}, 4) == 100);  // nothing to do is still a kernel
}

TEST_CASE("the busiest core has whole rows, or whole columns", "[cost]") {
  // 6 rows on 4 cores: one has 2 of them; 2 * 8 + 20 * 2 + 6 * 16 + 60 * 4 = 16 + 40 + 96 + 240
  CHECK(kernel_cycles(costs(KernelShare::kRows), {6, 10, 3}, 4) == 100 + 392);
  CHECK(kernel_cycles(costs(KernelShare::kRows), {8, 10, 3}, 4) == 100 + 392);
  // 10 columns on 4 cores: one has 3 of them, in 6 rows; 48 + 18 * 2 + 18 * 16 + 54 * 4
  CHECK(kernel_cycles(costs(KernelShare::kColumns), {6, 10, 3}, 4) == 100 + 48 + 36 + 288 + 216);
}

TEST_CASE("large extents do not overflow a word", "[cost]") {
  // 70,000 * 70,000 products of 4 inner steps, 4 cycles each, and nothing else, on 8 cores
  const KernelCost cost{ETUDE_KERNEL_GEMM, KernelShare::kEven, 0, 0, 0, 0, 4, false};
  CHECK(kernel_cycles(cost, {70000, 70000, 4}, 8) == 70000ull * 70000 * 4 * 4 / 8);
}

TEST_CASE("every kernel has a price that grows with its work and falls with the cores", "[cost]") {
  for (std::uint32_t k = 0; k < ETUDE_KERNELS; ++k) {
    const auto kernel = static_cast<etude_kernel>(k);
    const KernelCost& cost = kernel_cost(kernel);
    INFO(std::string(etude_kernel_name(k)));
    CHECK(cost.kernel == kernel);
    CHECK(cost.fixed >= 0);
    CHECK(kernel_cycles(cost, {64, 64, 4}, 8) > kernel_cycles(cost, {32, 64, 4}, 8));
    CHECK(kernel_cycles(cost, {64, 64, 4}, 4) > kernel_cycles(cost, {64, 64, 4}, 8));
  }
}

TEST_CASE("a call's extents are those of its loops", "[cost]") {
  const auto same = [](etude_kernel kernel, const auto& args, const etude_extents& wanted) {
    std::uint32_t words[13] = {};
    std::memcpy(words, &args, sizeof args);
    const etude_extents found = etude_kernel_extents(kernel, words);
    return found.rows == wanted.rows && found.cols == wanted.cols && found.inner == wanted.inner;
  };
  etude_unary_args copy{};
  copy.rows = 5, copy.cols = 7, copy.pitch_x = 7, copy.pitch_y = 7;
  CHECK(same(ETUDE_KERNEL_COPY, copy, {1, 35, 1}));  // no gaps: one row
  copy.pitch_y = 8;
  CHECK(same(ETUDE_KERNEL_COPY, copy, {5, 7, 1}));
  etude_gemm_args gemm{};
  gemm.rows = 2, gemm.inner = 3, gemm.cols = 4;
  CHECK(same(ETUDE_KERNEL_GEMM, gemm, {2, 4, 3}));
  etude_window_args window{};
  window.channels = 3, window.out_height = 5, window.out_width = 6;
  window.kernel = 1u << 31 | 3u << 16 | 2u;  // 3 x 2 taps; the top bit is a flag
  CHECK(same(ETUDE_KERNEL_MAXPOOL, window, {15, 6, 6}));
  CHECK(same(ETUDE_KERNEL_IM2COL, window, {18, 6, 5}));
  CHECK(same(ETUDE_KERNEL_IM2ROW, window, {30, 3, 6}));
  CHECK(same(ETUDE_KERNEL_COL2IM, window, {3, 30, 6}));
  etude_channel_sums_args sums{};
  sums.samples = 2, sums.channels = 8, sums.cols = 16;
  CHECK(same(ETUDE_KERNEL_CHANNEL_SUMS, sums, {8, 16, 2}));
  CHECK(same(ETUDE_KERNELS, sums, {0, 0, 0}));
}

TEST_CASE("a cost model prices by the file, the platform's cores and its array", "[cost]") {
  PlatformConfig platform;
  platform.cluster.cores = 4;
  const CostModel model(platform);
  const KernelCost& softmax = kernel_cost(ETUDE_KERNEL_SOFTMAX);
  CHECK(model.kernel(ETUDE_KERNEL_SOFTMAX, {9, 25, 1}) ==
        Cycle{kernel_cycles(softmax, {9, 25, 1}, 4)});
  CHECK(model.per_element(ETUDE_KERNEL_SOFTMAX) == softmax.element + softmax.product);
  UnitCosts dear = unit_costs();
  dear.job_program += 1000;
  dear.contention = 3;
  const CostModel other(platform, dear);
  CHECK(other.redmule(12, 16, 16) == model.redmule(12, 16, 16) + Cycle{1000});
  CHECK(other.beside_redmule(Cycle{100}) == Cycle{300});
}

}  // namespace
}  // namespace etude::compiler
