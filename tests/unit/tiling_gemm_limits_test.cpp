// SPDX-License-Identifier: Apache-2.0
// What the search for tiles of a product chooses where L1 is short, in FP16, and where reductions
// are padded.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <tuple>

#include "compiler/tiling/gemm_cycles.h"
#include "compiler/tiling/gemm_search.h"
#include "tests/support/gemm_problems.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;
using namespace etude::test::gemm;
constexpr Bytes kAlignment = 88_B;  // 11 buffers of at most 8 bytes

/// FP16 elements, with the 16 elements of FP32 and 8 bytes that an FP16 buffer has to spare.
constexpr Bytes halves(std::uint64_t elements) { return Bytes{2 * elements} + bytes_for(16) + 8_B; }

TEST_CASE("a short reduction takes the room of its padding", "[gemm_tiling]") {
  // 5 becomes 12: 9 up to a multiple of H.
  auto p = problem(Unit::kRedmule, 12, 5, 16);
  const Bytes x = bytes_for(12 * 12 + 16), w = bytes_for(12 * 16 + 16), z = bytes_for(12 * 16);
  CHECK(l1_bytes(p, whole(p), array()) == x + w + z + kAlignment);
  // Also where it stands in L1: it is copied between zeros.
  p.x.resident = p.w.resident = true;
  CHECK(l1_bytes(p, whole(p), array()) == x + w + z + kAlignment);
  // A factor that the cores transpose comes as it is stored first.
  p.x = {};
  p.x.transpose = true;
  CHECK(l1_bytes(p, whole(p), array()) == x + bytes_for(12 * 5) + w + z + kAlignment);
  // 9 needs no padding: 16 elements ahead of X, and 3 rows and 16 elements ahead of W.
  const auto nine = problem(Unit::kRedmule, 12, 9, 16);
  CHECK(l1_bytes(nine, whole(nine), array()) ==
        bytes_for(12 * 9 + 16) + bytes_for(9 * 16 + 3 * 16 + 16) + z + kAlignment);
}

TEST_CASE("FP16: each factor as it comes and as it is converted, the result in both types",
          "[gemm_tiling]") {
  auto p = problem(Unit::kRedmule, 12, 20, 16);
  p.half = true;
  // The reduction of 20 is padded to 32; the array reads up to H rows further.
  const Bytes x = halves((12 + 4) * 32), w = halves((32 + 4) * 16), z = halves((12 + 4) * 16);
  const Bytes all = x + bytes_for(12 * 20) + w + bytes_for(20 * 16) + bytes_for(12 * 16) + z;
  CHECK(l1_bytes(p, whole(p), array()) == all + kAlignment);
  SECTION("a factor that stands in L1 is converted from there") {
    p.w.resident = true;
    CHECK(l1_bytes(p, whole(p), array()) == all - bytes_for(20 * 16) + kAlignment);
  }
  SECTION("one that is transposed comes as it is stored first") {
    p.x.transpose = true;
    CHECK(l1_bytes(p, whole(p), array()) == all + bytes_for(12 * 20) + kAlignment);
  }
  SECTION("bias or addend are added to the converted product") {
    p.addend = true;
    CHECK(l1_bytes(p, whole(p), array()) == all + bytes_for(12 * 16) + kAlignment);
    p.bias = true;
    CHECK(l1_bytes(p, whole(p), array()) == all + bytes_for(12 * 16) + bytes_for(16) + kAlignment);
  }
  SECTION("two tiles at once") {
    // Six rows: two tiles of X and Z (written as 12 rows), one of W.
    const GemmTiling t{6, 20, 16};
    CHECK(l1_bytes(p, t, array()) ==
          2 * (halves((6 + 4) * 32) + bytes_for(6 * 20)) + w + bytes_for(20 * 16) +
              2 * (bytes_for(12 * 16) + halves((12 + 4) * 16)) + kAlignment);
  }
}

TEST_CASE("parameters that are updated take turns in four buffers", "[gemm_tiling]") {
  auto p = problem(Unit::kRedmule, 96, 16, 16);
  p.sgd = true;
  const GemmTiling t{12, 16, 16};  // eight tiles
  const Bytes common =
      2 * bytes_for(12 * 16 + 16) + bytes_for(16 * 16 + 16) + 2 * bytes_for(12 * 16) + kAlignment;
  CHECK(l1_bytes(p, t, array()) == common + 4 * bytes_for(12 * 16));
  p.m = 36;  // three tiles
  CHECK(l1_bytes(p, t, array()) == common + 3 * bytes_for(12 * 16));
  p.sgd_resident = true;
  CHECK(l1_bytes(p, t, array()) == common);
  GemmTiling one = t;
  one.double_buffer = false;
  p.sgd_resident = false;
  CHECK(l1_bytes(p, one, array()) == bytes_for(12 * 16 + 16) + bytes_for(16 * 16 + 16) +
                                         bytes_for(12 * 16) + bytes_for(12 * 16) + kAlignment);
}

TEST_CASE("a result that is kept is one buffer, with what a later job reads ahead of it",
          "[gemm_tiling]") {
  auto p = problem(Unit::kRedmule, 24, 16, 16);
  GemmTiling t{12, 16, 16};
  t.keep_z = true;
  const Bytes factors = 2 * bytes_for(12 * 16 + 16) + bytes_for(16 * 16 + 16);
  CHECK(l1_bytes(p, t, array()) == factors + bytes_for(24 * 16 + 16) + kAlignment);
  p.transpose_z = true;  // and its transpose [16, 24]
  CHECK(l1_bytes(p, t, array()) ==
        factors + bytes_for(24 * 16 + 16) + bytes_for(16 * 24 + 16) + kAlignment);
  p.transpose_z = false;
  p.count = 3;  // a stack: three results, the last one's rows up to the width
  CHECK(l1_bytes(p, t, array()) ==
        factors + bytes_for(16 * 16 + 16) + bytes_for(3 * 24 * 16 + 16) + kAlignment);
}

TEST_CASE("cycles in FP16: conversions of every tile, and a sum where there is one",
          "[gemm_tiling]") {
  const CostModel cost(platform());
  auto p = problem(Unit::kRedmule, 12, 32, 16);
  p.half = true;
  GemmTiling one = whole(p);
  one.double_buffer = false;  // the sum of all
  const auto beside = [&](Cycle cycles) {
    return Cycle{
        static_cast<std::uint64_t>(unit_costs().contention * static_cast<double>(cycles.raw()))};
  };
  const auto convert = [&](std::uint32_t rows, std::uint32_t cols) {
    return cost.kernel(ETUDE_KERNEL_FP32_TO_FP16, {1, rows * cols, 1});
  };
  const Cycle unit = cost.redmule(12, 32, 16) + 3 * cost.hand_over();
  // Converted back, and half as many words cleared before; without gaps each is one row.
  const Cycle made = cost.kernel(ETUDE_KERNEL_FP16_TO_FP32, {1, 12 * 16, 1}) +
                     cost.kernel(ETUDE_KERNEL_FILL, {1, 12 * 16 / 2, 1});
  const Cycle in = cost.dma(1, bytes_for(12 * 32), true) + cost.dma(1, bytes_for(32 * 16), true);
  const Cycle out = cost.dma(1, bytes_for(12 * 16), false);
  const Cycle cores = convert(12, 32) + convert(32, 16) + made;
  CHECK(modelled_cycles(p, one, cost, array()) == unit + beside(cores) + beside(in) + beside(out));
  p.bias = true;  // added, and broadcast first
  const Cycle sum = cost.kernel(ETUDE_KERNEL_ADD, {1, 12 * 16, 1}) +
                    cost.kernel(ETUDE_KERNEL_BROADCAST_ROW, {12, 16, 1});
  CHECK(modelled_cycles(p, one, cost, array()) ==
        unit + beside(cores + sum) + beside(in) + beside(out));
}

TEST_CASE("cycles of a padded reduction: the array's are those of the padding", "[gemm_tiling]") {
  const CostModel cost(platform());
  const auto p = problem(Unit::kRedmule, 12, 5, 16);
  GemmTiling one = whole(p);
  one.double_buffer = false;
  const auto beside = [&](Cycle cycles) {
    return Cycle{
        static_cast<std::uint64_t>(unit_costs().contention * static_cast<double>(cycles.raw()))};
  };
  const auto pad = [&](std::uint32_t rows, std::uint32_t cols) {  // loaded among zeros
    return cost.kernel(ETUDE_KERNEL_FILL, {1, rows * cols, 1});
  };
  const Cycle in = cost.dma(1, bytes_for(12 * 5), true) + cost.dma(1, bytes_for(5 * 16), true);
  CHECK(modelled_cycles(p, one, cost, array()) ==
        cost.redmule(12, 12, 16) + 3 * cost.hand_over() + beside(pad(12, 5) + pad(5, 16)) +
            beside(in) + beside(cost.dma(1, bytes_for(12 * 16), false)));
}

/// Extents that the search may choose: equal parts up to whole steps, one step, and four.
std::set<std::uint32_t> parts(std::uint32_t whole, std::uint32_t step) {
  std::set<std::uint32_t> found{std::min(step, whole), std::min(4u, whole)};
  for (std::uint32_t count = 1; count <= whole; ++count) {
    found.insert(std::min(whole, (((whole + count - 1) / count) + step - 1) / step * step));
  }
  return found;
}

/// Whether the unit can run the product with such tiles (docs/models/redmule.md): no reduction of
/// less than nine, unless the whole one is; a kept result in whole rows of the array.
bool runs(const GemmProblem& p, const GemmTiling& t) {
  const std::uint32_t rest = p.n % t.n;
  const bool reduction =
      p.unit == Unit::kCores || p.half || t.n == p.n || (t.n >= 9 && (rest == 0 || rest >= 9));
  const bool kept =
      !t.keep_z ||
      (t.k == p.k && (t.m == p.m || p.unit == Unit::kCores || p.half || t.m % 12 == 0));
  return reduction && kept && !(t.keep_z && p.sgd);
}

/// Its time, without what the neighbours save, and with what they lose.
Cycle time_of(const GemmProblem& p, const GemmTiling& t, const TilingLimits& limits,
              const CostModel& cost) {
  const Cycle modelled = modelled_cycles(p, t, cost, array());
  const Bytes bytes = l1_bytes(p, t, array());
  const Cycle crowded = bytes <= limits.preferred ? 0_cy
                                                  : modelled * (bytes - limits.preferred).raw() /
                                                        (2 * limits.preferred.raw());
  Cycle saved;
  if (t.keep_z) {
    const Bytes result = bytes_for(std::uint64_t{p.count} * p.m * p.k);
    saved += cost.dma(1, result, true) + cost.dma(1, result, false);
  }
  if (p.x.wanted_next && !p.x.resident && t.m == p.m && t.n == p.n) {
    saved += cost.dma(1, bytes_for(p.m * p.n), true);
  }
  if (p.w.wanted_next && !p.w.resident && t.n == p.n && t.k == p.k) {
    saved += cost.dma(1, bytes_for(p.n * p.k), true);
  }
  return modelled + crowded - std::min(modelled + crowded, saved);
}

struct Least {
  Cycle time = kNever;
  Bytes bytes;  ///< the fewest with that time
  bool found = false;
};

Least least(const GemmProblem& p, const TilingLimits& limits, bool twice, const CostModel& cost) {
  Least best;
  const bool redmule = p.unit == Unit::kRedmule;
  for (const std::uint32_t m : parts(p.m, redmule ? 12 : 8)) {
    for (const std::uint32_t n : parts(p.n, redmule ? 16 : 8)) {
      for (const std::uint32_t k : parts(p.k, redmule ? 16 : 8)) {
        for (const bool outer : {true, false}) {
          for (const bool keep : {true, false}) {
            const GemmTiling t{m, n, k, outer, keep, twice};
            const Bytes result =
                bytes_for(std::uint64_t{p.count} * p.m * p.k * (p.transpose_z ? 2 : 1));
            const Bytes bytes = l1_bytes(p, t, array());
            if (!runs(p, t) || bytes > limits.l1_bytes || (keep && result > limits.keep_bytes)) {
              continue;
            }
            const Cycle time = time_of(p, t, limits, cost);
            if (!best.found || time < best.time || (time == best.time && bytes < best.bytes)) {
              best = {time, bytes, true};
            }
          }
        }
      }
    }
  }
  return best;
}

GemmProblem drawn(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const bool redmule = seed % 3 != 0;
  const std::uint32_t n = seed % 5 == 0 ? 1 + below(8) : 1 + below(60);
  auto p = problem(redmule ? Unit::kRedmule : Unit::kCores, 1 + below(60), n, 1 + below(60));
  p.half = redmule && seed % 3 == 2;
  p.count = below(4) == 0 ? 3 : 1;
  for (OperandSource* source : {&p.x, &p.w}) {
    source->resident = below(4) == 0;
    source->transpose = below(3) == 0 && !(p.half && source->resident);
    source->wanted_next = below(3) == 0;
  }
  p.bias = below(3) == 0;
  p.addend = below(4) == 0;
  p.relu = below(3) == 0;
  p.transpose_z = redmule && p.count == 1 && below(4) == 0;
  p.mask = below(4) == 0;
  p.sgd = below(4) == 0;
  p.column_sums = p.sgd && below(2) == 0;
  p.store = !p.sgd;
  return p;
}

TEST_CASE("random products and limits: what is chosen fits, and nothing that fits is faster",
          "[gemm_tiling]") {
  const unsigned seed = GENERATE(range(0u, 45u));
  const GemmProblem p = drawn(seed);
  std::mt19937 random(1000 + seed);
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  GemmSearch search(cost, redmule);
  int chosen = 0, refused = 0, alone = 0;
  for (int limit = 0; limit < 8; ++limit) {
    TilingLimits limits;
    limits.l1_bytes = Bytes{600 + random() % (limit < 5 ? 12000 : 120000)};
    limits.preferred =
        Bytes{std::max<std::uint64_t>(1, limits.l1_bytes.raw() * (1 + random() % 10) / 10)};
    limits.keep_bytes = random() % 2 == 0 ? bytes_for(p.count * p.m * p.k * 2) : 0_B;
    limits.double_buffer = random() % 4 != 0;
    const Least twice = least(p, limits, true, cost), once = least(p, limits, false, cost);
    INFO("seed " << seed << ": " << p.count << " x " << p.m << "x" << p.n << "x" << p.k << ", "
                 << limits.l1_bytes.raw() << " bytes, better " << limits.preferred.raw()
                 << ", two buffers " << limits.double_buffer);
    const bool any = once.found || (limits.double_buffer && twice.found);
    if (!any) {
      CHECK_THROWS_WITH(search.choose("a", p, limits), Catch::Contains("operator 'a'"));
      ++refused;
      continue;
    }
    ++chosen;
    const GemmTiling found = search.choose("a", p, limits);
    INFO(found.m << "x" << found.n << "x" << found.k << ", rows outside " << found.m_outer
                 << ", kept " << found.keep_z << ", two buffers " << found.double_buffer);
    CHECK(runs(p, found));
    CHECK(found.l1_bytes == l1_bytes(p, found, redmule));
    CHECK(found.l1_bytes <= limits.l1_bytes);
    CHECK(found.cycles == time_of(p, found, limits, cost));
    if (!limits.double_buffer) {
      CHECK_FALSE(found.double_buffer);
      CHECK(found.cycles == once.time);
      CHECK(found.l1_bytes == once.bytes);
      ++alone;
    } else if (found.double_buffer) {
      CHECK(found.cycles == twice.time);
      CHECK(found.l1_bytes == twice.bytes);
    } else {  // a single buffer is a way out, no worse than any two
      CHECK((!twice.found || found.cycles <= twice.time));
    }
  }
  CHECK(chosen + refused == 8);
}

TEST_CASE("among equals the first is taken: rows outside, two buffers", "[gemm_tiling]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 64_KiB;
  // One tile: neither the order of its loops nor a second buffer makes a difference.
  const auto p = problem(Unit::kCores, 4, 4, 4);
  const GemmTiling t = GemmSearch(cost, redmule).choose("a", p, limits);
  CHECK(std::tuple(t.m, t.n, t.k) == std::tuple(4u, 4u, 4u));
  CHECK(t.m_outer);
  CHECK(t.double_buffer);
}

TEST_CASE("a search answers as a fresh one, whatever it was asked before", "[gemm_tiling]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  GemmSearch one(cost, redmule);
  std::mt19937 random(3);
  for (int trial = 0; trial < 60; ++trial) {
    const GemmProblem p = drawn(static_cast<unsigned>(random() % 6));
    TilingLimits limits;
    limits.l1_bytes = Bytes{40000 + random() % 3 * 30000};
    limits.preferred = Bytes{20000 + random() % 2 * 20000};
    limits.keep_bytes = random() % 2 == 0 ? 64_KiB : 0_B;
    limits.double_buffer = random() % 3 != 0;
    limits.fixed.n = random() % 3 == 0 ? 16 : 0;
    GemmSearch fresh(cost, redmule);
    const GemmTiling known = one.choose("a", p, limits), alone = fresh.choose("a", p, limits);
    CHECK(known.m == alone.m);
    CHECK(known.n == alone.n);
    CHECK(known.k == alone.k);
    CHECK(known.m_outer == alone.m_outer);
    CHECK(known.keep_z == alone.keep_z);
    CHECK(known.double_buffer == alone.double_buffer);
    CHECK(known.cycles == alone.cycles);
    CHECK(known.l1_bytes == alone.l1_bytes);
  }
}

TEST_CASE("a fixed reduction is taken even where it is too short, and then padded",
          "[gemm_tiling]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 1024_KiB;
  limits.fixed.n = 8;
  const auto p = problem(Unit::kRedmule, 24, 32, 32);
  const GemmTiling t = GemmSearch(cost, redmule).choose("a", p, limits);
  CHECK(t.n == 8);
  CHECK(t.l1_bytes == l1_bytes(p, t, redmule));
}

TEST_CASE("the array keeps a result only in tiles of whole rows, and of its width in rows",
          "[gemm_tiling]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  const auto unit = GENERATE(Unit::kRedmule, Unit::kCores);
  const auto p = problem(unit, 20, 16, 16);
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 64_KiB;
  limits.keep_bytes = 64_KiB;
  const auto kept = [&](std::uint32_t m, std::uint32_t k) {
    limits.fixed.m = m;
    limits.fixed.k = k;
    return GemmSearch(cost, redmule).choose("a", p, limits).keep_z;
  };
  CHECK(kept(12, 16));
  CHECK(kept(20, 16));  // all of it: what is written too much is behind it
  CHECK(kept(4, 16) == (unit == Unit::kCores));
  CHECK_FALSE(kept(12, 8));  // half rows
}

TEST_CASE("a view in the other orientation serves as a whole or not at all", "[gemm_tiling]") {
  const CostModel cost(platform());
  const RedmuleConfig redmule = array();
  auto p = problem(Unit::kRedmule, 48, 64, 64);
  p.w = {true, false, true, false};
  p.x = {true, false, true, false};
  TilingLimits limits;
  limits.l1_bytes = limits.preferred = 6_KiB;
  const GemmTiling t = GemmSearch(cost, redmule).choose("a", p, limits);
  CHECK(t.n == 64);  // X's columns
  CHECK(t.k == 64);  // and W's
  // Not even 12 rows of Z fit twice: 2 * 12 * 64 * 4 + 88 > 6144.
  CHECK(t.m <= 12);
  CHECK_FALSE(t.double_buffer);
}

}  // namespace
}  // namespace etude::compiler
