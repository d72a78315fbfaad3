// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "compiler/operators/step.h"
#include "compiler/schedule/event_schedule.h"
#include "compiler/schedule/step_schedule.h"

namespace etude::compiler {

/// Slots whose operators read, and slots whose operators write, a storage in L2.
struct StorageTraffic {
  std::set<Slot> reads, writes;
  /// By slot: the part of the storage, from its begin, that the operator reads before its first
  /// kernel or job, and the part, up to its end, that it writes behind its last one. What is not
  /// said is all of it.
  std::map<Slot, double> leads, trails;
};

/// What each operator of a step reads and writes in L2 where none leaves anything for another in
/// L1: all that it can touch, however the step is cut and scheduled.
struct StepTraffic {
  std::map<TensorId, StorageTraffic> storages;  ///< by their base
  std::vector<Bytes> beside;  ///< by slot: what else stands in L2 then; nobody can move it
};

/// The same as the graph has it: every input is read, and every output written.
StepTraffic traffic_of_graph(const Step& step);

/// What the operators of a step take by themselves, and page transfers.
struct StepCosts {
  std::vector<double> seconds, joules;  ///< of Step::operators; joules without static power
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

/// The problem of a step whose parameters, states and inputs are at home in HyperRAM; with
/// `home_in_l2` they and the loss stand in L2 all along, in no slot's bytes, and cannot be moved.
/// What an
/// operator names in the graph without touching it in L2 (the ReLU that runs with the maximum
/// behind it) is no tensor of the problem. Errors:
/// NotAvailable if a storage is written in place where a problem cannot say so.
StepProblem problem_of(const Step& step, const StepTraffic& traffic, const StepCosts& costs,
                       bool home_in_l2 = false);

/// A schedule of the problem as it is carried out on the step. Transfers beside the slots at the
/// ends of the problem are left to the step's own begin and end.
Schedule schedule_of(const StepProblem& of, const EventSchedule& events);

}  // namespace etude::compiler
