// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/gemm_tiling.h"

#include <algorithm>

namespace etude {

namespace {

using Unit = GemmProblem::Unit;

constexpr std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }
constexpr std::uint32_t round_up(std::uint32_t a, std::uint32_t b) { return ceil_div(a, b) * b; }

std::uint32_t copies(const GemmTiling& tiling, std::uint32_t tiles) {
  return std::min(tiles, tiling.double_buffer ? 2u : 1u);
}

/// Whether a resident operand is used where it stands: RedMulE reads dense matrices only.
bool in_place(Unit unit, const OperandSource& source, bool full_rows) {
  return source.resident && (unit == Unit::kCores || (!source.transpose && full_rows));
}

std::uint32_t operand_buffers(const GemmProblem& p, const GemmTiling& t, bool is_w,
                              const RedmuleConfig& redmule) {
  const OperandSource& source = is_w ? p.w : p.x;
  const std::uint32_t rows = is_w ? t.n : t.m;
  const std::uint32_t cols = is_w ? t.k : t.n;
  const std::uint32_t tiles =
      is_w ? ceil_div(p.n, t.n) * ceil_div(p.k, t.k) : ceil_div(p.m, t.m) * ceil_div(p.n, t.n);
  const bool full_rows = is_w ? t.k == p.k : t.n == p.n;
  const bool padded = p.unit == Unit::kRedmule && !p.half && !long_enough(p.n, t.n);
  const std::uint32_t all = tiles * p.count;
  if (!p.half && !padded && in_place(p.unit, source, full_rows)) {
    return 0;
  }
  if (padded) {
    const std::uint32_t long_rows = is_w ? least_padded(rows, redmule) : rows;
    const std::uint32_t long_cols = is_w ? cols : least_padded(cols, redmule);
    const std::uint32_t staged = source.transpose && !source.resident ? 4 * rows * cols : 0;
    return copies(t, all) *
           (4 * long_rows * long_cols + read_ahead(long_rows, long_cols, redmule) + staged);
  }
  if (p.unit == Unit::kCores) {
    // Kept as stored: either orientation needs at most one element more per row.
    return copies(t, all) * 4 * (source.transpose ? cols * (rows | 1u) : rows * (cols | 1u));
  }
  if (p.half) {
    const std::uint32_t half = is_w ? half_bytes(padded_reduction(rows), cols, redmule)
                                    : half_bytes(rows, padded_reduction(cols), redmule);
    const std::uint32_t whole = source.resident ? 0u : (source.transpose ? 2u : 1u);
    return copies(t, all) * (half + whole * 4 * rows * cols);
  }
  std::uint32_t bytes = copies(t, all) * (4 * rows * cols + read_ahead(rows, cols, redmule));
  if (source.transpose && !source.resident) {
    bytes += copies(t, all) * 4 * rows * cols;  // as loaded
  }
  return bytes;
}

}  // namespace

std::uint32_t l1_bytes(const GemmProblem& p, const GemmTiling& t, const RedmuleConfig& redmule) {
  const std::uint32_t z_tiles = ceil_div(p.m, t.m) * ceil_div(p.k, t.k) * p.count;
  const std::uint32_t z_copies = copies(t, z_tiles);
  std::uint32_t bytes =
      operand_buffers(p, t, false, redmule) + operand_buffers(p, t, true, redmule);
  const std::uint32_t z_rows = t.keep_z ? (p.count - 1) * p.m + stored_rows(p.unit, p.m, redmule)
                                        : stored_rows(p.unit, t.m, redmule);
  const std::uint32_t z_pitch = p.unit == Unit::kCores ? t.k | 1u : t.k;
  bytes += (t.keep_z ? 1 : z_copies) * 4 * z_rows * z_pitch;
  bytes += t.keep_z ? read_ahead(z_rows, z_pitch, redmule) : 0;
  if (p.half) {
    bytes += z_copies * half_bytes(stored_rows(p.unit, t.m, redmule), t.k, redmule);
    bytes += p.addend || p.bias ? z_copies * 4 * t.m * t.k : 0;
  }
  if (p.transpose_z) {
    bytes += t.keep_z ? 4 * p.k * p.m + read_ahead(p.k, p.m, redmule) : z_copies * 4 * t.k * t.m;
  }
  if (p.loss || (p.mask && !p.mask_resident)) {
    bytes += z_copies * 4 * (p.transpose_z ? t.k * (t.m | 1u) : t.m * (t.k | 1u));
  }
  if (p.sgd && !p.sgd_resident) {
    bytes += update_copies(t, z_tiles) * 4 * t.m * (p.unit == Unit::kCores ? t.k | 1u : t.k);
  }
  if (p.bias) {
    bytes += (p.second_bias ? 8 : 4) * p.k;
  }
  if (p.column_sums) {
    bytes += 8 * p.k;
  }
  return bytes + 11 * 8;  // alignment of each buffer
}

std::uint64_t modelled_cycles(const GemmProblem& p, const GemmTiling& t, const CostModel& cost,
                              const RedmuleConfig& redmule) {
  const std::uint64_t m_tiles = ceil_div(p.m, t.m);
  const std::uint64_t n_tiles = ceil_div(p.n, t.n);
  const std::uint64_t k_tiles = ceil_div(p.k, t.k);
  const std::uint64_t z_tiles = m_tiles * k_tiles;
  const std::uint64_t jobs = z_tiles * n_tiles;
  const bool redmule_runs = p.unit == Unit::kRedmule;
  std::uint64_t unit = 0, cores = 0, in = 0, out = 0;
  std::uint64_t posts = jobs;  // operations that the controller posts

  // Every tile of the same extents costs the same; the last of each direction is smaller.
  const auto average = [](std::uint32_t whole, std::uint64_t tiles) {
    return ceil_div(whole, static_cast<std::uint32_t>(tiles));
  };
  const std::uint32_t am = average(p.m, m_tiles), an = average(p.n, n_tiles),
                      ak = average(p.k, k_tiles);
  const std::uint32_t reduction = redmule_runs && !p.half ? least_padded(an, redmule) : an;
  const std::uint64_t job =
      redmule_runs ? cost.redmule(am, reduction, ak) : cost.core_gemm(am, an, ak);
  (redmule_runs ? unit : cores) += jobs * job;

  std::uint64_t first_load = 0;
  const auto operand = [&](bool is_w) {
    const OperandSource& source = is_w ? p.w : p.x;
    const std::uint32_t rows = is_w ? an : am;
    const std::uint32_t cols = is_w ? ak : an;
    const bool padded = redmule_runs && !p.half && !long_enough(p.n, t.n);
    if (!p.half && !padded && in_place(p.unit, source, is_w ? t.k == p.k : t.n == p.n)) {
      return;
    }
    const std::uint64_t tiles = is_w ? n_tiles * k_tiles : m_tiles * n_tiles;
    const std::uint64_t again = is_w ? m_tiles : k_tiles;
    const bool outer = is_w ? !t.m_outer : t.m_outer;
    // Two buffers hold two tiles; the outer operand's only tile stays while the inner index runs.
    const std::uint64_t visits =
        tiles <= (t.double_buffer ? 2u : 1u) || (outer && n_tiles == 1) ? tiles : tiles * again;
    const std::uint32_t stored_rows_ = source.transpose ? cols : rows;
    const std::uint32_t stored_cols = source.transpose ? rows : cols;
    const bool dense =
        source.transpose ? (is_w ? t.n == p.n : t.m == p.m) : (is_w ? t.k == p.k : t.n == p.n);
    if (padded) {
      cores += visits * cost.core_kernel(rows * cols, CostModel::kCopy + CostModel::kFill);
      posts += 2 * visits;
    }
    if (p.half) {
      cores += visits * cost.core_kernel(rows * cols, CostModel::kConvert);
      posts += visits;
    }
    if (p.half ? !source.resident : !source.resident || !source.transpose) {
      const std::uint64_t one = dense && redmule_runs
                                    ? cost.dma(1, 4 * stored_rows_ * stored_cols, true)
                                    : cost.dma(stored_rows_, 4 * stored_cols, true);
      in += visits * one;
      posts += visits;
      first_load += one;
    }
    if (redmule_runs && source.transpose) {
      const std::uint64_t one = cost.core_kernel(rows * cols, CostModel::kTranspose);
      cores += visits * one;
      posts += visits;
      first_load += one;
    }
    if (is_w && p.column_sums) {
      cores += tiles * cost.core_kernel(rows * cols, CostModel::kColumnSum);
      posts += tiles;
    }
  };
  operand(false);
  operand(true);

  std::uint64_t last = 0;
  const auto per_tile = [&](double cycles_per_element) {
    const std::uint64_t one = cost.core_kernel(am * ak, cycles_per_element);
    cores += z_tiles * one;
    posts += z_tiles;
    last += one;
  };
  if (p.half) {
    per_tile(CostModel::kConvert + CostModel::kFill / 2);
    if (p.addend || p.bias) {
      per_tile(CostModel::kAdd);
    }
  }
  if (redmule_runs && p.bias) {
    per_tile(p.addend ? CostModel::kAdd : CostModel::kFill);
  }
  if (redmule_runs && p.relu) {
    per_tile(CostModel::kRelu);
  }
  if (p.transpose_z) {
    per_tile(CostModel::kTranspose);
  }
  const bool dense_z = p.transpose_z ? t.m == p.m : t.k == p.k;
  const std::uint32_t out_rows = p.transpose_z ? ak : am;
  const std::uint32_t out_cols = p.transpose_z ? am : ak;
  const auto moved = [&](bool to_l1) {
    return dense_z && redmule_runs ? cost.dma(1, 4 * out_rows * out_cols, to_l1)
                                   : cost.dma(out_rows, 4 * out_cols, to_l1);
  };
  if (p.loss) {
    per_tile(CostModel::kMse);
    in += z_tiles * moved(true);
    posts += z_tiles;
  }
  if (p.addend && p.addend_resident) {
    per_tile(CostModel::kCopy);
  } else if (p.addend) {
    in += z_tiles * moved(true);
    posts += z_tiles;
  }
  if (p.mask) {
    per_tile(CostModel::kReluGrad);
    in += p.mask_resident ? 0 : z_tiles * moved(true);
    posts += p.mask_resident ? 0 : z_tiles;
  }
  if (p.sgd) {
    per_tile(CostModel::kSgd);
    in += p.sgd_resident ? 0 : z_tiles * moved(true);
    posts += p.sgd_resident ? 0 : z_tiles;
  }
  if (p.store || p.sgd) {
    out += z_tiles * moved(false);
    posts += z_tiles;
    last += moved(false);
  }
  if (redmule_runs) {
    const auto beside = [](std::uint64_t cycles) {
      return static_cast<std::uint64_t>(CostModel::kContention * static_cast<double>(cycles));
    };
    cores = beside(cores);
    in = beside(in);
    out = beside(out);
    // hand-over to and from cores and DMA is never hidden altogether
    unit += (2 * z_tiles + jobs) * CostModel::kHandOver;
  }
  const std::uint64_t slowest = std::max({unit, cores, in, out, posts * CostModel::kPost});
  // The neighbours in the list hide most of what cannot overlap within the operator.
  const std::uint64_t ends = (first_load + last) / 4;
  return t.double_buffer ? p.count * slowest + ends : p.count * (unit + cores + in + out);
}

}  // namespace etude
