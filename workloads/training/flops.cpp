// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/flops.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "workloads/ops/op_rules.h"

namespace etude {
namespace {

std::uint64_t largest(const Graph& graph, const std::vector<TensorId>& list) {
  std::uint64_t most = 0;
  for (const TensorId id : list) {
    most = std::max(most, graph.tensor(id).elements());
  }
  return most;
}

/// Taps of a window's whole extent.
std::uint64_t taps(const Node& node) {
  const auto kernel = node.integers("kernel_shape");
  return std::accumulate(
      kernel.begin(), kernel.end(), std::uint64_t{1},
      [](std::uint64_t n, std::int64_t k) { return n * static_cast<std::uint64_t>(k); });
}

/// Operations for each element of the largest tensor that the node reads or makes.
std::uint64_t each(OpType op) {
  switch (op) {
    case OpType::kReshape:
    case OpType::kTranspose:
    case OpType::kSlice:
    case OpType::kPad:
    case OpType::kConcat:
    case OpType::kGather:
    case OpType::kExpand:
      return 0;
    case OpType::kSgd:
    case OpType::kMseLossGrad:
    case OpType::kSoftmaxCrossEntropyGrad:
    case OpType::kSigmoidGrad:
    case OpType::kTanhGrad:
      return 2;
    case OpType::kMseLoss:
    case OpType::kSoftmaxGrad:
    case OpType::kLogSoftmaxGrad:
    case OpType::kSigmoid:
    case OpType::kTanh:
    case OpType::kElu:
    case OpType::kEluGrad:
    case OpType::kSoftplus:
      return 3;
    case OpType::kMomentum:
    case OpType::kBatchNormStatistics:
    case OpType::kBatchNormAffineGrad:
    case OpType::kLayerNormAffineGrad:
    case OpType::kRmsNormScaleGrad:
      return 4;
    case OpType::kSoftmax:
    case OpType::kLogSoftmax:
    case OpType::kSoftmaxCrossEntropy:
    case OpType::kBceLoss:
    case OpType::kBceLossGrad:
    case OpType::kRmsNorm:
      return 5;
    case OpType::kBatchNorm:
      return 4;
    case OpType::kLayerNorm:
    case OpType::kGelu:
    case OpType::kBatchNormGrad:
    case OpType::kRmsNormGrad:
      return 8;
    case OpType::kLayerNormGrad:
    case OpType::kGeluGrad:
    case OpType::kAdam:
      return 12;
    default:
      return 1;
  }
}

}  // namespace

std::uint64_t flops(const Graph& graph, const Node& node) {
  if (const std::uint64_t macs = rules_of(node.op).macs(graph, node); macs > 0) {
    return 2 * macs;
  }
  if (node.op == OpType::kMaxPool || node.op == OpType::kAveragePool) {
    return taps(node) * graph.tensor(node.outputs.at(0)).elements();
  }
  return each(node.op) * std::max(largest(graph, node.inputs), largest(graph, node.outputs));
}

}  // namespace etude
