// SPDX-License-Identifier: Apache-2.0
#include "run/plan/network_facts.h"

#include <algorithm>
#include <map>
#include <set>

#include "workloads/training/layer_names.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

std::string block_of(const Network& network, const std::vector<TensorId>& parameters) {
  for (const Block& block : network.blocks) {
    if (std::ranges::count(block.matrices, parameters[0]) > 0) {
      return block.name;
    }
  }
  return "";
}

Json value_json(const Graph& graph, TensorId id) {
  const Tensor& tensor = graph.tensor(id);
  return {{"name", tensor.name},
          {"type", tensor.dtype == DType::kInt32 ? "INT32" : "FLOAT"},
          {"shape", tensor.shape}};
}

}  // namespace

NetworkFacts network_facts(const Network& network, const std::vector<DeclaredInput>& inputs,
                           const std::vector<TensorId>& outputs) {
  const Graph& graph = network.graph;
  NetworkFacts facts{inputs, outputs, {}, {}};
  for (const Block& block : network.blocks) {
    facts.blocks.push_back(block.name);
  }
  const auto layers = network.layers.empty() ? find_layers(graph) : network.layers;
  std::map<NodeId, const NetworkLayer*> by_node;
  std::set<TensorId> placed;
  for (const NetworkLayer& layer : layers) {
    by_node[layer.products[0]] = &layer;
    placed.insert(layer.parameters.begin(), layer.parameters.end());
  }
  std::map<std::string, std::size_t> others;  // by name
  for (NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (const auto found = by_node.find(n); found != by_node.end()) {
      const NetworkLayer& layer = *found->second;
      const std::string block = block_of(network, layer.parameters);
      facts.layers.push_back(
          {layer.name, name_of(node.op), block, layer.linear && !block.empty(), layer.parameters});
    }
    for (TensorId input : node.inputs) {
      const Tensor& tensor = graph.tensor(input);
      if (tensor.kind != TensorKind::kParameter || tensor.constant || tensor.alias_of ||
          !placed.insert(input).second) {
        continue;
      }
      const std::string name = layer_of_parameter(tensor.name).value_or(tensor.name);
      const auto [at, first] = others.emplace(name, facts.layers.size());
      if (first) {
        facts.layers.push_back({name, name_of(node.op), "", false, {}});
      }
      facts.layers[at->second].parameters.push_back(input);
    }
  }
  return facts;
}

Json network_json(const NetworkFacts& facts, const Graph& graph) {
  Json inputs = Json::array();
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    if (graph.tensor(id).kind != TensorKind::kInput) {
      continue;
    }
    Json input = value_json(graph, id);
    const auto declared = std::ranges::find(facts.inputs, id, &DeclaredInput::id);
    if (declared != facts.inputs.end()) {
      input["type"] = declared->type;
      if (std::ranges::any_of(declared->symbols, [](const auto& s) { return !s.empty(); })) {
        input["symbols"] = declared->symbols;
      }
    }
    inputs.push_back(input);
  }
  Json outputs = Json::array();
  for (TensorId id : facts.outputs) {
    outputs.push_back(value_json(graph, id));
  }
  Json layers = Json::array();
  for (const NetworkFacts::Layer& layer : facts.layers) {
    Json parameters = Json::array();
    for (TensorId id : layer.parameters) {
      const Tensor& tensor = graph.tensor(id);
      parameters.push_back(
          {{"name", tensor.name}, {"shape", tensor.shape}, {"trainable", tensor.trainable}});
    }
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"block", layer.block},
                      {"adapters", layer.adapters},
                      {"parameters", parameters}});
  }
  return {{"inputs", inputs}, {"outputs", outputs}, {"layers", layers}, {"blocks", facts.blocks}};
}

}  // namespace etude::run
