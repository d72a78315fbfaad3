// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/step_graph.h"

#include <algorithm>
#include <numeric>

#include "compiler/order/chains.h"

namespace etude::compiler {

unsigned queue_of(const PlanOp& op) {
  if (op.probe >= 0) {
    return kProbeQueue;
  }
  const Transfer* transfer = op.as<Transfer>();
  return transfer != nullptr && !transfer->to_l1 ? kOutwards : queue_of(op.unit());
}

Dependences StepGraph::needed(const Dependences& dependences) const {
  Chains chains(size());
  Dependences needed;
  std::vector<std::uint32_t> mine;
  for (std::uint32_t op = 0; op < size(); ++op) {
    mine.clear();
    chains.reduce(op, dependences[op], is_dma(queues_[op]), queues_, mine);
    std::ranges::sort(mine);
    needed.append(mine);
  }
  return needed;
}

StepGraph::StepGraph(const std::vector<PlanOp>& ops, const Dependences& all, const UnitCosts& costs)
    : StepGraph(costs) {
  add_operations(ops);
  add_dependences(needed(all));
}

StepGraph StepGraph::of_needed(const std::vector<PlanOp>& ops, const Dependences& needed,
                               const UnitCosts& costs) {
  StepGraph graph(costs);
  graph.add_operations(ops);
  graph.add_dependences(needed);
  return graph;
}

void StepGraph::add_operations(const std::vector<PlanOp>& ops) {
  const auto count = static_cast<std::uint32_t>(ops.size());
  queues_.reserve(count);
  cycles_.reserve(count);
  port_shares_.reserve(count);
  for (const PlanOp& op : ops) {
    queues_.push_back(static_cast<std::uint8_t>(queue_of(op)));
    cycles_.push_back(static_cast<double>(op.cycles.raw()));
    port_shares_.push_back(op.port_share);
  }
}

void StepGraph::add_dependences(const Dependences& dependences) {
  const std::uint32_t count = size();
  waits_.reserve(count);
  first_dependant_.assign(std::size_t{count} + 1, 0);
  std::vector<std::uint32_t> foreign, own;
  for (std::uint32_t i = 0; i < count; ++i) {
    foreign.clear();
    own.clear();
    for (const std::uint32_t before : dependences[i]) {
      ++first_dependant_[before + 1];
      (queues_[before] != queues_[i] ? foreign : own).push_back(before);
    }
    waits_.push_back(static_cast<std::uint32_t>(dependences[i].size()));
    foreign_.append(foreign);
    own_.append(own);
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

}  // namespace etude::compiler
