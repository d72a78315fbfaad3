// SPDX-License-Identifier: Apache-2.0
// The tensor model against brute force on small problems.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <optional>

#include "compiler/schedule/highs_solver.h"
#include "compiler/schedule/optimal.h"
#include "compiler/schedule/tensor_model.h"
#include "tests/support/brute_schedule.h"
#include "tests/support/random_problem.h"

namespace etude::compiler {
namespace {

constexpr std::uint32_t kGraphs = 300;

struct Sums {
  double joules = 0, seconds = 0;
};

Sums sums_of(const ScheduleProblem& problem) {
  Sums sums;
  for (const ProblemSlot& slot : problem.slots) {
    sums.joules += slot.joules;
    sums.seconds += slot.seconds;
  }
  return sums;
}

/// Energy of the best schedule of the model; nothing if it has none. The replay of what it decides
/// must not cost more than it says.
std::optional<double> modelled(const ScheduleProblem& problem, const ScheduleLimits& limits,
                               const CandidateRules& rules) {
  const TensorModel model(problem, rules, limits, {1, 0, 0}, 1);
  SolverLimits solver;
  solver.relative_gap = 0;
  solver.threads = 1;
  const Solution solution = solve(model.model(), solver, {});
  if (solution.status == Solution::Status::kInfeasible) {
    return std::nullopt;
  }
  REQUIRE(solution.status == Solution::Status::kOptimal);
  const Sums sums = sums_of(problem);
  const double joules =
      model.unscaled(solution.objective) + sums.joules + problem.static_w * sums.seconds;
  const Replay played = replay(problem, with_lifetimes(problem, model.decode(solution.values)));
  CAPTURE(played.faults);
  REQUIRE(within(played, limits));
  CHECK(played.energy_j <= joules + 1e-4);
  return joules;
}

/// The budget and the deadline that a graph is tried with: somewhere between what one operator
/// needs and what keeping all takes; half of the graphs with a deadline.
ScheduleLimits limits_for(const ScheduleProblem& problem, std::uint32_t seed) {
  const std::uint64_t least = problem.alone(problem.largest_slot()).raw();
  const std::uint64_t most = problem.peak_keep().raw();
  ScheduleLimits limits;
  limits.budget = Bytes{least + (most - least) * (seed % 7) / 8};
  if (seed % 2 == 1) {
    limits.deadline_s = std::floor(sums_of(problem).seconds * (1 + 0.1 * (seed % 5)));
  }
  return limits;
}

/// Nothing above `most` is looked at: a model that claims too little finds nothing here, and one
/// that claims too much something better.
std::optional<double> best_by_brute_force(const ScheduleProblem& problem,
                                          const ScheduleLimits& limits, double most) {
  std::optional<double> best;
  if (most > 1e299 && brute_force(problem, *limits.budget).empty()) {
    return best;  // at no cost at all
  }
  for (const BrutePoint& point :
       brute_force(problem, *limits.budget, most, limits.deadline_s.value_or(1e300) + 1e-9)) {
    if (!limits.deadline_s || point.seconds <= *limits.deadline_s + 1e-9) {
      const double joules = point.joules + problem.static_w * point.seconds;
      best = std::min(best.value_or(joules), joules);
    }
  }
  return best;
}

TEST_CASE("without its rules the model finds what brute force finds on 300 graphs", "[schedule]") {
  unsigned feasible = 0, moved = 0, refused = 0;
  double worst = 0, sum = 0;
  for (std::uint32_t seed = 1; seed <= kGraphs; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    const ScheduleLimits limits = limits_for(problem, seed);
    const auto found = modelled(problem, limits, CandidateRules::all());
    const auto truth = best_by_brute_force(problem, limits, found.value_or(1e300) + 1e-4);
    REQUIRE(found.has_value() == truth.has_value());
    if (!truth) {
      continue;
    }
    REQUIRE(*found == Approx(*truth).margin(1e-4));
    ++feasible;
    const double keep = keep_everything(problem, {}).replay.energy_j;
    moved += *truth > keep + 1e-6;
    CandidateRules usual;
    usual.least_page = Bytes{0};
    if (const auto ruled = modelled(problem, limits, usual)) {
      CHECK(*ruled >= *truth - 1e-4);
      worst = std::max(worst, *ruled / *truth - 1);
      sum += *ruled / *truth - 1;
    } else {
      ++refused;
    }
  }
  SUCCEED("feasible " << feasible << ", overhead in " << moved << "; the rules cost "
                      << 100 * sum / feasible << " % of the energy on the mean, " << 100 * worst
                      << " % at most, and find nothing for " << refused);
  CHECK(feasible > kGraphs / 2);
  CHECK(moved > kGraphs / 4);
}

TEST_CASE("fewer events for steps with parameters: what they allow is allowed, too", "[schedule]") {
  CandidateRules lean;
  lean.points = lean.lean = true;
  lean.least_page = Bytes{2};
  unsigned found = 0;
  double worst = 0;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    if (!problem.from_home()) {
      continue;
    }
    const ScheduleLimits limits = limits_for(problem, seed);
    const auto ruled = modelled(problem, limits, lean);
    if (ruled) {
      const auto all = modelled(problem, limits, CandidateRules::all());
      REQUIRE(all);
      CHECK(*ruled >= *all - 1e-4);
      worst = std::max(worst, *ruled / *all - 1);
      ++found;
    }
  }
  CHECK(found > 20);
  SUCCEED(found << " found, at most " << 100 * worst << " % dearer");
}

TEST_CASE("a known schedule begins a search, with the windows that the model has", "[schedule]") {
  unsigned begun = 0;
  for (std::uint32_t seed = 1; seed <= 80; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request;
    request.limits.budget = problem.peak_keep();
    const ScheduleAnswer keep = keep_everything(problem, request);
    REQUIRE(within(keep.replay, request.limits));
    const TensorModel model(problem, CandidateRules::all(), request.limits, {1, 0, 0}, 1);
    const auto start = model.encode(keep.schedule);
    REQUIRE(start);
    LinearModel fixed = model.model();
    for (const auto& [column, value] : *start) {
      fixed.fix(column, value);
    }
    const Solution solution = solve(fixed, {}, {});
    REQUIRE(solution.status == Solution::Status::kOptimal);
    // Shorter windows than those of the schedule cost waiting at most.
    const Sums sums = sums_of(problem);
    const double joules =
        model.unscaled(solution.objective) + sums.joules + problem.static_w * sums.seconds;
    CHECK(joules >= keep.replay.energy_j - 1e-4);
    begun += problem.from_home();
  }
  CHECK(begun > 20);
}

}  // namespace
}  // namespace etude::compiler
