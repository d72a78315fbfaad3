// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/methods.h"

#include <algorithm>
#include <regex>
#include <set>
#include <string_view>

#include "models/base/error.h"
#include "models/base/nearest_name.h"
#include "workloads/ops/op_rules.h"

namespace etude {

namespace {

/// Whether a node of the forward pass is a layer with a matrix or a filter.
bool is_product(const Node& node) {
  return node.phase == Phase::kForward &&
         (node.op == OpType::kGemm || node.op == OpType::kConv ||
          node.op == OpType::kConvGradInput);  // a transposed convolution
}

/// The forward node that multiplies by a parameter (its second input), if one does.
std::optional<NodeId> user_of(const Graph& graph, TensorId parameter) {
  for (NodeId n : graph.consumers(parameter)) {
    const Node& node = graph.node(n);
    if (is_product(node) && node.inputs[1] == parameter) {
      return n;
    }
  }
  return std::nullopt;
}

/// "blocks.1.q" of the parameter "blocks.1.q.weight"; of other names the node's.
std::string layer_of(const Graph& graph, TensorId matrix) {
  const std::string& name = graph.tensor(matrix).name;
  if (name.ends_with(".weight")) {
    return name.substr(0, name.size() - 7);
  }
  return graph.node(user_of(graph, matrix).value()).name;
}

bool names_layer(const std::string& target, const std::string& layer) {
  return layer == target || layer.ends_with("." + target);
}

bool is_target(const std::string& layer, const std::vector<std::string>& targets) {
  return targets.empty() || std::ranges::any_of(targets, [&](const std::string& target) {
           return names_layer(target, layer);
         });
}

class Adapters {
 public:
  Adapters(Network& network, const MethodOptions& options)
      : network_(network), graph_(network.graph), options_(options) {}

  void adapt(TensorId matrix, const std::string& layer, bool trained) {
    const NodeId at = user_of(graph_, matrix).value();
    const Node node = graph_.node(at);
    const GemmShape shape = gemm_shape(graph_, node);
    if (options_.rank == 0 || options_.rank > std::min(shape.n, shape.k)) {
      throw UserError("/train/rank",
                      "is " + std::to_string(options_.rank) + ", and layer '" + layer + "' is " +
                          std::to_string(shape.n) + " by " + std::to_string(shape.k),
                      "allowed is 1 to " + std::to_string(std::min(shape.n, shape.k)));
    }
    const TensorId a = parameter(layer + ".lora_a", {shape.n, options_.rank}, trained);
    const TensorId b = parameter(layer + ".lora_b", {options_.rank, shape.k}, trained);
    graph_.tensor(b).fill = 0.0f;
    Attributes as_x;
    if (node.integer("transA") != 0) {
      as_x["transA"] = std::int64_t{1};
    }
    const TensorId h = add(layer + ".lora_h", OpType::kGemm, {node.inputs[0], a}, as_x);
    TensorId change = add(layer + ".lora_y", OpType::kGemm, {h, b}, {});
    const double alpha = options_.alpha == 0 ? options_.rank : options_.alpha;
    if (alpha != options_.rank) {
      change =
          add(layer + ".lora_scale", OpType::kScale, {change}, {{"factor", alpha / options_.rank}});
    }
    const TensorId y = node.outputs[0];
    const TensorId sum = add(layer + ".lora_sum", OpType::kAdd, {y, change}, {});
    graph_.redirect(y, sum, *graph_.producer(sum));
    if (network_.output == y) {
      network_.output = sum;
    }
  }

 private:
  TensorId parameter(const std::string& name, Shape shape, bool trained) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = TensorKind::kParameter;
    made.trainable = trained;
    return graph_.add_tensor(std::move(made));
  }

  TensorId add(const std::string& name, OpType type, std::vector<TensorId> inputs,
               Attributes attributes) {
    const NodeId made =
        graph_.add(Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
                   {{name + ".out", TensorKind::kActivation}});
    return graph_.node(made).outputs[0];
  }

  Network& network_;
  Graph& graph_;
  const MethodOptions& options_;
};

void freeze_all(Graph& graph) {
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    graph.tensor(id).trainable = false;
  }
}

void train(Graph& graph, const std::vector<TensorId>& parameters) {
  for (TensorId id : parameters) {
    graph.tensor(id).trainable = true;
  }
}

/// Frozen batch normalisations do not look at the batch, nor move their statistics.
void freeze_statistics(Graph& graph) {
  std::set<NodeId> gone;
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(n);
    if (node.op == OpType::kBatchNorm && !graph.tensor(node.inputs[1]).trainable &&
        !graph.tensor(node.inputs[2]).trainable) {
      graph.attributes(n)["training"] = std::int64_t{0};
      for (NodeId reader : graph.consumers(node.inputs[3])) {
        if (graph.node(reader).op == OpType::kBatchNormStatistics) {
          gone.insert(reader);
        }
      }
    }
  }
  if (!gone.empty()) {
    graph.remove_nodes(gone);
  }
}

/// Whether a name fits a pattern of characters, * and ?.
bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) {
    return name.empty();
  }
  if (pattern[0] == '*') {
    return fits(pattern.substr(1), name) || (!name.empty() && fits(pattern, name.substr(1)));
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         fits(pattern.substr(1), name.substr(1));
}

bool is_weight(const Graph& graph, TensorId id) {
  return graph.tensor(id).kind == TensorKind::kParameter && !graph.tensor(id).constant;
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
  const TensorId other = sum.inputs[sum.inputs[0] == product.outputs[0] ? 1 : 0];
  const Tensor& bias = graph.tensor(other);
  const Shape& result = graph.tensor(product.outputs[0]).shape;
  const std::size_t axis = product.op == OpType::kGemm ? result.size() - 1 : 1;
  const bool vector = bias.elements() == result[axis] || bias.elements() == 1;
  return is_weight(graph, other) && vector ? std::optional(other) : std::nullopt;
}

/// A linear layer that adapters can be added to.
struct Linear {
  TensorId matrix;
  std::string name;
  bool trained;
};

std::vector<Linear> linear_layers(const Network& network, std::size_t first_trained) {
  std::vector<Linear> layers;
  for (std::size_t i = 0; i < network.blocks.size(); ++i) {
    for (TensorId matrix : network.blocks[i].matrices) {
      const auto user = user_of(network.graph, matrix);
      if (user && network.graph.node(*user).op == OpType::kGemm) {
        layers.push_back({matrix, layer_of(network.graph, matrix), i >= first_trained});
      }
    }
  }
  return layers;
}

/// Every target is the name of a layer, or the end of one.
void check_targets(const Network& network, const std::vector<Linear>& layers,
                   const std::vector<std::string>& targets) {
  std::vector<std::string> names;
  for (const Linear& layer : layers) {
    names.push_back(layer.name.substr(layer.name.rfind('.') + 1));
    names.push_back(layer.name);
  }
  const std::string all = "give the last parts of names that `describe` shows, or none for all";
  if (layers.empty()) {
    throw UserError("/train/method",
                    "is lora, and network '" + network.graph.name + "' has no linear layer", all);
  }
  for (const std::string& target : targets) {
    if (std::ranges::none_of(
            layers, [&](const Linear& layer) { return names_layer(target, layer.name); })) {
      throw UserError(
          "/train/layers",
          "no linear layer of network '" + network.graph.name + "' is called '" + target + "'",
          "the nearest is '" + nearest_name(target, names) + "'; " + all);
    }
  }
}

void add_adapters(Network& network, const MethodOptions& options, std::size_t first_trained) {
  const std::vector<Linear> layers = linear_layers(network, first_trained);
  check_targets(network, layers, options.layers);
  Adapters adapters(network, options);
  for (const Linear& layer : layers) {
    if (is_target(layer.name, options.layers) && (layer.trained || options.adapters_in_all)) {
      adapters.adapt(layer.matrix, layer.name, layer.trained);
    }
  }
}

}  // namespace

void apply_method(Network& network, const MethodOptions& options) {
  using Method = MethodOptions::Method;
  if (options.method == Method::kFull) {
    return;
  }
  Graph& graph = network.graph;
  freeze_all(graph);
  if (options.method == Method::kLinearProbe) {
    train(graph, network.probe);
    freeze_statistics(graph);
    return;
  }
  const std::size_t blocks = network.blocks.size();
  const bool all = options.method == Method::kLora && options.k == 0;
  if (!all && (options.k == 0 || options.k > blocks)) {
    throw UserError("/train/k",
                    "is " + std::to_string(options.k) + ", and network '" + graph.name + "' has " +
                        std::to_string(blocks) + " blocks",
                    "allowed is 1 to " + std::to_string(blocks));
  }
  const std::size_t first = all ? 0 : blocks - options.k;
  train(graph, network.head);
  if (options.method == Method::kLora) {
    add_adapters(network, options, first);
  } else {
    for (std::size_t i = first; i < blocks; ++i) {
      train(graph, network.blocks[i].matrices);
    }
  }
  freeze_statistics(graph);
}

void freeze(Network& network, const std::vector<std::string>& patterns) {
  if (patterns.empty()) {
    return;
  }
  Graph& graph = network.graph;
  for (const std::string& pattern : patterns) {
    bool found = false;
    std::string nearest;
    for (TensorId id = 0; id < graph.tensors().size(); ++id) {
      Tensor& tensor = graph.tensor(id);
      if (tensor.kind != TensorKind::kParameter || tensor.constant || tensor.alias_of) {
        continue;
      }
      if (fits(pattern, tensor.name)) {
        found = true;
        tensor.trainable = false;
      }
      if (nearest.empty() ||
          edit_distance(tensor.name, pattern) < edit_distance(nearest, pattern)) {
        nearest = tensor.name;
      }
    }
    if (!found) {
      throw UserError("/train/freeze", "'" + pattern + "' names no parameter of " + graph.name,
                      nearest.empty() ? "it has none"
                                      : "nearest is '" + nearest +
                                            "'; `describe` shows them all, "
                                            "* stands for any characters");
    }
  }
  if (std::ranges::none_of(graph.tensors(), [](const Tensor& t) { return t.trainable; })) {
    throw UserError("/train/freeze", "leaves no parameter of " + graph.name + " to train",
                    "leave some out");
  }
  freeze_statistics(graph);
}

std::vector<std::string> freeze_unreached(Graph& graph) {
  std::set<TensorId> reached;
  std::vector<TensorId> open{graph.loss()};
  while (!open.empty()) {
    const TensorId id = open.back();
    open.pop_back();
    if (!reached.insert(id).second) {
      continue;
    }
    if (const auto maker = graph.producer(id)) {
      const auto& inputs = graph.node(*maker).inputs;
      open.insert(open.end(), inputs.begin(), inputs.end());
    }
    if (const auto whole = graph.tensor(id).alias_of) {
      open.push_back(*whole);
    }
  }
  std::vector<std::string> names;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    if (Tensor& tensor = graph.tensor(id); tensor.trainable && !reached.contains(id)) {
      tensor.trainable = false;
      names.push_back(tensor.name);
    }
  }
  return names;
}

void find_blocks(Network& network) {
  static const std::regex pattern("(?:^|[._/])(?:blocks?|layer)[._/]([0-9]+)");
  network.blocks.clear();
  network.head.clear();
  network.probe.clear();
  const Graph& graph = network.graph;
  struct Layer {
    std::vector<TensorId> parameters;  ///< the matrix first
    std::string block;
    std::string name;
  };
  std::vector<Layer> layers;
  for (NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    if (!is_product(node) || !is_weight(graph, node.inputs[1])) {
      continue;
    }
    Layer layer{{node.inputs[1]}, "", node.name};
    if (node.inputs.size() == 3 && is_weight(graph, node.inputs[2])) {
      layer.parameters.push_back(node.inputs[2]);
    } else if (const auto bias = bias_behind(graph, node)) {
      layer.parameters.push_back(*bias);
    }
    std::smatch found;
    if (std::regex_search(node.name, found, pattern) ||
        std::regex_search(graph.tensor(node.inputs[1]).name, found, pattern)) {
      layer.block = found[1];
    }
    layers.push_back(std::move(layer));
  }
  const bool named = std::ranges::any_of(layers, [](const Layer& l) { return !l.block.empty(); });
  for (const Layer& layer : layers) {
    network.probe = layer.parameters;
    if (!named) {
      network.blocks.push_back({layer.name, {layer.parameters[0]}});
    } else if (!layer.block.empty()) {
      if (network.blocks.empty() || network.blocks.back().name != layer.block) {
        network.blocks.push_back({layer.block, {}});
      }
      network.blocks.back().matrices.push_back(layer.parameters[0]);
      network.head.clear();
    } else if (!network.blocks.empty()) {
      network.head.insert(network.head.end(), layer.parameters.begin(), layer.parameters.end());
    }
  }
}

}  // namespace etude
