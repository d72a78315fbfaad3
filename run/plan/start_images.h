// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "program/memory_image.h"
#include "program/program.h"
#include "workloads/networks/initial.h"

namespace etude::run {

/// What memory holds before the first step: task list, parameters, optimiser states, inputs.
std::vector<MemoryImage> initial_images(const Program& program, const StartValues& start);
/// The inputs alone: what the host replaces before each further step.
std::vector<MemoryImage> input_images(const Program& program, const StartValues& start);

}  // namespace etude::run
