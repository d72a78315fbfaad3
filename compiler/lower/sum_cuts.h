// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/feeds/context.h"

namespace etude::compiler {

/// Where a step cuts the sums whose bits depend on that: as its operators do when each has an L1 of
/// its own. It follows from shapes, hardware and what the user fixed alone, so that whatever stands
/// in L1, wherever parameters are at home and whatever a schedule runs again or moves, outputs have
/// the same bits. What does not fit with these cuts beside others has L1 for itself, where it does.
/// Errors: UserError when an operator does not fit into L1.
SumCuts sum_cuts(const Step& step, Tilings& tilings);

}  // namespace etude::compiler
