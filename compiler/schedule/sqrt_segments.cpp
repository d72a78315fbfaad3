// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <ranges>
#include <set>

#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/rivals.h"

namespace etude::compiler {
namespace {

/// Operators that can run again, in segments.
struct Segments {
  std::vector<std::vector<SlotId>> lists;
  std::vector<std::size_t> of;  ///< segment of a slot; number of lists if it has none

  explicit Segments(const ScheduleProblem& problem) {
    std::vector<SlotId> again;
    for (SlotId t = 0; t < problem.slots.size(); ++t) {
      if (problem.slots[t].recomputable && !problem.slots[t].outputs.empty()) {
        again.push_back(t);
      }
    }
    const auto length = static_cast<std::size_t>(
        std::ceil(std::sqrt(static_cast<double>(std::max<std::size_t>(again.size(), 1)))));
    for (std::size_t n = 0; n < again.size(); ++n) {
      if (n % length == 0) {
        lists.emplace_back();
      }
      lists.back().push_back(again[n]);
    }
    of.assign(problem.slots.size(), lists.size());
    for (std::size_t s = 0; s < lists.size(); ++s) {
      for (const SlotId t : lists[s]) {
        of[t] = s;
      }
    }
  }
};

/// What of a segment runs again, ascending, and in front of which slot.
struct Again {
  std::set<SlotId> slots;
  std::optional<SlotId> before;
};

Again made_again(const ScheduleProblem& problem, const Segments& segments,
                 const std::vector<SlotId>& segment) {
  const SlotId last = segment.back();
  const auto any_use = [&](SlotId slot, auto&& which) {
    return std::ranges::any_of(problem.slots[slot].outputs, [&](StorageId i) {
      return std::ranges::any_of(problem.tensors[i].uses, which);
    });
  };
  const auto behind = [&](SlotId use) { return use > last; };
  std::set<SlotId> inside;  // what stays in the segment, but for the backward pass
  Again again;
  for (const SlotId t : segment) {
    const bool leaves = any_use(
        t, [&](SlotId use) { return behind(use) && segments.of[use] < segments.lists.size(); });
    if (leaves) {
      continue;
    }
    inside.insert(t);
    for (const StorageId i : problem.slots[t].outputs) {
      const auto need = std::ranges::find_if(problem.tensors[i].uses, behind);
      if (need != problem.tensors[i].uses.end()) {
        again.before = std::min(again.before.value_or(*need), *need);
      }
    }
  }
  // Of the last segment the loss needs all at once: nothing would be gained.
  if (!again.before || *again.before <= last + 1) {
    return {};
  }
  for (const SlotId t : segment | std::views::reverse) {
    const bool needed =
        any_use(t, [&](SlotId use) { return behind(use) || again.slots.contains(use); });
    if (inside.contains(t) && needed &&
        *again.before <= problem.recompute_limit(t).value_or(*again.before)) {
      again.slots.insert(t);
    }
  }
  return again;
}

}  // namespace

ScheduleAnswer sqrt_segments(const ScheduleProblem& problem, const ScheduleRequest& request) {
  const Segments segments(problem);
  Decisions decisions;
  decisions.recomputes.resize(problem.slots.size());
  for (const auto& segment : segments.lists) {
    const Again again = made_again(problem, segments, segment);
    if (again.before) {
      decisions.recomputes[*again.before].insert(decisions.recomputes[*again.before].end(),
                                                 again.slots.begin(), again.slots.end());
    }
  }
  decisions.pages = keep_everything(problem, request).schedule.pages;
  for (SlotId at = 0; at < decisions.recomputes.size(); ++at) {
    std::set<StorageId> fetched;  // from home for what runs again
    for (const SlotId t : decisions.recomputes[at]) {
      fetched.insert(problem.slots[t].inputs.begin(), problem.slots[t].inputs.end());
    }
    for (const StorageId i : fetched) {
      if (!problem.tensors[i].producer && !problem.touches(at, i)) {
        decisions.pages.push_back({i, TensorPage::Direction::kIn, at, at - 1});
      }
    }
  }
  ScheduleAnswer answer;
  answer.schedule = with_lifetimes(problem, decisions);
  judge(problem, request, answer);
  return answer;
}

}  // namespace etude::compiler
