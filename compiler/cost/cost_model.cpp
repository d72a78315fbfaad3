// SPDX-License-Identifier: Apache-2.0
#include "compiler/cost/cost_model.h"

#include <algorithm>
#include <cmath>

namespace etude::compiler {

namespace {

constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// Fork, dispatch and barrier of one kernel; programming of a job: assumed, order of magnitude.
constexpr double kKernelOverhead = 200;
constexpr double kJobOverhead = 80;
/// MAC per cycle and core of the FP32 matrix kernel: 4.39 on 8 cores is the best published.
constexpr double kMacPerCoreCycle = 0.5;

Cycle rounded_down(double cycles) { return Cycle{static_cast<std::uint64_t>(cycles)}; }

}  // namespace

CostModel::CostModel(const PlatformConfig& platform)
    : redmule_(platform.cluster.redmule),
      cores_(platform.cluster.cores),
      l2_latency_(platform.l2.latency.raw()),
      mchan_(platform.cluster.dma.engine == DmaConfig::Engine::kMchan) {
  const double cycles_per_ns = platform.cluster.clock_hz * 1e-9;
  const HyperramConfig& ram = platform.hyperram;
  extmem_bytes_per_cycle_ = ram.bandwidth_mb_s * 1e6 / platform.cluster.clock_hz;
  extmem_burst_cycles_ = (ram.access_ns + ram.recovery_ns) * cycles_per_ns;
  extmem_burst_bytes_ =
      std::max(64.0, (ram.burst_cap_ns - ram.access_ns) * 1e-3 * ram.bandwidth_mb_s);
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
         rounded_down(47 + 3.75 * redmule_.width + last_columns + kJobOverhead);
}

std::uint64_t CostModel::redmule_beats(std::uint64_t m, std::uint64_t n, std::uint64_t k) const {
  const std::uint64_t columns = redmule_.columns();
  const std::uint64_t tiles = ceil_div(m, redmule_.width) * ceil_div(k, columns);
  const std::uint64_t reduction = ceil_div(n, redmule_.height) * redmule_.height;
  return ceil_div(k, columns) * ceil_div(n, columns) * m +
         tiles * (reduction + 2u * redmule_.width);
}

Cycle CostModel::core_gemm(std::uint64_t m, std::uint64_t n, std::uint64_t k) const {
  return rounded_down(static_cast<double>(m * n * k) / (kMacPerCoreCycle * cores_) +
                      2.0 * static_cast<double>(m * k) / cores_ + kKernelOverhead);
}

Cycle CostModel::core_kernel(std::uint64_t elements, double cycles_per_element) const {
  return rounded_down(static_cast<double>(elements) * cycles_per_element / cores_ +
                      kKernelOverhead);
}

Cycle CostModel::core_rows(std::uint64_t rows, std::uint64_t cols,
                           double cycles_per_element) const {
  const auto most = static_cast<double>(ceil_div(rows, static_cast<std::uint64_t>(cores_)));
  return rounded_down(most * static_cast<double>(cols) * cycles_per_element + kKernelOverhead);
}

Cycle CostModel::dma(std::uint64_t rows, Bytes row_bytes, bool to_l1) const {
  const std::uint64_t start = (mchan_ ? 14 : 11) + l2_latency_;
  const std::uint64_t beats = ceil_div(row_bytes.raw(), 8);
  // Pieces of 256 bytes cost two cycles more inwards, three outwards; a row ends its last piece.
  const std::uint64_t pieces = mchan_ ? ceil_div(row_bytes.raw(), 256) * (to_l1 ? 2 : 3) : 0;
  return Cycle{start + rows * (beats + pieces)};
}

Cycle CostModel::soc_dma(Bytes bytes) const {
  const double b = static_cast<double>(bytes.raw());
  return rounded_down(b / extmem_bytes_per_cycle_ +
                      std::ceil(b / extmem_burst_bytes_) * extmem_burst_cycles_ + 30);
}

}  // namespace etude::compiler
