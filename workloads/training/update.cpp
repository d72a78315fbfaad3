// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/update.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"

namespace etude {

namespace {

struct Kind {
  OpType op;
  const char* suffix;  ///< of the node's name
  std::vector<const char*> states;
};

/// Sums over passes need a state; momentum's is one already.
Kind kind_of(const UpdateOptions& options) {
  if (options.rule == UpdateOptions::Rule::kAdam) {
    return {OpType::kAdam, ".adam", {".first", ".second"}};
  }
  if (options.rule == UpdateOptions::Rule::kMomentum || options.accumulate > 1) {
    return {OpType::kMomentum, ".momentum", {".velocity"}};
  }
  return {OpType::kSgd, ".sgd", {}};
}

double power(double base, std::int64_t exponent) {
  double result = 1;
  for (std::int64_t i = 0; i < exponent; ++i) {
    result *= base;
  }
  return result;
}

TensorId add_state(Graph& graph, const Tensor& parameter, const char* suffix) {
  Tensor state;
  state.name = parameter.name + suffix;
  state.shape = parameter.shape;
  state.kind = TensorKind::kState;
  return graph.add_tensor(std::move(state));
}

}  // namespace

Attributes update_rates(const UpdateOptions& options, unsigned pass) {
  if (options.rule == UpdateOptions::Rule::kAdam) {
    // m / sqrt(v) is the same for every scale of the gradient; only epsilon is not.
    return {{"lr", options.lr},
            {"beta1", options.beta1},
            {"beta2", options.beta2},
            {"epsilon", options.epsilon * options.loss_scale},
            {"step", std::int64_t{pass} + 1}};
  }
  const double lr = options.lr / options.loss_scale / options.accumulate;
  const bool momentum = options.rule == UpdateOptions::Rule::kMomentum;
  if (!momentum && options.accumulate == 1) {
    return {{"lr", lr}};
  }
  const bool first = pass % options.accumulate == 0;
  const bool last = pass % options.accumulate == options.accumulate - 1;
  const double carried = momentum ? options.momentum : 0.0;
  return {{"lr", last ? lr : 0.0}, {"momentum", first ? carried : 1.0}};
}

AdamRates adam_rates(double lr, double beta1, double beta2, double epsilon, std::int64_t step) {
  // The cores' moments decay by floats.
  beta1 = static_cast<float>(beta1);
  beta2 = static_cast<float>(beta2);
  // lr (m / c1) / (sqrt(v / c2) + epsilon) = (lr sqrt(c2) / c1) m / (sqrt(v) + epsilon sqrt(c2))
  const double root = std::sqrt(1 - power(beta2, step));
  return {static_cast<float>(lr * root / (1 - power(beta1, step))),
          static_cast<float>(epsilon * root)};
}

void add_updates(Graph& graph, const GradientMap& gradients, const UpdateOptions& options) {
  if (options.rule == UpdateOptions::Rule::kAdam && options.accumulate > 1) {
    throw UserError("/train/accumulate", "adam over several batches is not available",
                    "use a larger /workload/batch, or optimizer sgd or momentum");
  }
  const Kind kind = kind_of(options);
  for (const auto& [parameter, gradient] : gradients) {
    if (!graph.tensor(parameter).trainable) {
      continue;
    }
    const std::string name = graph.tensor(parameter).name;
    Node node{name + kind.suffix,    kind.op, Phase::kUpdate,
              {parameter, gradient}, {},      update_rates(options, 0)};
    std::vector<std::pair<std::string, TensorKind>> outputs{
        {name + ".updated", TensorKind::kParameter}};
    for (const char* suffix : kind.states) {
      node.inputs.push_back(add_state(graph, Tensor(graph.tensor(parameter)), suffix));
      outputs.emplace_back(name + suffix + ".updated", TensorKind::kState);
    }
    const std::vector<TensorId> replaced = node.inputs;
    const NodeId id = graph.add(std::move(node), outputs);
    graph.tensor(graph.node(id).outputs[0]).alias_of = parameter;
    for (std::size_t i = 0; i < kind.states.size(); ++i) {
      graph.tensor(graph.node(id).outputs[1 + i]).alias_of = replaced[2 + i];
    }
  }
}

void scale_loss_gradient(Graph& graph, double factor) {
  if (factor == 1) {
    return;
  }
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(n);
    if (node.op != OpType::kMseLossGrad && node.op != OpType::kBceLossGrad &&
        node.op != OpType::kSoftmaxCrossEntropyGrad) {
      continue;
    }
    const TensorId plain = node.outputs[0];
    const std::string name = graph.tensor(plain).name + ".scaled";
    const NodeId scale =
        graph.add(Node{name, OpType::kScale, Phase::kBackward, {plain}, {}, {{"factor", factor}}},
                  {{name, TensorKind::kGradient}});
    graph.redirect(plain, graph.node(scale).outputs[0], scale);
    return;
  }
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    Tensor& tensor = graph.tensor(id);
    if (tensor.constant && tensor.fill) {  // the gradient of a loss by itself
      tensor.fill = static_cast<float>(factor);
      return;
    }
  }
  throw UserError("/train/loss_scale", "the graph has no gradient of a loss to scale",
                  "leave it out");
}

void set_rates(Graph& graph, const UpdateOptions& options, unsigned pass) {
  if (options.rule == UpdateOptions::Rule::kSgd && options.accumulate == 1) {
    return;
  }
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const OpType op = graph.node(n).op;
    if (op == OpType::kMomentum || op == OpType::kAdam) {
      graph.attributes(n) = update_rates(options, pass);
    }
  }
}

}  // namespace etude
