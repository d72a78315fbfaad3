// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace etude {

/// Which weights pruning may set to zero: any of the tensor, or two of each four along a row (of
/// the last columns, fewer than four, half of them rounded down).
enum class PrunePattern : std::uint8_t { kFree, kTwoOfFour };

/// `values` [rows, cols] with the smallest magnitudes set to zero, of equal ones the earlier:
/// kFree: round(sparsity * rows * cols) of them, half up. kTwoOfFour takes no sparsity.
/// Errors: std::logic_error for a sparsity outside [0, 1).
std::vector<float> prune(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                         PrunePattern pattern, double sparsity);

}  // namespace etude
