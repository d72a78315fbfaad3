// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/operators/grouping.h"

namespace etude::compiler {

/// Operators that hold every node with an operation once, so that each stands behind those that
/// make what it reads, and an update in place behind every reader of the old value; what may stand
/// anywhere keeps its place, but an update with state (Momentum, Adam) comes as soon as it may, and
/// so does every other with `early_updates`.
/// Errors: std::logic_error if operators wait for each other.
std::vector<Operator> in_order(const Graph& graph, const StoragePlan& storage,
                               std::vector<Operator> operators, bool early_updates = false);

}  // namespace etude::compiler
