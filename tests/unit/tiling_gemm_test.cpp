// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/gemm_cycles.h"
#include "compiler/tiling/gemm_search.h"
#include "compiler/tiling/gemm_tiling.h"
#include "tests/support/gemm_problems.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;
using namespace etude::test::gemm;

GemmTiling choose_tiling(const std::string& name, const GemmProblem& problem,
                         const TilingLimits& limits, const CostModel& cost,
                         const RedmuleConfig& redmule) {
  return GemmSearch(cost, redmule).choose(name, problem, limits);
}

constexpr Bytes kAlignment = 88_B;  // 11 buffers of at most 8 bytes

TEST_CASE("cores: L1 holds tiles with odd pitches") {
  auto p = problem(Unit::kCores, 16, 8, 10);
  // X 16 rows of 9, W 8 rows of 11, Z 16 rows of 11.
  const Bytes x = bytes_for(16 * 9), w = bytes_for(8 * 11), z = bytes_for(16 * 11);
  CHECK(l1_bytes(p, whole(p), array()) == x + w + z + kAlignment);
  SECTION("a transposed X keeps its stored orientation: 8 rows of 17") {
    p.x.transpose = true;
    CHECK(l1_bytes(p, whole(p), array()) == bytes_for(8 * 17) + w + z + kAlignment);
  }
  SECTION("a resident operand takes nothing") {
    p.w.resident = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + z + kAlignment);
  }
  SECTION("two tiles of X and Z are held at once, one without double buffering") {
    GemmTiling t{8, 8, 10};
    CHECK(l1_bytes(p, t, array()) == 2 * bytes_for(8 * 9) + w + 2 * bytes_for(8 * 11) + kAlignment);
    t.double_buffer = false;
    CHECK(l1_bytes(p, t, array()) == bytes_for(8 * 9) + w + bytes_for(8 * 11) + kAlignment);
  }
  SECTION("rows: one bias, two, and sums with their update") {
    p.bias = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + z + bytes_for(10) + kAlignment);
    p.second_bias = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + z + bytes_for(2 * 10) + kAlignment);
    p.column_sums = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + z + bytes_for(4 * 10) + kAlignment);
  }
  SECTION("a target, a mask and a parameter each have Z's size") {
    p.loss = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + 2 * z + kAlignment);
    p.loss = false;
    p.mask = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + 2 * z + kAlignment);
    p.mask_resident = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + z + kAlignment);
    p.sgd = true;
    CHECK(l1_bytes(p, whole(p), array()) == x + w + 2 * z + kAlignment);
  }
}

TEST_CASE("RedMulE: L1 holds what it reads ahead and the rows it writes too many") {
  // 12 rows are a multiple of H and L: 16 elements ahead of X and W.
  auto p = problem(Unit::kRedmule, 12, 16, 16);
  CHECK(l1_bytes(p, whole(p), array()) ==
        bytes_for(12 * 16 + 16) + bytes_for(16 * 16 + 16) + bytes_for(12 * 16) + kAlignment);
  // 13 rows: 3 more of X up to 16, Z up to 24.
  p.m = 13;
  CHECK(l1_bytes(p, whole(p), array()) ==
        2 * bytes_for(16 * 16 + 16) + bytes_for(24 * 16) + kAlignment);
  // A transposed W stands twice: as loaded and as the unit wants it.
  p.m = 12;
  p.w.transpose = true;
  CHECK(l1_bytes(p, whole(p), array()) ==
        bytes_for(12 * 16 + 16) + bytes_for(2 * 16 * 16 + 16) + bytes_for(12 * 16) + kAlignment);
}

TEST_CASE("lengths that the array wants") {
  CHECK(least_padded(9, array()) == 9);
  CHECK(least_padded(8, array()) == 12);  // 9 up to a multiple of 4
  CHECK(long_enough(27, 9));
  CHECK(long_enough(28, 19));        // 9 are left
  CHECK_FALSE(long_enough(28, 20));  // 8 are left
  CHECK_FALSE(long_enough(16, 8));
  CHECK(padded_reduction(16) == 16);
  CHECK(padded_reduction(17) == 32);
  CHECK(stored_rows(Unit::kRedmule, 13, array()) == 24);
  CHECK(stored_rows(Unit::kCores, 13, array()) == 13);
  CHECK(read_ahead(13, 5, array()) == bytes_for(3 * 5 + 16));
  CHECK(tile_pitch(Unit::kCores, 8, true) == 9);
  CHECK(tile_pitch(Unit::kCores, 8, false) == 8);
  CHECK(tile_pitch(Unit::kRedmule, 8, true) == 8);
}

TEST_CASE("crowding costs half the time for twice the preferred part") {
  CHECK(crowding(1000_cy, 500_B, 500_B) == 0_cy);
  CHECK(crowding(1000_cy, 1000_B, 500_B) == 500_cy);  // 1000 * 500 / (2 * 500)
}

TEST_CASE("cycles: the slowest of all, and a quarter of the ends") {
  const CostModel cost(platform());
  const auto p = problem(Unit::kCores, 64, 32, 40);
  const auto job = cost.kernel(ETUDE_KERNEL_GEMM, {64, 40, 32});
  const auto x = cost.dma(64, 128_B, true), w = cost.dma(32, 160_B, true),
             z = cost.dma(64, 160_B, false);
  CHECK(modelled_cycles(p, whole(p), cost, array()) == job + (x + w + z) / 4);
  GemmTiling one = whole(p);
  one.double_buffer = false;  // nothing overlaps
  CHECK(modelled_cycles(p, one, cost, array()) == job + x + w + z);
  // Three such products one after the other.
  auto three = p;
  three.count = 3;
  CHECK(modelled_cycles(three, whole(p), cost, array()) == 3 * job + (x + w + z) / 4);
}

TEST_CASE("cycles: a small product takes as long as the controller posts its operations") {
  const CostModel cost(platform());
  const auto p = problem(Unit::kCores, 4, 4, 4);
  const auto ends = cost.dma(4, 16_B, true) * 2 + cost.dma(4, 16_B, false);
  UnitCosts slow = unit_costs();
  slow.post = 5000;
  // 1 job + 2 loads + 1 store
  CHECK(modelled_cycles(p, whole(p), CostModel(platform(), slow), array()) ==
        Cycle{4 * 5000} + ends / 4);
}

TEST_CASE(
    "cycles: the outer operand's only tile is loaded once, the inner's for every outer tile") {
  const CostModel cost(platform());
  auto p = problem(Unit::kCores, 64, 8, 32);
  p.store = false;
  GemmTiling t{16, 8, 16};  // 4 x 2 tiles of Z
  t.double_buffer = false;
  const auto job = 8 * cost.kernel(ETUDE_KERNEL_GEMM, {16, 16, 8});
  // X outside: 4 tiles once, W's 2 tiles for each.
  CHECK(modelled_cycles(p, t, cost, array()) ==
        job + 4 * cost.dma(16, 32_B, true) + 8 * cost.dma(8, 64_B, true));
  t.m_outer = false;  // W's 2 tiles once, X's 4 for each
  CHECK(modelled_cycles(p, t, cost, array()) ==
        job + 8 * cost.dma(16, 32_B, true) + 2 * cost.dma(8, 64_B, true));
}

/// Every tile size, order, place of the result and number of buffers.
GemmTiling cheapest(const GemmProblem& p, const TilingLimits& limits, const CostModel& cost) {
  GemmTiling best;
  best.cycles = kNever;
  for (std::uint32_t m = 1; m <= p.m; ++m) {
    for (std::uint32_t n = 1; n <= p.n; ++n) {
      for (std::uint32_t k = 1; k <= p.k; ++k) {
        for (const bool outer : {true, false}) {
          GemmTiling t{m, n, k, outer, false, limits.double_buffer};
          if (p.unit == Unit::kRedmule && !long_enough(p.n, n) && n < p.n) {
            continue;
          }
          t.l1_bytes = l1_bytes(p, t, array());
          t.cycles = modelled_cycles(p, t, cost, array());
          if (t.l1_bytes <= limits.l1_bytes && t.cycles < best.cycles) {
            best = t;
          }
        }
      }
    }
  }
  return best;
}

TEST_CASE("no tile of a small problem is cheaper than what the search finds") {
  const CostModel cost(platform());
  const auto unit = GENERATE(Unit::kCores, Unit::kRedmule);
  const auto extents = GENERATE(std::array{16u, 8u, 24u}, std::array{5u, 12u, 7u},
                                std::array{24u, 32u, 16u}, std::array{1u, 20u, 30u});
  auto p = problem(unit, extents[0], extents[1], extents[2]);
  p.x.transpose = GENERATE(false, true);
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
  const auto found = choose_tiling("a", p, limits, cost, array());
  const auto best = cheapest(p, limits, cost);
  INFO(found.m << "x" << found.n << "x" << found.k << " against " << best.m << "x" << best.n << "x"
               << best.k);
  CHECK(found.cycles == best.cycles);
  CHECK(found.l1_bytes == l1_bytes(p, found, array()));
}

TEST_CASE("a tiling keeps within L1, and without room for two buffers takes one") {
  const CostModel cost(platform());
  const auto p = problem(Unit::kCores, 64, 64, 64);
  TilingLimits limits;
  limits.preferred = 1024_KiB;
  for (limits.l1_bytes = 2_KiB; limits.l1_bytes <= 64_KiB; limits.l1_bytes += 1_KiB) {
    const auto t = choose_tiling("a", p, limits, cost, array());
    CHECK(t.l1_bytes <= limits.l1_bytes);
    CHECK(t.l1_bytes == l1_bytes(p, t, array()));
  }
  // X, W and Z as 8 rows of 9, once each.
  limits.fixed.m = limits.fixed.n = limits.fixed.k = 8;
  limits.l1_bytes = 3 * bytes_for(8 * 9) + kAlignment;
  CHECK_FALSE(choose_tiling("a", p, limits, cost, array()).double_buffer);
}

TEST_CASE("the user's tile is taken, cut to the problem") {
  const CostModel cost(platform());
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
  limits.fixed.m = 5;
  limits.fixed.n = 100;
  limits.fixed.k = 3;
  const auto t = choose_tiling("a", problem(Unit::kCores, 16, 8, 24), limits, cost, array());
  CHECK(t.m == 5);
  CHECK(t.n == 8);
  CHECK(t.k == 3);
}

TEST_CASE("too little L1 names the operator, its tile and the bytes missing") {
  const CostModel cost(platform());
  TilingLimits limits;
  limits.l1_bytes = 100_B;
  limits.fixed.m = limits.fixed.n = limits.fixed.k = 4;
  // One buffer each: X, W and Z 4 rows of 5 = 80 bytes, 3 * 80 + 88 = 328; 228 more than 100.
  CHECK_THROWS_WITH(choose_tiling("fc", problem(Unit::kCores, 8, 8, 8), limits, cost, array()),
                    Catch::Contains("operator 'fc'") && Catch::Contains("tile 4x4x4") &&
                        Catch::Contains("328 bytes") && Catch::Contains("228 more") &&
                        Catch::Contains("/tiling/l1_budget"));
}

TEST_CASE("a result is kept only within its limit, and never under an update") {
  const CostModel cost(platform());
  auto p = problem(Unit::kCores, 16, 16, 16);
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
  limits.keep_bytes = bytes_for(16 * 16);
  CHECK(choose_tiling("a", p, limits, cost, array()).keep_z);
  p.sgd = true;
  CHECK_FALSE(choose_tiling("a", p, limits, cost, array()).keep_z);
  p.sgd = false;
  limits.keep_bytes -= 1_B;
  CHECK_FALSE(choose_tiling("a", p, limits, cost, array()).keep_z);
  limits.keep_bytes += 1_B;
  p.transpose_z = true;  // both orientations would have to stay
  CHECK_FALSE(choose_tiling("a", p, limits, cost, array()).keep_z);
}

}  // namespace
}  // namespace etude::compiler
