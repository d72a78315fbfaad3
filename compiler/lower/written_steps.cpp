// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/written_steps.h"

#include <algorithm>
#include <utility>

#include "compiler/tape/fingerprint.h"

namespace etude::compiler {

KnownStep::KnownStep(WrittenStep written)
    : written_(std::move(written)), fingerprint_(compiler::fingerprint(written_.tape)) {}

PostOrder KnownStep::order(const StepGraph& graph, bool one_dma, Cycle limit) const {
  std::vector<std::shared_ptr<const Ordered>> known;
  {
    const std::lock_guard<std::mutex> locked(mutex_);
    known = orders_;
  }
  for (const auto& one : known) {
    if (!one->graph.same_order(graph)) {
      continue;
    }
    // A limit leaves out what takes longer, and changes nothing of what is found below it.
    if (!one->order.order.empty() && one->order.cycles < limit) {
      return one->order;
    }
    if (limit <= (one->order.order.empty() ? one->limit : one->order.cycles)) {
      return {{}, limit};
    }
  }
  auto found = std::make_shared<const Ordered>(graph, best_order(graph, one_dma, limit), limit);
  const std::lock_guard<std::mutex> locked(mutex_);
  if (orders_.size() >= kOrders) {
    orders_.erase(orders_.begin());
  }
  orders_.push_back(found);
  return found->order;
}

std::shared_ptr<const KnownStep> WrittenSteps::find(const SharingChoice& sharing) const {
  const std::lock_guard<std::mutex> locked(mutex_);
  const auto found = steps_.find(sharing);
  return found == steps_.end() ? nullptr : found->second;
}

void WrittenSteps::add(const SharingChoice& sharing, std::shared_ptr<const KnownStep> step) {
  const std::lock_guard<std::mutex> locked(mutex_);
  steps_.emplace(sharing, std::move(step));
}

std::optional<SumCuts> WrittenSteps::cuts() const {
  const std::lock_guard<std::mutex> locked(mutex_);
  return cuts_;
}

void WrittenSteps::set_cuts(const SumCuts& cuts) {
  const std::lock_guard<std::mutex> locked(mutex_);
  cuts_ = cuts;
}

}  // namespace etude::compiler
