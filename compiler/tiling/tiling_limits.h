// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sim/config/workload_config.h"

namespace etude::compiler {

/// What a tiling may use and what the user fixed.
struct TilingLimits {
  std::uint32_t l1_bytes = 0;    ///< free for this operator
  std::uint32_t preferred = 0;   ///< better not more than this, so that the next operator may start
  std::uint32_t keep_bytes = 0;  ///< largest result that is kept in L1
  TileConfig fixed;
  bool double_buffer = true;
};

}  // namespace etude::compiler
