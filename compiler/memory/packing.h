// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "models/base/types.h"

namespace etude::compiler {

/// A block of memory that is taken from operation `first` to operation `last`.
struct PackedBlock {
  Bytes bytes;
  std::size_t first = 0, last = 0;
  Bytes at;  ///< offset that pack() found
};

/// The most bytes that live at one operation: no packing is lower.
Bytes most_at_once(const std::vector<PackedBlock>& blocks);

/// Gives each block an offset, no two that live at one time over each other: the largest first,
/// each at the lowest place that is free during its life; where that passes `room` although
/// most_at_once() does not, other orders are tried, in which what found no place comes earlier.
/// Returns the number of the highest block; `blocks.size()` if there is none. Deterministic.
std::size_t pack(std::vector<PackedBlock>& blocks, Bytes room);

}  // namespace etude::compiler
