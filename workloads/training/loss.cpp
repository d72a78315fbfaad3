// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/loss.h"

#include <set>

#include "models/base/error.h"

namespace etude {

namespace {

struct Names {
  OpType op;
  const char* name;
  const char* input;
};

Names names_of(LossKind kind) {
  switch (kind) {
    case LossKind::kCrossEntropy:
      return {OpType::kSoftmaxCrossEntropy, "cross_entropy", "labels"};
    case LossKind::kMse:
      return {OpType::kMseLoss, "mse", "target"};
    case LossKind::kBce:
      return {OpType::kBceLoss, "bce", "target"};
  }
  return {};
}

/// The nodes from the last operator to the output: it, and changes of shape behind it.
std::vector<NodeId> last_nodes(const Network& network) {
  std::vector<NodeId> found;
  for (auto maker = network.graph.producer(network.output); maker;
       maker = network.graph.producer(network.graph.node(*maker).inputs[0])) {
    found.push_back(*maker);
    if (network.graph.node(*maker).op != OpType::kReshape) {
      return found;
    }
  }
  return {};
}

}  // namespace

const char* name_of(LossKind kind) { return names_of(kind).name; }

void add_loss(Network& network, LossKind kind) {
  Graph& graph = network.graph;
  const Tensor& output = graph.tensor(network.output);
  const Shape shape = output.shape;
  const bool classes = kind == LossKind::kCrossEntropy;
  const bool fits = classes ? shape.size() == 2 && shape[1] > 1 : !shape.empty();
  if (!fits) {
    throw UserError("/train/loss",
                    std::string("is ") + name_of(kind) + ", and the output '" + output.name +
                        "' of graph '" + graph.name + "' has the shape " + to_string(shape),
                    classes ? "it needs [samples,classes] with at least two classes; mse and bce "
                              "take any shape"
                            : "it needs samples; graph is for an output that is the loss itself");
  }
  const auto name = [&](const std::string& wanted) {
    return graph.find(wanted) ? wanted + ".of_training" : wanted;
  };
  const Names names = names_of(kind);
  Tensor given;
  given.name = name(names.input);
  given.shape = classes ? Shape{shape[0]} : shape;
  given.kind = TensorKind::kInput;
  given.dtype = classes ? DType::kInt32 : DType::kFloat32;
  const TensorId id = graph.add_tensor(std::move(given));
  network.inputs.push_back(id);
  std::vector<std::pair<std::string, TensorKind>> outputs{{name("loss"), TensorKind::kLoss}};
  Attributes attributes;
  if (classes) {
    outputs.emplace_back(name("log_prob"), TensorKind::kActivation);
    attributes["reduction"] = std::string("mean");
  }
  graph.add(Node{names.name, names.op, Phase::kForward, {network.output, id}, {}, attributes},
            outputs);
}

std::optional<OpType> last_operator(const Network& network) {
  const auto nodes = last_nodes(network);
  return nodes.empty() ? std::nullopt : std::optional(network.graph.node(nodes.back()).op);
}

bool drop_last_operator(Network& network) {
  Graph& graph = network.graph;
  const auto nodes = last_nodes(network);
  if (nodes.empty()) {
    return false;
  }
  const Shape shape = graph.tensor(network.output).shape;
  const Node& last = graph.node(nodes.back());
  const TensorId logits = last.inputs[0];
  const Shape& rows = graph.tensor(logits).shape;
  const bool same_rows = !rows.empty() && !shape.empty() && rows.back() == shape.back();
  if ((last.op == OpType::kSoftmax && !same_rows) || last.real("scale", 1) != 1) {
    return false;
  }
  if (rows == shape) {
    network.output = logits;
  } else {
    const std::string name = graph.tensor(network.output).name + ".logits";
    const std::vector<std::int64_t> extents(shape.begin(), shape.end());
    const NodeId made =
        graph.add(Node{name, OpType::kReshape, Phase::kForward, {logits}, {}, {{"shape", extents}}},
                  {{name, TensorKind::kActivation}});
    network.output = graph.node(made).outputs[0];
  }
  std::set<NodeId> unread;
  for (NodeId n : nodes) {  // from the output on, as long as nothing else reads them
    bool read = false;
    for (NodeId reader : graph.consumers(graph.node(n).outputs[0])) {
      read = read || !unread.contains(reader);
    }
    if (read) {
      break;
    }
    unread.insert(n);
  }
  graph.remove_nodes(unread);
  return true;
}

}  // namespace etude
