// SPDX-License-Identifier: Apache-2.0
#include "workloads/training/counts.h"

#include "workloads/ops/op_rules.h"

namespace etude {

GraphCounts count(const Graph& graph) {
  GraphCounts counts;
  for (const Tensor& tensor : graph.tensors()) {
    if (tensor.kind == TensorKind::kParameter && !tensor.alias_of && !tensor.constant) {
      counts.parameters += tensor.elements();
      counts.parameter_bytes += tensor.bytes();
      if (tensor.trainable) {
        counts.trainable += tensor.elements();
        counts.gradient_bytes += tensor.bytes();
      }
    }
  }
  for (const Node& node : graph.nodes()) {
    const std::uint64_t macs = rules_of(node.op).macs(graph, node);
    switch (node.phase) {
      case Phase::kForward:
        counts.forward_macs += macs;
        break;
      case Phase::kBackward:
        counts.backward_macs += macs;
        break;
      case Phase::kUpdate:
        counts.update_macs += macs;
        break;
      case Phase::kRecompute:
        break;  // not algorithmic
    }
  }
  return counts;
}

}  // namespace etude
