// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "workloads/reference/reference.h"

namespace etude::run {

/// How far a reference is from what was simulated, above what is allowed; 0: nowhere.
using Excess = std::function<double(const TensorValues&)>;

/// Where float64 and FP32 may be on different sides of a kink: elements of the result of a ReLU
/// whose input is nearer to zero than 1e-6 of the largest input of its tensor, and elements that
/// are as near to where a gradient jumps (OpRules::kinks), the nearest first, at most 32; each with
/// the value that puts it on the other side, or on the kink itself where that has a gradient of its
/// own. The gradient is one number on one side and another one on the other, and both are right.
Cuts find_ties(const Graph& graph, const TensorValues& reference);

/// Cuts ties the other way, one after the other, as long as that brings the reference nearer to
/// what was simulated. Returns those that were kept, and leaves in `reference` what follows.
Cuts resolve_ties(const Graph& graph, const StartValues& start, const Excess& excess,
                  TensorValues& reference);

}  // namespace etude::run
