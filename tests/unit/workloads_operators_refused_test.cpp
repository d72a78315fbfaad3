// SPDX-License-Identifier: Apache-2.0
// Nodes whose attributes and shapes do not fit.
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/operator_bench.h"

namespace etude {
namespace {

using Integers = std::vector<std::int64_t>;
using Bench = test::OperatorBench;

TEST_CASE("attributes and shapes that do not fit name the node") {
  Bench bench;
  const auto x = bench.tensor("x", {2, 3, 5, 5});
  const auto w = bench.tensor("w", {4, 2, 3, 3});
  const auto rejected = [&](OpType type, std::vector<TensorId> inputs, Attributes attributes) {
    Graph graph = bench.network.graph;
    CHECK_THROWS_WITH(graph.add(Node{"bad", type, Phase::kForward, inputs, {}, attributes},
                                {{"y", TensorKind::kActivation}}),
                      Catch::Contains("'bad'"));
  };
  rejected(OpType::kConv, {x, w}, {{"kernel_shape", Integers{3, 3}}});
  rejected(OpType::kMaxPool, {x}, {{"kernel_shape", Integers{7, 3}}});
  rejected(OpType::kMaxPool, {x}, {{"kernel_shape", Integers{3, 3}}, {"strides", Integers{0, 1}}});
  rejected(OpType::kReshape, {x}, {{"shape", Integers{2, 3}}});
  rejected(OpType::kTranspose, {x}, {{"perm", Integers{0, 1, 2, 2}}});
  rejected(OpType::kReduceSum, {x}, {{"axes", Integers{4}}});
  rejected(OpType::kAdd, {x, w}, {});
  rejected(OpType::kGelu, {x}, {{"approximate", std::string("erf")}});
  rejected(OpType::kLayerNorm, {x, w}, {});
}

}  // namespace
}  // namespace etude
