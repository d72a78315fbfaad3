// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "compiler/order/step_graph.h"

namespace etude::test {

/// The controller and units beside each other as the timelines by hand have them.
inline compiler::UnitCosts hand_costs() {
  compiler::UnitCosts costs;
  costs.post_kernel = 70;
  costs.post_job = 110;
  costs.post_transfer = 130;
  costs.look_cores = 50;
  costs.look_redmule = 100;
  costs.look_dma = 200;
  costs.look_soc_dma = 50;
  costs.wake = 60;
  costs.core_accesses = 0.6;
  costs.bank_conflicts = 0.7;
  return costs;
}

/// Operations of a unit and a number of cycles each, with their dependences, by hand.
class TimedOps {
 public:
  using List = std::vector<std::uint32_t>;

  std::uint32_t kernel(std::uint64_t cycles, const List& before = {}) {
    return add(KernelCall{}, cycles, before);
  }
  /// `share`: part of its cycles in which it takes all banks of L1.
  std::uint32_t job(std::uint64_t cycles, const List& before = {}, double share = 0) {
    const std::uint32_t op = add(MatrixJob{}, cycles, before);
    ops_[op].port_share = share;
    return op;
  }
  std::uint32_t load(std::uint64_t cycles, const List& before = {}) {
    return add(Transfer{}, cycles, before);
  }
  std::uint32_t store(std::uint64_t cycles, const List& before = {}) {
    Transfer out;
    out.to_l1 = false;
    return add(out, cycles, before);
  }
  std::uint32_t page(std::uint64_t cycles, const List& before = {}) {
    return add(PageTransfer{}, cycles, before);
  }
  std::uint32_t probe(const List& before = {}) {
    const std::uint32_t op = add(End{}, 0, before);
    ops_[op].probe = 0;
    return op;
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(ops_.size()); }
  const compiler::Dependences& dependences() const { return dependences_; }
  compiler::StepGraph graph(const compiler::UnitCosts& costs = hand_costs()) const {
    return {ops_, dependences_, costs};
  }
  /// 0, 1, 2 and so on.
  List in_order() const {
    List order(ops_.size());
    std::iota(order.begin(), order.end(), 0u);
    return order;
  }

 private:
  template <class Kind>
  std::uint32_t add(const Kind& what, std::uint64_t cycles, const List& before) {
    compiler::PlanOp op;
    op.what = what;
    op.cycles = Cycle{cycles};
    ops_.push_back(std::move(op));
    dependences_.append(before);
    return size() - 1;
  }

  std::vector<compiler::PlanOp> ops_;
  compiler::Dependences dependences_;
};

inline TimedOps::List list(std::span<const std::uint32_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace etude::test
