// SPDX-License-Identifier: Apache-2.0
// The coefficients, as coefficients.def has them.
#include <cstddef>
#include <iterator>

#include "compiler/cost/kernel_costs.h"
#include "compiler/cost/unit_costs.h"

namespace etude::compiler {

namespace {

/// The words of the file.
struct Share {
  static constexpr KernelShare even = KernelShare::kEven, rows = KernelShare::kRows,
                               columns = KernelShare::kColumns;
};
struct Source {
  static constexpr bool measured = true, assumed = false;
};

constexpr KernelCost kCosts[] = {
#define ETUDE_UNIT_COST(...)
#define ETUDE_KERNEL_COST(kernel, share_, fixed, row, element, run, product, source_) \
  {ETUDE_KERNEL_##kernel, Share::share_, fixed, row, element, run, product, Source::source_},
#include "compiler/cost/coefficients.def"
#undef ETUDE_KERNEL_COST
#undef ETUDE_UNIT_COST
};

constexpr bool complete() {
  for (std::size_t i = 0; i < std::size(kCosts); ++i) {
    if (kCosts[i].kernel != static_cast<etude_kernel>(i)) {
      return false;
    }
  }
  return std::size(kCosts) == ETUDE_KERNELS;
}
static_assert(complete(), "one row a kernel, in the order of etude_kernel_list.h");

constexpr UnitCosts kUnitCosts = {
#define ETUDE_KERNEL_COST(...)
#define ETUDE_UNIT_COST(name, value, source) .name = value,
#include "compiler/cost/coefficients.def"
#undef ETUDE_UNIT_COST
#undef ETUDE_KERNEL_COST
};

constexpr std::size_t kUnitRows = 0
#define ETUDE_KERNEL_COST(...)
#define ETUDE_UNIT_COST(name, value, source) +1
#include "compiler/cost/coefficients.def"
#undef ETUDE_UNIT_COST
#undef ETUDE_KERNEL_COST
    ;
static_assert(kUnitRows * sizeof(double) == sizeof(UnitCosts), "one row a member, in their order");

}  // namespace

const UnitCosts& unit_costs() { return kUnitCosts; }

const KernelCost& kernel_cost(etude_kernel kernel) { return kCosts[kernel]; }

std::uint64_t kernel_cycles(const KernelCost& cost, const etude_extents& extents,
                            std::uint32_t cores) {
  std::uint64_t rows = extents.rows, cols = extents.cols;
  double share = cores;
  if (cost.share != KernelShare::kEven) {  // whole rows or columns, of the busiest core
    std::uint64_t& split = cost.share == KernelShare::kRows ? rows : cols;
    split = (split + cores - 1) / cores;
    share = 1;
  }
  const std::uint64_t elements = rows * cols;
  const double work = cost.row * static_cast<double>(rows) +
                      cost.element * static_cast<double>(elements) +
                      cost.run * static_cast<double>(rows * extents.inner) +
                      cost.product * static_cast<double>(elements * extents.inner);
  return static_cast<std::uint64_t>(work / share + cost.fixed);
}

}  // namespace etude::compiler
