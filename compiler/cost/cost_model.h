// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/cost/timing_source.h"
#include "sim/config/platform_config.h"

namespace etude::compiler {

/// Timing by closed forms with the coefficients of coefficients.def, for one platform.
/// Sources: docs/compiler.md.
class CostModel final : public TimingSource {
 public:
  explicit CostModel(const PlatformConfig& platform, const UnitCosts& units = unit_costs());

  Cycle kernel(etude_kernel kernel, const etude_extents& extents) const override;
  double per_element(etude_kernel kernel) const override;
  Cycle redmule(std::uint64_t m, std::uint64_t n, std::uint64_t k) const override;
  std::uint64_t redmule_beats(std::uint64_t m, std::uint64_t n, std::uint64_t k) const override;
  Cycle dma(std::uint64_t rows, Bytes row_bytes, bool to_l1) const override;
  Cycle soc_dma(Bytes bytes) const override;
  Cycle flash(FlashUse use, Bytes bytes) const override;

 private:
  RedmuleConfig redmule_;
  std::uint32_t cores_;
  std::uint64_t dma_start_;             ///< cycles of a transfer beside its rows
  std::uint64_t piece_in_, piece_out_;  ///< cycles of 256 bytes of a row beside their beats
  double extmem_bytes_per_cycle_;
  double extmem_burst_cycles_;
  double extmem_burst_bytes_;
  FlashConfig flash_;
  double cycles_per_ns_;
};

}  // namespace etude::compiler
