// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/linear_backward_tiling.h"
#include "compiler/tiling/pieces.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;

PlatformConfig platform(RedmuleConfig::Format format = RedmuleConfig::Format::kFp32) {
  PlatformConfig made;
  made.cluster.cores = 8;
  made.cluster.redmule.format = format;  // H 4, L 12, P 3: 4 * (3 + 1) = 16 columns
  made.cluster.redmule.height = 4;
  made.cluster.redmule.width = 12;
  made.cluster.redmule.pipe = 3;
  return made;
}
RedmuleConfig array() { return platform().cluster.redmule; }

LinearBackwardProblem layer(std::uint32_t batch, std::uint32_t in, std::uint32_t out) {
  LinearBackwardProblem p;
  p.batch = batch;
  p.in = in;
  p.out = out;
  p.l1_bytes = p.preferred = 1024_KiB;
  return p;
}

constexpr Bytes kAlign = 8_B;  // of each buffer

TEST_CASE("one tile: X twice, dX^T, two pieces of dX, dY twice, weight and gradient",
          "[linear_backward]") {
  // X [16, 24], W [24, 32], dY [16, 32]; every row count is a multiple of H 4, so that the array
  // reads ahead 16 elements and no rows; L 12 divides 24.
  auto p = layer(16, 24, 32);
  const LinearBackwardTiling one{24, 32, 1, false};
  const Bytes x = bytes_for(24 * 16), xt = bytes_for(24 * 16 + 16);
  const Bytes zt = bytes_for(24 * 16 + 16), dx = bytes_for(2 * 16 * 24 + 16);
  const Bytes dy = bytes_for(16 * 32 + 16), dyt = bytes_for(16 * 32 + 16);
  const Bytes w = bytes_for(24 * 32 + 16), g = bytes_for(24 * 32);
  const Bytes all = x + xt + zt + dx + dy + dyt + w + g + 8 * kAlign;
  CHECK(l1_bytes(p, one, array()) == all);
  SECTION("dX that stays is one buffer") {
    auto kept = one;
    kept.keep = true;
    CHECK(l1_bytes(p, kept, array()) == all - bytes_for(16 * 24));
  }
  SECTION("what stands in L1 takes nothing") {
    p.x_resident = true;
    CHECK(l1_bytes(p, one, array()) == all - x - kAlign);
    p.xt_resident = true;
    CHECK(l1_bytes(p, one, array()) == all - x - xt - 2 * kAlign);
    p.dyt_resident = true;
    CHECK(l1_bytes(p, one, array()) == all - x - xt - dyt - 3 * kAlign);
    p.dy_dense = true;
    CHECK(l1_bytes(p, one, array()) == all - x - xt - dyt - dy - 4 * kAlign);
  }
  SECTION("dX^T whose columns are padded up to the array's width") {
    p.in = 25;  // 36 rows are written; X^T and dX^T are read 3 rows further, up to 28
    const Bytes x25 = bytes_for(25 * 16), xt25 = bytes_for(25 * 16 + 3 * 16 + 16);
    const Bytes zt25 = bytes_for(36 * 16 + 3 * 16 + 16);
    const Bytes dx25 = bytes_for(2 * 16 * 25 + 16);
    const Bytes w25 = bytes_for(25 * 32 + 3 * 32 + 16), g25 = bytes_for(36 * 32);
    CHECK(l1_bytes(p, {25, 32, 1, false}, array()) ==
          x25 + xt25 + zt25 + dx25 + dy + dyt + w25 + g25 + 8 * kAlign);
  }
  SECTION("a bias and its sums") {
    p.bias = true;
    CHECK(l1_bytes(p, one, array()) == all + 2 * (bytes_for(32) + kAlign));
  }
  SECTION(
      "with the forward pass X stands as it is read too, and dY has the rows that are written") {
    p.forward = true;
    // 16 rows are written as 24; a target of [16, 32].
    CHECK(l1_bytes(p, one, array()) == all + bytes_for((24 - 16) * 32) + bytes_for(16 * 32) +
                                           kAlign + bytes_for(16 * 24 + 16) + kAlign);
    p.x_resident = true;
    CHECK(l1_bytes(p, one, array()) ==
          all + bytes_for((24 - 16) * 32) + bytes_for(16 * 32) + kAlign - x - kAlign);
  }
}

TEST_CASE("tiles: as many weights and gradients as copies, two of dY's columns",
          "[linear_backward]") {
  const auto p = layer(16, 24, 32);
  // Rows of 12, columns of 16: four tiles of W, two of dY.
  const Bytes common = bytes_for(24 * 16) + bytes_for(24 * 16 + 16) + bytes_for(24 * 16 + 16) +
                       bytes_for(2 * 16 * 12 + 16) + 4 * kAlign;
  const Bytes feeds = 2 * (bytes_for(16 * 16 + 16) + kAlign) * 2;  // dY and dY^T
  const Bytes each = bytes_for(12 * 16 + 16) + bytes_for(12 * 16) + 2 * kAlign;
  CHECK(l1_bytes(p, {12, 16, 1, false}, array()) == common + feeds + each);
  CHECK(l1_bytes(p, {12, 16, 3, false}, array()) == common + feeds + 3 * each);
  CHECK(l1_bytes(p, {12, 16, 9, false}, array()) == common + feeds + 4 * each);  // there are four
  // A dense dY in L1 serves where its columns are not cut.
  auto dense = p;
  dense.dy_dense = true;
  CHECK(l1_bytes(dense, {12, 16, 1, false}, array()) == common + feeds + each);
}

TEST_CASE("cycles of one tile: its turn, for there is one buffer", "[linear_backward]") {
  const CostModel cost(platform());
  const auto p = layer(16, 24, 32);
  const LinearBackwardTiling one{24, 32, 1, false};
  const Cycle unit = cost.redmule(24, 32, 16) + cost.redmule(24, 16, 32) + 3 * cost.hand_over();
  // W is dense: a row of 24 * 32 floats each way. DMA and cores are slower beside RedMulE.
  const auto beside = [&](Cycle cycles) {
    return Cycle{
        static_cast<std::uint64_t>(unit_costs().contention * static_cast<double>(cycles.raw()))};
  };
  const Cycle in = beside(cost.dma(1, bytes_for(24 * 32), true));
  const Cycle out = beside(cost.dma(1, bytes_for(24 * 32), false));
  const Cycle sgd = cost.kernel(ETUDE_KERNEL_SGD, {1, 24 * 32, 1});
  const Cycle turn = in + unit + sgd + out + 4 * (cost.post() + cost.hand_over());
  const Cycle ends = (unit + cost.dma(24, bytes_for(32), true)) / 3;
  CHECK(modelled_cycles(p, one, cost) == turn + ends);
  // A second buffer has no second tile to hold.
  CHECK(modelled_cycles(p, {24, 32, 2, false}, cost) == turn + ends);
  // Neither what stands in L1 nor what is kept changes it.
  auto other = p;
  other.x_resident = other.dyt_resident = other.bias = true;
  CHECK(modelled_cycles(other, {24, 32, 1, true}, cost) == turn + ends);
}

TEST_CASE("cycles of several tiles: turns shared by the copies, down to the slowest unit",
          "[linear_backward]") {
  const CostModel cost(platform());
  const auto p = layer(64, 48, 64);
  const auto of = [&](std::uint32_t copies) {
    return modelled_cycles(p, {24, 32, copies, false}, cost);
  };
  // Four tiles, all alike.
  const Cycle unit =
      4 * (cost.redmule(24, 32, 64) + cost.redmule(24, 64, 32) + 3 * cost.hand_over());
  const Cycle ends = (unit / 4 + cost.dma(24, bytes_for(32), true)) / 3;
  CHECK(of(1) > of(2));
  CHECK(of(2) >= of(3));
  CHECK(of(4) >= unit + ends);
  CHECK(of(4) == of(5));
  // The forward pass adds its products and hand-overs to the unit.
  auto with = p;
  with.forward = true;
  const Cycle forward = 2 * (cost.redmule(64, 48, 32) + 2 * cost.hand_over());
  const LinearBackwardTiling wide{48, 32, 4, false};
  const Cycle both =
      2 * (cost.redmule(48, 32, 64) + cost.redmule(48, 64, 32) + 3 * cost.hand_over());
  CHECK(modelled_cycles(with, wide, cost) >= forward + both);
}

TEST_CASE("cycles where the last tiles are smaller count those as they are", "[linear_backward]") {
  const CostModel cost(platform());
  // Tiles so large that the unit is the slowest.
  const auto p = layer(48, 288, 384);
  const auto both = [&](std::uint32_t rows, std::uint32_t cols) {
    return cost.redmule(rows, cols, 48) + cost.redmule(rows, 48, cols) + 3 * cost.hand_over();
  };
  // 192 + 96 rows, 256 + 128 columns.
  const Cycle unit = both(192, 256) + both(192, 128) + both(96, 256) + both(96, 128);
  const Cycle ends = (unit / 4 + cost.dma(144, bytes_for(192), true)) / 3;
  CHECK(modelled_cycles(p, {192, 256, 4, false}, cost) == unit + ends);
}

/// What a search may choose among: extents in equal parts, up to whole rows or columns of the
/// array.
std::set<std::uint32_t> parts(std::uint32_t whole, std::uint32_t step) {
  std::set<std::uint32_t> found;
  for (std::uint32_t count = 1; count <= whole; ++count) {
    found.insert(std::min(whole, (((whole + count - 1) / count) + step - 1) / step * step));
  }
  return found;
}

/// The time of a tiling, with what it costs the neighbours.
Cycle time_of(const LinearBackwardProblem& p, const LinearBackwardTiling& t,
              const CostModel& cost) {
  const Cycle cycles =
      modelled_cycles(p, t, cost) + (t.keep ? 0_cy : cost.dma(p.batch, bytes_for(p.in), true));
  const Bytes bytes = l1_bytes(p, t, array());
  return bytes <= p.preferred ? cycles
                              : cycles + cycles * (bytes - p.preferred).raw() /
                                             (2 * std::max<std::uint64_t>(1, p.preferred.raw()));
}

/// The least time of all tilings that are allowed and fit; 0: none.
Cycle least_time(const LinearBackwardProblem& p, const CostModel& cost) {
  Cycle best;
  for (const std::uint32_t in : parts(p.in, 12)) {
    for (const std::uint32_t out : parts(p.out, 16)) {
      // The array's reduction: the columns of a tile of W, nine at least, the last one's too.
      const std::uint32_t rest = p.out % out;
      if (out < 9 || (rest != 0 && rest < 9) || out < std::min(p.least_columns, p.out) ||
          (p.forward && in != p.in)) {
        continue;
      }
      for (std::uint32_t copies = 1; copies <= (p.double_buffer ? 4u : 1u); ++copies) {
        for (const bool keep : {false, true}) {
          const LinearBackwardTiling t{in, out, copies, keep};
          if ((keep && !p.may_keep) || l1_bytes(p, t, array()) > p.l1_bytes) {
            continue;
          }
          const Cycle time = time_of(p, t, cost);
          best = best == 0_cy ? time : std::min(best, time);
        }
      }
    }
  }
  return best;
}

TEST_CASE("no tiling that fits is faster than what the search finds", "[linear_backward]") {
  const unsigned seed = GENERATE(range(0u, 60u));
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  // In FP16 an array has the same extents and takes as long.
  const CostModel cost(
      platform(seed % 2 == 0 ? RedmuleConfig::Format::kFp32 : RedmuleConfig::Format::kFp16));
  const RedmuleConfig redmule = array();
  LinearBackwardSearch search(cost, redmule);
  // Up to eight parts of each direction are all tried: 8 * 12 rows, 8 * 16 columns.
  auto p = layer(9 + below(40), 1 + below(96), 9 + below(120));
  p.forward = below(4) == 0;
  p.bias = below(2) == 0;
  p.x_resident = below(2) == 0;
  p.xt_resident = below(3) == 0;
  p.dy_dense = !p.forward && below(2) == 0;
  p.dyt_resident = !p.forward && below(3) == 0;
  p.may_keep = below(2) == 0;
  p.double_buffer = below(4) != 0;
  p.least_columns = below(3) == 0 ? 48 : 1;
  int fitted = 0, refused = 0;
  for (int limit = 0; limit < 14; ++limit) {
    p.l1_bytes = Bytes{4000u + below(limit < 7 ? 30000 : 200000)};
    p.preferred = Bytes{p.l1_bytes.raw() * (1 + below(10)) / 10};
    const auto found = search.choose(p);
    const Cycle best = least_time(p, cost);
    INFO("seed " << seed << ": " << p.batch << " x " << p.in << " x " << p.out << ", "
                 << p.l1_bytes.raw() << " bytes, better " << p.preferred.raw());
    REQUIRE(found.has_value() == (best != 0_cy));
    if (!found) {
      ++refused;
      continue;
    }
    ++fitted;
    INFO(found->in << " x " << found->out << ", " << found->copies << " copies, keep "
                   << found->keep);
    CHECK(l1_bytes(p, *found, array()) <= p.l1_bytes);
    CHECK(found->cycles == time_of(p, *found, cost));
    CHECK(found->cycles == best);
    CHECK((!found->keep || p.may_keep));
    CHECK(found->copies <= (p.double_buffer ? 4u : 1u));
    CHECK(found->out >= std::min(p.least_columns, p.out));
    CHECK((!p.forward || found->in == p.in));
  }
  CHECK(fitted > 0);
}

TEST_CASE("no tiling of a large layer in up to eight parts each way is faster",
          "[linear_backward]") {
  const unsigned seed = GENERATE(range(0u, 12u));
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  LinearBackwardSearch search(cost, redmule);
  auto p = layer(9 + below(30), 100 + below(500), 130 + below(600));
  for (int limit = 0; limit < 6; ++limit) {
    p.l1_bytes = p.preferred = Bytes{100000u + below(200000)};
    const auto found = search.choose(p);
    Cycle best = kNever;
    for (std::uint32_t i = 1; i <= 8; ++i) {
      for (std::uint32_t o = 1; o <= 8; ++o) {
        const std::uint32_t in = std::min(p.in, round_up(ceil_div(p.in, i), 12));
        const std::uint32_t out = std::min(p.out, round_up(ceil_div(p.out, o), 16));
        for (std::uint32_t copies = 1; copies <= 4; ++copies) {
          const LinearBackwardTiling t{in, out, copies, false};
          if (long_enough(p.out, out) && l1_bytes(p, t, redmule) <= p.l1_bytes) {
            best = std::min(best, time_of(p, t, cost));
          }
        }
      }
    }
    INFO("seed " << seed << ": " << p.batch << " x " << p.in << " x " << p.out);
    CHECK((found ? found->cycles : kNever) <= best);
  }
}

TEST_CASE("among equals the first: no more buffers than tiles", "[linear_backward]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  LinearBackwardSearch search(cost, redmule);
  const auto found = search.choose(layer(16, 12, 16));  // one tile
  REQUIRE(found);
  CHECK(found->copies == 1);
}

TEST_CASE("a search remembers what it has worked out, whatever was asked before",
          "[linear_backward]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  std::mt19937 random(5);
  LinearBackwardSearch one(cost, redmule);
  for (int trial = 0; trial < 60; ++trial) {
    auto p = layer(16, 24 + static_cast<std::uint32_t>(random() % 3) * 12, 64);
    p.forward = random() % 2 == 0;
    p.may_keep = random() % 2 == 0;
    p.double_buffer = random() % 3 != 0;
    p.l1_bytes = Bytes{12000 + random() % 8 * 4000};
    p.preferred = p.l1_bytes;
    LinearBackwardSearch fresh(cost, redmule);
    const auto known = one.choose(p), again = one.choose(p), alone = fresh.choose(p);
    REQUIRE(known.has_value() == alone.has_value());
    REQUIRE(again.has_value() == alone.has_value());
    if (alone) {
      for (const auto& found : {*known, *again}) {
        CHECK(found.in == alone->in);
        CHECK(found.out == alone->out);
        CHECK(found.copies == alone->copies);
        CHECK(found.keep == alone->keep);
        CHECK(found.cycles == alone->cycles);
      }
    }
  }
}

TEST_CASE("nothing fits where not even the smallest tile does", "[linear_backward]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  LinearBackwardSearch search(cost, redmule);
  auto p = layer(16, 24, 32);
  const Bytes smallest = l1_bytes(p, {12, 16, 1, false}, array());
  p.l1_bytes = p.preferred = smallest;
  const auto found = search.choose(p);
  REQUIRE(found);
  CHECK(std::tuple(found->in, found->out, found->copies) == std::tuple(12u, 16u, 1u));
  p.l1_bytes = smallest - 1_B;
  CHECK_FALSE(search.choose(p));
}

TEST_CASE("rows of dY are those that the array writes where the forward pass makes it",
          "[linear_backward]") {
  CHECK(dy_rows(16, false, array()) == 16);
  CHECK(dy_rows(16, true, array()) == 24);
  CHECK(dy_rows(24, true, array()) == 24);
}

}  // namespace
}  // namespace etude::compiler
