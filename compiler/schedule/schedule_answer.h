// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/candidates.h"
#include "compiler/schedule/replay.h"

namespace etude::compiler {

/// What a schedule takes where it is carried out.
struct CarriedCost {
  double seconds = 0, joules = 0;
};

/// Says what a schedule takes where it is carried out: the same of the same schedule, some tenths
/// of a second each time. Nothing where it finds no place there.
using ScheduleClock = std::function<std::optional<CarriedCost>(const EventSchedule&)>;

struct SolveMemory;

/// What a policy is asked.
struct ScheduleRequest {
  ScheduleObjective objective = ScheduleObjective::kEnergy;
  ScheduleLimits limits;
  double time_limit_s = 600;    ///< of the machine's clock
  double nominal_limit_s = 30;  ///< of the solver's iterations (SolverLimits); 0: heuristics alone
  double gap = 1e-3;            ///< of the overhead
  unsigned threads = 2;
  CandidateRules rules;  ///< of the models
  /// Judges times and deadlines, instead of the replay's own clock; none: the replay's.
  ScheduleClock clock = {};
  /// What searches by the replay's clock found, for another request that differs in `clock` alone.
  std::shared_ptr<SolveMemory> memory = {};
};

/// What would do where nothing fits: more memory for an operator, or a later deadline.
struct ScheduleNeeds {
  std::string operator_name;
  Bytes bytes{0};
  std::optional<double> deadline_s;
};

/// A policy's answer. Its figures are those of the replay of its schedule.
struct ScheduleAnswer {
  enum class Status { kOptimal, kFeasible, kInfeasible, kUnknown };
  Status status = Status::kUnknown;  ///< kUnknown: no schedule was found, and none is excluded
  EventSchedule
      schedule;  ///< without slots where there is none; may break the limits if infeasible
  Replay replay;
  std::optional<CarriedCost> carried;  ///< by the clock of the request, whose time the replay has
  /// Of the objective (J, s, J s or bytes) above that of keep; `bound`: no schedule that the
  /// policy may choose has less.
  double overhead = 0;
  std::optional<double> bound;
  /// The same of the cheapest conceivable: everything kept in a memory without a limit, what comes
  /// from home once. (Of peaks: no byte.) Below 0 where keep fetches anything twice.
  double cheapest = 0;
  double solve_s = 0;
  double nominal_s = 0;  ///< of the solver's iterations (SolverLimits)
  bool timed_out =
      false;  ///< the machine's clock ended a search: another run may find another answer
  std::optional<ScheduleNeeds> needs;  ///< where it is infeasible
  std::vector<std::string> notes;
  bool found() const { return status == Status::kOptimal || status == Status::kFeasible; }
  /// (overhead - bound) / (overhead - cheapest); 0 where they agree; nothing without a bound.
  std::optional<double> gap() const;
};

/// The cost of the cheapest conceivable schedule (see ScheduleAnswer::cheapest).
double cheapest_cost(const ScheduleProblem& problem, ScheduleObjective objective);
/// What a schedule costs by an objective: J, s, J s or bytes.
double cost_of(const Replay& replay, ScheduleObjective objective);
/// The same as it is carried out, if that is known; else as the replay has it.
double cost_of(const ScheduleAnswer& answer, ScheduleObjective objective);
/// Whether it holds to the limits.
bool within(const Replay& replay, const ScheduleLimits& limits);
/// Notes what an answer's schedule takes where it is carried out: its replay then has that time,
/// slots in proportion. `overhead`, `bound` and `cheapest` stay what they are.
void set_carried(const ScheduleProblem& problem, const CarriedCost& carried,
                 ScheduleAnswer& answer);
/// Asks the clock of a request, if it has one, what that is.
void ask_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
               ScheduleAnswer& answer);

}  // namespace etude::compiler
