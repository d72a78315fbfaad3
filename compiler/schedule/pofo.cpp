// SPDX-License-Identifier: Apache-2.0
// POFO: the plan of its dynamic program as a schedule, and the program's memory chosen so that the
// replay holds to the budget.
#include <algorithm>

#include "compiler/schedule/eviction_plan.h"
#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/pofo_stages.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {
using Direction = TensorPage::Direction;

/// One rate for all: the program knows no latency.
double rate(const ScheduleProblem& problem, const ProblemChain& chain,
            PageCost ProblemTensor::* way) {
  double bytes = 0, seconds = 0;
  for (const auto& list : chain.saved) {
    for (const StorageId i : list) {
      bytes += static_cast<double>(problem.tensors[i].bytes.raw());
      seconds += (problem.tensors[i].*way).seconds;
    }
  }
  return seconds > 0 ? bytes / seconds : 1e30;
}

/// A plan of the program as decisions on the problem.
class PlanDecoder {
 public:
  PlanDecoder(const ScheduleProblem& problem, const ProblemChain& chain, const ChainPlan& plan)
      : problem_(problem), chain_(chain), plan_(plan), begins_(problem.slots.size() + 1) {
    decisions_.recomputes.resize(problem.slots.size());
    for (const ChainRecompute& again : plan.recomputes) {
      const SlotId before = chain.backward_begin(again.before);
      for (std::size_t s = again.first; before < chain.end && s <= again.last; ++s) {
        for (const SlotId t : chain.forward[s]) {
          decisions_.recomputes[before].push_back(t);
        }
      }
    }
    for (const TensorPage& page : EvictionPlan(problem).schedule().pages) {
      decisions_.pages.push_back(page);  // what comes from home, and what is updated
    }
    for (SlotId t = 0; t < chain.end; ++t) {
      double seconds = problem.slots[t].seconds;
      for (const SlotId again : decisions_.recomputes[t]) {
        seconds += problem.slots[again].seconds;
      }
      for (const ChainChoice& choice : plan.choices) {
        if (chain.forward[choice.first].front() == t) {
          begins_[t] += choice.idle_s;
        }
      }
      begins_[t + 1] = begins_[t] + seconds;
    }
  }

  EventSchedule run() {
    double out_free = 0, in_free = begins_.back();
    for (const ChainChoice& choice : plan_.choices) {
      if (!choice.offload) {
        continue;
      }
      for (const StorageId i : in_front_of(choice)) {
        move(i, choice, out_free, in_free);
      }
    }
    return with_lifetimes(problem_, decisions_);
  }

 private:
  std::vector<StorageId> in_front_of(const ChainChoice& choice) const {
    const auto before = std::ranges::find(plan_.choices, choice.first, &ChainChoice::first);
    if (before != plan_.choices.begin() && std::prev(before)->all) {
      return chain_.saved[choice.first - 1];
    }
    const auto& input = chain_.input[choice.first];
    return input ? std::vector{*input} : std::vector<StorageId>{};
  }

  /// The slot that runs, or waits to run, at a time.
  SlotId slot_at(double seconds) const {
    const auto next = std::ranges::upper_bound(begins_, seconds);
    const auto slot = next == begins_.begin() ? 0 : next - begins_.begin() - 1;
    return std::min(static_cast<SlotId>(slot), chain_.end - 1);
  }

  bool read_from(StorageId i, SlotId slot) const {
    if (problem_.last(i) >= slot) {
      return true;
    }
    for (SlotId t = slot; t < chain_.end; ++t) {
      for (const SlotId again : decisions_.recomputes[t]) {
        if (std::ranges::find(problem_.slots[again].inputs, i) !=
            problem_.slots[again].inputs.end()) {
          return true;
        }
      }
    }
    return false;
  }

  void move(StorageId i, const ChainChoice& choice, double& out_free, double& in_free) {
    const SlotId first = chain_.forward[choice.first].front();
    const SlotId needed = chain_.backward_begin(choice.last);
    if (needed >= chain_.end || needed <= first + 1 || !read_from(i, needed)) {
      return;
    }
    const ProblemTensor& tensor = problem_.tensors[i];
    out_free = std::max(out_free, begins_[first]) + tensor.page_out.seconds;
    // begins_ has a slot's idle time in front of it: what ends in there ends with the slot before.
    SlotId out_last = slot_at(out_free * (1 - 1e-12));
    in_free = std::min(in_free, begins_[needed]) - tensor.page_in.seconds;
    const SlotId in_first = slot_at(std::max(in_free, 0.0));
    out_last = std::clamp(out_last, first, needed - 2);
    decisions_.pages.push_back({i, Direction::kOut, first, out_last});
    decisions_.pages.push_back(
        {i, Direction::kIn, std::clamp(in_first, out_last + 1, needed - 1), needed - 1});
  }

  const ScheduleProblem& problem_;
  const ProblemChain& chain_;
  const ChainPlan& plan_;
  Decisions decisions_;
  std::vector<double> begins_;  ///< of slots, behind what the plan waits in front of them
};

std::optional<ChainPlan> plan_within(const ScheduleProblem& problem, const ProblemChain& chain,
                                     std::uint64_t memory, bool waits_behind) {
  ChainLimits limits;
  limits.memory = memory;
  limits.out_bytes_per_s = rate(problem, chain, &ProblemTensor::page_out);
  limits.in_bytes_per_s = rate(problem, chain, &ProblemTensor::page_in);
  limits.units = 96;
  limits.waits_behind = waits_behind;
  constexpr std::size_t kMostStates = 600;
  return solve_chain(chain.stages, limits, kMostStates);
}

}  // namespace

ScheduleAnswer pofo(const ScheduleProblem& problem, const ScheduleRequest& request) {
  ScheduleAnswer answer = keep_everything(problem, request);
  if (!request.limits.budget || within(answer.replay, request.limits)) {
    judge(problem, request, answer);
    return answer;
  }
  const ChainOrReason read = chain_of(problem);
  if (!read.chain) {
    answer = {};
    answer.status = ScheduleAnswer::Status::kInfeasible;
    answer.notes.push_back(read.reason);
    return answer;
  }
  const double room = static_cast<double>(request.limits.budget->raw()) -
                      std::min(static_cast<double>(read.chain->home.raw()),
                               0.9 * static_cast<double>(request.limits.budget->raw()));
  std::optional<Replay> best;
  bool cut = false;
  // Its sums of sizes are not the replay's: the largest memory whose plan holds to the budget.
  for (const double part : {1.1, 1.0, 0.9, 0.8}) {
    for (const bool waits_behind : {true, false}) {
      const auto memory = static_cast<std::uint64_t>(part * room);
      const auto plan = plan_within(problem, *read.chain, memory, waits_behind);
      if (!plan) {
        continue;
      }
      const EventSchedule schedule = PlanDecoder(problem, *read.chain, *plan).run();
      Replay played = replay(problem, schedule);
      if (within(played, request.limits) && (!best || played.time_s < best->time_s)) {
        best = std::move(played);
        answer.schedule = schedule;
        cut = plan->cut;
      }
    }
  }
  if (!best) {
    answer = {};
    answer.status = ScheduleAnswer::Status::kInfeasible;
    answer.notes.push_back("no plan of its dynamic program holds to the budget in the replay");
    return answer;
  }
  judge(problem, request, answer);
  if (cut) {
    answer.notes.push_back("states of its dynamic program were left out: a better plan may exist");
  }
  return answer;
}

}  // namespace etude::compiler
