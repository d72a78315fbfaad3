// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/schedule/optimal.h"

namespace etude::compiler {

// Policies to compare with, under the same costs, each replayed like ours. None sees more than the
// problem and the limits; an answer that does not hold to the limits is infeasible, and its replay
// says what it takes.

/// Training with sublinear memory (Chen et al. 2016): operators that can run again are cut into
/// segments of about sqrt(n); what leaves a segment is kept, the rest is made again, a segment at
/// once, where the backward pass first needs one of it. Knows no budget.
ScheduleAnswer sqrt_segments(const ScheduleProblem& problem, const ScheduleRequest& request);

/// Capuchin (Peng et al. 2020): where memory overflows most, the tensor that is idle longest is
/// swapped, as long as that delays nothing; then swapping is weighed against recomputation by the
/// time that either adds, recomputation of the tensor that frees most bytes a second.
ScheduleAnswer capuchin(const ScheduleProblem& problem, const ScheduleRequest& request);

/// POFO (Beaumont et al. 2021) on chains, as we read it: for every number of first activations
/// that are offloaded, as early as possible, the rest is recomputed; the fastest within the budget.
/// Graphs that are no chain are infeasible with a note.
ScheduleAnswer pofo(const ScheduleProblem& problem, const ScheduleRequest& request);

/// POET's model as published (Patil et al. 2022): a stage for each operator, every tensor in every
/// stage, recomputation anywhere, pages that take no time of their own and whose buffers are not
/// counted, a deadline for computation alone. The replay counts all that. Its bound is that of its
/// own costs, without static power. Only the energy objective.
ScheduleAnswer poet_published(const ScheduleProblem& problem, const ScheduleRequest& request);

}  // namespace etude::compiler
