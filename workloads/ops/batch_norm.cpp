// SPDX-License-Identifier: Apache-2.0
// BatchNorm(x [N,C,...], gamma, beta, mean, variance): y = (x - mean) rstd gamma + beta per
// channel, with the given statistics (attribute training 0) or those of the batch (training 1).
// BatchNormGrad(dy, x, gamma, mean, variance); BatchNormAffineGrad(dy, x, mean, variance) ->
// dgamma, dbeta. BatchNormStatistics(x, mean, variance) -> both updated: momentum * old + (1 -
// momentum) * new (population variance, as ONNX has it). Attributes training, epsilon, momentum.
#include <cmath>

#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

struct Layout {
  std::uint64_t samples, channels, pixels;
};

Layout layout_of(const Graph& graph, TensorId x) {
  const Tensor& tensor = graph.tensor(x);
  const std::uint64_t outer = tensor.shape[0] * tensor.shape[1];
  return {tensor.shape[0], tensor.shape[1], tensor.elements() / outer};
}

/// Calls visit(element) for all elements of a channel.
template <typename Visit>
void for_channel(const Layout& layout, std::uint64_t channel, Visit visit) {
  for (std::uint64_t n = 0; n < layout.samples; ++n) {
    for (std::uint64_t p = 0; p < layout.pixels; ++p) {
      visit((n * layout.channels + channel) * layout.pixels + p);
    }
  }
}

struct Statistics {
  double mean = 0, variance = 0;
};

Statistics of_batch(const Layout& layout, std::uint64_t channel, const std::vector<double>& x) {
  Statistics found;
  const auto count = static_cast<double>(layout.samples * layout.pixels);
  for_channel(layout, channel, [&](std::uint64_t i) { found.mean += x[i]; });
  found.mean /= count;
  for_channel(layout, channel, [&](std::uint64_t i) {
    found.variance += (x[i] - found.mean) * (x[i] - found.mean);
  });
  found.variance /= count;
  return found;
}

/// The input that the images are, and the first one with a vector per channel.
std::size_t image_input(const Node& node) {
  return node.op == OpType::kBatchNorm || node.op == OpType::kBatchNormStatistics ? 0 : 1;
}

/// Statistics that the node normalises with (mean and variance are its last two inputs).
Statistics used(const Node& node, const Layout& layout, std::uint64_t channel,
                const TensorValues& values) {
  if (node.integer("training") != 0) {
    return of_batch(layout, channel, values[node.inputs[image_input(node)]]);
  }
  return {values[node.inputs[node.inputs.size() - 2]][channel],
          values[node.inputs.back()][channel]};
}

double rstd_of(const Node& node, const Statistics& statistics) {
  return 1 / std::sqrt(statistics.variance + static_cast<float>(node.real("epsilon", 1e-5)));
}

void infer(Graph& graph, const Node& node) {
  const std::size_t image = image_input(node);
  const std::size_t inputs[] = {5, 5, 4, 3};
  const std::size_t kind = node.op == OpType::kBatchNorm             ? 0
                           : node.op == OpType::kBatchNormGrad       ? 1
                           : node.op == OpType::kBatchNormAffineGrad ? 2
                                                                     : 3;
  if (node.inputs.size() != inputs[kind] || node.outputs.size() != (kind < 2 ? 1u : 2u)) {
    shape_error(graph, node, "it has " + std::to_string(inputs[kind]) + " inputs");
  }
  const Tensor& x = graph.tensor(node.inputs[image]);
  if (x.shape.size() < 2) {
    shape_error(graph, node, "images have samples and channels");
  }
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Shape wanted = i <= image ? x.shape : Shape{x.shape[1]};
    if (graph.tensor(node.inputs[i]).shape != wanted) {
      shape_error(graph, node, "input " + std::to_string(i) + " must be " + to_string(wanted));
    }
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    set_output(graph, node, i, kind < 2 ? x.shape : Shape{x.shape[1]}, x.dtype);
  }
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  const TensorId x = node.inputs[0];
  const TensorId gamma = node.inputs[1];
  const TensorId beta = node.inputs[2];
  if (builder.wants(x)) {
    builder.contribute(x, Node{"",
                               OpType::kBatchNormGrad,
                               Phase::kBackward,
                               {dy, x, gamma, node.inputs[3], node.inputs[4]},
                               {},
                               node.attributes});
  }
  if (builder.wants(gamma) || builder.wants(beta)) {
    const auto name = [&](TensorId tensor, const char* otherwise) {
      return builder.wants(tensor) ? builder.contribution_name(tensor) : node.name + otherwise;
    };
    const NodeId made = builder.emit(Node{node.name + ".affine",
                                          OpType::kBatchNormAffineGrad,
                                          Phase::kBackward,
                                          {dy, x, node.inputs[3], node.inputs[4]},
                                          {},
                                          node.attributes},
                                     {name(gamma, ".dgamma"), name(beta, ".dbeta")});
    for (std::size_t i = 0; i < 2; ++i) {
      if (builder.wants(node.inputs[i + 1])) {
        builder.pass(node.inputs[i + 1], builder.graph().node(made).outputs[i]);
      }
    }
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const Layout layout = layout_of(graph, node.inputs[0]);
  auto y = values[node.inputs[0]];
  for (std::uint64_t c = 0; c < layout.channels; ++c) {
    const Statistics statistics = used(node, layout, c, values);
    const double rstd = rstd_of(node, statistics);
    for_channel(layout, c, [&](std::uint64_t i) {
      y[i] =
          (y[i] - statistics.mean) * rstd * values[node.inputs[1]][c] + values[node.inputs[2]][c];
    });
  }
  values[node.outputs[0]] = std::move(y);
}

void evaluate_grad(const Graph& graph, const Node& node, TensorValues& values) {
  const Layout layout = layout_of(graph, node.inputs[1]);
  auto dx = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  const bool training = node.integer("training") != 0;
  for (std::uint64_t c = 0; c < layout.channels; ++c) {
    const Statistics statistics = used(node, layout, c, values);
    const double rstd = rstd_of(node, statistics);
    double mean = 0;
    double along = 0;
    if (training) {
      const auto count = static_cast<double>(layout.samples * layout.pixels);
      for_channel(layout, c, [&](std::uint64_t i) {
        mean += dx[i];
        along += dx[i] * (x[i] - statistics.mean) * rstd;
      });
      mean /= count;
      along /= count;
    }
    for_channel(layout, c, [&](std::uint64_t i) {
      dx[i] = values[node.inputs[2]][c] * rstd *
              (dx[i] - mean - (x[i] - statistics.mean) * rstd * along);
    });
  }
  values[node.outputs[0]] = std::move(dx);
}

void evaluate_affine(const Graph& graph, const Node& node, TensorValues& values) {
  const Layout layout = layout_of(graph, node.inputs[1]);
  const auto& dy = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  std::vector<double> dgamma(layout.channels, 0.0);
  std::vector<double> dbeta(layout.channels, 0.0);
  for (std::uint64_t c = 0; c < layout.channels; ++c) {
    const Statistics statistics = used(node, layout, c, values);
    const double rstd = rstd_of(node, statistics);
    for_channel(layout, c, [&](std::uint64_t i) {
      dgamma[c] += dy[i] * (x[i] - statistics.mean) * rstd;
      dbeta[c] += dy[i];
    });
  }
  values[node.outputs[0]] = std::move(dgamma);
  values[node.outputs[1]] = std::move(dbeta);
}

void evaluate_statistics(const Graph& graph, const Node& node, TensorValues& values) {
  const Layout layout = layout_of(graph, node.inputs[0]);
  const double momentum = static_cast<float>(node.real("momentum", 0.9));
  auto mean = values[node.inputs[1]];
  auto variance = values[node.inputs[2]];
  for (std::uint64_t c = 0; c < layout.channels; ++c) {
    const Statistics batch = of_batch(layout, c, values[node.inputs[0]]);
    mean[c] = momentum * mean[c] + (1 - momentum) * batch.mean;
    variance[c] = momentum * variance[c] + (1 - momentum) * batch.variance;
  }
  values[node.outputs[0]] = std::move(mean);
  values[node.outputs[1]] = std::move(variance);
}

}  // namespace

const OpRules kBatchNormRules{infer, gradient, evaluate, no_macs};
const OpRules kBatchNormGradRules{infer, nullptr, evaluate_grad, no_macs};
const OpRules kBatchNormAffineGradRules{infer, nullptr, evaluate_affine, no_macs};
const OpRules kBatchNormStatisticsRules{infer, nullptr, evaluate_statistics, no_macs};

}  // namespace etude::ops
