// SPDX-License-Identifier: Apache-2.0
// Windows over images and signals: gradients against finite differences, and what is refused.
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/operator_bench.h"
#include "workloads/ops/op_rules.h"

namespace etude {
namespace {

using Integers = std::vector<std::int64_t>;
using test::OperatorBench;

/// Attributes of a window whose kernel are the last extents of w.
Attributes window(const Shape& w, Integers stride, Integers pad, Integers dilation,
                  std::int64_t group) {
  return {{"kernel_shape", Integers(w.begin() + 2, w.end())},
          {"strides", std::move(stride)},
          {"pads", std::move(pad)},
          {"dilations", std::move(dilation)},
          {"group", group}};
}

TEST_CASE("Conv: signals, wide kernels, kernels of one row, channel multipliers") {
  struct Case {
    Shape x, w;
    Integers stride, pad, dilation;
    std::int64_t group;
  };
  const auto c = GENERATE(Case{{2, 3, 11}, {4, 3, 3}, {2}, {1, 2}, {2}, 1},
                          Case{{2, 4, 9}, {8, 1, 4}, {1}, {3, 0}, {1}, 4},
                          Case{{1, 2, 5}, {3, 2, 1}, {3}, {0, 0}, {1}, 1},
                          Case{{1, 2, 3, 9}, {4, 1, 1, 9}, {1, 2}, {0, 4, 0, 3}, {1, 1}, 2},
                          Case{{1, 3, 7, 5}, {6, 1, 2, 3}, {1, 4}, {1, 0, 2, 3}, {3, 1}, 3});
  OperatorBench bench;
  const auto x = bench.tensor("x", c.x);
  const auto w = bench.tensor("w", c.w);
  const auto bias = bench.tensor("bias", {c.w[0]});
  bench.check(
      bench.apply(OpType::kConv, {x, w, bias}, window(c.w, c.stride, c.pad, c.dilation, c.group)));
}

TEST_CASE("a transposed convolution is an input gradient of the forward pass") {
  struct Case {
    Shape x, w;
    Integers stride, pad, dilation;
    std::int64_t group;
    Integers shape;
  };
  const auto c =
      GENERATE(Case{{2, 3, 4, 3}, {3, 2, 3, 2}, {2, 3}, {1, 0, 0, 1}, {1, 1}, 1, {2, 2, 9, 9}},
               Case{{1, 4, 3, 2}, {4, 2, 2, 2}, {1, 1}, {1, 0, 1, 0}, {2, 2}, 2, {1, 4, 3, 4}},
               Case{{2, 3, 3, 3}, {3, 1, 3, 3}, {2, 1}, {1, 1, 1, 1}, {1, 1}, 3, {2, 3, 5, 3}},
               Case{{2, 3, 5}, {3, 2, 4}, {3}, {1, 2}, {1}, 1, {2, 2, 15}});
  OperatorBench bench;
  const auto x = bench.tensor("x", c.x);
  const auto w = bench.tensor("w", c.w);
  std::vector<TensorId> inputs{x, w};
  if (GENERATE(false, true)) {
    inputs.push_back(bench.tensor("bias", {static_cast<std::uint64_t>(c.shape[1])}));
  }
  auto attributes = window(c.w, c.stride, c.pad, c.dilation, c.group);
  attributes["shape"] = c.shape;
  bench.check(bench.apply(OpType::kConvGradInput, inputs, attributes));
}

TEST_CASE("pooling: dilations and signals") {
  const auto type = GENERATE(OpType::kMaxPool, OpType::kAveragePool);
  struct Case {
    Shape x;
    Integers kernel, stride, pad, dilation;
  };
  const auto c =
      GENERATE(Case{{2, 3, 7, 6}, {3, 2}, {2, 1}, {1, 0, 1, 1}, {2, 3}},
               Case{{2, 3, 11}, {3}, {2}, {1, 1}, {1}}, Case{{2, 2, 9}, {2}, {1}, {1, 0}, {4}},
               Case{{2, 3, 5}, {5}, {1}, {0, 0}, {1}});
  OperatorBench bench;
  const auto x = bench.tensor("x", c.x);
  bench.check(bench.apply(type, {x},
                          {{"kernel_shape", c.kernel},
                           {"strides", c.stride},
                           {"pads", c.pad},
                           {"dilations", c.dilation}}));
}

TEST_CASE("windows that see padding alone are refused where they have no mean or maximum") {
  OperatorBench bench;
  const auto x = bench.tensor("x", {1, 1, 2});
  // Taps at -1, 3: both are outside.
  CHECK_THROWS_WITH(
      bench.apply(
          OpType::kMaxPool, {x},
          {{"kernel_shape", Integers{2}}, {"pads", Integers{1, 2}}, {"dilations", Integers{4}}}),
      Catch::Contains("every window covers a pixel"));
}

TEST_CASE("attributes and extents of other windows are refused") {
  OperatorBench bench;
  const auto x = bench.tensor("x", {1, 1, 2, 3, 4});
  const auto line = bench.tensor("line", {1, 1, 9});
  CHECK_THROWS_AS(bench.apply(OpType::kMaxPool, {x}, {{"kernel_shape", Integers{2, 2, 2}}}),
                  UserError);
  CHECK_THROWS_AS(bench.apply(OpType::kMaxPool, {line}, {{"kernel_shape", Integers{2, 2}}}, "two"),
                  UserError);
  CHECK_THROWS_AS(
      bench.apply(OpType::kMaxPool, {line},
                  {{"kernel_shape", Integers{2}}, {"pads", Integers{0, 0, 0, 0}}}, "four"),
      UserError);
}

}  // namespace
}  // namespace etude
