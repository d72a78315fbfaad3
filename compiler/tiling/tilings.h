// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/tiling/gemm_search.h"
#include "compiler/tiling/linear_backward_tiling.h"

namespace etude::compiler {

/// What the searches for tiles have worked out so far. It follows from shapes and hardware alone,
/// so that every lowering of a step, however it shares L1, goes on with it.
struct Tilings {
  Tilings(const TimingSource& timing, const RedmuleConfig& redmule)
      : gemm(timing, redmule), linear_backward(timing, redmule) {}

  GemmSearch gemm;
  LinearBackwardSearch linear_backward;
};

}  // namespace etude::compiler
