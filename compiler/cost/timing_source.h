// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/cost/unit_costs.h"
#include "kernels/include/etude_kernel_extents.h"
#include "models/base/types.h"

namespace etude::compiler {

enum class FlashUse : std::uint8_t { kRead, kProgram, kErase };

/// What an operation of the task list takes on its own unit, in cluster cycles: the one interface
/// through which tiles are chosen, operations are priced and orders are judged. It serves to
/// choose; only the simulator says what a step really takes.
class TimingSource {
 public:
  explicit TimingSource(const UnitCosts& units) : units_(units) {}
  virtual ~TimingSource() = default;

  /// A kernel on all cores, from the end of the one before, if it was posted ahead.
  virtual Cycle kernel(etude_kernel kernel, const etude_extents& extents) const = 0;
  /// Cycles of one core for one element more of a kernel (of extents without inner steps).
  virtual double per_element(etude_kernel kernel) const = 0;
  /// One RedMulE job Z[m,k] = X[m,n] W[n,k], from post to done.
  virtual Cycle redmule(std::uint64_t m, std::uint64_t n, std::uint64_t k) const = 0;
  /// Beats of its wide port in that job, each of which takes all banks for a cycle.
  virtual std::uint64_t redmule_beats(std::uint64_t m, std::uint64_t n, std::uint64_t k) const = 0;
  /// A transfer of the cluster DMA between L1 and L2.
  virtual Cycle dma(std::uint64_t rows, Bytes row_bytes, bool to_l1) const = 0;
  /// A transfer of the SoC DMA between L2 and HyperRAM.
  virtual Cycle soc_dma(Bytes bytes) const = 0;
  /// What the SoC DMA has flash do: a transfer to L2, one from L2 into whole pages that are erased,
  /// or the erasing of whole sectors.
  virtual Cycle flash(FlashUse use, Bytes bytes) const = 0;

  /// The controller, and units beside each other.
  const UnitCosts& units() const { return units_; }
  /// Cycles of the controller for one operation and its wait, as tiles are chosen by.
  Cycle post() const { return Cycle{static_cast<std::uint64_t>(units_.post)}; }
  /// Cycles from the end of one operation to the start of the one that waits for it.
  Cycle hand_over() const { return Cycle{static_cast<std::uint64_t>(units_.hand_over)}; }
  /// Cycles of cores or DMA while RedMulE takes the banks beside them.
  Cycle beside_redmule(Cycle cycles) const {
    return Cycle{static_cast<std::uint64_t>(units_.contention * static_cast<double>(cycles.raw()))};
  }

 protected:
  TimingSource(const TimingSource&) = default;
  TimingSource& operator=(const TimingSource&) = default;

 private:
  UnitCosts units_;
};

}  // namespace etude::compiler
