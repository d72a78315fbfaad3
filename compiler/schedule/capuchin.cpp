// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "compiler/schedule/eviction_plan.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

/// A tensor that could be away while memory overflows.
struct Idle {
  StorageId tensor;
  std::size_t use;
  double seconds;  ///< free ones: between its two needs, less both transfers
};

class Capuchin {
 public:
  Capuchin(const ScheduleProblem& problem, Bytes budget)
      : problem_(problem), budget_(budget), plan_(problem, budget) {}

  EventSchedule run() {
    Replay now = replay(problem_, plan_.schedule());
    while (now.peak > budget_) {
      if (!swap_hidden(now) && !cheapest(now)) {
        break;
      }
      now = replay(problem_, plan_.schedule());
    }
    return plan_.schedule();
  }

 private:
  std::vector<Idle> idle_over(SlotId slot) const {
    std::vector<Idle> list;
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      const auto& uses = problem_.tensors[i].uses;
      for (std::size_t use = 0; use < uses.size(); ++use) {
        const SlotId before = plan_.before(i, use);
        if (before < slot && slot < uses[use] && plan_.at(i, use) == Eviction::kKeep) {
          const ProblemTensor& tensor = problem_.tensors[i];
          double seconds = -tensor.page_out.seconds - tensor.page_in.seconds;
          for (SlotId t = before + 1; t < uses[use]; ++t) {
            seconds += problem_.slots[t].seconds;
          }
          list.push_back({i, use, seconds});
        }
      }
    }
    std::ranges::stable_sort(list, std::greater{}, &Idle::seconds);
    return list;
  }

  double delay(const Idle& idle, Eviction eviction, const Replay& now) {
    plan_.set(idle.tensor, idle.use, eviction);
    const Replay tried = replay(problem_, plan_.schedule());
    plan_.set(idle.tensor, idle.use, Eviction::kKeep);
    const bool helps = tried.slot_peaks[now.peak_slot] < now.slot_peaks[now.peak_slot];
    return tried.ok && helps ? tried.time_s - now.time_s : std::numeric_limits<double>::infinity();
  }

  bool swap_hidden(const Replay& now) {
    for (const Idle& idle : idle_over(now.peak_slot)) {
      if (plan_.allowed(idle.tensor, idle.use, Eviction::kPage) &&
          delay(idle, Eviction::kPage, now) <= 1e-12 * now.time_s) {
        plan_.set(idle.tensor, idle.use, Eviction::kPage);
        return true;
      }
    }
    return false;
  }

  bool cheapest(const Replay& now) {
    const Idle* swapped = nullptr;
    const Idle* made = nullptr;
    double swap_delay = std::numeric_limits<double>::infinity(), made_delay = swap_delay;
    double most = -1;
    const std::vector<Idle> list = idle_over(now.peak_slot);
    for (const Idle& idle : list) {
      if (plan_.allowed(idle.tensor, idle.use, Eviction::kPage)) {
        const double d = delay(idle, Eviction::kPage, now);
        if (d < swap_delay) {
          swap_delay = d;
          swapped = &idle;
        }
      }
      if (plan_.allowed(idle.tensor, idle.use, Eviction::kRecompute)) {
        const ProblemTensor& tensor = problem_.tensors[idle.tensor];
        const double d = delay(idle, Eviction::kRecompute, now);
        const double rate = static_cast<double>(tensor.bytes.raw()) /
                            std::max(problem_.slots[*tensor.producer].seconds, 1e-30);
        if (d < std::numeric_limits<double>::infinity() && rate > most) {
          most = rate;
          made = &idle;
          made_delay = d;
        }
      }
    }
    if (made != nullptr && made_delay <= swap_delay) {
      plan_.set(made->tensor, made->use, Eviction::kRecompute);
    } else if (swapped != nullptr) {
      plan_.set(swapped->tensor, swapped->use, Eviction::kPage);
    }
    return made != nullptr || swapped != nullptr;
  }

  const ScheduleProblem& problem_;
  const Bytes budget_;
  EvictionPlan plan_;
};

}  // namespace

ScheduleAnswer capuchin(const ScheduleProblem& problem, const ScheduleRequest& request) {
  ScheduleAnswer answer;
  const Bytes all{std::numeric_limits<std::uint64_t>::max()};
  answer.schedule = Capuchin(problem, request.limits.budget.value_or(all)).run();
  judge(problem, request, answer);
  return answer;
}

}  // namespace etude::compiler
