// SPDX-License-Identifier: Apache-2.0
#include "workloads/reference/reference.h"

#include "models/base/error.h"

namespace etude {

TensorValues run_reference(const Graph& graph, const StartValues& start, const Cuts& cuts) {
  TensorValues values(graph.tensors().size());
  for (TensorId id = 0; id < start.size() && id < values.size(); ++id) {
    values[id].assign(start[id].begin(), start[id].end());
  }
  for (NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    for (TensorId input : node.inputs) {
      if (values[input].size() != graph.tensor(input).elements()) {
        throw UserError("node '" + node.name + "'",
                        "its input '" + graph.tensor(input).name + "' has no values",
                        "give all inputs and parameters");
      }
    }
    rules_of(node.op).evaluate(graph, node, values);
    for (const Cut& cut : cuts) {
      if (cut.result == node.outputs[0]) {
        values[cut.result].at(cut.element) = cut.value;
      }
    }
  }
  return values;
}

}  // namespace etude
