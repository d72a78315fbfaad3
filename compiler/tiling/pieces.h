// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/cost/cost_model.h"

namespace etude::compiler {

/// Pieces of `b` that cover `a`.
constexpr std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }
/// The least multiple of `b` that is not below `a`.
constexpr std::uint32_t round_up(std::uint32_t a, std::uint32_t b) { return ceil_div(a, b) * b; }

/// What it takes of cores or DMA while RedMulE takes the banks beside them.
inline Cycle beside_redmule(Cycle cycles) {
  return Cycle{
      static_cast<std::uint64_t>(CostModel::kContention * static_cast<double>(cycles.raw()))};
}

}  // namespace etude::compiler
