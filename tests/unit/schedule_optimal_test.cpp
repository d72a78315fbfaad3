// SPDX-License-Identifier: Apache-2.0
// The whole search: its objectives, its answers where nothing fits, its rivals.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "compiler/schedule/optimal.h"
#include "compiler/schedule/policies.h"
#include "tests/support/brute_schedule.h"
#include "tests/support/random_problem.h"

namespace etude::compiler {
namespace {

using Policy = ScheduleConfig::Policy;
using Status = ScheduleAnswer::Status;

ScheduleRequest exact_request() {
  ScheduleRequest request;
  request.gap = 0;
  request.threads = 1;
  request.rules = CandidateRules::all();
  return request;
}

Bytes between(const ScheduleProblem& problem, std::uint64_t part, std::uint64_t of) {
  const std::uint64_t least = problem.alone(problem.largest_slot()).raw();
  const std::uint64_t most = problem.peak_keep().raw();
  return Bytes{least + (most - least) * part / of};
}

TEST_CASE("eight layers: cheap ones are made again, dear ones paged under computation",
          "[schedule]") {
  const ScheduleProblem problem = two_ways_problem();
  // In front of the last layer's gradient: two small results, six large ones, the gradient.
  CHECK(problem.peak_keep() == Bytes{2 * 1 + 6 * 4 + 1});
  ScheduleRequest request;
  request.rules.least_page = Bytes{0};
  // While L6's gradient is made, L5 comes in: both, two gradients, L1 and L4. L7 and L8 are in use
  // where memory overflows, and without either one of L2, L3, L5 and L6 it is still too much.
  request.limits.budget = Bytes{2 * 4 + 2 * 1 + 2 * 1};
  const ScheduleAnswer answer = solve_optimal(problem, request);
  REQUIRE(answer.status == Status::kOptimal);
  CHECK(answer.replay.peak <= *request.limits.budget);
  const auto names = [&](const std::vector<StorageId>& list) {
    std::vector<std::string> texts;
    for (const StorageId i : list) {
      texts.push_back(problem.tensors[i].name);
    }
    return texts;
  };
  CHECK(names(answer.replay.recomputed) == std::vector<std::string>{"L2", "L3"});
  CHECK(names(answer.replay.paged) == std::vector<std::string>{"L5", "L6"});
  CHECK(answer.overhead == Approx(1 + 1 + 2 * (3 + 3)));
  CHECK(answer.gap() <= request.gap);
  // The transfers, 10 s each, are hidden under layers of 20 s; what is made again is not.
  CHECK(answer.replay.time_s == Approx(2 * (6 * 20 + 2 * 1) + 2));
}

TEST_CASE("time and energy times time are those of brute force", "[schedule]") {
  unsigned checked = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    if (problem.slots.size() > 7) {
      continue;  // brute force without a close bound takes long
    }
    ScheduleRequest request = exact_request();
    request.limits.budget = between(problem, 2, 4);
    double seconds = 0;
    for (const ProblemSlot& slot : problem.slots) {
      seconds += slot.seconds;
    }
    for (const auto objective : {ScheduleObjective::kTime, ScheduleObjective::kEdp}) {
      const bool time = objective == ScheduleObjective::kTime;
      request.objective = objective;
      const ScheduleAnswer answer = solve_optimal(problem, request);
      if (!answer.found()) {
        CHECK(brute_force(problem, *request.limits.budget).empty());
        continue;
      }
      CHECK(answer.status == Status::kOptimal);
      const double found = cost_of(answer.replay, objective);
      // Nothing shorter than the sum of all operators has the product with more energy than this.
      const double most_joules = time ? 1e6 : found / seconds + 1e-6;
      const double most_seconds = time ? found + 1e-6 : 1e6;
      double best = 1e300;
      for (const BrutePoint& point :
           brute_force(problem, *request.limits.budget, most_joules, most_seconds)) {
        const double joules = point.joules + problem.static_w * point.seconds;
        best = std::min(best, time ? point.seconds : joules * point.seconds);
      }
      // A schedule may give up within a slot what the model holds through it: at most better.
      CHECK(found <= best * (1 + 1e-6));
      CHECK(found >= best * (1 - 0.1));
      CHECK(*answer.bound <= answer.overhead + 1e-6);
      checked += best < 1e300;
    }
  }
  CHECK(checked > 20);
}

TEST_CASE("the least peak is a budget that can be held and one byte less cannot", "[schedule]") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request = exact_request();
    request.objective = ScheduleObjective::kPeak;
    const ScheduleAnswer answer = solve_optimal(problem, request);
    REQUIRE(answer.found());
    CHECK(answer.replay.peak >= problem.alone(problem.largest_slot()));
    CHECK(answer.replay.peak <= keep_everything(problem, request).replay.peak);
    if (answer.status == Status::kOptimal) {
      CHECK(brute_force(problem, Bytes{answer.replay.peak.raw() - 1}).empty());
    }
  }
}

TEST_CASE("where nothing fits the answer says what would do", "[schedule]") {
  const ScheduleProblem problem = two_ways_problem();
  ScheduleRequest request;
  request.rules.least_page = Bytes{0};
  const SlotId largest = problem.largest_slot();
  request.limits.budget = Bytes{problem.alone(largest).raw() - 1};
  const ScheduleAnswer small = solve_optimal(problem, request);
  REQUIRE(small.status == Status::kInfeasible);
  REQUIRE(small.needs);
  CHECK(small.needs->operator_name == problem.slots[largest].name);
  CHECK(small.needs->bytes == problem.alone(largest));
  // Enough memory and too little time: the deadline that would do does, and a shorter one not.
  request.limits.budget = Bytes{12};
  request.limits.deadline_s = 243;  // all operators take 244
  const ScheduleAnswer late = solve_optimal(problem, request);
  REQUIRE(late.status == Status::kInfeasible);
  REQUIRE(late.needs);
  REQUIRE(late.needs->deadline_s);
  request.limits.deadline_s = *late.needs->deadline_s;
  CHECK(solve_optimal(problem, request).found());
  request.limits.deadline_s = *late.needs->deadline_s * 0.999;
  CHECK_FALSE(solve_optimal(problem, request).found());
}

TEST_CASE("without time for a search the best heuristic answers", "[schedule]") {
  const ScheduleProblem problem = two_ways_problem();
  ScheduleRequest request;
  request.nominal_limit_s = 0;
  request.limits.budget = Bytes{16};
  const ScheduleAnswer answer = solve_optimal(problem, request);
  CHECK(answer.status == Status::kFeasible);
  CHECK(answer.replay.peak <= Bytes{16});
  CHECK(answer.bound);
  CHECK(*answer.bound <= answer.overhead);
}

TEST_CASE("keep fetches what is at home for each use, and stays within its peak", "[schedule]") {
  unsigned waits = 0;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request;
    request.rules = CandidateRules::all();
    request.limits.budget = problem.peak_keep();
    const ScheduleAnswer keep = keep_everything(problem, request);
    REQUIRE(keep.found());
    CHECK(keep.replay.ok);
    CHECK(keep.replay.peak == problem.peak_keep());
    CHECK(keep.replay.recomputed.empty());
    double joules = 0, seconds = 0;
    for (const ProblemSlot& slot : problem.slots) {
      joules += slot.joules;
      seconds += slot.seconds;
    }
    for (const ProblemTensor& tensor : problem.tensors) {
      for (std::size_t use = 0; use < tensor.uses.size() && !tensor.producer; ++use) {
        const bool fetched = use == 0 || tensor.uses[use] > tensor.uses[use - 1] + 1;
        joules += fetched ? tensor.page_in.joules : 0;
      }
      joules += tensor.updated ? tensor.page_out.joules : 0;
    }
    CHECK(keep.replay.energy_j == Approx(joules + problem.static_w * keep.replay.time_s));
    CHECK(keep.replay.time_s >= seconds - 1e-9);
    // The cheapest conceivable is below keep, and below every answer.
    CHECK(keep.cheapest <= 1e-9);
    const ScheduleAnswer optimal = solve_optimal(problem, request);
    REQUIRE(optimal.found());
    CHECK(optimal.overhead <= 1e-6);
    CHECK(optimal.overhead >= optimal.cheapest - 1e-6);
    CHECK(optimal.gap() <= 1e-3);
    waits += keep.replay.time_s > seconds + 1e-9;
  }
  CHECK(waits > 10);
}

TEST_CASE("a search that iterations end is the same each time", "[schedule]") {
  const ScheduleProblem problem = random_schedule_problem(9);
  std::optional<double> before;
  for (unsigned repeat = 0; repeat < 2; ++repeat) {
    ScheduleRequest request = exact_request();
    request.threads = 2;
    request.nominal_limit_s = 1e-6;  // less than the first iterations take
    request.limits.budget = between(problem, 2, 4);
    const ScheduleAnswer answer = solve_optimal(problem, request);
    CHECK_FALSE(answer.timed_out);
    if (answer.found()) {
      CHECK(before.value_or(answer.replay.energy_j) == answer.replay.energy_j);
      before = answer.replay.energy_j;
    }
  }
}

TEST_CASE("no rival beats the optimum, and each holds to what it claims", "[schedule]") {
  unsigned found = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request = exact_request();
    request.nominal_limit_s = 20;
    request.limits.budget = between(problem, 1 + seed % 5, 5);
    const ScheduleAnswer optimal = ask_policy(Policy::kOptimal, problem, request);
    for (const Policy policy : {Policy::kKeep, Policy::kCheckmate, Policy::kPage, Policy::kSqrt,
                                Policy::kCapuchin, Policy::kPofo, Policy::kPoet}) {
      CAPTURE(static_cast<int>(policy));
      if (policy == Policy::kPoet && (seed > 10 || !problem.tensors.back().producer)) {
        continue;
      }
      const ScheduleAnswer answer = ask_policy(policy, problem, request);
      if (!answer.schedule.slots.empty()) {
        CHECK(answer.replay.ok);
        CAPTURE(answer.replay.faults);
      }
      if (answer.found()) {
        ++found;
        REQUIRE(optimal.found());
        CHECK(answer.replay.peak <= *request.limits.budget);
        // POET's model gives up within a slot what ours holds through it.
        CHECK(
            (policy == Policy::kPoet || answer.replay.energy_j >= optimal.replay.energy_j - 1e-4));
      }
    }
  }
  CHECK(found > 100);
}

TEST_CASE("POET's published model on a small chain: its claim and what the replay finds",
          "[schedule]") {
  ScheduleProblem problem = two_ways_problem();
  ScheduleRequest request;
  request.limits.budget = Bytes{12};
  request.rules.least_page = Bytes{0};
  request.nominal_limit_s = 20;
  const ScheduleAnswer poet = ask_policy(Policy::kPoet, problem, request);
  REQUIRE_FALSE(poet.schedule.slots.empty());
  CHECK(poet.replay.ok);
  REQUIRE(poet.bound);
  const ScheduleAnswer ours = ask_policy(Policy::kOptimal, problem, request);
  // It counts no buffers of transfers: what it claims is never above what really holds.
  CHECK(*poet.bound <= ours.overhead + 1e-6);
}

}  // namespace
}  // namespace etude::compiler
