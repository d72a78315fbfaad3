// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "compiler/operators/step.h"
#include "compiler/schedule/event_schedule.h"
#include "compiler/schedule/step_schedule.h"

namespace etude::compiler {

/// What the operators of a step take by themselves, and page transfers.
struct StepCosts {
  std::vector<double> seconds, joules;  ///< of Step::operators; joules without static power
  std::set<TensorId> stored;            ///< storages that some operator loads from L2
  std::function<PageCost(Bytes, bool to_l2)> page;
  /// Of what operators make, where it goes elsewhere than what is at home; empty: as `page`.
  std::function<PageCost(Bytes, bool to_l2)> page_made;
  double static_w = 0;
};

/// A step as a problem of schedules, and which of its storages the problem's tensors are.
struct StepProblem {
  ScheduleProblem problem;
  std::vector<TensorId> bases;  ///< by StorageId
  SlotId first = 0;             ///< slot of the problem that is the step's slot 0
};

/// The problem of a step whose parameters, states and inputs are at home in HyperRAM. Errors:
/// NotAvailable if a storage is written in place where a problem cannot say so.
StepProblem problem_of(const Step& step, const StepCosts& costs);

/// A schedule of the problem as it is carried out on the step. Transfers beside the slots at the
/// ends of the problem are left to the step's own begin and end.
Schedule schedule_of(const StepProblem& of, const EventSchedule& events);

}  // namespace etude::compiler
