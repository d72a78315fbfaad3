// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/initial.h"
#include "workloads/ops/op_rules.h"

namespace etude {

/// Executes every node of `graph` in float64 on the host, in topological order, own loops only (no
/// library decides a digit). `start` gives inputs and parameters. Returns the values of all
/// tensors: the loss, every gradient, the updated parameters.
/// Errors: UserError when a value that the graph reads is not given.
TensorValues run_reference(const Graph& graph, const StartValues& start);

}  // namespace etude
