// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/gemm_tiling.h"

#include <algorithm>
#include <utility>

#include "compiler/tiling/pieces.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;

std::uint32_t copies(const GemmTiling& tiling, std::uint32_t tiles) {
  return std::min(tiles, tiling.double_buffer ? 2u : 1u);
}

/// Scales and packed tiles of an operand that the cores decode.
Bytes packed_buffers(const GemmProblem& p, const GemmTiling& t, bool is_w, std::uint32_t tiles) {
  const OperandSource& source = is_w ? p.w : p.x;
  if (!source.packed) {
    return {};
  }
  const auto as_stored = [&](std::uint32_t rows, std::uint32_t cols) {
    return source.transpose ? std::pair{cols, rows} : std::pair{rows, cols};
  };
  const auto [rows, cols] = as_stored(is_w ? p.n : p.m, is_w ? p.k : p.n);
  const auto [tile_rows, tile_cols] = as_stored(is_w ? t.n : t.m, is_w ? t.k : t.n);
  const std::uint32_t count = copies(t, tiles);
  return source.packed->scale_bytes(rows, cols) +
         count * source.packed->bytes(tile_rows, tile_cols) + (count + 1) * Bytes{8};
}

Bytes operand_buffers(const GemmProblem& p, const GemmTiling& t, bool is_w,
                      const RedmuleConfig& redmule) {
  const OperandSource& source = is_w ? p.w : p.x;
  const std::uint32_t rows = is_w ? t.n : t.m;
  const std::uint32_t cols = is_w ? t.k : t.n;
  const std::uint32_t tiles =
      is_w ? ceil_div(p.n, t.n) * ceil_div(p.k, t.k) : ceil_div(p.m, t.m) * ceil_div(p.n, t.n);
  const bool full_rows = is_w ? t.k == p.k : t.n == p.n;
  const bool padded = p.unit == Unit::kRedmule && !p.half && !long_enough(p.n, t.n);
  const std::uint32_t all = tiles * p.count;
  if (!p.half && !padded && used_in_place(p.unit, source, full_rows)) {
    return {};
  }
  const Bytes packed = packed_buffers(p, t, is_w, all);
  if (padded) {
    const std::uint32_t long_rows = is_w ? least_padded(rows, redmule) : rows;
    const std::uint32_t long_cols = is_w ? cols : least_padded(cols, redmule);
    const Bytes staged = source.transpose && !source.resident ? bytes_for(rows * cols) : Bytes{};
    return packed + copies(t, all) * (bytes_for(long_rows * long_cols) +
                                      read_ahead(long_rows, long_cols, redmule) + staged);
  }
  if (p.unit == Unit::kCores) {
    // Kept as stored: either orientation needs at most one element more per row.
    return packed +
           copies(t, all) * bytes_for(source.transpose ? cols * (rows | 1u) : rows * (cols | 1u));
  }
  if (p.half) {
    const Bytes half = is_w ? half_bytes(padded_reduction(rows), cols, redmule)
                            : half_bytes(rows, padded_reduction(cols), redmule);
    const std::uint32_t whole = source.resident                      ? 0u
                                : source.transpose                   ? 2u
                                : source.packed && !source.transpose ? 0u  // decoded to FP16
                                                                     : 1u;
    return packed + copies(t, all) * (half + whole * bytes_for(rows * cols));
  }
  Bytes bytes = copies(t, all) * (bytes_for(rows * cols) + read_ahead(rows, cols, redmule));
  if (source.transpose && !source.resident) {
    bytes += copies(t, all) * bytes_for(rows * cols);  // as loaded
  }
  return packed + bytes;
}

}  // namespace

Bytes l1_bytes(const GemmProblem& p, const GemmTiling& t, const RedmuleConfig& redmule) {
  const std::uint32_t z_tiles = ceil_div(p.m, t.m) * ceil_div(p.k, t.k) * p.count;
  const std::uint32_t z_copies = copies(t, z_tiles);
  Bytes bytes = operand_buffers(p, t, false, redmule) + operand_buffers(p, t, true, redmule);
  const std::uint32_t z_rows = t.keep_z ? (p.count - 1) * p.m + stored_rows(p.unit, p.m, redmule)
                                        : stored_rows(p.unit, t.m, redmule);
  const std::uint32_t z_pitch = p.unit == Unit::kCores ? t.k | 1u : t.k;
  bytes += (t.keep_z ? 1 : z_copies) * bytes_for(z_rows * z_pitch);
  bytes += t.keep_z ? read_ahead(z_rows, z_pitch, redmule) : Bytes{};
  if (p.half) {
    bytes += z_copies * half_bytes(stored_rows(p.unit, t.m, redmule), t.k, redmule);
    bytes += p.addend || p.bias ? z_copies * bytes_for(t.m * t.k) : Bytes{};
  }
  if (p.transpose_z) {
    bytes += t.keep_z ? bytes_for(p.k * p.m) + read_ahead(p.k, p.m, redmule)
                      : z_copies * bytes_for(t.k * t.m);
  }
  if (p.loss || (p.mask && !p.mask_resident)) {
    bytes += z_copies * bytes_for(p.transpose_z ? t.k * (t.m | 1u) : t.m * (t.k | 1u));
  }
  if (p.sgd && !p.sgd_resident) {
    bytes += update_copies(t, z_tiles) * bytes_for(t.m * (p.unit == Unit::kCores ? t.k | 1u : t.k));
  }
  if (p.bias) {
    bytes += bytes_for((p.second_bias ? 2 : 1) * p.k);
  }
  if (p.column_sums) {
    bytes += bytes_for(2 * p.k);
  }
  return bytes + 11 * Bytes{8};  // alignment of each buffer
}

}  // namespace etude::compiler
