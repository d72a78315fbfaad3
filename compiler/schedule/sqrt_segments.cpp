// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
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

}  // namespace

ScheduleAnswer sqrt_segments(const ScheduleProblem& problem, const ScheduleRequest& request) {
  const Segments segments(problem);
  Decisions decisions;
  decisions.recomputes.resize(problem.slots.size());
  for (std::size_t s = 0; s < segments.lists.size(); ++s) {
    // Operators whose results stay inside the segment until the backward pass reads them.
    std::vector<SlotId> dropped;
    SlotId first = static_cast<SlotId>(problem.slots.size());
    for (const SlotId t : segments.lists[s]) {
      bool leaves = false;
      SlotId need = static_cast<SlotId>(problem.slots.size());
      for (const StorageId i : problem.slots[t].outputs) {
        for (const SlotId use : problem.tensors[i].uses) {
          const std::size_t where = segments.of[use];
          leaves = leaves || (where != s && where < segments.lists.size());
          if (where == segments.lists.size()) {
            need = std::min(need, use);
          }
        }
      }
      const auto limit = problem.recompute_limit(t);
      if (!leaves && need < problem.slots.size() && (!limit || need <= *limit)) {
        dropped.push_back(t);
        first = std::min(first, need);
      }
    }
    // The loss reads the last segment at once: nothing would be gained by making that again.
    if (!dropped.empty() && first > segments.lists[s].back() + 1) {
      for (const SlotId t : dropped) {
        decisions.recomputes[first].push_back(t);
      }
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
