// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/sqrt.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <ranges>
#include <set>

#include "compiler/schedule/scheduled_step.h"

namespace etude::compiler {
namespace {

using Slots = std::vector<Slot>;

/// Who makes and who reads the storages of a step.
class Flow {
 public:
  explicit Flow(const Step& step) : makes_(step.operators.size()) {
    for (Slot slot = 0; slot < step.operators.size(); ++slot) {
      std::set<TensorId> read, made;
      for (NodeId member : step.operators[slot].nodes()) {
        for (TensorId output : step.graph().node(member).outputs) {
          made.insert(step.storage.base(output));
        }
        for (TensorId input : step.graph().node(member).inputs) {
          read.insert(step.storage.base(input));
        }
      }
      makes_[slot].assign(made.begin(), made.end());
      for (const TensorId base : read) {
        if (!made.contains(base)) {
          readers_[base].push_back(slot);
        }
      }
    }
  }

  /// Operators that read what one makes, ascending and repeated.
  Slots readers(Slot slot) const {
    Slots all;
    for (const TensorId base : makes_[slot]) {
      if (const auto found = readers_.find(base); found != readers_.end()) {
        all.insert(all.end(), found->second.begin(), found->second.end());
      }
    }
    std::ranges::sort(all);
    return all;
  }

 private:
  std::map<TensorId, Slots> readers_;
  std::vector<std::vector<TensorId>> makes_;
};

/// The operators of one segment that run again, and in front of what.
void add_segment(const Step& step, const Flow& flow, const Slots& segment,
                 const std::set<Slot>& forward, std::vector<Recompute>& recomputes) {
  const Slot last = segment.back();
  const auto leaves = [&](Slot reader) { return reader > last && forward.contains(reader); };
  std::set<Slot> inside;  // what stays in the segment, but for the backward pass
  Slot first = static_cast<Slot>(step.operators.size());
  for (const Slot slot : segment) {
    const Slots readers = flow.readers(slot);
    if (std::ranges::none_of(readers, leaves)) {
      inside.insert(slot);
      const auto need = std::ranges::upper_bound(readers, last);
      first = need == readers.end() ? first : std::min(first, *need);
    }
  }
  // Of the last segment the loss needs all at once: nothing would be gained.
  if (first <= last + 1 || first == step.operators.size()) {
    return;
  }
  std::set<Slot> again;
  for (const Slot slot : segment | std::views::reverse) {
    const Slots readers = flow.readers(slot);
    const bool needed = std::ranges::any_of(
        readers, [&](Slot reader) { return reader > last || again.contains(reader); });
    if (inside.contains(slot) && needed && first <= recompute_limit(step, slot)) {
      again.insert(slot);
    }
  }
  for (const Slot slot : again) {
    recomputes.push_back({slot, first});
  }
}

}  // namespace

Schedule SqrtPolicy::choose(const Step& step) const {
  Schedule schedule;
  schedule.order.resize(step.operators.size());
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  Slots candidates;
  for (const Slot slot : schedule.order) {
    if (runs_again(step, slot)) {
      candidates.push_back(slot);
    }
  }
  const auto length = static_cast<std::size_t>(
      std::ceil(std::sqrt(static_cast<double>(std::max<std::size_t>(candidates.size(), 1)))));
  const std::set<Slot> forward(candidates.begin(), candidates.end());
  const Flow flow(step);
  for (std::size_t begin = 0; begin < candidates.size(); begin += length) {
    const std::size_t end = std::min(begin + length, candidates.size());
    add_segment(step, flow,
                Slots(candidates.begin() + static_cast<std::ptrdiff_t>(begin),
                      candidates.begin() + static_cast<std::ptrdiff_t>(end)),
                forward, schedule.recomputes);
  }
  return schedule;
}

}  // namespace etude::compiler
