// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/step_problem.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "compiler/schedule/optimal.h"
#include "compiler/schedule/policies.h"
#include "compiler/schedule/scheduled_step.h"
#include "sim/config/schedule_words.h"
#include "workloads/networks/networks.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {
namespace {

/// A step with costs of one second and joule an operator, and pages of a second for 1000 bytes.
struct Bench {
  const PlatformConfig platform;
  const TilingConfig tiling;
  const Step step{make_training_graph(make_network("mlp", {40, 50, 50, 50, 50, 50, 20}, 64), 0.1),
                  platform, tiling, TrainConfig::Precision::kFp32, true};
  const StepProblem made = problem_of(step, traffic_of_graph(step), costs());

  StepCosts costs() const {
    StepCosts costs;
    costs.seconds.assign(step.operators.size(), 1);
    costs.joules = costs.seconds;
    costs.page = [](Bytes bytes, bool) {
      return PageCost{static_cast<double>(bytes.raw()) / 1000, 1};
    };
    return costs;
  }
};

TEST_CASE("a step's problem has its operators between the ends of the step", "[schedule]") {
  const Bench bench;
  const ScheduleProblem& problem = bench.made.problem;
  REQUIRE(problem.slots.size() == bench.step.operators.size() + 2);
  CHECK(bench.made.first == 1);
  REQUIRE(problem.tensors.size() == bench.made.bases.size());
  for (StorageId i = 0; i < problem.tensors.size(); ++i) {
    const Tensor& tensor = bench.step.tensor(bench.made.bases[i]);
    CAPTURE(tensor.name);
    const bool home = tensor.kind == TensorKind::kInput || tensor.kind == TensorKind::kParameter;
    CHECK(problem.tensors[i].producer.has_value() == !home);
    CHECK(problem.tensors[i].updated == (tensor.kind == TensorKind::kParameter));
    CHECK(problem.tensors[i].bytes.raw() == (tensor.bytes() + 7) / 8 * 8);
  }
  for (SlotId slot = 0; slot < bench.step.operators.size(); ++slot) {
    CHECK(problem.slots[slot + 1].recomputable == runs_again(bench.step, slot));
    CHECK(problem.slots[slot + 1].workspace == Bytes{8});  // the loss
  }
}

TEST_CASE("with parameters at home in L2 a step's problem is of what it makes", "[schedule]") {
  const Bench bench;
  const StepProblem near =
      problem_of(bench.step, traffic_of_graph(bench.step), bench.costs(), true);
  const ScheduleProblem& problem = near.problem;
  REQUIRE(problem.slots.size() == bench.step.operators.size());
  CHECK(near.first == 0);
  bool limited = false;
  for (SlotId slot = 0; slot < problem.slots.size(); ++slot) {
    const Slot limit = recompute_limit(bench.step, slot);
    const bool changes = limit < bench.step.operators.size();
    CHECK(problem.slots[slot].recomputable == runs_again(bench.step, slot));
    CHECK(problem.slots[slot].changed_at == (changes ? std::optional(limit) : std::nullopt));
    CHECK(problem.recompute_limit(slot) == problem.slots[slot].changed_at);
    CHECK(problem.slots[slot].workspace == Bytes{0});
    limited = limited || (changes && problem.slots[slot].recomputable);
  }
  CHECK(limited);
  for (const ProblemTensor& tensor : problem.tensors) {
    CHECK(tensor.producer.has_value());
  }
  // Behind the update of what it reads an operator does not make the same.
  ScheduleRequest request;
  EventSchedule schedule = keep_everything(problem, request).schedule;
  CHECK(replay(problem, schedule).ok);
  SlotId first = 0;
  while (first < problem.slots.size() &&
         problem.slots[first].changed_at.value_or(problem.slots.size()) + 1 >=
             problem.slots.size()) {
    ++first;
  }
  REQUIRE(first < problem.slots.size());
  const SlotId late = *problem.slots[first].changed_at + 1;
  auto& runs = schedule.slots[late];
  runs.insert(runs.begin(), {first, problem.slots[first].outputs});
  const Replay wrong = replay(problem, schedule);
  CHECK_FALSE(wrong.ok);
  CHECK(std::ranges::any_of(wrong.faults, [](const std::string& fault) {
    return fault.find("behind a change") != std::string::npos;
  }));
}

/// With parameters at home in HyperRAM, or in L2.
void carry_all_out(const Bench& bench, const StepProblem& made) {
  ScheduleRequest request;
  request.rules = CandidateRules::usual(made.problem);
  unsigned again = 0, found = 0;
  const Bytes keep = made.problem.peak_keep();
  const Bytes least = made.problem.alone(made.problem.largest_slot());
  REQUIRE(keep > least);
  for (const unsigned part : {0u, 1u, 2u, 3u, 4u}) {
    request.limits.budget = least + (keep - least) * part / 4;
    for (const auto& [word, policy] : schedule_policies()) {
      CAPTURE(part, word);
      const ScheduleAnswer answer = ask_policy(policy, made.problem, request);
      if (!answer.found()) {
        continue;
      }
      ++found;
      const Schedule schedule = schedule_of(made, answer.schedule);
      CHECK(schedule.order.size() == bench.step.operators.size());
      CHECK(schedule.recomputes.empty() == answer.replay.recomputed.empty());
      again += static_cast<unsigned>(schedule.recomputes.size());
      const ScheduledStep carried = carry_out(bench.step, schedule);
      CHECK(carried.step->operators.size() ==
            bench.step.operators.size() + schedule.recomputes.size());
      if (policy == ScheduleConfig::Policy::kKeep) {
        CHECK(schedule.recomputes.empty());
      }
    }
  }
  CHECK(again > 0);
  CHECK(found > 8);
}

TEST_CASE("what every policy chooses for a step is carried out on it", "[schedule]") {
  const Bench bench;
  carry_all_out(bench, bench.made);
  carry_all_out(bench, problem_of(bench.step, traffic_of_graph(bench.step), bench.costs(), true));
}

}  // namespace
}  // namespace etude::compiler
