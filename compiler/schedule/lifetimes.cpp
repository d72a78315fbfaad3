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

}  // namespace

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
