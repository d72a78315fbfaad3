// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_problem.h"

#include <algorithm>
#include <random>
#include <set>

namespace etude::compiler {
namespace {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  ScheduleProblem run() {
    const SlotId count = between(4, 8);
    const SlotId forward = (count + 1) / 2;
    std::vector<std::set<SlotId>> uses(count);
    // What a reader of slot i's result really reads: a view stands in its base's storage.
    std::vector<SlotId> base(count);
    for (SlotId t = 0; t < count; ++t) {
      problem_.slots.push_back(slot(t, t < forward));
      base[t] = t;
      if (t > 0) {
        read(uses, base, t, t - 1);
        if (t > 1 && between(0, 2) == 0) {
          read(uses, base, t, between(0, t - 2));  // a skip
        }
        if (t >= forward) {
          read(uses, base, t, count - 1 - t);  // the operator's own forward result
        }
      }
      if (t > 0 && t < forward && between(0, 4) == 0) {
        base[t] = base[t - 1];  // from here on, its readers look at the storage before it, too
      }
    }
    for (SlotId t = 0; t < count; ++t) {
      ProblemTensor made = tensor("t" + std::to_string(t));
      made.producer = t;
      made.uses.assign(uses[t].begin(), uses[t].end());
      problem_.tensors.push_back(made);
    }
    const unsigned parameters = between(0, 4) < 2 ? 1 : 0;
    for (unsigned p = 0; p < parameters; ++p) {
      ProblemTensor weight = tensor("w" + std::to_string(p));
      const SlotId first = between(0, forward - 1);
      weight.uses = {first, count - 1 - first};
      if (weight.uses[0] >= weight.uses[1]) {
        weight.uses.pop_back();
      }
      weight.updated = between(0, 2) != 0;
      problem_.tensors.push_back(weight);
    }
    problem_.static_w = between(0, 2) == 0 ? 0.25 : 0;
    problem_.complete("random");
    return problem_;
  }

 private:
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(random_() % (most - least + 1));
  }

  /// A reader of what slot `of` shows: its result, and the storage that it is a view of.
  static void read(std::vector<std::set<SlotId>>& uses, const std::vector<SlotId>& base, SlotId by,
                   SlotId of) {
    if (of < by) {
      uses[base[of]].insert(by);
    }
  }

  ProblemSlot slot(SlotId t, bool forward) {
    ProblemSlot s;
    s.name = "s" + std::to_string(t);
    s.seconds = between(1, 4);
    s.joules = between(1, 9);
    s.workspace = Bytes{between(0, 5) == 0 ? 1u : 0u};
    s.recomputable = forward;
    return s;
  }

  ProblemTensor tensor(const std::string& name) {
    ProblemTensor t;
    t.name = name;
    t.bytes = Bytes{between(1, 5)};
    t.page_in = {static_cast<double>(between(1, 5)), static_cast<double>(between(1, 6))};
    t.page_out = {static_cast<double>(between(1, 5)), static_cast<double>(between(1, 6))};
    return t;
  }

  std::mt19937 random_;
  ScheduleProblem problem_;
};

}  // namespace

ScheduleProblem random_schedule_problem(std::uint32_t seed) { return Generator(seed).run(); }

ScheduleProblem two_ways_problem() {
  constexpr SlotId kLayers = 8;
  constexpr double kCheap = 1, kDear = 20;
  ScheduleProblem problem;
  for (SlotId t = 0; t < 2 * kLayers; ++t) {
    const SlotId layer = t < kLayers ? t : 2 * kLayers - 1 - t;
    const bool cheap = layer == 1 || layer == 2;
    const double cost = cheap ? kCheap : kDear;
    ProblemSlot slot;
    slot.name = (t < kLayers ? "L" : "dL") + std::to_string(layer + 1);
    slot.seconds = slot.joules = cost;
    slot.recomputable = t < kLayers;
    problem.slots.push_back(slot);
    ProblemTensor result;
    result.name = slot.name;
    const bool small = layer == 0 || layer == 3 || t >= kLayers;
    result.bytes = Bytes{small ? 1u : 4u};
    result.producer = t;
    if (t + 1 < 2 * kLayers) {
      result.uses.push_back(t + 1);
    }
    if (t + 1 < kLayers) {
      result.uses.push_back(2 * kLayers - 1 - t);
    }
    result.page_in = result.page_out = {10, 3};
    problem.tensors.push_back(result);
  }
  problem.complete("two ways");
  return problem;
}

}  // namespace etude::compiler
