// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/gemm_tiling.h"

namespace etude::compiler {

/// Modelled cycles: the slowest of unit, cores and each direction of the DMA, and what cannot
/// overlap at begin and end.
Cycle modelled_cycles(const GemmProblem& problem, const GemmTiling& tiling,
                      const TimingSource& timing, const RedmuleConfig& redmule);

}  // namespace etude::compiler
