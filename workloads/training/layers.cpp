// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/layers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "workloads/networks/networks.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/layer_names.h"

namespace etude {

namespace {

bool is_weight(const Graph& graph, TensorId id) {
  return graph.tensor(id).kind == TensorKind::kParameter && !graph.tensor(id).constant;
}

bool is_product(const Node& node) {
  return node.phase == Phase::kForward &&
         (node.op == OpType::kGemm || node.op == OpType::kConv ||
          node.op == OpType::kConvGradInput);  // a transposed convolution
}

/// The parameter that a value is, once nodes that only move elements are taken away.
std::optional<TensorId> weight_behind(const Graph& graph, TensorId id) {
  while (const auto maker = graph.producer(id)) {
    const Node& node = graph.node(*maker);
    if (node.op != OpType::kTranspose && node.op != OpType::kReshape) {
      return std::nullopt;
    }
    id = node.inputs[0];
  }
  return is_weight(graph, id) ? std::optional(id) : std::nullopt;
}

/// The parameter that is added to nothing but the node's result: the bias of a product without one.
std::optional<TensorId> bias_behind(const Graph& graph, const Node& product) {
  const auto readers = graph.consumers(product.outputs[0]);
  if (product.inputs.size() != 2 || readers.size() != 1) {
    return std::nullopt;
  }
  const Node& sum = graph.node(readers[0]);
  if (sum.op != OpType::kAdd || sum.inputs.size() != 2) {
    return std::nullopt;
  }
  const auto other = weight_behind(graph, sum.inputs[sum.inputs[0] == product.outputs[0] ? 1 : 0]);
  const Shape& result = graph.tensor(product.outputs[0]).shape;
  const std::size_t axis = product.op == OpType::kGemm ? result.size() - 1 : 1;
  if (!other) {
    return std::nullopt;
  }
  const std::uint64_t elements = graph.tensor(*other).elements();
  return elements == result[axis] || elements == 1 ? other : std::nullopt;
}

std::optional<TensorId> bias_of(const Graph& graph, const Node& product) {
  return product.inputs.size() == 3 ? weight_behind(graph, product.inputs[2])
                                    : bias_behind(graph, product);
}

/// A product by one matrix, no stack of them.
bool is_linear(const Graph& graph, const Node& node, TensorId matrix) {
  if (node.op != OpType::kGemm) {
    return false;
  }
  const GemmShape shape = gemm_shape(graph, node);
  return graph.tensor(matrix).elements() == std::uint64_t{shape.n} * shape.k;
}

/// The name that a parameter of the layer gives it.
std::optional<std::string> name_by_parameters(const Graph& graph, const NetworkLayer& layer) {
  for (TensorId parameter : layer.parameters) {
    if (const auto name = layer_of_parameter(graph.tensor(parameter).name)) {
      return name;
    }
  }
  return std::nullopt;
}

std::string name_by_node(const Graph& graph, NodeId node, const std::vector<std::string>& scopes) {
  if (node < scopes.size() && !scopes[node].empty()) {
    return scopes[node];
  }
  const std::string& name = graph.node(node).name;
  return layer_of_node(name).value_or(name);
}

/// Names of parameters first, so that nothing made up takes one of them away.
void name_layers(const Graph& graph, const std::vector<std::string>& scopes,
                 std::vector<NetworkLayer>& layers) {
  std::set<std::string> taken;
  const auto give = [&](NetworkLayer& layer, const std::string& wanted) {
    layer.name = wanted;
    for (int i = 2; !taken.insert(layer.name).second; ++i) {
      layer.name = wanted + "_" + std::to_string(i);
    }
    layer.block = block_of_layer(layer.name);
  };
  for (NetworkLayer& layer : layers) {
    if (const auto name = name_by_parameters(graph, layer)) {
      give(layer, *name);
    }
  }
  for (NetworkLayer& layer : layers) {
    if (layer.name.empty()) {
      give(layer, name_by_node(graph, layer.products[0], scopes));
    }
  }
}

}  // namespace

std::vector<NetworkLayer> find_layers(const Graph& graph, const std::vector<std::string>& scopes) {
  std::vector<NetworkLayer> layers;
  std::map<TensorId, std::size_t> by_matrix;
  for (NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const auto matrix = is_product(node) ? weight_behind(graph, node.inputs[1]) : std::nullopt;
    if (!matrix) {
      continue;
    }
    const auto [at, first] = by_matrix.emplace(*matrix, layers.size());
    if (first) {
      layers.push_back({"", "", {*matrix}, {}, true});
    }
    NetworkLayer& layer = layers[at->second];
    layer.products.push_back(n);
    layer.linear = layer.linear && is_linear(graph, node, *matrix);
    const auto bias = bias_of(graph, node);
    if (bias && std::ranges::count(layer.parameters, *bias) == 0) {
      layer.parameters.push_back(*bias);
    }
  }
  name_layers(graph, scopes, layers);
  return layers;
}

bool sees_transposed(const Graph& graph, NodeId product) {
  const Node& node = graph.node(product);
  bool transposed = node.integer("transB") != 0;
  for (auto maker = graph.producer(node.inputs[1]); maker;
       maker = graph.producer(graph.node(*maker).inputs[0])) {
    const bool swaps = graph.node(*maker).op == OpType::kTranspose &&
                       graph.node(*maker).integers("perm") == std::vector<std::int64_t>{1, 0};
    transposed = transposed != swaps;
  }
  return transposed;
}

std::vector<const NetworkLayer*> layers_called(const Graph& graph,
                                               const std::vector<NetworkLayer>& layers,
                                               const std::string& written) {
  std::vector<const NetworkLayer*> found;
  for (const NetworkLayer& layer : layers) {
    if (names_layer(written, layer.name)) {
      found.push_back(&layer);
    }
  }
  for (const NetworkLayer& layer : layers) {
    const bool node = std::ranges::any_of(layer.products,
                                          [&](NodeId n) { return graph.node(n).name == written; });
    if (found.empty() && node) {
      return {&layer};
    }
  }
  return found;
}

void find_blocks(Network& network, const std::vector<std::string>& scopes) {
  network.blocks.clear();
  network.head.clear();
  network.probe.clear();
  network.layers = find_layers(network.graph, scopes);
  const bool named =
      std::ranges::any_of(network.layers, [](const auto& layer) { return !layer.block.empty(); });
  for (const NetworkLayer& layer : network.layers) {
    network.probe = layer.parameters;
    const std::string& name = named ? layer.block : layer.name;
    if (name.empty()) {
      if (!network.blocks.empty()) {
        network.head.insert(network.head.end(), layer.parameters.begin(), layer.parameters.end());
      }
      continue;
    }
    network.head.clear();
    auto block = std::ranges::find(network.blocks, name, &Block::name);
    if (block == network.blocks.end()) {
      block = network.blocks.insert(block, {name, {}});
    }
    block->matrices.push_back(layer.parameters[0]);
  }
}

}  // namespace etude
