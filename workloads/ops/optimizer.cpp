// SPDX-License-Identifier: Apache-2.0
// Sgd(w, gradient): w' = w - lr * gradient, stored in the place of w. Attribute lr.
#include "workloads/ops/op_rules.h"

namespace etude::ops {
namespace {

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  infer_same_shape(graph, node);
}

void evaluate(const Graph&, const Node& node, TensorValues& values) {
  // The learning rate that the hardware knows is a float.
  const double lr = static_cast<float>(node.real("lr"));
  auto w = values[node.inputs[0]];
  const auto& g = values[node.inputs[1]];
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] -= lr * g[i];
  }
  values[node.outputs[0]] = std::move(w);
}

}  // namespace

const OpRules kSgdRules{"Sgd", infer, nullptr, evaluate, no_macs};

}  // namespace etude::ops
