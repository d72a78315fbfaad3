// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/graph/graph.h"
#include "workloads/networks/initial.h"

namespace etude::run {

/// Compares what an update node left in memory with its rule, applied to the values that it found
/// (`before`, by tensor) and to the gradient that the simulated chip computed. A new weight may be
/// off by 1 ulp of the largest number in its sum (rounded once or twice, both are right), states of
/// momentum too; Adam's moments by 4 ulp, for they are products and sums of several roundings, and
/// its step by 2^-20 of itself. Returns the first element that is off, in words.
std::optional<std::string> check_update(const Graph& graph, const Node& update,
                                        const StartValues& before,
                                        const std::vector<float>& gradient,
                                        const StartValues& after);

/// Distance from a float of this magnitude to the next larger one.
double last_place(double magnitude);

}  // namespace etude::run
