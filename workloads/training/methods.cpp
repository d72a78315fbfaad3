// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/methods.h"

#include <algorithm>
#include <set>
#include <utility>

#include "models/base/error.h"
#include "models/base/nearest_name.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/layer_names.h"

namespace etude {

namespace {

class Adapters {
 public:
  Adapters(Network& network, const MethodOptions& options)
      : network_(network), graph_(network.graph), options_(options) {}

  /// One adapter for all products that share the layer's matrix.
  void adapt(const NetworkLayer& layer, bool trained) {
    const Node first = graph_.node(layer.products[0]);
    const GemmShape shape = gemm_shape(graph_, first);
    if (options_.rank == 0 || options_.rank > std::min(shape.n, shape.k)) {
      throw UserError("/train/rank",
                      "is " + std::to_string(options_.rank) + ", and layer '" + layer.name +
                          "' is " + std::to_string(shape.n) + " by " + std::to_string(shape.k),
                      "allowed is 1 to " + std::to_string(std::min(shape.n, shape.k)));
    }
    const TensorId a = parameter(layer.name + ".lora_a", {shape.n, options_.rank}, trained);
    const TensorId b = parameter(layer.name + ".lora_b", {options_.rank, shape.k}, trained);
    graph_.tensor(b).fill = 0.0f;
    const bool direction = sees_transposed(graph_, layer.products[0]);
    for (std::size_t i = 0; i < layer.products.size(); ++i) {
      const bool turned = sees_transposed(graph_, layer.products[i]) != direction;
      const std::string at = layer.name + (i == 0 ? "" : "." + std::to_string(i));
      // x (A B) where the matrix is seen as in the first product, x (A B)^T = x B^T A^T else.
      add_path(layer.products[i], at, turned ? b : a, turned ? a : b, turned);
    }
  }

 private:
  void add_path(NodeId product, const std::string& at, TensorId first, TensorId second,
                bool turned) {
    const Node node = graph_.node(product);
    Attributes as_x;
    if (node.integer("transA") != 0) {
      as_x["transA"] = std::int64_t{1};
    }
    Attributes as_w;
    if (turned) {
      as_x["transB"] = as_w["transB"] = std::int64_t{1};
    }
    const TensorId h = add(at + ".lora_h", OpType::kGemm, {node.inputs[0], first}, as_x);
    TensorId change = add(at + ".lora_y", OpType::kGemm, {h, second}, as_w);
    const double alpha = options_.alpha == 0 ? options_.rank : options_.alpha;
    if (alpha != options_.rank) {
      change =
          add(at + ".lora_scale", OpType::kScale, {change}, {{"factor", alpha / options_.rank}});
    }
    const TensorId y = node.outputs[0];
    const TensorId sum = add(at + ".lora_sum", OpType::kAdd, {y, change}, {});
    graph_.redirect(y, sum, *graph_.producer(sum));
    if (network_.output == y) {
      network_.output = sum;
    }
  }

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

/// Frozen batch normalisations do not look at the batch, nor move their statistics. Those that
/// stand for a normalisation of groups have no others.
void freeze_statistics(Graph& graph) {
  std::set<NodeId> gone;
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(n);
    if (node.op == OpType::kBatchNorm && node.integer("of_groups") == 0 &&
        !graph.tensor(node.inputs[1]).trainable && !graph.tensor(node.inputs[2]).trainable) {
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

/// A linear layer that adapters can be added to.
struct Linear {
  const NetworkLayer* layer;
  bool trained;
};

std::vector<Linear> linear_layers(const Network& network, std::size_t first_trained) {
  std::vector<Linear> found;
  for (std::size_t i = 0; i < network.blocks.size(); ++i) {
    for (TensorId matrix : network.blocks[i].matrices) {
      const auto layer = std::ranges::find_if(
          network.layers, [&](const NetworkLayer& l) { return l.parameters[0] == matrix; });
      if (layer != network.layers.end() && layer->linear) {
        found.push_back({&*layer, i >= first_trained});
      }
    }
  }
  return found;
}

/// The layers that targets name, of all without targets. Errors: UserError for a target that is
/// none of these.
std::set<const NetworkLayer*> targeted(const Network& network, const std::vector<Linear>& linear,
                                       const std::vector<std::string>& targets) {
  const std::string all = "give the last parts of names that `describe` shows, or none for all";
  if (linear.empty()) {
    throw UserError("/train/method",
                    "is lora, and network '" + network.graph.name + "' has no linear layer", all);
  }
  std::set<const NetworkLayer*> possible;
  std::vector<std::string> names;
  for (const Linear& one : linear) {
    possible.insert(one.layer);
    const std::string& name = one.layer->name;
    for (std::size_t at = name.rfind('.'); at != std::string::npos && at > 0;
         at = name.rfind('.', at - 1)) {
      names.push_back(name.substr(at + 1));  // from the last part on
    }
    names.push_back(name);
  }
  if (targets.empty()) {
    return possible;
  }
  std::set<const NetworkLayer*> chosen;
  for (const std::string& target : targets) {
    const auto called = layers_called(network.graph, network.layers, target);
    bool found = false;
    for (const NetworkLayer* layer : called) {
      if (possible.contains(layer)) {
        found = true;
        chosen.insert(layer);
      }
    }
    if (!found) {
      const std::string nearest = "the nearest is '" + nearest_name(target, names) + "'; " + all;
      if (!called.empty()) {
        throw UserError("/train/layers",
                        "'" + target + "' is no linear layer of a block of network '" +
                            network.graph.name + "'",
                        "adapters are for matrices of blocks: " + nearest);
      }
      throw UserError(
          "/train/layers",
          "no linear layer of network '" + network.graph.name + "' is called '" + target + "'",
          nearest);
    }
  }
  return chosen;
}

void add_adapters(Network& network, const MethodOptions& options, std::size_t first_trained) {
  const std::vector<Linear> linear = linear_layers(network, first_trained);
  const auto chosen = targeted(network, linear, options.layers);
  Adapters adapters(network, options);
  for (const Linear& one : linear) {
    if (chosen.contains(one.layer) && (one.trained || options.adapters_in_all)) {
      adapters.adapt(*one.layer, one.trained);
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
  if (network.layers.empty()) {  // of a network of ours
    network.layers = find_layers(graph);
  }
  freeze_all(graph);
  if (options.method == Method::kNone) {
    freeze_statistics(graph);
    return;
  }
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

namespace {

/// Each parameter with the names that choose it: its own, then its layer's, and the layer's with
/// the parameter's role, which is the only readable one where an exporter made the name up.
std::vector<std::pair<TensorId, std::vector<std::string>>> names_to_freeze(const Network& network) {
  std::vector<std::pair<TensorId, std::vector<std::string>>> names;
  for (TensorId id = 0; id < network.graph.tensors().size(); ++id) {
    const Tensor& tensor = network.graph.tensor(id);
    if (tensor.kind != TensorKind::kParameter || tensor.constant || tensor.alias_of) {
      continue;
    }
    names.push_back({id, {tensor.name}});
    for (const NetworkLayer& layer : network.layers) {
      const auto at = std::ranges::find(layer.parameters, id);
      if (at != layer.parameters.end()) {
        const bool matrix = at == layer.parameters.begin();
        names.back().second.push_back(layer.name + (matrix ? ".weight" : ".bias"));
        names.back().second.push_back(layer.name);
      }
    }
  }
  return names;
}

}  // namespace

void freeze(Network& network, const std::vector<std::string>& patterns) {
  if (patterns.empty()) {
    return;
  }
  Graph& graph = network.graph;
  if (network.layers.empty()) {
    network.layers = find_layers(graph);
  }
  const auto names = names_to_freeze(network);
  for (const std::string& pattern : patterns) {
    bool found = false;
    std::vector<std::string> shown;
    for (const auto& [id, called] : names) {
      shown.insert(shown.end(), called.begin(), called.end());
      if (std::ranges::any_of(called, [&](const auto& n) { return fits_pattern(pattern, n); })) {
        found = true;
        graph.tensor(id).trainable = false;
      }
    }
    if (!found) {
      throw UserError("/train/freeze", "'" + pattern + "' names no parameter of " + graph.name,
                      shown.empty() ? "it has none"
                                    : "nearest is '" + nearest_name(pattern, shown) +
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

}  // namespace etude
