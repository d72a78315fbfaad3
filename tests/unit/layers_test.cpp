// SPDX-License-Identifier: Apache-2.0
// Layers of graphs from elsewhere: which parameters they have, what they are called, who shares.
#include "workloads/training/layers.h"

#include <catch2/catch.hpp>

#include "tests/support/small_graph.h"
#include "workloads/networks/networks.h"
#include "workloads/training/methods.h"

namespace etude {
namespace {

using Names = std::vector<std::string>;
const Attributes kSwap{{"perm", std::vector<std::int64_t>{1, 0}}};
const Attributes kTransB{{"transB", std::int64_t{1}}};

Names names_of(const std::vector<NetworkLayer>& layers) {
  Names names;
  for (const NetworkLayer& layer : layers) {
    names.push_back(layer.name);
  }
  return names;
}

TEST_CASE("a transposed weight is its layer's matrix, and the sum behind the product its bias") {
  test::SmallGraph made;
  const TensorId x = made.input("x", {2, 3, 4});
  const TensorId w = made.parameter("blocks.0.q.weight", {5, 4});
  const TensorId b = made.parameter("b", {5});
  const TensorId turned =
      made.node(OpType::kTranspose, "val_0", {4, 5}, {w}, Phase::kForward, kSwap);
  const TensorId y = made.node(OpType::kGemm, "linear", {2, 3, 5}, {x, turned});
  made.node(OpType::kAdd, "z", {2, 3, 5}, {b, y});
  const auto layers = find_layers(made.graph);
  REQUIRE(names_of(layers) == Names{"blocks.0.q"});
  CHECK(layers[0].block == "blocks.0");
  CHECK(layers[0].parameters == std::vector<TensorId>{w, b});
  CHECK(layers[0].linear);
  CHECK(sees_transposed(made.graph, layers[0].products[0]));
}

TEST_CASE("names come from the matrix, the bias, the module, then the node, and differ") {
  test::SmallGraph made;
  const TensorId x = made.input("x", {3, 4});
  const auto product = [&](const std::string& matrix, const std::string& result) {
    const TensorId w = made.parameter(matrix, {4, 4});
    return made.maker(made.node(OpType::kGemm, result, {3, 4}, {x, w}));
  };
  product("val_1", "one");                                  // the module
  product("fc.weight", "two");                              // the matrix
  const NodeId third = product("onnx::MatMul_7", "three");  // the bias
  const TensorId bias = made.parameter("head.bias", {4});
  made.node(OpType::kAdd, "sum", {3, 4}, {made.graph.node(third).outputs[0], bias});
  product("fc.kernel", "four");  // taken already
  product("val_2", "five");      // nothing: the node
  product("val_3", "six");       // the module, taken by a parameter's name
  std::vector<std::string> scopes(made.graph.nodes().size());
  scopes[0] = "attn";
  scopes[made.graph.nodes().size() - 1] = "fc";
  CHECK(names_of(find_layers(made.graph, scopes)) ==
        Names{"attn", "fc", "head", "fc_2", "n.five", "fc_3"});
}

TEST_CASE("products that share a matrix are one layer with one adapter, the right way round") {
  test::SmallGraph made;
  const TensorId x = made.input("x", {3, 4});
  const TensorId w = made.parameter("tied.weight", {4, 6});
  const TensorId h = made.node(OpType::kGemm, "h", {3, 6}, {x, w});
  const TensorId y = made.node(OpType::kGemm, "y", {3, 4}, {h, w}, Phase::kForward, kTransB);
  Network network{made.graph, {x}, y};
  find_blocks(network);
  REQUIRE(names_of(network.layers) == Names{"tied"});
  CHECK(network.layers[0].products.size() == 2);
  REQUIRE(network.blocks.size() == 1);
  CHECK(network.blocks[0].matrices == std::vector<TensorId>{w});
  MethodOptions options;
  options.method = MethodOptions::Method::kLora;
  options.rank = 2;
  options.layers = {"tied"};
  apply_method(network, options);
  const Graph& graph = network.graph;
  const TensorId a = graph.find("tied.lora_a").value();
  const TensorId b = graph.find("tied.lora_b").value();
  CHECK(graph.tensor(a).shape == Shape{4, 2});
  CHECK(graph.tensor(b).shape == Shape{2, 6});
  CHECK(graph.consumers(a).size() == 2);
  CHECK(graph.consumers(b).size() == 2);
  // Behind the second product: h B^T A^T.
  const Node& second = graph.node(graph.producer(graph.find("tied.1.lora_h.out").value()).value());
  CHECK(second.inputs[1] == b);
  CHECK(second.integer("transB") == 1);
  CHECK(graph.tensor(network.output).name == "tied.1.lora_sum.out");
}

TEST_CASE("blocks of one name are one block, wherever their layers stand") {
  test::SmallGraph made;
  TensorId x = made.input("x", {3, 4});
  const auto product = [&](const std::string& matrix) {
    const TensorId w = made.parameter(matrix, {4, 4});
    x = made.node(OpType::kGemm, matrix + ".y", {3, 4}, {x, w});
    return w;
  };
  product("embed.weight");
  const TensorId a = product("encoder.layers.0.a.weight");
  const TensorId b = product("encoder.layers.1.a.weight");
  const TensorId c = product("decoder.layers.1.a.weight");
  const TensorId d = product("encoder.layers.0.b.weight");
  const TensorId fc = product("fc.weight");
  Network network{made.graph, {}, x};
  find_blocks(network);
  REQUIRE(network.blocks.size() == 3);
  CHECK(network.blocks[0].name == "encoder.layers.0");
  CHECK(network.blocks[0].matrices == std::vector<TensorId>{a, d});
  CHECK(network.blocks[1].matrices == std::vector<TensorId>{b});
  CHECK(network.blocks[2].matrices == std::vector<TensorId>{c});
  CHECK(network.head == std::vector<TensorId>{fc});
  CHECK(network.probe == std::vector<TensorId>{fc});
}

TEST_CASE("a layer in no block, and a convolution, take no adapter: the refusal says so") {
  Network network = make_network("resnet8", {}, 1);
  MethodOptions options;
  options.method = MethodOptions::Method::kLora;
  options.layers = {"stack16.conv1"};
  CHECK_THROWS_WITH(apply_method(network, options), Catch::Contains("linear layer"));
}

TEST_CASE("a layer's name freezes its parameters") {
  Network network = make_network("mlp", {5, 4, 3}, 2);
  freeze(network, {"fc0"});
  CHECK_FALSE(network.graph.tensor(network.graph.find("fc0.weight").value()).trainable);
  CHECK_FALSE(network.graph.tensor(network.graph.find("fc0.bias").value()).trainable);
  CHECK(network.graph.tensor(network.graph.find("fc1.bias").value()).trainable);
}

}  // namespace
}  // namespace etude
