// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "compiler/tiling/gemm_search.h"

namespace etude {

/// Tiles of both gradients of a linear layer in one pass over its weight.
struct LinearTiles {
  std::uint32_t in = 0, out = 0;  ///< rows and columns of a tile of W
  std::uint32_t copies = 2;
  bool keep = false;  ///< dX and its transpose stay in L1
  std::uint64_t cycles = ~std::uint64_t{0};
};

/// What the searches for tiles have worked out so far. It follows from shapes and hardware alone,
/// so that every lowering of a step, however it shares L1, goes on with it.
struct Tilings {
  GemmSearch gemm;
  /// Modelled cycles of both gradients of a linear layer, by {in, out, batch, with its forward
  /// pass}, then by the number of the tiling in the search (0: not worked out yet).
  std::map<std::array<std::uint32_t, 4>, std::vector<std::uint64_t>> linear_backward;
  /// The tiles that were chosen then, by everything that the choice depends on.
  std::map<std::array<std::uint32_t, 13>, LinearTiles> linear_tiles;
};

}  // namespace etude
