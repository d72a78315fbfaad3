// SPDX-License-Identifier: Apache-2.0
#include "compiler/cost/cost_model.h"

#include <algorithm>
#include <cmath>

#include "compiler/cost/kernel_costs.h"

namespace etude::compiler {

namespace {

constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }
constexpr std::uint64_t cycles_of(double cycles) { return static_cast<std::uint64_t>(cycles); }

Cycle rounded_down(double cycles) { return Cycle{static_cast<std::uint64_t>(cycles)}; }

}  // namespace

CostModel::CostModel(const PlatformConfig& platform, const UnitCosts& costs)
    : TimingSource(costs),
      redmule_(platform.cluster.redmule),
      cores_(platform.cluster.cores),
      flash_(platform.flash),
      cycles_per_ns_(platform.cluster.clock_hz * 1e-9) {
  const bool mchan = platform.cluster.dma.engine == DmaConfig::Engine::kMchan;
  dma_start_ = cycles_of(mchan ? costs.mchan_start : costs.idma_start) + platform.l2.latency.raw();
  piece_in_ = mchan ? cycles_of(costs.mchan_piece_in) : 0;
  piece_out_ = mchan ? cycles_of(costs.mchan_piece_out) : 0;
  const HyperramConfig& ram = platform.hyperram;
  extmem_bytes_per_cycle_ = ram.bandwidth_mb_s * 1e6 / platform.cluster.clock_hz;
  extmem_burst_cycles_ = (ram.access_ns + ram.recovery_ns) * cycles_per_ns_;
  extmem_burst_bytes_ =
      std::max(64.0, (ram.burst_cap_ns - ram.access_ns) * 1e-3 * ram.bandwidth_mb_s);
}

Cycle CostModel::kernel(etude_kernel kernel, const etude_extents& extents) const {
  return Cycle{kernel_cycles(kernel_cost(kernel), extents, cores_)};
}

double CostModel::per_element(etude_kernel kernel) const {
  const KernelCost& cost = kernel_cost(kernel);
  return cost.element + cost.product;
}

Cycle CostModel::redmule(std::uint64_t m, std::uint64_t n, std::uint64_t k) const {
  const std::uint64_t columns = redmule_.columns();
  const std::uint64_t tiles = ceil_div(m, redmule_.width) * ceil_div(k, columns);
  const std::uint64_t reduction = ceil_div(n, redmule_.height) * redmule_.height;
  const std::uint64_t compute = reduction * (redmule_.pipe + 1);
  // Port beats of one tile: rows of X per block of D, every W row, the tile in and out.
  const std::uint64_t beats =
      ceil_div(n, columns) * redmule_.width + reduction + 2u * redmule_.width;
  const double last_columns = static_cast<double>(k % columns == 0 ? columns : k % columns);
  return Cycle{tiles * std::max(compute + 1, beats)} +
         rounded_down(units().job + units().job_row * redmule_.width + last_columns +
                      units().job_program);
}

std::uint64_t CostModel::redmule_beats(std::uint64_t m, std::uint64_t n, std::uint64_t k) const {
  const std::uint64_t columns = redmule_.columns();
  const std::uint64_t tiles = ceil_div(m, redmule_.width) * ceil_div(k, columns);
  const std::uint64_t reduction = ceil_div(n, redmule_.height) * redmule_.height;
  return ceil_div(k, columns) * ceil_div(n, columns) * m +
         tiles * (reduction + 2u * redmule_.width);
}

Cycle CostModel::dma(std::uint64_t rows, Bytes row_bytes, bool to_l1) const {
  const std::uint64_t beats = ceil_div(row_bytes.raw(), 8);
  // A row ends its last piece of 256 bytes.
  const std::uint64_t pieces = ceil_div(row_bytes.raw(), 256) * (to_l1 ? piece_in_ : piece_out_);
  return Cycle{dma_start_ + rows * (beats + pieces)};
}

Cycle CostModel::soc_dma(Bytes bytes) const {
  const double b = static_cast<double>(bytes.raw());
  return rounded_down(b / extmem_bytes_per_cycle_ +
                      std::ceil(b / extmem_burst_bytes_) * extmem_burst_cycles_ + units().page);
}

Cycle CostModel::flash(FlashUse use, Bytes bytes) const {
  const double stream_ns = static_cast<double>(bytes.raw()) * 1000.0 / flash_.read_mb_s;
  const auto count = [&](std::uint64_t each) {
    return static_cast<double>(ceil_div(bytes.raw(), each));
  };
  double ns = 0;
  switch (use) {
    case FlashUse::kRead:
      ns = flash_.access_ns + stream_ns;
      break;
    case FlashUse::kProgram:
      ns = stream_ns + count(FlashConfig::kPageBytes) * flash_.page_program_us * 1e3;
      break;
    case FlashUse::kErase:
      ns = count(FlashConfig::kSectorBytes) * flash_.sector_erase_ms * 1e6;
      break;
  }
  return rounded_down(ns * cycles_per_ns_ + units().page);
}

}  // namespace etude::compiler
