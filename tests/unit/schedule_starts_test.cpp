// SPDX-License-Identifier: Apache-2.0
// No answer of the optimum is worse than what is known of the same problem, however early its
// search ends; by the replay's clock, and by another one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "compiler/schedule/clocked_search.h"
#include "compiler/schedule/policies.h"
#include "compiler/schedule/rivals.h"
#include "tests/support/random_problem.h"

namespace etude::compiler {
namespace {

using Policy = ScheduleConfig::Policy;
using Objective = ScheduleObjective;

constexpr Policy kRivals[] = {Policy::kKeep, Policy::kCheckmate, Policy::kPage,
                              Policy::kSqrt, Policy::kCapuchin,  Policy::kPofo};

ScheduleRequest request_for(const ScheduleProblem& problem, std::uint32_t seed) {
  ScheduleRequest request;
  request.rules.least_page = Bytes{0};  // the usual rules of a large graph
  request.rules.points = request.rules.lean = problem.from_home();
  request.threads = 1;
  const std::uint64_t least = problem.alone(problem.largest_slot()).raw();
  const std::uint64_t most = problem.peak_keep().raw();
  request.limits.budget = Bytes{least + (most - least) * (seed % 5) / 5};
  return request;
}

double seconds_of(const ScheduleProblem& problem) {
  double seconds = 0;
  for (const ProblemSlot& slot : problem.slots) {
    seconds += slot.seconds;
  }
  return seconds;
}

TEST_CASE("the optimum is never worse than a rival, whatever ends its search", "[schedule]") {
  unsigned compared = 0, met = 0;
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    for (const Objective objective :
         {Objective::kEnergy, Objective::kTime, Objective::kEdp, Objective::kPeak}) {
      for (const double limit : {0.0, 1e-6, 1e-3}) {
        for (const double part : {0.0, 1.0, 1.2}) {  // of a deadline
          ScheduleRequest request = request_for(problem, seed);
          request.objective = objective;
          request.nominal_limit_s = limit;
          if (part > 0) {
            request.limits.deadline_s = part * seconds_of(problem);
          }
          CAPTURE(seed, static_cast<int>(objective), limit, part);
          const ScheduleAnswer ours = ask_policy(Policy::kOptimal, problem, request);
          for (const Policy policy : kRivals) {
            CAPTURE(static_cast<int>(policy));
            const ScheduleAnswer rival = ask_policy(policy, problem, request);
            if (!rival.found()) {
              continue;
            }
            REQUIRE(ours.found());
            CHECK(cost_of(ours, objective) <= cost_of(rival, objective) * (1 + 1e-9));
            ++compared;
            met += part > 0;
          }
        }
      }
    }
  }
  CHECK(compared > 800);
  CHECK(met > 200);
}

/// A clock of a machine on which some of the waiting for pages is hidden and recomputation is
/// slower: not the replay's, and not in proportion to it.
ScheduleClock other_clock(const ScheduleProblem& problem) {
  return [&problem](const EventSchedule& schedule) -> std::optional<CarriedCost> {
    const Replay played = replay(problem, schedule);
    double seconds = seconds_of(problem);
    seconds += 0.4 * (played.time_s - seconds);
    for (SlotId t = 0; t < schedule.slots.size(); ++t) {
      for (std::size_t i = 0; i + 1 < schedule.slots[t].size(); ++i) {
        seconds += problem.slots[schedule.slots[t][i].slot].seconds;
      }
    }
    return CarriedCost{seconds, played.energy_j};
  };
}

TEST_CASE(
    "a clock judges times: nothing known beats the answer, nothing known meets what is refused",
    "[schedule]") {
  unsigned met = 0, refused = 0;
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    const ScheduleClock clock = other_clock(problem);
    for (const Objective objective : {Objective::kEnergy, Objective::kTime}) {
      for (const double part : {0.0, 1.0, 1.05, 1.3}) {
        CAPTURE(seed, static_cast<int>(objective), part);
        ScheduleRequest request = request_for(problem, seed);
        request.objective = objective;
        request.clock = clock;
        request.nominal_limit_s = 1e-2;
        if (part > 0) {
          request.limits.deadline_s = part * seconds_of(problem);
        }
        const ScheduleAnswer ours = ask_policy(Policy::kOptimal, problem, request);
        if (ours.found()) {
          REQUIRE(ours.carried);
          CHECK(ours.carried->seconds == Approx(clock(ours.schedule)->seconds));
          CHECK(ours.replay.time_s == Approx(ours.carried->seconds));
          CHECK(ours.replay.peak <= *request.limits.budget);
          CHECK(ours.carried->seconds <= request.limits.deadline_s.value_or(1e300) * (1 + 1e-9));
          met += part > 0;
        }
        for (const Policy policy : kRivals) {
          CAPTURE(static_cast<int>(policy));
          const ScheduleAnswer rival = ask_policy(policy, problem, request);
          if (rival.found()) {
            REQUIRE(ours.found());
            // Without a deadline energy is the replay's, whatever the clock says.
            CHECK(((objective == Objective::kEnergy && part == 0) ||
                   cost_of(ours, objective) <= cost_of(rival, objective) * (1 + 1e-9)));
          }
        }
        if (!ours.found() && ours.needs && ours.needs->deadline_s) {
          CHECK(*ours.needs->deadline_s > *request.limits.deadline_s);
          request.limits.deadline_s = ours.needs->deadline_s;
          CHECK(ask_policy(Policy::kOptimal, problem, request).found());
          ++refused;
        }
      }
    }
  }
  CHECK(met > 15);
  CHECK(refused > 1);
}

/// The same, and up to 5 % longer or shorter for no reason that a search knows of.
ScheduleClock unsteady_clock(const ScheduleProblem& problem) {
  return [other = other_clock(problem)](const EventSchedule& schedule) {
    auto cost = other(schedule);
    double phase = 0;
    for (const TensorPage& page : schedule.pages) {
      phase += page.tensor * 1.7 + page.first * 0.9 + page.last * 2.3;
    }
    for (SlotId t = 0; t < schedule.slots.size(); ++t) {
      phase += static_cast<double>(schedule.slots[t].size() - 1) * (t + 0.7);
    }
    cost->seconds *= 1 + 0.05 * std::sin(phase);
    return cost;
  };
}

TEST_CASE("by a clock that no search knows, a later deadline and a larger budget are no worse",
          "[schedule]") {
  unsigned compared = 0, differ = 0;
  for (std::uint32_t seed = 1; seed <= 16; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    for (const Objective objective : {Objective::kEnergy, Objective::kTime, Objective::kEdp}) {
      std::vector<ScheduleAnswer> smaller;  // by deadline, of the budget before
      for (unsigned tenth = 6; tenth <= 10; tenth += 2) {
        std::vector<ScheduleAnswer> answers;
        for (const double part : {1.05, 1.3, 4.0}) {
          CAPTURE(seed, static_cast<int>(objective), tenth, part);
          ScheduleRequest request = request_for(problem, seed);
          request.objective = objective;
          request.clock = unsteady_clock(problem);
          request.limits.budget = Bytes{problem.peak_keep().raw() * tenth / 10};
          request.limits.deadline_s = part * seconds_of(problem);
          answers.push_back(ask_policy(Policy::kOptimal, problem, request));
          const auto no_worse = [&](const ScheduleAnswer& before) {
            if (before.found()) {
              REQUIRE(answers.back().found());
              CHECK(cost_of(answers.back(), objective) <= cost_of(before, objective) * (1 + 1e-9));
              differ += cost_of(answers.back(), objective) < cost_of(before, objective);
              ++compared;
            }
          };
          if (answers.size() > 1) {
            no_worse(answers[answers.size() - 2]);
          }
          if (!smaller.empty()) {
            no_worse(smaller[answers.size() - 1]);
          }
        }
        smaller = std::move(answers);
      }
    }
  }
  CHECK(compared > 40);
  CHECK(differ > 5);
}

}  // namespace
}  // namespace etude::compiler
