// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/redmule/redmule_config.h"

namespace etude {

/// What software asks of RedMulE: Z[M,K] = op(X[M,N], W[N,K], Y[M,K]), Y and Z at one address.
struct RedmuleJob {
  std::uint32_t x = 0;       ///< byte address of X
  std::uint32_t w = 0;       ///< byte address of W
  std::uint32_t z = 0;       ///< byte address of Z, read as Y before it is overwritten
  std::uint32_t m = 0;       ///< rows of X and Z
  std::uint32_t n = 0;       ///< the reduction dimension
  std::uint32_t k = 0;       ///< columns of W and Z
  std::uint32_t op = 0;      ///< ETUDE_REDMULE_OP_...
  std::uint32_t format = 0;  ///< ETUDE_REDMULE_FMT_...

  bool operator==(const RedmuleJob&) const = default;
  std::uint64_t macs() const { return std::uint64_t{m} * n * k; }
};

/// What the tiler derives from a job: iteration counts, left-overs and stream lengths.
/// `leftover` values are 0 when the dimension divides evenly.
struct RedmulePlan {
  std::uint32_t height = 4, width = 12, pipe = 3, columns = 16;
  std::uint32_t x_blocks = 0;       ///< X blocks (D columns) per tile
  std::uint32_t row_blocks = 0;     ///< blocks of L rows of Z
  std::uint32_t column_blocks = 0;  ///< blocks of D columns of Z
  std::uint32_t w_rows = 0;         ///< W rows per tile, N rounded up to H
  std::uint32_t x_columns_left = 0, x_rows_left = 0, w_columns_left = 0, w_rows_left = 0;
  std::uint32_t last_slots = 0;     ///< pad columns of the last X block, rounded up to H
  std::uint64_t x_block_total = 0;  ///< X blocks of the whole job
  std::uint64_t w_beats = 0, z_beats = 0;
  bool loads_y = true;  ///< every operation but MATMUL reads Y

  bool operator==(const RedmulePlan&) const = default;
  std::uint64_t tiles() const { return std::uint64_t{row_blocks} * column_blocks; }
};

/// Tiles whose operands the model holds at once. A job that works needs fewer (the FIFOs and the
/// pad prefetch at most a dozen one-row tiles).
inline constexpr unsigned kRedmuleTilesInFlight = 16;

/// Computes the plan of a job with non-zero sizes.
RedmulePlan make_plan(const RedmuleJob& job, const RedmuleConfig& config);

}  // namespace etude
