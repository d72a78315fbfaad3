// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// Of each element of an input of integers: how many rows the smallest table has that it picks one
/// of, through reshapes, slices and whatever else only moves it; 0 where it picks none.
std::vector<std::uint64_t> index_bounds(const Graph& graph, TensorId input);

}  // namespace etude
