// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/backward.h"

#include <algorithm>

#include "models/base/error.h"
#include "workloads/ops/op_rules.h"

namespace etude {

GradientBuilder::GradientBuilder(Graph& graph, std::set<TensorId> wanted, TensorId loss)
    : graph_(graph), wanted_(std::move(wanted)), loss_(loss) {
  for (const Node& node : graph.nodes()) {
    for (TensorId input : node.inputs) {
      ++uses_[input];
    }
  }
}

TensorId GradientBuilder::gradient_of(TensorId tensor) {
  if (const auto found = complete_.find(tensor); found != complete_.end()) {
    return found->second;
  }
  if (tensor == loss_ && !has_gradient(tensor)) {
    Tensor one;
    one.name = graph_.tensor(tensor).name + ".grad";
    one.shape = graph_.tensor(tensor).shape;
    one.kind = TensorKind::kParameter;
    one.constant = true;
    one.fill = 1.0f;
    return complete_[tensor] = graph_.add_tensor(std::move(one));
  }
  join_pieces(tensor);
  const auto& parts = contributions_.at(tensor);
  TensorId sum = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const std::string name = graph_.tensor(tensor).name;
    const Node node{name + ".grad.sum" + std::to_string(i),
                    OpType::kAdd,
                    Phase::kBackward,
                    {sum, parts[i]},
                    {},
                    {}};
    sum =
        graph_
            .node(graph_.add(node, {{last ? name + ".grad" : name + ".grad.sum" + std::to_string(i),
                                     TensorKind::kGradient}}))
            .outputs[0];
  }
  complete_[tensor] = sum;
  return sum;
}

void GradientBuilder::contribute(TensorId tensor, Node node) {
  contributions_[tensor].push_back(emit(contribution_name(tensor), std::move(node)));
}

void GradientBuilder::contribute_of_loss(TensorId tensor, TensorId loss, Node node) {
  if (!has_gradient(loss)) {  // it is the loss of the graph
    return contribute(tensor, std::move(node));
  }
  const TensorId plain = emit(graph_.tensor(tensor).name + ".grad.of_loss", std::move(node));
  const TensorId weight = gradient_of(loss);
  contribute(tensor, Node{"", OpType::kMul, Phase::kBackward, {plain, weight}, {}, {}});
}

std::string GradientBuilder::contribution_name(TensorId tensor) {
  // The plain name belongs to the complete gradient.
  const std::string name = graph_.tensor(tensor).name + ".grad";
  return uses_[tensor] > 1 ? name + ".part" + std::to_string(contributions_[tensor].size()) : name;
}

TensorId GradientBuilder::emit(const std::string& name, Node node) {
  node.name = name;
  return graph_.node(emit(std::move(node), {name})).outputs[0];
}

NodeId GradientBuilder::emit(Node node, const std::vector<std::string>& outputs) {
  std::vector<std::pair<std::string, TensorKind>> made;
  for (const auto& name : outputs) {
    made.emplace_back(name, TensorKind::kGradient);
  }
  return graph_.add(std::move(node), made);
}

void GradientBuilder::pass(TensorId tensor, TensorId gradient) {
  contributions_[tensor].push_back(gradient);
}

GradientMap add_backward(Graph& graph) {
  const auto order = graph.topological_order();
  std::set<TensorId> wanted;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    if (graph.tensor(id).trainable) {
      wanted.insert(id);
    }
  }
  for (NodeId n : order) {
    const Node& node = graph.node(n);
    if (std::ranges::any_of(node.inputs, [&](TensorId i) { return wanted.contains(i); })) {
      wanted.insert(node.outputs.begin(), node.outputs.end());
    }
  }
  const TensorId loss = graph.loss();
  GradientBuilder builder(graph, wanted, loss);
  for (auto n = order.rbegin(); n != order.rend(); ++n) {
    const Node node = graph.node(*n);  // NOLINT(performance-unnecessary-copy-initialization): the
                                       // rules add nodes, which moves the graph's own
    const TensorId output = node.outputs[0];
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      if (builder.has_gradient(node.outputs[i])) {
        throw UserError("node '" + node.name + "'",
                        "the loss depends on its result '" + graph.tensor(node.outputs[i]).name +
                            "', which has no gradient",
                        "use its first result");
      }
    }
    if (!wanted.contains(output) || (output != loss && !builder.has_gradient(output))) {
      continue;
    }
    const OpRules& rules = rules_of(node.op);
    if (rules.gradient == nullptr) {
      throw UserError("node '" + node.name + "'",
                      std::string("operator ") + name_of(node.op) + " has no gradient",
                      "freeze the parameters before it");
    }
    rules.gradient(builder, *n);
  }
  GradientMap gradients;
  for (TensorId id : wanted) {
    if (builder.has_gradient(id)) {
      gradients[id] = builder.gradient_of(id);
    }
  }
  return gradients;
}

}  // namespace etude
