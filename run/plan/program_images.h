// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "program/program.h"
#include "workloads/networks/initial.h"

namespace etude {

/// What memory holds before the first step: task list, parameters, optimiser states, inputs.
std::vector<ProgramImage> initial_images(const Program& program, const StartValues& start);
/// The inputs alone: what the host replaces before each further step.
std::vector<ProgramImage> input_images(const Program& program, const StartValues& start);

}  // namespace etude
