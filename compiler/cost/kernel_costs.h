// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/include/etude_kernel_extents.h"

namespace etude::compiler {

/// Which share of a kernel's work the busiest core has.
enum class KernelShare : std::uint8_t { kEven, kRows, kColumns };

/// What a kernel takes of one core; coefficients.def says what they multiply.
struct KernelCost {
  etude_kernel kernel{};
  KernelShare share{};
  double fixed = 0, row = 0, element = 0, run = 0, product = 0;
  bool measured = false;  ///< else assumed
};

/// The coefficients of a kernel.
const KernelCost& kernel_cost(etude_kernel kernel);

/// What a call of these extents takes on so many cores, in whole cycles.
std::uint64_t kernel_cycles(const KernelCost& cost, const etude_extents& extents,
                            std::uint32_t cores);

}  // namespace etude::compiler
