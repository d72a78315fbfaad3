// SPDX-License-Identifier: Apache-2.0
// The whole search: its objectives, its answers where nothing fits, its rivals.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "compiler/schedule/optimal.h"
#include "compiler/schedule/policies.h"
#include "tests/support/brute_schedule.h"
#include "tests/support/random_schedule.h"

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
  // Keep: 8 forward results (4 large ones, 20 bytes) and the gradient in front of the last.
  CHECK(problem.peak_keep() == Bytes{4 * 4 + 4 * 1 + 1});
  ScheduleRequest request;
  request.rules.least_page = Bytes{0};
  request.limits.budget = Bytes{21 - 12};
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
  // L2 for L3's gradient and again for its own, L3 once; two tensors out and in.
  const double joules = answer.overhead;
  CHECK(joules == Approx(2 * 1 + 2 * (3 + 3)).margin(1));
  // The transfers, 10 s each, are hidden under layers of 20 s.
  CHECK(answer.replay.time_s ==
        Approx(answer.replay.recomputed.size() + 12 * 20 + 4 * 1).margin(2));
}

TEST_CASE("time and energy times time are those of brute force", "[schedule]") {
  unsigned checked = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    if (problem.slots.size() > 8) {
      continue;  // without bounds brute force takes long
    }
    ScheduleRequest request = exact_request();
    request.limits.budget = between(problem, 3, 4);
    const auto front = brute_force(problem, *request.limits.budget);
    double time = 1e300, product = 1e300;
    for (const BrutePoint& point : front) {
      time = std::min(time, point.seconds);
      product = std::min(product, (point.joules + problem.static_w * point.seconds) * point.seconds);
    }
    for (const auto objective : {ScheduleObjective::kTime, ScheduleObjective::kEdp}) {
      request.objective = objective;
      const ScheduleAnswer answer = solve_optimal(problem, request);
      REQUIRE(answer.found() == !front.empty());
      if (!answer.found()) {
        continue;
      }
      const double best = objective == ScheduleObjective::kTime ? time : product;
      // A schedule may give up within a slot what the model holds through it: at most better.
      CHECK(cost_of(answer.replay, objective) <= best * (1 + 1e-6));
      CHECK(*answer.bound <= answer.overhead + 1e-6);
      ++checked;
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
  request.limits.budget = Bytes{9};
  request.limits.deadline_s = 200;
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
  request.time_limit_s = 0;
  request.limits.budget = Bytes{12};
  const ScheduleAnswer answer = solve_optimal(problem, request);
  CHECK(answer.status == Status::kFeasible);
  CHECK(answer.replay.peak <= Bytes{12});
  CHECK(answer.bound);
  CHECK(*answer.bound <= answer.overhead);
}

TEST_CASE("no rival beats the optimum, and each holds to what it claims", "[schedule]") {
  unsigned found = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request = exact_request();
    request.time_limit_s = 20;
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
        CHECK((policy == Policy::kPoet ||
               answer.replay.energy_j >= optimal.replay.energy_j - 1e-4));
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
  request.time_limit_s = 20;
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
