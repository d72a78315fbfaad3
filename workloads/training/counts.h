// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "workloads/graph/graph.h"

namespace etude {

/// Numbers of a training graph that hold for any hardware.
struct GraphCounts {
  std::uint64_t parameters = 0;  ///< elements
  std::uint64_t trainable = 0;   ///< elements
  std::uint64_t parameter_bytes = 0;
  std::uint64_t gradient_bytes = 0;  ///< of the trainable parameters
  std::uint64_t forward_macs = 0;    ///< whole batch
  std::uint64_t backward_macs = 0;
  std::uint64_t update_macs = 0;
  std::uint64_t total_macs() const { return forward_macs + backward_macs + update_macs; }
};

/// Counts parameters and algorithmic MACs (without padding and recomputation).
GraphCounts count(const Graph& graph);

}  // namespace etude
