// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/step_graph.h"

#include <numeric>

namespace etude {

unsigned queue_of(const PlanOp& op) {
  if (op.probe >= 0) {
    return kProbeQueue;
  }
  const Transfer* transfer = op.as<Transfer>();
  return transfer != nullptr && !transfer->to_l1 ? kOutwards : queue_of(op.unit());
}

StepGraph::StepGraph(const std::vector<PlanOp>& ops, const Dependences& dependences)
    : first_dependant_(ops.size() + 1, 0) {
  const auto count = static_cast<std::uint32_t>(ops.size());
  queues_.reserve(count);
  cycles_.reserve(count);
  port_shares_.reserve(count);
  waits_.reserve(count);
  for (const PlanOp& op : ops) {
    queues_.push_back(static_cast<std::uint8_t>(queue_of(op)));
    cycles_.push_back(static_cast<double>(op.cycles));
    port_shares_.push_back(op.port_share);
  }
  std::vector<std::uint32_t> foreign;
  for (std::uint32_t i = 0; i < count; ++i) {
    foreign.clear();
    for (const std::uint32_t before : dependences[i]) {
      ++first_dependant_[before + 1];
      if (queues_[before] != queues_[i]) {
        foreign.push_back(before);
      }
    }
    waits_.push_back(static_cast<std::uint32_t>(dependences[i].size()));
    foreign_.append(foreign);
  }
  std::partial_sum(first_dependant_.begin(), first_dependant_.end(), first_dependant_.begin());
  dependants_.resize(dependences.pairs());
  std::vector<std::uint32_t> next(first_dependant_.begin(), first_dependant_.end() - 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (const std::uint32_t before : dependences[i]) {
      dependants_[next[before]++] = i;
    }
  }
}

}  // namespace etude
