// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/schedule_answer.h"

#include <algorithm>
#include <cmath>

namespace etude::compiler {
namespace {
constexpr double kRounding = 1e-9;  ///< of sums of times in different orders
}  // namespace

std::optional<double> ScheduleAnswer::gap() const {
  if (!bound) {
    return std::nullopt;
  }
  const double distance = std::max(0.0, overhead - *bound);
  return distance == 0 ? 0 : distance / std::max(distance, overhead - cheapest);
}

double cheapest_cost(const ScheduleProblem& problem, ScheduleObjective objective) {
  double joules = problem.unavoidable_joules(), seconds = 0;
  for (const ProblemSlot& slot : problem.slots) {
    joules += slot.joules;
    seconds += slot.seconds;
  }
  joules += problem.static_w * seconds;
  switch (objective) {
    case ScheduleObjective::kEnergy:
      return joules;
    case ScheduleObjective::kTime:
      return seconds;
    case ScheduleObjective::kEdp:
      return joules * seconds;
    case ScheduleObjective::kPeak:
      break;
  }
  return 0;
}

double cost_of(const Replay& replay, ScheduleObjective objective) {
  switch (objective) {
    case ScheduleObjective::kEnergy:
      return replay.energy_j;
    case ScheduleObjective::kTime:
      return replay.time_s;
    case ScheduleObjective::kEdp:
      return replay.energy_j * replay.time_s;
    case ScheduleObjective::kPeak:
      break;
  }
  return static_cast<double>(replay.peak.raw());
}

double cost_of(const ScheduleAnswer& answer, ScheduleObjective objective) {
  Replay played;
  played.peak = answer.replay.peak;
  played.time_s = answer.carried ? answer.carried->seconds : answer.replay.time_s;
  played.energy_j = answer.carried ? answer.carried->joules : answer.replay.energy_j;
  return cost_of(played, objective);
}

void set_carried(const ScheduleProblem& problem, const CarriedCost& carried,
                 ScheduleAnswer& answer) {
  Replay& played = answer.replay;
  const double ratio = played.time_s > 0 ? carried.seconds / played.time_s : 1;
  for (double& seconds : played.slot_seconds) {
    seconds *= ratio;
  }
  played.energy_j += problem.static_w * (carried.seconds - played.time_s);
  played.time_s = carried.seconds;
  answer.carried = carried;
}

void ask_clock(const ScheduleProblem& problem, const ScheduleRequest& request,
               ScheduleAnswer& answer) {
  if (!request.clock || !answer.replay.ok || answer.schedule.slots.empty()) {
    return;
  }
  if (const auto carried = request.clock(answer.schedule)) {
    set_carried(problem, *carried, answer);
  }
}

bool within(const Replay& replay, const ScheduleLimits& limits) {
  return replay.ok && (!limits.budget || replay.peak <= *limits.budget) &&
         (!limits.deadline_s || replay.time_s <= *limits.deadline_s * (1 + kRounding));
}

}  // namespace etude::compiler
