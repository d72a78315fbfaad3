// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>

#include "compiler/feeds/conv_feeds.h"

namespace etude::compiler {

/// Calls `body` for each strip of all samples.
template <typename Body>
void for_strips(const ImageGeometry& g, std::uint32_t rows, std::uint32_t samples, Body&& body) {
  for (std::uint32_t sample = 0; sample < g.samples; sample += samples) {
    for (std::uint32_t row = 0; row < g.out_height; row += rows) {
      body(Strip{sample, std::min(samples, g.samples - sample), row,
                 std::min(rows, g.out_height - row)});
    }
  }
}

/// ETUDE_ACTIVATION_* of a node that is one (operator_table.h), or of none.
std::uint32_t activation_of(const LoweringContext& context, std::optional<NodeId> node);

/// The matrix [rows, columns] of a tensor that stands in L1 without gaps.
L1Matrix as_tensor(const LoweringContext& context, TensorId tensor, Address address);

}  // namespace etude::compiler
