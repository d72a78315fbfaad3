// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/greedy.h"

#include <algorithm>
#include <limits>

namespace etude::compiler {
namespace {

/// Candidates that are tried at each overflow: the cheapest for their bytes by themselves.
constexpr std::size_t kTried = 32;
constexpr unsigned kExchanges = 3;  ///< rounds over all choices

struct Choice {
  StorageId tensor;
  std::size_t use;
  Eviction eviction;
};

/// A plan with what it comes to.
struct Tried {
  double overflow = 0;  ///< bytes above the budget, summed over slots
  double late = 0;      ///< seconds behind the deadline
  double cost = 0;
  SlotId worst = 0;  ///< slot that overflows most
  bool fits() const { return overflow == 0 && late == 0; }
};

class Greedy {
 public:
  Greedy(const ScheduleProblem& problem, const ScheduleRequest& request, const EvictionMeans& means)
      : problem_(problem),
        request_(request),
        means_(means),
        plan_(problem, request.limits.budget) {}

  /// From a plan that fetches what is at home for each use, or once.
  std::optional<EvictionPlan> run(bool once) {
    for (StorageId i = 0; once && i < problem_.tensors.size(); ++i) {
      for (std::size_t use = 0; use < problem_.tensors[i].uses.size(); ++use) {
        if (plan_.allowed(i, use, Eviction::kKeep)) {
          plan_.set(i, use, Eviction::kKeep);
        }
      }
    }
    now_ = look();
    while (now_.overflow > 0) {
      if (!evict()) {
        evict_all();
        break;
      }
    }
    // Late or too large: as long as that gets less.
    while (!now_.fits() && exchange()) {
    }
    for (unsigned round = 0; round < kExchanges && now_.fits() && exchange(); ++round) {
    }
    return now_.fits() ? std::optional(plan_) : std::nullopt;
  }

  double cost() const { return now_.cost; }

 private:
  Tried look() const {
    const Replay played = replay(problem_, plan_.schedule());
    Tried tried;
    tried.cost = cost_of(played, request_.objective);
    const double budget = request_.limits.budget
                              ? static_cast<double>(request_.limits.budget->raw())
                              : std::numeric_limits<double>::infinity();
    double worst = 0;
    for (SlotId t = 0; t < played.slot_peaks.size(); ++t) {
      const double over = static_cast<double>(played.slot_peaks[t].raw()) - budget;
      tried.overflow += std::max(0.0, over);
      if (over > worst) {
        worst = over;
        tried.worst = t;
      }
    }
    if (!played.ok) {
      tried.overflow = std::numeric_limits<double>::infinity();
    }
    if (request_.limits.deadline_s) {
      tried.late = std::max(0.0, played.time_s - *request_.limits.deadline_s);
    }
    return tried;
  }

  /// Price of a choice by itself, for each byte.
  double price(const Choice& choice) const {
    const ProblemTensor& tensor = problem_.tensors[choice.tensor];
    double joules = 0, seconds = 0;
    if (choice.eviction == Eviction::kRecompute) {
      joules = problem_.slots[*tensor.producer].joules;
      seconds = problem_.slots[*tensor.producer].seconds;
    } else {
      joules = tensor.page_in.joules + tensor.page_out.joules;
    }
    const bool time = request_.objective == ScheduleObjective::kTime;
    return (time ? seconds : joules + problem_.static_w * seconds) /
           static_cast<double>(tensor.bytes.raw());
  }

  std::vector<Choice> choices_over(SlotId slot) const {
    std::vector<Choice> choices;
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      const ProblemTensor& tensor = problem_.tensors[i];
      const auto next = std::ranges::upper_bound(tensor.uses, slot);
      if (next == tensor.uses.end() || problem_.touches(slot, i)) {
        continue;
      }
      const auto use = static_cast<std::size_t>(next - tensor.uses.begin());
      if (plan_.before(i, use) >= slot || plan_.at(i, use) != Eviction::kKeep) {
        continue;
      }
      for (const Eviction eviction : {Eviction::kRecompute, Eviction::kPage}) {
        const bool wanted = eviction == Eviction::kPage ? means_.page : means_.recompute;
        if (wanted && plan_.allowed(i, use, eviction)) {
          choices.push_back({i, use, eviction});
        }
      }
    }
    std::ranges::stable_sort(choices, {}, [this](const Choice& c) { return price(c); });
    choices.resize(std::min(choices.size(), kTried));
    return choices;
  }

  bool evict() {
    std::optional<Choice> best;
    double best_ratio = 0;
    Tried best_tried;
    for (const Choice& choice : choices_over(now_.worst)) {
      const Eviction was = plan_.at(choice.tensor, choice.use);
      plan_.set(choice.tensor, choice.use, choice.eviction);
      const Tried tried = look();
      plan_.set(choice.tensor, choice.use, was);
      const double relief = now_.overflow - tried.overflow;
      if (relief <= 0) {
        continue;
      }
      const double ratio = (tried.cost - now_.cost + penalty(tried)) / relief;
      if (!best || ratio < best_ratio) {
        best = choice;
        best_ratio = ratio;
        best_tried = tried;
      }
    }
    if (best) {
      plan_.set(best->tensor, best->use, best->eviction);
      now_ = best_tried;
    }
    return best.has_value();
  }

  /// Moves everything out of the way that can be: then exchange() keeps what there is room for.
  void evict_all() {
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      for (std::size_t use = 0; use < problem_.tensors[i].uses.size(); ++use) {
        for (const Eviction eviction : {Eviction::kRecompute, Eviction::kPage}) {
          const bool wanted = eviction == Eviction::kPage ? means_.page : means_.recompute;
          if (wanted && plan_.allowed(i, use, eviction)) {
            plan_.set(i, use, eviction);
          }
        }
      }
    }
    now_ = look();
  }

  /// Whether a plan is nearer to the limits, or as near and cheaper.
  bool better_than_now(const Tried& tried) const {
    if (tried.overflow != now_.overflow) {
      return tried.overflow < now_.overflow;
    }
    return tried.late != now_.late ? tried.late < now_.late : tried.cost < now_.cost;
  }

  double penalty(const Tried& tried) const { return std::max(0.0, tried.late - now_.late) * 1e3; }

  /// Other choices for what was moved, one after the other. True if one was better.
  bool exchange() {
    bool better = false;
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      for (std::size_t use = 0; use < problem_.tensors[i].uses.size(); ++use) {
        const Eviction was = plan_.at(i, use);
        if (was == Eviction::kKeep) {
          continue;
        }
        for (const Eviction other : {Eviction::kKeep, Eviction::kRecompute, Eviction::kPage}) {
          const bool wanted = other == Eviction::kKeep ||
                              (other == Eviction::kPage ? means_.page : means_.recompute);
          if (!wanted || !plan_.allowed(i, use, other) || other == plan_.at(i, use)) {
            continue;
          }
          const Eviction present = plan_.at(i, use);
          plan_.set(i, use, other);
          const Tried tried = look();
          if (better_than_now(tried)) {
            now_ = tried;
            better = true;
          } else {
            plan_.set(i, use, present);
          }
        }
      }
    }
    return better;
  }

  const ScheduleProblem& problem_;
  const ScheduleRequest& request_;
  const EvictionMeans means_;
  EvictionPlan plan_;
  Tried now_;
};

}  // namespace

std::optional<EvictionPlan> evict_greedily(const ScheduleProblem& problem,
                                           const ScheduleRequest& request,
                                           const EvictionMeans& means) {
  Greedy each(problem, request, means);
  auto plan = each.run(false);
  if (problem.from_home()) {
    Greedy once(problem, request, means);
    const auto other = once.run(true);
    if (other && (!plan || once.cost() < each.cost())) {
      plan = other;
    }
  }
  return plan;
}

}  // namespace etude::compiler
