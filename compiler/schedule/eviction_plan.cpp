// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/eviction_plan.h"

#include <algorithm>
#include <set>

#include "compiler/schedule/candidates.h"
#include "compiler/schedule/windows.h"

namespace etude::compiler {
namespace {
constexpr double kCover = 1.3;  ///< as CandidateRules has it
}  // namespace

EvictionPlan::EvictionPlan(const ScheduleProblem& problem, std::optional<Bytes> budget)
    : problem_(&problem), points_(problem.from_home()) {
  if (points_) {
    budget_ = budget ? *budget : problem.peak_keep();
  }
  for (StorageId i = 0; i < problem.tensors.size(); ++i) {
    const ProblemTensor& tensor = problem.tensors[i];
    choices_.emplace_back(tensor.uses.size(), Eviction::kKeep);
    for (std::size_t use = 0; use < tensor.uses.size() && !tensor.producer; ++use) {
      const bool page = allowed(i, use, Eviction::kPage);
      choices_.back()[use] = page ? Eviction::kPage : Eviction::kKeep;
    }
  }
}

SlotId EvictionPlan::before(StorageId tensor, std::size_t use) const {
  const ProblemTensor& t = problem_->tensors[tensor];
  return use > 0 ? t.uses[use - 1] : t.producer.value_or(0);
}

bool EvictionPlan::allowed(StorageId tensor, std::size_t use, Eviction eviction) const {
  const ProblemTensor& t = problem_->tensors[tensor];
  const bool first = !t.producer && use == 0;
  switch (eviction) {
    case Eviction::kKeep:
      return !first;
    case Eviction::kPage:
      return first || t.uses[use] - before(tensor, use) >= (t.producer && !points_ ? 3u : 2u);
    case Eviction::kRecompute:
      break;
  }
  if (!t.producer || !problem_->slots[*t.producer].recomputable) {
    return false;
  }
  const auto limit = problem_->recompute_limit(*t.producer);
  return t.uses[use] - before(tensor, use) >= 2 && (!limit || t.uses[use] <= *limit);
}

/// Turns choices into operators and transfers.
class EvictionPlan::Decoder {
 public:
  explicit Decoder(const EvictionPlan& plan)
      : plan_(plan), problem_(*plan.problem_), fetched_(problem_.tensors.size()) {
    decisions_.recomputes.resize(problem_.slots.size());
  }

  Decisions run() {
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      const ProblemTensor& tensor = problem_.tensors[i];
      for (std::size_t use = 0; use < tensor.uses.size(); ++use) {
        const SlotId slot = tensor.uses[use];
        if (plan_.at(i, use) == Eviction::kRecompute) {
          recompute(i, slot);
        } else if (plan_.at(i, use) == Eviction::kPage) {
          fetched_[i].insert(slot);
        }
      }
    }
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      plan_.points_ ? transfer_at_points(i) : transfer_beside(i);
    }
    return std::move(decisions_);
  }

 private:
  void recompute(StorageId i, SlotId slot) {
    const SlotId producer = *problem_.tensors[i].producer;
    auto& list = decisions_.recomputes[slot];
    if (std::ranges::find(list, producer) != list.end()) {
      return;
    }
    list.push_back(producer);
    for (const StorageId input : problem_.slots[producer].inputs) {
      need(input, slot);
    }
  }

  /// Makes sure that an operator that runs again in front of `slot` finds a tensor.
  void need(StorageId i, SlotId slot) {
    const ProblemTensor& tensor = problem_.tensors[i];
    if (problem_.touches(slot, i)) {
      return;
    }
    const auto next = std::ranges::upper_bound(tensor.uses, slot);
    const auto use = static_cast<std::size_t>(next - tensor.uses.begin());
    const bool behind = next == tensor.uses.end();
    const Eviction choice = behind ? Eviction::kRecompute : plan_.at(i, use);
    const bool again = tensor.producer && problem_.slots[*tensor.producer].recomputable &&
                       slot <= problem_.recompute_limit(*tensor.producer).value_or(slot);
    if (choice == Eviction::kRecompute && again) {
      recompute(i, slot);
    } else if (choice == Eviction::kPage || (behind && !tensor.producer)) {
      fetched_[i].insert(slot);
    }
  }

  void transfer_beside(StorageId i) {
    const ProblemTensor& tensor = problem_.tensors[i];
    std::optional<SlotId> home;  // first slot in which the copy at home can be read
    for (const SlotId slot : fetched_[i]) {
      if (!home) {
        const auto use = std::ranges::lower_bound(tensor.uses, slot);
        const SlotId from = use == tensor.uses.begin() ? *tensor.producer : *(use - 1);
        if (slot - from < 3) {
          continue;
        }
        const SlotId middle = from + (slot - from) / 2;
        const SlotId last =
            window_ahead(problem_, from + 1, middle, kCover * tensor.page_out.seconds);
        decisions_.pages.push_back({i, Direction::kOut, from + 1, last});
        home = last + 1;
      }
      if (slot == 0 || *home > slot - 1) {
        continue;
      }
      const SlotId first = window_back(problem_, slot - 1, *home, kCover * tensor.page_in.seconds);
      decisions_.pages.push_back({i, Direction::kIn, first, slot - 1});
    }
  }

  void transfer_at_points(StorageId i) {
    const ProblemTensor& tensor = problem_.tensors[i];
    if (tensor.producer && !fetched_[i].empty()) {
      const auto use = std::ranges::lower_bound(tensor.uses, *fetched_[i].begin());
      const SlotId from = use == tensor.uses.begin() ? *tensor.producer : *(use - 1);
      decisions_.pages.push_back({i, Direction::kOut, from + 1, from});
    }
    for (const SlotId slot : fetched_[i]) {
      decisions_.pages.push_back({i, Direction::kIn, slot, slot - 1});
    }
    if (tensor.updated) {
      const SlotId last = tensor.uses.back();
      decisions_.pages.push_back({i, Direction::kOut, last + 1, last});
    }
  }

  using Direction = TensorPage::Direction;

  const EvictionPlan& plan_;
  const ScheduleProblem& problem_;
  Decisions decisions_;
  std::vector<std::set<SlotId>> fetched_;  ///< slots for which a tensor comes in
};

EventSchedule EvictionPlan::schedule() const {
  Decisions decisions = Decoder(*this).run();
  if (points_) {
    decisions = with_windows(*problem_, std::move(decisions), budget_);
  }
  return with_lifetimes(*problem_, decisions);
}

}  // namespace etude::compiler
