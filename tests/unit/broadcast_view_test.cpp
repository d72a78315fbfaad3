// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/broadcast_view.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/support/kernel_host.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {
namespace {

std::uint64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

/// Element of a tensor of shape `from` that broadcasting puts under element `index` of `to`.
std::uint64_t under(const Shape& to, const Shape& from, std::uint64_t index) {
  std::uint64_t place = 0, stride = 1;
  for (std::size_t back = 0; back < to.size(); ++back) {
    const std::uint64_t extent = to[to.size() - 1 - back];
    const std::uint64_t at = index % extent;
    index /= extent;
    if (back < from.size()) {
      const std::uint64_t own = from[from.size() - 1 - back];
      place += own == 1 ? 0 : at * stride;
      stride *= own;
    }
  }
  return place;
}

/// Element that a view puts under (row, col) of its grid.
std::uint64_t seen(const BroadcastView& view, std::size_t operand, std::uint64_t row,
                   std::uint64_t col) {
  const TileGrid& grid = view.grid;
  const BroadcastView::Operand& o = view.operands.at(operand);
  const std::uint64_t group = o.by_group ? row / grid.period : 0, inside = row % grid.period;
  switch (o.spread) {
    case Spread::kFull:
      return (group * grid.period + inside) * grid.cols + col;
    case Spread::kRow:
      return group * grid.cols + col;
    case Spread::kColumn:
      return group * grid.period + inside;
    case Spread::kScalar:
      return group;
  }
  return ~0ull;
}

unsigned wrong_elements(const BroadcastView& view, const Shape& to,
                        const std::vector<Shape>& from) {
  const TileGrid& grid = view.grid;
  if (std::uint64_t{grid.rows} * grid.cols != elements(to) || grid.rows % grid.period != 0 ||
      view.operands.size() != from.size()) {
    return ~0u;
  }
  unsigned wrong = 0;
  for (std::uint64_t i = 0; i < elements(to); ++i) {
    for (std::size_t o = 0; o < from.size(); ++o) {
      wrong += seen(view, o, i / grid.cols, i % grid.cols) != under(to, from[o], i) ? 1 : 0;
    }
  }
  return wrong;
}

/// Stretches of neighbouring extents (but those of 1) that all operands treat alike.
std::size_t stretches(const Shape& to, const std::vector<Shape>& from) {
  std::size_t found = 0;
  std::vector<bool> before;
  for (std::size_t d = 0; d < to.size(); ++d) {
    std::vector<bool> own;
    for (const Shape& shape : from) {
      const std::size_t missing = to.size() - shape.size();
      own.push_back(d >= missing && shape[d - missing] == to[d]);
    }
    if (to[d] != 1) {
      found += found == 0 || own != before ? 1 : 0;
      before = own;
    }
  }
  return found;
}

struct Random {
  Shape to;
  std::vector<Shape> from;
};

Random random_shapes(test::Numbers& numbers) {
  Random made;
  const unsigned rank = numbers.below(6);
  for (unsigned d = 0; d < rank; ++d) {
    made.to.push_back(1 + numbers.below(4));
  }
  const unsigned operands = 1 + numbers.below(3);
  for (unsigned o = 0; o < operands; ++o) {
    Shape shape(made.to.begin() + numbers.below(rank + 1), made.to.end());
    // Alike in long stretches, so that many have a view.
    bool whole = numbers.below(2) == 0;
    for (std::uint64_t& extent : shape) {
      whole = numbers.below(3) == 0 ? !whole : whole;
      extent = whole ? extent : 1;
    }
    made.from.push_back(shape);
  }
  return made;
}

TEST_CASE("a view puts the element under each place that broadcasting puts there", "[feeds]") {
  test::Numbers numbers(3);
  unsigned wrong = 0, views = 0, refused = 0;
  for (unsigned trial = 0; trial < 3000; ++trial) {
    const Random random = random_shapes(numbers);
    const auto view = broadcast_view(random.to, random.from);
    if (!view) {
      ++refused;
      continue;
    }
    ++views;
    wrong += wrong_elements(*view, random.to, random.from) != 0 ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(views > 1000);
  CHECK(refused > 50);
}

TEST_CASE("only what alternates more than twice has no view", "[feeds]") {
  test::Numbers numbers(4);
  unsigned wrong = 0;
  for (unsigned trial = 0; trial < 3000; ++trial) {
    const Random random = random_shapes(numbers);
    const bool seen = broadcast_view(random.to, random.from).has_value();
    wrong += seen != (stretches(random.to, random.from) <= 3) ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a bias is one row for all rows", "[feeds]") {
  const auto view = broadcast_view({6, 5}, {{6, 5}, {5}});
  REQUIRE(view);
  CHECK(view->grid.rows == 6);
  CHECK(view->grid.cols == 5);
  CHECK(view->grid.period == 6);  // one group
  CHECK(view->operands[0].spread == Spread::kFull);
  CHECK(view->operands[0].by_group);
  CHECK(view->operands[1].spread == Spread::kRow);
  CHECK_FALSE(view->operands[1].by_group);
}

TEST_CASE("a factor per row is a column, a number a scalar", "[feeds]") {
  const auto view = broadcast_view({6, 5}, {{6, 5}, {6, 1}, {}});
  REQUIRE(view);
  CHECK(view->grid.rows == 6);
  CHECK(view->operands[1].spread == Spread::kColumn);
  const auto scalar = broadcast_view({6, 5}, {{6, 5}, {}});
  REQUIRE(scalar);
  CHECK(scalar->operands[1].spread == Spread::kScalar);
  CHECK(scalar->grid.rows == 6);  // all alike: rows as they are stored
  CHECK(scalar->grid.cols == 5);
}

TEST_CASE("a factor per channel is a column per group", "[feeds]") {
  // [2 samples, 3 channels, 4 * 5 pixels]: samples, channels, pixels are three stretches.
  const auto view = broadcast_view({2, 3, 4, 5}, {{2, 3, 4, 5}, {3, 1, 1}});
  REQUIRE(view);
  CHECK(view->grid.rows == 6);  // 2 * 3
  CHECK(view->grid.cols == 20);
  CHECK(view->grid.period == 3);
  CHECK(view->operands[1].spread == Spread::kColumn);
  CHECK_FALSE(view->operands[1].by_group);
}

TEST_CASE("a mask per sample is a row of its group", "[feeds]") {
  // [2, 3, 4] with [2, 1, 4]: rows of 4, in groups of 3, each group its own row.
  const auto view = broadcast_view({2, 3, 4}, {{2, 3, 4}, {2, 1, 4}});
  REQUIRE(view);
  CHECK(view->grid.rows == 6);
  CHECK(view->grid.cols == 4);
  CHECK(view->grid.period == 3);
  CHECK(view->operands[1].spread == Spread::kRow);
  CHECK(view->operands[1].by_group);
}

TEST_CASE("extents of 1 do not count", "[feeds]") {
  const auto view = broadcast_view({1, 6, 1, 5, 1}, {{1, 6, 1, 5, 1}, {1, 1, 5, 1}});
  REQUIRE(view);
  CHECK(view->grid.rows == 6);
  CHECK(view->grid.cols == 5);
  CHECK(view->operands[1].spread == Spread::kRow);
}

TEST_CASE("what has no extents is one element", "[feeds]") {
  const auto view = broadcast_view({}, {{}, {}});
  REQUIRE(view);
  CHECK(view->grid.rows == 1);
  CHECK(view->grid.cols == 1);
  CHECK(view->operands.size() == 2);
}

TEST_CASE("alternation over four axes is refused", "[feeds]") {
  CHECK_FALSE(broadcast_view({2, 3, 4, 5}, {{2, 3, 4, 5}, {2, 1, 4, 1}}));
  CHECK_FALSE(broadcast_view({2, 3, 4, 5}, {{2, 1, 4, 1}, {1, 3, 1, 5}}));
  CHECK(broadcast_view({2, 3, 4, 5}, {{2, 3, 4, 5}, {2, 1, 1, 5}}));  // three stretches
  CHECK(broadcast_view({2, 3, 1, 5}, {{2, 3, 1, 5}, {2, 1, 1, 1}}));  // two: the 1 counts for none
}

}  // namespace
}  // namespace etude::compiler
