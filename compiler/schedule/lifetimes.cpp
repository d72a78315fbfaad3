// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/lifetimes.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace etude::compiler {
namespace {

/// An operator of the schedule: place in its slot.
struct Place {
  SlotId slot;
  std::size_t step;
};

/// Walks through a schedule and remembers where the present copy of each tensor was needed last.
class Lives {
 public:
  Lives(const ScheduleProblem& problem, EventSchedule& schedule)
      : problem_(problem), schedule_(schedule), need_(problem.tensors.size()) {}

  void run() {
    for (SlotId t = 0; t < schedule_.slots.size(); ++t) {
      for (const TensorPage& page : schedule_.pages) {
        if (page.direction == TensorPage::Direction::kOut && page.at_point() && page.first == t) {
          needed(page.tensor, {page.last, schedule_.slots[page.last].size() - 1});
        }
      }
      for (const TensorPage& page : schedule_.pages) {
        const bool out = page.direction == TensorPage::Direction::kOut;
        if (out && page.first == t && !page.at_point()) {
          needed(page.tensor, {t, schedule_.slots[t].size() - 1});
        } else if (!out && page.last + 1 == t) {
          acquired(page.tensor, {t, 0});
        }
      }
      for (std::size_t s = 0; s < schedule_.slots[t].size(); ++s) {
        const ProblemSlot& slot = problem_.slots[schedule_.slots[t][s].slot];
        for (const StorageId i : slot.inputs) {
          needed(i, {t, s});
        }
        for (const StorageId i : slot.outputs) {
          acquired(i, {t, s});
        }
      }
    }
    for (StorageId i = 0; i < need_.size(); ++i) {
      give_up(i);
    }
  }

 private:
  void needed(StorageId i, Place place) {
    // A page-out notes the end of its first slot; an operator of that slot comes before it.
    if (need_[i] && (need_[i]->slot < place.slot || need_[i]->step < place.step)) {
      need_[i] = place;
    }
  }
  void acquired(StorageId i, Place place) {
    give_up(i);
    need_[i] = place;
  }
  void give_up(StorageId i) {
    if (need_[i]) {
      schedule_.slots[need_[i]->slot][need_[i]->step].frees.push_back(i);
      need_[i].reset();
    }
  }

  const ScheduleProblem& problem_;
  EventSchedule& schedule_;
  std::vector<std::optional<Place>> need_;  ///< of the copy that is in memory
};

/// Walks through decisions and marks those that something needs.
class Needs {
 public:
  Needs(const ScheduleProblem& problem, const Decisions& decisions)
      : problem_(problem),
        decisions_(decisions),
        pages_(decisions.pages.size()),
        again_(decisions.recomputes.size()),
        present_(problem.tensors.size()) {
    for (std::size_t t = 0; t < again_.size(); ++t) {
      again_[t].resize(decisions.recomputes[t].size());
    }
  }

  /// What is needed; at most as much as there was.
  Decisions run() {
    for (SlotId t = 0; t < problem_.slots.size(); ++t) {
      pages_in_front_of(t);
      for (std::size_t n = 0; t < again_.size() && n < again_[t].size(); ++n) {
        pass(decisions_.recomputes[t][n], &again_[t][n]);
      }
      pass(t, nullptr);
    }
    Decisions left;
    left.recomputes.resize(decisions_.recomputes.size());
    for (std::size_t t = 0; t < again_.size(); ++t) {
      for (std::size_t n = 0; n < again_[t].size(); ++n) {
        if (again_[t][n]) {
          left.recomputes[t].push_back(decisions_.recomputes[t][n]);
        }
      }
    }
    for (std::size_t n = 0; n < pages_.size(); ++n) {
      if (pages_[n] || goes_somewhere(decisions_.pages[n])) {
        left.pages.push_back(decisions_.pages[n]);
      }
    }
    return left;
  }

 private:
  using Direction = TensorPage::Direction;

  /// Whether it is a page-out that has to be, or that something comes in from.
  bool goes_somewhere(const TensorPage& out) const {
    return out.direction == Direction::kOut &&
           (problem_.tensors[out.tensor].updated ||
            std::ranges::any_of(decisions_.pages, [&](const TensorPage& in) {
              return in.direction == Direction::kIn && in.tensor == out.tensor &&
                     in.first > out.last;
            }));
  }

  void pages_in_front_of(SlotId t) {
    for (const TensorPage& page : decisions_.pages) {
      if (page.first == t && page.direction == Direction::kOut) {
        need(page.tensor);
      }
    }
    for (std::size_t n = 0; n < pages_.size(); ++n) {
      const TensorPage& page = decisions_.pages[n];
      if (page.last + 1 == t && page.direction == Direction::kIn) {
        present_[page.tensor] = &pages_[n];
      }
    }
  }

  void pass(SlotId slot, char* needed) {
    for (const StorageId i : problem_.slots[slot].inputs) {
      need(i);
    }
    for (const StorageId i : problem_.slots[slot].outputs) {
      present_[i] = needed;
    }
  }

  void need(StorageId i) {
    if (present_[i] != nullptr) {
      *present_[i] = 1;
    }
  }

  const ScheduleProblem& problem_;
  const Decisions& decisions_;
  std::vector<char> pages_;
  std::vector<std::vector<char>> again_;
  std::vector<char*> present_;  ///< mark of what brought each tensor; null: its own operator
};

std::size_t count_of(const Decisions& decisions) {
  std::size_t count = decisions.pages.size();
  for (const auto& again : decisions.recomputes) {
    count += again.size();
  }
  return count;
}

/// One copy of a tensor comes at a time: the next begins to behind the one before.
void come_in_turn(std::vector<TensorPage>& pages) {
  for (TensorPage& page : pages) {
    for (const TensorPage& other : pages) {
      const bool both_in = page.direction == TensorPage::Direction::kIn &&
                           other.direction == TensorPage::Direction::kIn;
      if (both_in && other.tensor == page.tensor && other.last < page.last) {
        page.first = std::max(page.first, other.last + 1);
      }
    }
  }
}

}  // namespace

Decisions needed_of(const ScheduleProblem& problem, Decisions decisions) {
  std::ranges::for_each(decisions.recomputes, [](auto& again) { std::ranges::sort(again); });
  for (std::size_t before = ~std::size_t{0}; count_of(decisions) < before;) {
    before = count_of(decisions);
    decisions = Needs(problem, decisions).run();
  }
  come_in_turn(decisions.pages);
  return decisions;
}

EventSchedule with_lifetimes(const ScheduleProblem& problem, const Decisions& decisions) {
  EventSchedule schedule;
  schedule.slots.resize(problem.slots.size());
  for (SlotId t = 0; t < problem.slots.size(); ++t) {
    std::vector<SlotId> again;
    if (t < decisions.recomputes.size()) {
      again = decisions.recomputes[t];
    }
    std::ranges::sort(again);
    const auto twice = std::ranges::unique(again);
    again.erase(twice.begin(), twice.end());
    for (const SlotId slot : again) {
      schedule.slots[t].push_back({slot, {}});
    }
    schedule.slots[t].push_back({t, {}});
  }
  schedule.pages = decisions.pages;
  std::ranges::sort(schedule.pages, {}, [](const TensorPage& p) {
    return std::tuple(p.first, p.last, p.tensor, p.direction);
  });
  Lives(problem, schedule).run();
  return schedule;
}

}  // namespace etude::compiler
