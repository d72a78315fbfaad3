// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "compiler/cost/timing_source.h"
#include "compiler/operators/packed_weights.h"

namespace etude::compiler {

/// What tilings know of a factor that is stored packed, and decoded by the cores tile by tile.
struct PackedTiles {
  StoredNumber number = StoredNumber::kInt8;
  bool scale_per_row = false;  ///< of the stored matrix
  auto operator<=>(const PackedTiles&) const = default;

  StoredForm form() const { return {number, StoredCode::kPlain, scale_per_row}; }

  /// Whether tiles of so many columns of the stored matrix all begin with words.
  bool allows(std::uint32_t tile_cols, std::uint32_t cols) const {
    return tile_cols == cols || tile_cols % group_of(number) == 0;
  }
  /// Bytes of a tile of the stored matrix as it comes into L1; rows begin with words.
  Bytes bytes(std::uint32_t rows, std::uint32_t cols) const {
    return Bytes{std::uint64_t{rows} * plain_pitch(number, cols)};
  }
  /// Bytes of all scales of a stored matrix.
  Bytes scale_bytes(std::uint32_t rows, std::uint32_t cols) const {
    return Bytes{4 * std::uint64_t{scale_per_row ? rows : cols}};
  }
  /// What bringing a tile takes of the DMA; `dense`: whole rows of the stored matrix.
  Cycle load(const TimingSource& timing, std::uint32_t rows, std::uint32_t cols, bool dense) const {
    const Bytes row{plain_pitch(number, cols)};
    return dense ? timing.dma(1, rows * row, true) : timing.dma(rows, row, true);
  }
  /// What decoding it takes of the cores.
  Cycle decode(const TimingSource& timing, std::uint32_t rows, std::uint32_t cols,
               bool to_half) const {
    etude_decode_args args{};
    args.rows = rows;
    args.cols = cols;
    args.flags = scale_per_row ? ETUDE_DECODE_ROWS : 0;
    return timing.kernel(decode_kernel(form(), to_half), etude_decode_extents(&args));
  }
};

}  // namespace etude::compiler
