// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/schedule/schedule_problem.h"

namespace etude::compiler {

/// A small problem like a training step: up to 8 operators, forward ones that can run again and
/// backward ones that read what those made; views of results, skips over several operators,
/// parameters from home that are read twice and updated. Whole numbers for all costs.
ScheduleProblem random_schedule_problem(std::uint32_t seed);

/// POET's figure 2: eight layers, of which the second and third are cheap to compute and the fifth
/// and sixth dear; each is read by the next one and by its own backward operator.
ScheduleProblem two_ways_problem();

}  // namespace etude::compiler
