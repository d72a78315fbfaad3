// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "workloads/networks/initial.h"
#include "workloads/ops/op_rules.h"

namespace etude {

/// An element of a node's result that is put to another value once the node has been executed.
struct Cut {
  TensorId result;
  std::size_t element;
  double value;
};
using Cuts = std::vector<Cut>;

/// Executes every node of `graph` in float64 on the host, in topological order, own loops only (no
/// library decides a digit). `start` gives inputs and parameters, `cuts` what is changed on the
/// way. Returns the values of all tensors: the loss, every gradient, the updated parameters.
/// Errors: UserError when a value that the graph reads is not given.
TensorValues run_reference(const Graph& graph, const StartValues& start, const Cuts& cuts = {});

}  // namespace etude
