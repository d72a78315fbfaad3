// SPDX-License-Identifier: Apache-2.0
#include "workloads/codecs/prune.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace etude {
namespace {
constexpr std::size_t kGroup = 4;

/// Sets the `count` smallest magnitudes of `values` to zero.
void prune_smallest(std::span<float> values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::abs(values[i]); });
  for (std::size_t i = 0; i < count; ++i) {
    values[order[i]] = 0;
  }
}
}  // namespace

std::vector<float> prune(std::span<const float> values, std::uint32_t rows, std::uint32_t cols,
                         PrunePattern pattern, double sparsity) {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw std::logic_error("a sparsity outside [0, 1)");
  }
  std::vector<float> pruned(values.begin(), values.end());
  if (pattern == PrunePattern::kFree) {
    prune_smallest(pruned, static_cast<std::size_t>(
                               std::floor(sparsity * static_cast<double>(values.size()) + 0.5)));
    return pruned;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; col += kGroup) {
      const std::size_t group = std::min(kGroup, cols - col);
      prune_smallest(std::span(pruned).subspan(row * cols + col, group), group / 2);
    }
  }
  return pruned;
}

}  // namespace etude
