// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/order/dependences.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

/// The queue of an operation for the purpose of dependences: the two directions of the cluster DMA
/// are two, because they overtake each other.
unsigned queue_of(const PlanOp& op);
/// The queue of a unit; of the cluster DMA the one into L1.
constexpr unsigned queue_of(TaskUnit unit) { return static_cast<unsigned>(unit); }
constexpr unsigned kOutwards = kUnits;  ///< the cluster DMA towards L2
constexpr unsigned kProbeQueue = kUnits + 1;
constexpr unsigned kQueues = kUnits + 2;
constexpr bool is_dma(unsigned queue) {
  return queue == queue_of(TaskUnit::kDma) || queue == kOutwards;
}
/// The unit, as a number, that works through a queue.
constexpr unsigned unit_of(unsigned queue) {
  return queue == kOutwards ? queue_of(TaskUnit::kDma) : queue;
}

/// What orders of one sequence are made and judged from: each operation's queue, cycles and
/// dependences, these apart by whether they cross queues, and what the controller takes.
///
/// Of the dependences those are kept that no chain of others implies: what is over before the last
/// link of the chain starts needs no wait of its own, and is posted before it. A transfer of the
/// cluster DMA may be posted long before its turn, though, so its dependences on other queues are
/// implied by chains alone whose last link is in another queue too.
class StepGraph {
 public:
  StepGraph(const std::vector<PlanOp>& ops, const Dependences& dependences,
            const UnitCosts& costs = unit_costs());
  /// Of find_needed_dependences(): none of them is left out again.
  static StepGraph of_needed(const std::vector<PlanOp>& ops, const Dependences& needed,
                             const UnitCosts& costs);

  /// Whether orders of both are made and judged alike, where the controller takes the same.
  bool same_order(const StepGraph& other) const {
    return queues_ == other.queues_ && cycles_ == other.cycles_ &&
           port_shares_ == other.port_shares_ && foreign_ == other.foreign_ && own_ == other.own_;
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(queues_.size()); }
  unsigned queue(std::uint32_t op) const { return queues_[op]; }
  bool probe(std::uint32_t op) const { return queues_[op] == kProbeQueue; }
  /// Modelled cycles on its unit.
  double cycles(std::uint32_t op) const { return cycles_[op]; }
  /// Of a RedMulE job: part of its cycles in which it takes all banks of L1.
  double port_share(std::uint32_t op) const { return port_shares_[op]; }
  /// The controller, and units beside each other.
  const UnitCosts& costs() const { return costs_; }
  /// Operations of other queues, probes too, that it waits for.
  std::span<const std::uint32_t> foreign(std::uint32_t op) const { return foreign_[op]; }
  /// Operations of its own queue that it waits for.
  std::span<const std::uint32_t> own(std::uint32_t op) const { return own_[op]; }
  /// Number of all operations that it waits for.
  std::uint32_t waits(std::uint32_t op) const { return waits_[op]; }
  /// Operations that wait for it.
  std::span<const std::uint32_t> dependants(std::uint32_t op) const {
    return {dependants_.data() + first_dependant_[op],
            dependants_.data() + first_dependant_[op + 1]};
  }

 private:
  explicit StepGraph(const UnitCosts& costs) : costs_(costs) {}
  void add_operations(const std::vector<PlanOp>& ops);
  void add_dependences(const Dependences& dependences);
  /// Those dependences that no chain of others implies.
  Dependences needed(const Dependences& dependences) const;

  UnitCosts costs_;
  std::vector<std::uint8_t> queues_;
  std::vector<double> cycles_, port_shares_;
  std::vector<std::uint32_t> waits_;
  Dependences foreign_, own_;
  std::vector<std::uint32_t> first_dependant_, dependants_;
};

}  // namespace etude::compiler
