// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/lower/lower.h"
#include "workloads/networks/initial.h"

namespace etude::test {

/// A cluster with or without an fp32 RedMulE, `l1_kib` KiB of L1, and otherwise defaults.
PlatformConfig platform_of(bool redmule, unsigned l1_kib, unsigned cores = 8);

/// Lowers a training graph, runs `steps` steps in the task interpreter and checks (Catch2) loss,
/// gradients and weights as the numeric check of a run does. Parameters that `start` lacks are
/// drawn. `tolerance`: of a gradient, relative to its tensor's largest value, and of the loss.
/// Returns the program.
Program check_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const compiler::LowerOptions& options, unsigned steps = 1,
                   StartValues start = {}, double tolerance = 1e-5);

}  // namespace etude::test
