// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "compiler/schedule/eviction_plan.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

/// Whether every operator that can run again reads at most what the one before it made, besides
/// what comes from home.
bool is_chain(const ScheduleProblem& problem) {
  std::optional<SlotId> before;
  for (SlotId t = 0; t < problem.slots.size(); ++t) {
    if (!problem.slots[t].recomputable) {
      continue;
    }
    for (const StorageId i : problem.slots[t].inputs) {
      const auto& producer = problem.tensors[i].producer;
      if (producer && producer != before) {
        return false;
      }
    }
    before = t;
  }
  return true;
}

/// The use of a tensor with the longest way from the need before it.
std::size_t longest_gap(const ScheduleProblem& problem, const EvictionPlan& plan, StorageId i) {
  std::size_t best = 0;
  for (std::size_t use = 1; use < problem.tensors[i].uses.size(); ++use) {
    const auto gap = [&](std::size_t u) { return problem.tensors[i].uses[u] - plan.before(i, u); };
    best = gap(use) > gap(best) ? use : best;
  }
  return best;
}

/// What is kept after the offloaded ones is given up where memory overflows most, the tensor that
/// takes least time for its bytes first.
bool recompute_rest(const ScheduleProblem& problem, Bytes budget, EvictionPlan& plan) {
  Replay now = replay(problem, plan.schedule());
  while (now.peak > budget) {
    std::optional<std::pair<StorageId, std::size_t>> best;
    double best_rate = 0;
    for (StorageId i = 0; i < problem.tensors.size(); ++i) {
      const ProblemTensor& tensor = problem.tensors[i];
      for (std::size_t use = 0; use < tensor.uses.size(); ++use) {
        if (plan.before(i, use) >= now.peak_slot || tensor.uses[use] <= now.peak_slot ||
            plan.at(i, use) != Eviction::kKeep || !plan.allowed(i, use, Eviction::kRecompute)) {
          continue;
        }
        plan.set(i, use, Eviction::kRecompute);
        const Replay tried = replay(problem, plan.schedule());
        plan.set(i, use, Eviction::kKeep);
        const Bytes was = now.slot_peaks[now.peak_slot], is = tried.slot_peaks[now.peak_slot];
        if (!tried.ok || is >= was) {
          continue;
        }
        const double rate = (tried.time_s - now.time_s) / static_cast<double>((was - is).raw());
        if (!best || rate < best_rate) {
          best = {i, use};
          best_rate = rate;
        }
      }
    }
    if (!best) {
      return false;
    }
    plan.set(best->first, best->second, Eviction::kRecompute);
    now = replay(problem, plan.schedule());
  }
  return now.ok;
}

}  // namespace

ScheduleAnswer pofo(const ScheduleProblem& problem, const ScheduleRequest& request) {
  ScheduleAnswer answer;
  if (!is_chain(problem)) {
    answer.status = ScheduleAnswer::Status::kInfeasible;
    answer.notes.push_back("POFO schedules chains, and this graph is none");
    return answer;
  }
  answer = keep_everything(problem, request);
  if (!request.limits.budget) {
    judge(problem, request, answer);
    return answer;
  }
  std::vector<StorageId> activations;
  for (const ProblemSlot& slot : problem.slots) {
    if (slot.recomputable) {
      activations.insert(activations.end(), slot.outputs.begin(), slot.outputs.end());
    }
  }
  EvictionPlan offloaded(problem, request.limits.budget);
  std::optional<Replay> best;
  for (std::size_t first = 0; first <= activations.size(); ++first) {
    EvictionPlan plan = offloaded;
    if (recompute_rest(problem, *request.limits.budget, plan)) {
      const EventSchedule schedule = plan.schedule();
      Replay played = replay(problem, schedule);
      if (within(played, request.limits) && (!best || played.time_s < best->time_s)) {
        best = std::move(played);
        answer.schedule = schedule;
      }
    }
    if (first < activations.size() && !problem.tensors[activations[first]].uses.empty()) {
      const std::size_t use = longest_gap(problem, offloaded, activations[first]);
      if (offloaded.allowed(activations[first], use, Eviction::kPage)) {
        offloaded.set(activations[first], use, Eviction::kPage);
      }
    }
  }
  judge(problem, request, answer);
  return answer;
}

}  // namespace etude::compiler
