// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/cost/cost_model.h"
#include "compiler/tiling/conv_tiling.h"

namespace etude::compiler {

/// Modelled cycles of all groups.
Cycle modelled_cycles(const ConvProblem& problem, const ConvTiling& tiling,
                      const TimingSource& timing);

}  // namespace etude::compiler
