// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "compiler/cost/timing_source.h"
#include "compiler/tiling/gemm_tiling.h"

namespace etude::compiler {

/// Both gradients of a linear layer on RedMulE, tile by tile of its weight W[in, out], with
/// X[batch, in] and dY[batch, out], and what stands in L1 before.
struct LinearBackwardProblem {
  std::uint32_t batch = 0, in = 0, out = 0;
  bool forward = false;      ///< the forward pass and the loss run in the same pass
  bool bias = false;         ///< so does the bias's update
  bool x_resident = false;   ///< X stands in L1
  bool xt_resident = false;  ///< X^T does
  bool dy_dense = false;     ///< dY does, rows one behind the other
  bool dyt_resident = false;
  bool may_keep = false;  ///< dX is worth its place in L1
  bool double_buffer = true;
  std::uint32_t least_columns = 0;  ///< narrower tiles of W are not tried
  std::uint32_t out_tile = 0;       ///< columns that tiles of W must have; 0: any
  Bytes l1_bytes;                   ///< free for this operator
  Bytes preferred;                  ///< better not more than this
  auto operator<=>(const LinearBackwardProblem&) const = default;
};

/// Tiles of W and their buffers.
struct LinearBackwardTiling {
  std::uint32_t in = 0, out = 0;  ///< rows and columns of a tile of W
  std::uint32_t copies = 2;
  bool keep = false;  ///< dX and its transpose stay in L1
  Cycle cycles{};     ///< modelled
};

/// Bytes of L1 that a tiling needs, with a beat for each buffer to align.
Bytes l1_bytes(const LinearBackwardProblem& problem, const LinearBackwardTiling& tiling,
               const RedmuleConfig& redmule);

/// Modelled cycles: the slowest of unit, cores, each direction of the DMA, the controller and the
/// turns of the weight's buffers, and what cannot overlap at begin and end. They follow from the
/// layer's shape and the tiles alone, not from what stands in L1.
Cycle modelled_cycles(const LinearBackwardProblem& problem, const LinearBackwardTiling& tiling,
                      const TimingSource& timing);

/// Rows of a buffer of dY: RedMulE writes it if the forward pass makes it.
inline std::uint32_t dy_rows(std::uint32_t batch, bool forward, const RedmuleConfig& redmule) {
  return forward ? stored_rows(GemmProblem::Unit::kRedmule, batch, redmule) : batch;
}

/// Finds tilings of such problems. What a tiling takes follows from the layer's shape alone and is
/// worked out once; a problem that was asked before is answered from what is known.
class LinearBackwardSearch {
 public:
  /// Both must outlive it.
  LinearBackwardSearch(const TimingSource& timing, const RedmuleConfig& redmule)
      : timing_(timing), redmule_(redmule) {}

  /// The tiling with the least time among those that fit: the modelled one, with the load of dX by
  /// its next reader where it is not kept, and with crowding(). Tiles are the layer's extents in
  /// equal parts (up to 54 and 40 of them), up to whole rows and columns of the array. Nothing if
  /// none fits.
  std::optional<LinearBackwardTiling> choose(const LinearBackwardProblem& problem);

 private:
  const TimingSource& timing_;
  const RedmuleConfig& redmule_;
  std::map<LinearBackwardProblem, std::optional<LinearBackwardTiling>> chosen_;
  /// Modelled cycles by {batch, in, out, forward}, then by the tiling's number (0: unknown yet).
  std::map<std::array<std::uint32_t, 4>, std::vector<Cycle>> cycles_;
};

}  // namespace etude::compiler
