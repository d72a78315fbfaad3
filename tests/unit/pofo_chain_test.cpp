// SPDX-License-Identifier: Apache-2.0
// POFO's dynamic program against every plan of its rules, gone through step by step.
#include "compiler/schedule/pofo_chain.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>

#include "compiler/schedule/pofo_stages.h"
#include "compiler/schedule/rivals.h"
#include "workloads/counted/counted_step.h"

namespace etude::compiler {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// A way to run stages i to j forward and backward: the first keeps what it saves, or those in
/// front of `split` keep nothing but the first one's input.
struct Tree {
  std::size_t i, j, split;
  std::vector<Tree> below;
};

std::vector<Tree> trees(std::size_t i, std::size_t j) {
  std::vector<Tree> all;
  if (i == j) {
    return {{i, j, i, {}}};
  }
  for (const Tree& rest : trees(i + 1, j)) {
    all.push_back({i, j, i, {rest}});
  }
  for (std::size_t k = i + 1; k <= j; ++k) {
    for (const Tree& later : trees(k, j)) {
      for (const Tree& earlier : trees(i, k - 1)) {
        all.push_back({i, j, k, {later, earlier}});
      }
    }
  }
  return all;
}

/// Goes through a tree with `there` bytes standing besides; endless where memory overflows.
double walk(const std::vector<ChainStage>& stages, const Tree& tree, double there, double memory) {
  const double gradient = static_cast<double>(stages[tree.j].gradient);
  const ChainStage& first = stages[tree.i];
  if (tree.split == tree.i) {
    double seconds = first.forward_s + first.backward_s;
    if (there + first.forward_all + gradient > memory ||
        there + first.saved + first.backward > memory) {
      return kNever;
    }
    if (!tree.below.empty()) {
      seconds += walk(stages, tree.below[0], there + static_cast<double>(first.saved), memory);
    }
    return seconds;
  }
  double seconds = 0;
  for (std::size_t k = tree.i; k < tree.split; ++k) {
    const double input = k > tree.i ? static_cast<double>(stages[k].input) : 0;
    if (there + input + stages[k].forward_none + gradient > memory) {
      return kNever;
    }
    seconds += stages[k].forward_s;
  }
  const double kept = there + static_cast<double>(stages[tree.split].input);
  return seconds + walk(stages, tree.below[0], kept, memory) +
         walk(stages, tree.below[1], there, memory);
}

/// Everything that the program may decide, from a stage on; memory counted in bytes.
class EveryPlan {
 public:
  EveryPlan(const std::vector<ChainStage>& stages, const ChainLimits& limits)
      : stages_(stages), limits_(limits), memory_(static_cast<double>(limits.memory)) {}

  double best() { return from(0, 0, 0, 0, 0); }

 private:
  double from(std::size_t i, double kept, double leaving, double due, double front) {
    if (kept + leaving > memory_ || kept + due > memory_) {
      return kNever;
    }
    if (i == stages_.size()) {
      return leaving / limits_.out_bytes_per_s + due / limits_.in_bytes_per_s;
    }
    double least = kNever;
    for (const bool offload : {false, true}) {
      if (offload && i == 0) {
        continue;
      }
      least = std::min(least, keeping(i, kept, leaving, due, front, offload));
      for (std::size_t j = i; j < stages_.size(); ++j) {
        least = std::min(least, dropping(i, j, kept, leaving, due, front, offload));
      }
    }
    return least;
  }

  /// Runs an operator of the forward pass that needs so much; false where no waiting helps.
  bool forward(double there, double need, double seconds, double& leaving, double& spent) const {
    const double excess = there + leaving + need - memory_;
    if (excess > 0) {
      if (there + need > memory_) {
        return false;
      }
      leaving -= excess;
      spent += excess / limits_.out_bytes_per_s;
    }
    leaving -= seconds * limits_.out_bytes_per_s;  // below 0: the front's own bytes go
    spent += seconds;
    return true;
  }

  double keeping(std::size_t i, double kept, double leaving, double due, double front,
                 bool offload) {
    const ChainStage& s = stages_[i];
    double spent = 0;
    if (!forward(kept + front, s.forward_all, s.forward_s, leaving, spent)) {
      return kNever;
    }
    const double need = static_cast<double>(s.saved + s.backward);
    const double excess = std::max(0.0, kept + front + due + need - memory_);
    if (kept + front + need > memory_) {
      return kNever;
    }
    due = std::max(0.0, due - excess - s.backward_s * limits_.in_bytes_per_s);
    spent += s.backward_s + excess / limits_.in_bytes_per_s;
    leaving = std::max(0.0, leaving + (offload ? front : 0));
    return spent + from(i + 1, kept + (offload ? 0 : front), leaving, due + (offload ? front : 0),
                        static_cast<double>(s.saved));
  }

  double dropping(std::size_t i, std::size_t j, double kept, double leaving, double due,
                  double front, bool offload) {
    double spent = 0;
    for (std::size_t k = i; k <= j; ++k) {
      const double need =
          static_cast<double>((k > i ? stages_[k].input : 0) + stages_[k].forward_none);
      if (!forward(kept + front, need, stages_[k].forward_s, leaving, spent)) {
        return kNever;
      }
    }
    double again = kNever;
    for (const Tree& tree : trees(i, j)) {
      again = std::min(again, walk(stages_, tree, kept + front + due, memory_));
    }
    if (!(again < kNever)) {
      return kNever;
    }
    due = std::max(0.0, due - again * limits_.in_bytes_per_s) + (offload ? front : 0);
    leaving = std::max(0.0, leaving + (offload ? front : 0));
    const double next = j + 1 < stages_.size() ? static_cast<double>(stages_[j + 1].input) : 0;
    return spent + again + from(j + 1, kept + (offload ? 0 : front), leaving, due, next);
  }

  const std::vector<ChainStage>& stages_;
  const ChainLimits limits_;
  const double memory_;
};

std::vector<ChainStage> random_chain(std::mt19937& random) {
  const auto draw = [&](unsigned least, unsigned most) {
    return std::uniform_int_distribution<unsigned>(least, most)(random);
  };
  std::vector<ChainStage> stages(draw(2, 4));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    ChainStage& s = stages[i];
    s.input = i == 0 ? 0 : draw(1, 5);
    s.forward_s = draw(0, 6);
    s.backward_s = draw(0, 8);
  }
  for (std::size_t i = 0; i < stages.size(); ++i) {
    ChainStage& s = stages[i];
    const std::uint64_t output = i + 1 < stages.size() ? stages[i + 1].input : 0;
    s.saved = output + draw(0, 4);
    s.forward_none = output + draw(0, 2);
    s.forward_all = std::max(s.saved, s.forward_none) + draw(0, 1);
    s.backward = draw(0, 4);
    s.gradient = i + 1 < stages.size() ? stages[i + 1].input : 1;
  }
  return stages;
}

TEST_CASE("POFO's dynamic program finds the best of all plans of its rules", "[schedule]") {
  std::mt19937 random(12);
  unsigned infeasible = 0, offloaded = 0, again = 0;
  for (unsigned sample = 0; sample < 400; ++sample) {
    CAPTURE(sample);
    const auto stages = random_chain(random);
    ChainLimits limits;
    limits.memory = std::uniform_int_distribution<unsigned>(6, 26)(random);
    limits.units = static_cast<unsigned>(limits.memory);  // a byte each: nothing is rounded
    limits.out_bytes_per_s = std::uniform_int_distribution<unsigned>(1, 2)(random);
    limits.in_bytes_per_s = std::uniform_int_distribution<unsigned>(1, 2)(random);
    const double least = EveryPlan(stages, limits).best();
    const auto plan = solve_chain(stages, limits);
    REQUIRE(plan.has_value() == (least < kNever));
    if (!plan) {
      ++infeasible;
      continue;
    }
    // Waits of half a second at two bytes a second leave whole bytes, so that nothing is rounded.
    CHECK(plan->seconds == Approx(least).margin(1e-9));
    const auto moves = [](const ChainChoice& choice) { return choice.offload; };
    offloaded += std::ranges::any_of(plan->choices, moves) ? 1 : 0;
    again += plan->recomputes.empty() ? 0 : 1;
  }
  CHECK(infeasible > 20);
  CHECK(offloaded > 50);
  CHECK(again > 20);
}

/// A chain of equal operators, costs in whole seconds; backward operators read what they need.
ScheduleProblem chain_problem(unsigned layers, double page_s) {
  ScheduleProblem problem;
  for (unsigned t = 0; t < 2 * layers; ++t) {
    const bool forward = t < layers;
    problem.slots.push_back({"s" + std::to_string(t), 2, 2, {}, {}, Bytes{0}, forward});
    ProblemTensor tensor{
        "t" + std::to_string(t), Bytes{100}, t, {}, false, {page_s, 1}, {page_s, 1}};
    if (t + 1 < 2 * layers) {
      tensor.uses.push_back(t + 1);
    }
    if (forward && 2 * layers - 1 - t > t + 1) {
      tensor.uses.push_back(2 * layers - 1 - t);
    }
    problem.tensors.push_back(tensor);
  }
  problem.complete("chain");
  return problem;
}

TEST_CASE("POFO on a chain: hidden offloading is free, slow offloading gives way to recomputation",
          "[schedule]") {
  for (const double page_s : {1.0, 40.0}) {
    const ScheduleProblem problem = chain_problem(8, page_s);
    ScheduleRequest request;
    request.limits.budget = Bytes{problem.peak_keep().raw() * 6 / 10};
    const ScheduleAnswer answer = pofo(problem, request);
    REQUIRE(answer.found());
    CHECK(answer.replay.ok);
    CHECK(answer.replay.peak <= *request.limits.budget);
    if (page_s < 2) {
      CHECK(answer.replay.time_s == Approx(32));
      CHECK(answer.replay.recomputed.empty());
      CHECK_FALSE(answer.replay.paged.empty());
    } else {
      CHECK(answer.replay.time_s > 32);
      CHECK_FALSE(answer.replay.recomputed.empty());
    }
    const ScheduleAnswer ours = [&] {
      ScheduleRequest fastest = request;
      fastest.objective = ScheduleObjective::kTime;
      return solve_optimal(problem, fastest);
    }();
    REQUIRE(ours.status == ScheduleAnswer::Status::kOptimal);
    CHECK(ours.replay.time_s <= answer.replay.time_s * (1 + 1e-9));
  }
}

TEST_CASE("a graph whose backward pass jumps forward is no chain", "[schedule]") {
  ScheduleProblem problem = chain_problem(4, 1);
  problem.slots[4].inputs.clear();
  problem.tensors[3].uses = {7};  // the last activation is read by the last gradient
  problem.tensors[2].uses = {3, 4};
  for (ProblemSlot& slot : problem.slots) {
    slot.inputs.clear();
    slot.outputs.clear();
  }
  problem.tensors[0].uses = {1, 5};
  problem.complete("knot");
  const ChainOrReason read = chain_of(problem);
  CHECK_FALSE(read.chain);
  CHECK(read.reason.find("chain") != std::string::npos);
}

TEST_CASE("residual networks are cut between their blocks", "[schedule]") {
  ScheduleProblem problem;
  const CountedStep step =
      training_step(make_counted_network("resnet18_cifar", 1, CountedGraph::kPublished));
  for (const CountedSlot& slot : step.slots) {
    problem.slots.push_back({slot.name, 1, 1, {}, {}, Bytes{0}, slot.forward});
  }
  for (const CountedTensor& tensor : step.tensors) {
    problem.tensors.push_back({tensor.name,
                               Bytes{tensor.bytes},
                               tensor.producer,
                               {tensor.uses.begin(), tensor.uses.end()},
                               false,
                               {},
                               {}});
  }
  problem.complete("resnet");
  const ChainOrReason read = chain_of(problem);
  REQUIRE(read.chain);
  std::size_t largest = 0;
  for (const auto& slots : read.chain->forward) {
    largest = std::max(largest, slots.size());
  }
  CHECK(largest == 9);  // two branches and their sum
  CHECK(read.chain->forward.size() == 67 - 6 * 8);
}

}  // namespace
}  // namespace etude::compiler
