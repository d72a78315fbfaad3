// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/feeds/context.h"
#include "compiler/feeds/packed_feed.h"
#include "compiler/tiling/gemm_tiling.h"

namespace etude::compiler {

/// Brings tiles of one factor of a matrix multiplication into L1, in the orientation that the unit
/// wants: from L2 or from a resident, decoded by the cores where it is stored packed, transposed by
/// them where RedMulE needs it. Two buffers take turns, and a tile that is still in one is not
/// fetched again.
class OperandFeed {
 public:
  struct Extents {
    std::uint32_t rows, cols;  ///< of the factor, as the unit sees it
    std::uint32_t tile_rows, tile_cols;
    bool is_w;  ///< second factor: RedMulE reads up to H rows ahead
  };
  /// `members`: matrices of the stack that it will feed one after the other.
  OperandFeed(LoweringContext& context, const MatrixView& view, const OperandSource& source,
              GemmProblem::Unit unit, const Extents& extents, bool double_buffer,
              std::uint32_t members = 1, bool half = false);

  /// Goes on with another matrix of the stack.
  void rebind(const MatrixView& view);

  /// The tile at (r0, c0): for RedMulE dense [r, c] (in FP16 with a padded reduction); for the
  /// cores as it is stored, hence [c, r] where the factor is transposed.
  L1Matrix fetch(std::uint32_t r0, std::uint32_t c0, std::uint32_t r, std::uint32_t c);

  /// The tile fetched last, in FP32 (where the unit reads FP16).
  const L1Matrix& unconverted() const { return unconverted_; }

  /// After the loops: a tensor that stands in L1 as a whole stays for the operators to come.
  void keep_whole();

 private:
  struct Buffer {
    Address packed;  ///< of the tile as loaded, if it is decoded
    Address staged;  ///< of the tile as stored
    Address ready;   ///< of the tile as the unit reads it, in FP32
    Address half;    ///< of the same in FP16
    std::uint32_t r0 = ~0u, c0 = ~0u;
    L1Matrix matrix;
    L1Matrix whole;  ///< before conversion
  };
  void find_resident();
  /// The tile at (row, col) of the stored matrix to `to`, in FP32, or where packed in FP16, too.
  void bring(const Buffer& buffer, std::uint32_t row, std::uint32_t col, const L1Matrix& to);
  void take_half(Buffer& buffer);
  L1Matrix fetch_padded(Buffer& buffer, std::uint32_t r, std::uint32_t c);
  L1Matrix fetch_half(Buffer& buffer, std::uint32_t r, std::uint32_t c);

  LoweringContext& context_;
  MatrixView view_;
  OperandSource source_;
  GemmProblem::Unit unit_;
  Extents extents_;
  std::optional<L1Matrix> resident_;  ///< in the stored orientation, unless `in_place_`
  bool in_place_ = false;
  std::optional<PackedFeed> packed_;
  std::vector<Buffer> buffers_;
  std::size_t next_ = 0;
  std::uint32_t members_;
  bool half_;
  bool padded_ = false;  ///< the reduction is too short for the array
  L1Matrix unconverted_;
};

}  // namespace etude::compiler
