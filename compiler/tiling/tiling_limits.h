// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/types.h"
#include "sim/config/workload_config.h"

namespace etude::compiler {

/// What a tiling may use and what the user fixed.
struct TilingLimits {
  Bytes l1_bytes;    ///< free for this operator
  Bytes preferred;   ///< better not more than this, so that the next operator may start
  Bytes keep_bytes;  ///< largest result that is kept in L1
  TileConfig fixed;
  bool double_buffer = true;
};

}  // namespace etude::compiler
