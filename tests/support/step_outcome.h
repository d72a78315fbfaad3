// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "program/program.h"
#include "sim/config/platform_config.h"
#include "workloads/training/training_graph.h"

namespace etude::test {

/// Words of float32 values, to be compared without tolerance.
using Bits = std::vector<std::uint32_t>;

/// What `steps` steps of a program leave in the task interpreter, from parameters and inputs that
/// are drawn: loss, parameters, states and gradients, by name.
std::map<std::string, Bits> outcome(const TrainingGraph& training, const PlatformConfig& platform,
                                    const Program& program, unsigned steps);

}  // namespace etude::test
