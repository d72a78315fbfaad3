// SPDX-License-Identifier: Apache-2.0
// Softmax over the last axis: y = softmax(scale * x). SoftmaxGrad(dy, y): dx = scale * y (dy -
// sum(y dy)). Attribute scale (1).
// SoftmaxCrossEntropy(logits [N,C], labels [N]) -> loss, log_prob;
// SoftmaxCrossEntropyGrad(log_prob, labels) = scale * (exp(log_prob) - onehot) / N. Attributes
// reduction (mean or sum), scale (1).
#include "models/base/error.h"
#include "workloads/ops/exact_math.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

void infer(Graph& graph, const Node& node) {
  infer_same_shape(graph, node);
  if (graph.tensor(node.inputs[0]).shape.empty()) {
    shape_error(graph, node, "it needs an axis");
  }
}

double scale_of(const Node& node) { return static_cast<float>(node.real("scale", 1)); }

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute(node.inputs[0], Node{"",
                                            OpType::kSoftmaxGrad,
                                            Phase::kBackward,
                                            {builder.gradient_of(node.outputs[0]), node.outputs[0]},
                                            {},
                                            node.attributes});
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  auto y = values[node.inputs[0]];
  const double scale = scale_of(node);
  const std::uint64_t n = graph.tensor(node.inputs[0]).shape.back();
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    double largest = scale * y[row];
    for (std::uint64_t i = 0; i < n; ++i) {
      y[row + i] *= scale;
      largest = y[row + i] > largest ? y[row + i] : largest;
    }
    double sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      y[row + i] = exact_exp(y[row + i] - largest);
      sum += y[row + i];
    }
    for (std::uint64_t i = 0; i < n; ++i) {
      y[row + i] /= sum;
    }
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const auto& y = values[node.inputs[1]];
  const double scale = scale_of(node);
  const std::uint64_t n = graph.tensor(node.inputs[0]).shape.back();
  for (std::uint64_t row = 0; row < y.size(); row += n) {
    double along = 0;
    for (std::uint64_t i = row; i < row + n; ++i) {
      along += y[i] * dx[i];
    }
    for (std::uint64_t i = row; i < row + n; ++i) {
      dx[i] = scale * y[i] * (dx[i] - along);
    }
  }
  values[node.outputs[0]] = std::move(dx);
}

void check_classes(const Graph& graph, const Node& node) {
  const Shape& first = graph.tensor(node.inputs.at(0)).shape;
  const Shape& labels = graph.tensor(node.inputs.at(1)).shape;
  if (first.size() != 2 || labels != Shape{first[0]}) {
    shape_error(graph, node, "allowed are [samples,classes] and one label per sample");
  }
  const std::string reduction = node.text("reduction", "mean");
  if (reduction != "mean" && reduction != "sum") {
    shape_error(graph, node, "reduction is mean or sum, not '" + reduction + "'");
  }
}

void infer_loss(Graph& graph, const Node& node) {
  if (node.inputs.size() != 2 || node.outputs.size() != 2) {
    shape_error(graph, node, "it has two inputs and two outputs");
  }
  check_classes(graph, node);
  set_output(graph, node, 0, {}, DType::kFloat32);
  set_output(graph, node, 1, graph.tensor(node.inputs[0]).shape, DType::kFloat32);
}

void infer_loss_grad(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  check_classes(graph, node);
  infer_like_first(graph, node);
}

void gradient_loss(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (builder.wants(node.inputs[0])) {
    builder.contribute_of_loss(node.inputs[0], node.outputs[0],
                               Node{"",
                                    OpType::kSoftmaxCrossEntropyGrad,
                                    Phase::kBackward,
                                    {node.outputs[1], node.inputs[1]},
                                    {},
                                    node.attributes});
  }
}

std::uint64_t label_at(const Node& node, const std::vector<double>& labels, std::uint64_t sample,
                       std::uint64_t classes) {
  const double label = labels[sample];
  if (!(label >= 0 && label < static_cast<double>(classes)) ||
      label != static_cast<double>(static_cast<std::uint64_t>(label))) {
    throw UserError(
        "node '" + node.name + "'",
        "the label of sample " + std::to_string(sample) + " is " + std::to_string(label),
        "labels are integers from 0 to " + std::to_string(classes - 1));
  }
  return static_cast<std::uint64_t>(label);
}

/// 1 / samples for the mean, 1 for the sum.
double weight(const Node& node, std::uint64_t samples) {
  return node.text("reduction", "mean") == "mean" ? 1.0 / static_cast<double>(samples) : 1.0;
}

void evaluate_loss(const Graph& graph, const Node& node, TensorValues& values) {
  auto log_prob = values[node.inputs[0]];
  const Shape& shape = graph.tensor(node.inputs[0]).shape;
  double loss = 0;
  for (std::uint64_t sample = 0; sample < shape[0]; ++sample) {
    double* row = log_prob.data() + sample * shape[1];
    double largest = row[0];
    for (std::uint64_t i = 1; i < shape[1]; ++i) {
      largest = row[i] > largest ? row[i] : largest;
    }
    double sum = 0;
    for (std::uint64_t i = 0; i < shape[1]; ++i) {
      sum += exact_exp(row[i] - largest);
    }
    const double log_sum = exact_log(sum);
    for (std::uint64_t i = 0; i < shape[1]; ++i) {
      row[i] = row[i] - largest - log_sum;
    }
    loss -= row[label_at(node, values[node.inputs[1]], sample, shape[1])];
  }
  values[node.outputs[0]] = {loss * weight(node, shape[0])};
  values[node.outputs[1]] = std::move(log_prob);
}

void evaluate_loss_grad(const Graph& graph, const Node& node, TensorValues& values) {
  auto dx = values[node.inputs[0]];
  const Shape& shape = graph.tensor(node.inputs[0]).shape;
  const double scale = scale_of(node) * weight(node, shape[0]);
  for (std::uint64_t sample = 0; sample < shape[0]; ++sample) {
    double* row = dx.data() + sample * shape[1];
    const auto label = label_at(node, values[node.inputs[1]], sample, shape[1]);
    for (std::uint64_t i = 0; i < shape[1]; ++i) {
      row[i] = scale * (exact_exp(row[i]) - (i == label ? 1.0 : 0.0));
    }
  }
  values[node.outputs[0]] = std::move(dx);
}

}  // namespace

const OpRules kSoftmaxRules{infer, gradient, evaluate, no_macs};
const OpRules kSoftmaxGradRules{infer, nullptr, evaluate_grad, no_macs};
const OpRules kSoftmaxCrossEntropyRules{infer_loss, gradient_loss, evaluate_loss, no_macs};
const OpRules kSoftmaxCrossEntropyGradRules{infer_loss_grad, nullptr, evaluate_loss_grad, no_macs};

}  // namespace etude::ops
