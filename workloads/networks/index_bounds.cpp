// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/index_bounds.h"

#include <algorithm>
#include <set>

#include "workloads/ops/op_rules.h"

namespace etude {

std::vector<std::uint64_t> index_bounds(const Graph& graph, TensorId input) {
  std::vector<std::uint64_t> bounds(graph.tensor(input).elements(), 0);
  // Every element is followed by its own number: 0 is what stands between them.
  TensorValues numbers(graph.tensors().size());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    numbers[input].push_back(static_cast<double>(i + 1));
  }
  std::set<NodeId> seen;
  std::vector<TensorId> open{input};
  while (!open.empty()) {
    const TensorId id = open.back();
    open.pop_back();
    for (const NodeId reader : graph.consumers(id)) {
      const Node& node = graph.node(reader);
      if (node.op == OpType::kGather && node.inputs[1] == id) {
        const std::uint64_t rows = graph.tensor(node.inputs[0]).shape[0];
        for (const double number : numbers[id]) {
          if (number > 0) {
            std::uint64_t& bound = bounds[static_cast<std::size_t>(number) - 1];
            bound = bound == 0 ? rows : std::min(bound, rows);
          }
        }
        continue;
      }
      const bool moved = node.outputs.size() == 1 &&
                         graph.tensor(node.outputs[0]).dtype == DType::kInt32 &&
                         node.op != OpType::kGather;
      if (!moved || !seen.insert(reader).second) {
        continue;
      }
      for (const TensorId other : node.inputs) {
        numbers[other].resize(graph.tensor(other).elements(), 0);
      }
      rules_of(node.op).evaluate(graph, node, numbers);
      open.push_back(node.outputs[0]);
    }
  }
  return bounds;
}

}  // namespace etude
