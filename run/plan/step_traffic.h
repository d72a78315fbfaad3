// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/step_problem.h"
#include "compiler/tiling/tilings.h"

namespace etude::run {

/// What the operators of a step read and write in L2, from the step as it is lowered where no
/// operator leaves anything for another in L1. Errors: as write_tape().
compiler::StepTraffic traffic_of(const compiler::Step& step, compiler::Tilings& tilings);

}  // namespace etude::run
