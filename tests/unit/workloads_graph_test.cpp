// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "workloads/graph/graph.h"
#include "workloads/networks/networks.h"
#include "workloads/training/counts.h"
#include "workloads/training/training_graph.h"

namespace etude {
namespace {

Tensor tensor(const std::string& name, Shape shape, TensorKind kind) {
  Tensor made;
  made.name = name;
  made.shape = std::move(shape);
  made.kind = kind;
  return made;
}

TEST_CASE("Deep-AE has the parameters and MACs of the published network, per sample") {
  // 640-128x4-8-128x4-640: forward = weights; no gradient of the input for layer 0 (81,920 less).
  const auto batch = GENERATE(1u, 24u);
  const auto counts = count(make_training_graph(make_network("deep_ae", {}, batch), 0.01).graph);
  CHECK(counts.parameters == 265864);
  CHECK(counts.trainable == 265864);
  CHECK(counts.gradient_bytes == 265864 * 4);
  CHECK(counts.forward_macs == 264192u * batch);
  CHECK(counts.backward_macs == (264192u + 182272u) * batch);
  CHECK(counts.update_macs == 0);
}

TEST_CASE("a cycle is an error that names a node on it") {
  Graph graph;
  const auto a = graph.add_tensor(tensor("a", {2}, TensorKind::kActivation));
  const auto b = graph.add_tensor(tensor("b", {2}, TensorKind::kActivation));
  graph.add_node({"first", OpType::kRelu, Phase::kForward, {a}, {b}, {}});
  graph.add_node({"second", OpType::kRelu, Phase::kForward, {b}, {a}, {}});
  CHECK_THROWS_WITH(graph.topological_order(), Catch::Contains("'first'"));
}

TEST_CASE("nodes may be added in any order") {
  Graph graph;
  const auto x = graph.add_tensor(tensor("x", {2, 3}, TensorKind::kInput));
  const auto y = graph.add_tensor(tensor("y", {}, TensorKind::kActivation));
  const auto z = graph.add_tensor(tensor("z", {}, TensorKind::kActivation));
  graph.add_node({"last", OpType::kRelu, Phase::kForward, {y}, {z}, {}});
  graph.add_node({"first", OpType::kRelu, Phase::kForward, {x}, {y}, {}});
  CHECK(graph.topological_order() == std::vector<NodeId>{1, 0});
  graph.infer_shapes();
  CHECK(graph.tensor(z).shape == Shape{2, 3});
}

TEST_CASE("shapes that do not fit name the node and the shapes") {
  Graph graph;
  const auto x = graph.add_tensor(tensor("x", {2, 3}, TensorKind::kInput));
  const auto w = graph.add_tensor(tensor("w", {4, 5}, TensorKind::kParameter));
  CHECK_THROWS_WITH(graph.add({"fc", OpType::kGemm, Phase::kForward, {x, w}, {}, {}},
                              {{"y", TensorKind::kActivation}}),
                    Catch::Contains("'fc'") && Catch::Contains("w [4,5]"));
}

TEST_CASE("repeated names, second producers and missing producers are errors") {
  Graph graph;
  const auto x = graph.add_tensor(tensor("x", {2}, TensorKind::kInput));
  CHECK_THROWS_AS(graph.add_tensor(tensor("x", {2}, TensorKind::kInput)), UserError);
  const auto y = graph.add_tensor(tensor("y", {2}, TensorKind::kActivation));
  const auto lost = graph.add_tensor(tensor("lost", {2}, TensorKind::kActivation));
  graph.add_node({"a", OpType::kRelu, Phase::kForward, {x}, {y}, {}});
  CHECK_THROWS_WITH(graph.add_node({"b", OpType::kRelu, Phase::kForward, {x}, {y}, {}}),
                    Catch::Contains("'a'"));
  graph.add({"c", OpType::kRelu, Phase::kForward, {lost}, {}, {}},
            {{"z", TensorKind::kActivation}});
  CHECK_THROWS_WITH(graph.validate(), Catch::Contains("'lost'"));
}

TEST_CASE("networks that cannot be built are errors") {
  CHECK_THROWS_AS(make_network("deep_ea", {}, 1), UserError);
  CHECK_THROWS_AS(make_network("mlp", {}, 1), UserError);
  CHECK_THROWS_AS(make_network("mlp", {3, 0, 2}, 1), UserError);
  CHECK_THROWS_AS(make_network("deep_ae", {}, 0), UserError);
}

}  // namespace
}  // namespace etude
