// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_schedule.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "compiler/schedule/scheduled_step.h"
#include "tests/support/draw.h"

namespace etude::test {
namespace {

using compiler::Slot;

}  // namespace

compiler::Schedule RandomSchedule::choose(const compiler::Step& step) const {
  Draw draw(seed_);
  const auto slots = static_cast<Slot>(step.operators.size());
  compiler::Schedule schedule;
  schedule.order.resize(slots);
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  for (unsigned i = 0; i < again_; ++i) {
    const Slot slot = draw.below(slots);
    const Slot last = std::min(compiler::recompute_limit(step, slot), slots - 1);
    if (compiler::runs_again(step, slot) && last > slot) {
      schedule.recomputes.push_back({slot, slot + 1 + draw.below(last - slot)});
    }
  }
  std::set<TensorId> paged;
  const auto tensors = static_cast<TensorId>(step.graph().tensors().size());
  for (unsigned i = 0; i < pages_; ++i) {
    const TensorId base = step.storage.base(draw.below(tensors));
    const auto maker = step.graph().producer(base);
    if (step.tensor(base).kind == TensorKind::kLoss || !paged.insert(base).second) {
      continue;
    }
    // Windows one behind the other, out and in by turns, from the one that makes it on.
    Slot next = 0;
    for (Slot slot = 0; slot < slots && maker; ++slot) {
      for (const NodeId member : step.operators[slot].nodes()) {
        const auto& outputs = step.graph().node(member).outputs;
        const bool makes = std::ranges::any_of(
            outputs, [&](TensorId made) { return step.storage.base(made) == base; });
        next = makes && next == 0 ? slot + 1 : next;
      }
    }
    for (bool out = true; next + 1 < slots; out = !out) {
      const Slot first = next + draw.below(std::min(slots - next, 6u));
      const bool point = first > 0 && draw.below(4) == 0;  // between two slots
      const Slot last = point ? first - 1 : std::min(first + draw.below(4), slots - 1);
      schedule.pages.push_back({base, out, first, last});
      next = last + 1;
    }
  }
  return schedule;
}

}  // namespace etude::test
