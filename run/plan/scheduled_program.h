// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "program/program.h"
#include "sim/config/root_config.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// Lowers a training step by the policy of a configuration, or the schedule of its file, within its
/// budget of L2. Policies that
/// solve a problem (docs/schedule.md) have parameters and inputs at home in HyperRAM; if what they
/// chose finds no place in the budget, they are asked again for a smaller one, and a warning says
/// how often. Errors: UserError where nothing fits, naming the operator and its bytes, or the
/// deadline that would do; as lower_step().
Program scheduled_program(const TrainingGraph& training, const RootConfig& config);

}  // namespace etude::run
