// SPDX-License-Identifier: Apache-2.0
// Time, energy times time and peak: the model and the whole search against brute force.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "compiler/schedule/highs_solver.h"
#include "compiler/schedule/optimal.h"
#include "compiler/schedule/tensor_model.h"
#include "tests/support/brute_schedule.h"
#include "tests/support/random_problem.h"

namespace etude::compiler {
namespace {

constexpr std::uint32_t kGraphs = 300;
constexpr std::uint32_t kFewGraphs = 40;  ///< where brute force has no close bound and takes long
constexpr double kSame = 1e-4, kRelative = 1e-6;
constexpr double kEndless = 1e300;

Bytes budget_for(const ScheduleProblem& problem, std::uint32_t seed) {
  const std::uint64_t least = problem.alone(problem.largest_slot()).raw();
  const std::uint64_t most = problem.peak_keep().raw();
  return Bytes{least + (most - least) * (seed % 7) / 8};
}

double seconds_of(const ScheduleProblem& problem) {
  double seconds = 0;
  for (const ProblemSlot& slot : problem.slots) {
    seconds += slot.seconds;
  }
  return seconds;
}

/// The model's best schedule by time or peak: what the replay makes of it, and what the model
/// claims.
struct Modelled {
  bool found = false;
  Replay played;
  double claim = 0;
};

Modelled modelled(const ScheduleProblem& problem, const ScheduleLimits& limits,
                  const ModelWeights& weights) {
  const TensorModel model(problem, CandidateRules::all(), limits, weights, 1);
  SolverLimits solver;
  solver.relative_gap = 0;
  solver.threads = 1;
  const Solution solution = solve(model.model(), solver, {});
  Modelled made;
  if (solution.status == Solution::Status::kInfeasible) {
    return made;
  }
  REQUIRE(solution.status == Solution::Status::kOptimal);
  made.found = true;
  made.played = replay(problem, with_lifetimes(problem, model.decode(solution.values)));
  REQUIRE(made.played.ok);
  made.claim = model.unscaled(solution.objective) + weights.time * seconds_of(problem);
  return made;
}

ScheduleRequest exact_request(ScheduleObjective objective) {
  ScheduleRequest request;
  request.objective = objective;
  request.gap = 0;
  request.threads = 1;
  request.rules = CandidateRules::all();
  return request;
}

TEST_CASE("without its rules the model's least time is that of brute force", "[schedule]") {
  unsigned feasible = 0, waits = 0;
  for (std::uint32_t seed = 1; seed <= kFewGraphs; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    if (problem.slots.size() > 7) {
      continue;
    }
    const Bytes budget = budget_for(problem, seed);
    const Modelled time = modelled(problem, {budget, {}}, {0, 1, 0});
    REQUIRE(time.found == !brute_force(problem, budget).empty());
    if (!time.found) {
      continue;
    }
    // Nothing is found below a claim that is too low; above one that is too high, something is.
    double truth = kEndless;
    for (const BrutePoint& point : brute_force(problem, budget, kEndless, time.claim + kSame)) {
      truth = std::min(truth, point.seconds);
    }
    REQUIRE(time.claim == Approx(truth).margin(kSame));
    CHECK(time.played.time_s <= time.claim + kSame);
    ++feasible;
    waits += truth > seconds_of(problem) + kSame;
  }
  CHECK(feasible > kFewGraphs / 4);
  CHECK(waits > kFewGraphs / 8);
}

TEST_CASE("without its rules the model's least peak is the least budget of brute force",
          "[schedule]") {
  unsigned below_keep = 0;
  for (std::uint32_t seed = 1; seed <= kGraphs; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    const Modelled least = modelled(problem, {}, {0, 0, 1});
    REQUIRE(least.found);
    const auto peak = static_cast<std::uint64_t>(least.claim + 0.5);
    CHECK(least.claim == Approx(static_cast<double>(peak)).margin(kSame));
    CHECK(least.played.peak <= Bytes{peak});
    CHECK_FALSE(brute_force(problem, Bytes{peak}).empty());
    CHECK(brute_force(problem, Bytes{peak - 1}).empty());
    below_keep += Bytes{peak} < problem.peak_keep();
  }
  CHECK(below_keep > kGraphs / 4);
}

/// An answer may give up within a slot what brute force and the model hold through it: then it is
/// cheaper than both, and how many are is counted.
TEST_CASE("the product of energy and time is that of brute force", "[schedule]") {
  unsigned cheaper = 0, same = 0;
  for (std::uint32_t seed = 1; seed <= kFewGraphs; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request = exact_request(ScheduleObjective::kEdp);
    request.limits.budget = budget_for(problem, seed);
    const ScheduleAnswer answer = solve_optimal(problem, request);
    if (!answer.found()) {
      CHECK(brute_force(problem, *request.limits.budget).empty());
      continue;
    }
    CHECK(answer.status == ScheduleAnswer::Status::kOptimal);
    const double found = cost_of(answer.replay, request.objective);
    double truth = kEndless;
    for (const BrutePoint& point : brute_force(problem, *request.limits.budget, kEndless, kEndless,
                                               found * (1 + kRelative))) {
      truth = std::min(truth, (point.joules + problem.static_w * point.seconds) * point.seconds);
    }
    CHECK(found <= truth * (1 + kRelative));
    truth < kEndless ? ++same : ++cheaper;
  }
  CAPTURE(cheaper, same);
  CHECK(same > kFewGraphs / 2);
  CHECK(cheaper <= kFewGraphs / 20);
}

}  // namespace
}  // namespace etude::compiler
