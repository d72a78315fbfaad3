// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "workloads/graph/graph.h"

namespace etude {

/// Operations of a node: two for a multiply-accumulate of the algorithm (OpRules::macs); of other
/// nodes one for each addition, product, comparison, exponential, root or division of an element,
/// none for views and copies. For cost tables that know FLOP/s only.
std::uint64_t flops(const Graph& graph, const Node& node);

}  // namespace etude
