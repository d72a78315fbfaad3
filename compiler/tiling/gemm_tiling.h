// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>

#include "compiler/cost/timing_source.h"
#include "compiler/tiling/packed_tiles.h"
#include "models/base/element_type.h"
#include "sim/config/platform_config.h"

namespace etude::compiler {

/// How one factor of a matrix multiplication reaches the unit.
struct OperandSource {
  bool resident = false;   ///< the whole matrix stands in L1
  bool transpose = false;  ///< the unit needs the other orientation: cores transpose each tile
  bool transposed_view = false;  ///< what is resident is the transpose of the stored matrix
  bool wanted_next = false;      ///< the next operators read it too: better kept in one piece
  std::optional<PackedTiles> packed = {};  ///< how it is stored, if not in FP32
  auto operator<=>(const OperandSource&) const = default;
};

/// Z[m,k] = X[m,n] W[n,k] as a unit runs it, with what belongs to it in one operator of the step.
struct GemmProblem {
  enum class Unit { kCores, kRedmule };
  Unit unit = Unit::kCores;
  std::uint32_t m = 0, n = 0, k = 0;
  OperandSource x, w;
  std::uint32_t count = 1;       ///< such products one after the other (a stack)
  bool bias = false;             ///< a row added to every row of Z
  bool second_bias = false;      ///< and another
  bool addend = false;           ///< a matrix of Z's shape added to it
  bool addend_resident = false;  ///< which stands in L1
  bool half = false;             ///< RedMulE works in FP16 on operands that the cores convert
  bool dense_z = false;          ///< tiles of Z are dense in L1, whatever the unit
  bool relu = false;
  bool transpose_z = false;  ///< the stored result is the transpose of Z
  bool mask = false;         ///< the result is masked by a matrix of its shape
  bool mask_resident = false;
  bool loss = false;  ///< each tile is compared with a tile of the target
  bool sgd = false;   ///< each tile of Z updates a tile of a stored parameter
  bool sgd_resident = false;
  bool column_sums = false;  ///< of W's tiles, with their own update
  bool store = true;         ///< the result goes to L2
  auto operator<=>(const GemmProblem&) const = default;
};

/// Tile sizes and buffering of one matrix multiplication.
struct GemmTiling {
  std::uint32_t m = 0, n = 0, k = 0;  ///< extents of a tile
  bool m_outer = true;                ///< loop order: rows of Z outside columns, or inside
  bool keep_z = false;                ///< the whole result stays in L1 (Z and, if transposed, both)
  bool double_buffer = true;
  Bytes l1_bytes{};  ///< of all buffers
  Cycle cycles{};    ///< modelled
};

/// Bytes of L1 that a tiling needs.
Bytes l1_bytes(const GemmProblem& problem, const GemmTiling& tiling, const RedmuleConfig& redmule);

/// Cycles that are added to a tiling that takes more than the preferred part of L1: what it keeps
/// the neighbours from overlapping.
inline Cycle crowding(Cycle cycles, Bytes bytes, Bytes preferred) {
  return bytes <= preferred
             ? Cycle{}
             : cycles * (bytes - preferred).raw() / (2 * std::max(Bytes{1}, preferred)).raw();
}

/// One part in so many of what cannot overlap within an operator is not hidden by its neighbours
/// either.
constexpr std::uint64_t kHiddenParts = 4;

/// Whether a resident operand is used where it stands: RedMulE reads dense matrices only.
inline bool used_in_place(GemmProblem::Unit unit, const OperandSource& source, bool full_rows) {
  return source.resident && (unit == GemmProblem::Unit::kCores || (!source.transpose && full_rows));
}

/// Pitch, in elements, of a tile of `cols` columns in L1. Cores that read different rows want an
/// odd pitch (banks); the DMA can give one only to tiles that are `dense` in L2. RedMulE wants
/// none.
inline std::uint32_t tile_pitch(GemmProblem::Unit unit, std::uint32_t cols, bool dense) {
  return unit == GemmProblem::Unit::kCores && dense && cols > 1 ? cols | 1u : cols;
}

/// Bytes behind a matrix that RedMulE reads (and ignores): rows up to a multiple of H, and up to D
/// elements.
inline Bytes read_ahead(std::uint32_t rows, std::uint32_t cols, const RedmuleConfig& redmule) {
  const std::uint32_t more = (redmule.height - rows % redmule.height) % redmule.height;
  return bytes_for(more * cols + redmule.columns());
}

/// Shortest reduction with which the array's control works at every shape of job
/// (docs/models/redmule.md); shorter ones are padded with zeros.
constexpr std::uint32_t kLeastReduction = 9;
inline std::uint32_t least_padded(std::uint32_t n, const RedmuleConfig& redmule) {
  return n >= kLeastReduction
             ? n
             : (kLeastReduction + redmule.height - 1) / redmule.height * redmule.height;
}
/// Whether pieces of `tile` of a whole all reach that.
inline bool long_enough(std::uint32_t whole, std::uint32_t tile) {
  return tile >= kLeastReduction && (whole % tile == 0 || whole % tile >= kLeastReduction);
}

/// Reduction of an FP16 job with its padding of zeros: the hardware computes right data at
/// multiples of 16 only (docs/models/redmule.md).
inline std::uint32_t padded_reduction(std::uint32_t n) { return (n + 15) / 16 * 16; }

/// Bytes of an FP16 matrix that RedMulE reads, with what it reads ahead.
inline Bytes half_bytes(std::uint32_t rows, std::uint32_t cols, const RedmuleConfig& redmule) {
  return bytes_for((rows + redmule.height) * cols, DType::kFloat16) + bytes_for(redmule.columns()) +
         Bytes{8};
}

/// Buffers for tiles of a parameter that is updated: each is taken from the start of its load to
/// the end of its store, about twice as long as a tile of an operand.
inline std::uint32_t update_copies(const GemmTiling& tiling, std::uint32_t tiles) {
  return std::min(tiles, tiling.double_buffer ? 4u : 1u);
}

/// Rows that the array writes for a result of `rows`.
inline std::uint32_t stored_rows(GemmProblem::Unit unit, std::uint32_t rows,
                                 const RedmuleConfig& redmule) {
  return unit == GemmProblem::Unit::kRedmule
             ? (rows + redmule.width - 1) / redmule.width * redmule.width
             : rows;
}

}  // namespace etude::compiler
