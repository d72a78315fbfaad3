// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/schedule/schedule_problem.h"

namespace etude::compiler {

/// A small problem like a training step: up to 8 operators, forward ones that can run again and
/// backward ones that read what those made; views of results, skips over several operators,
/// parameters from home that are read twice and updated. Whole numbers for all costs.
ScheduleProblem random_schedule_problem(std::uint32_t seed);

/// As in POET's figure 2: eight layers, of which the second and third cost 1 s and 1 J and the
/// others 20; each result is read by the next layer and by its own backward operator (of the same
/// cost). Results have 4 bytes, the first and the fourth, and gradients, 1. A page takes 10 s and
/// 3 J each way.
ScheduleProblem two_ways_problem();

}  // namespace etude::compiler
