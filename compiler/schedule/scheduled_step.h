// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compiler/operators/step.h"
#include "compiler/schedule/step_schedule.h"

namespace etude::compiler {

/// A storage that is paged: the tensors that stand for it one after the other (the second and later
/// ones made by an operator that runs again), and its transfers by operators of the scheduled step.
struct PagedStorage {
  std::vector<TensorId> versions;
  std::vector<PageWindow> windows;
  bool to_flash = false;  ///< else to HyperRAM
};

/// A step as a schedule has it: operators that run again are operators of their own, with nodes of
/// phase recompute and tensors behind those of the step.
struct ScheduledStep {
  std::unique_ptr<const Step> step;
  std::vector<PagedStorage> paged;  ///< by their first tensor, ascending
};

/// Whether an operator of a step may run again: all of it is forward, and it has no loss.
bool runs_again(const Step& step, Slot slot);

/// The last slot in front of which the operator of `slot` makes the same again: the first one
/// behind it that updates a parameter which it reads; the number of slots if none does.
Slot recompute_limit(const Step& step, Slot slot);

/// Carries a schedule out on a step, whose own order it must have; `step` must outlive the result.
/// An operator that runs again is the same group of nodes, so that it computes the same bits.
/// Errors: UserError for slots and storages that there are not, for an operator that may not run
/// again there, and for transfers without room between their slots.
ScheduledStep carry_out(const Step& step, const Schedule& schedule);

}  // namespace etude::compiler
