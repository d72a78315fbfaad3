// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/controller_model.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>

#include "compiler/order/order.h"

namespace etude {

namespace {

/// Cycles of the controller, medians of the runtime on the modelled cores: to post one operation,
/// to look whether a unit is far enough, and to go on after a wait that really waited.
constexpr double kPostDma = 130;
constexpr double kPostJob = 110;
constexpr double kPostKernel = 70;
constexpr std::array<double, kUnits> kLook{50, 100, 200, 50};  // cores, RedMulE, DMA, SoC DMA
constexpr double kWake = 60;

class Replay {
 public:
  Replay(const std::vector<PlanOp>& ops, const std::vector<std::vector<std::uint32_t>>& dependences,
         const std::vector<std::uint32_t>& order, bool one_dma)
      : ops_(ops),
        dependences_(dependences),
        order_(order),
        one_dma_(one_dma),
        over_(ops.size(), false),
        number_(ops.size(), 0) {}

  std::uint64_t run() {
    while (next_ < order_.size() || working()) {
      post();
      advance();
    }
    return static_cast<std::uint64_t>(now_);
  }

 private:
  struct Queue {
    std::deque<std::uint32_t> posted;  ///< the first one is running
    double left = 0;
  };

  bool working() const {
    return std::ranges::any_of(queues_, [](const Queue& q) { return !q.posted.empty(); });
  }

  unsigned slot(const PlanOp& op) const {
    const unsigned queue = queue_of(op);
    return one_dma_ && queue == kOutwards ? queue_of(TaskUnit::kDma) : queue;
  }

  bool blocked(std::uint32_t i) const {
    const PlanOp& op = ops_[i];
    for (std::uint32_t before : dependences_[i]) {
      if (!over_[before] && queue_of(ops_[before]) != queue_of(op)) {
        return true;
      }
    }
    const std::size_t waiting = queues_[slot(op)].posted.size();
    switch (queue_of(op)) {
      case queue_of(TaskUnit::kRedmule):
        return waiting >= 2;
      case queue_of(TaskUnit::kCores):
        return waiting >= 7;
      case queue_of(TaskUnit::kSocDma):
        return waiting >= 4;
      default:
        return waiting >= (one_dma_ ? 16u : 2u);
    }
  }

  /// Cycles for the waits that the task list has in front of an operation.
  double looks(std::uint32_t i) {
    std::array<std::uint32_t, kUnits> needed{};
    for (std::uint32_t before : dependences_[i]) {
      const PlanOp& other = ops_[before];
      if (other.probe < 0 && queue_of(other) != queue_of(ops_[i])) {
        needed[queue_of(other.unit())] = std::max(needed[queue_of(other.unit())], number_[before]);
      }
    }
    double cycles = 0;
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      if (needed[unit] > waited_[unit]) {
        waited_[unit] = needed[unit];
        cycles += kLook[unit];
      }
    }
    number_[i] = ++posted_[queue_of(ops_[i].unit())];
    return cycles;
  }

  void post() {
    while (next_ < order_.size() && now_ >= controller_) {
      const std::uint32_t i = order_[next_];
      const PlanOp& op = ops_[i];
      if (blocked(i)) {
        held_ = true;
        return;
      }
      ++next_;
      if (op.probe >= 0) {
        over_[i] = true;
        continue;
      }
      const unsigned queue = queue_of(op);
      const double cost = queue == queue_of(TaskUnit::kCores)     ? kPostKernel
                          : queue == queue_of(TaskUnit::kRedmule) ? kPostJob
                                                                  : kPostDma;
      controller_ = now_ + cost + looks(i) + (held_ ? kWake : 0);
      held_ = false;
      Queue& into = queues_[slot(op)];
      into.posted.push_back(i);
      if (into.posted.size() == 1) {
        into.left = static_cast<double>(op.cycles);
      }
    }
  }

  void advance() {
    constexpr double kFar = std::numeric_limits<double>::max();
    const Queue& array = queues_[queue_of(TaskUnit::kRedmule)];
    const double share = array.posted.empty() ? 0 : ops_[array.posted.front()].port_share;
    double next = next_ < order_.size() && controller_ > now_ ? controller_ : kFar;
    std::array<double, kQueues> speed{};
    for (unsigned q = 0; q < kQueues; ++q) {
      speed[q] =
          speed_beside_redmule(q, share, !queues_[queue_of(TaskUnit::kCores)].posted.empty());
      if (!queues_[q].posted.empty()) {
        next = std::min(next, now_ + queues_[q].left / speed[q]);
      }
    }
    if (next == kFar) {
      return;
    }
    const double passed = next - now_;
    now_ = next;
    for (unsigned q = 0; q < kQueues; ++q) {
      Queue& queue = queues_[q];
      if (queue.posted.empty()) {
        continue;
      }
      queue.left -= passed * speed[q];
      if (queue.left < 1e-6) {
        over_[queue.posted.front()] = true;
        queue.posted.pop_front();
        queue.left =
            queue.posted.empty() ? 0 : static_cast<double>(ops_[queue.posted.front()].cycles);
      }
    }
  }

  const std::vector<PlanOp>& ops_;
  const std::vector<std::vector<std::uint32_t>>& dependences_;
  const std::vector<std::uint32_t>& order_;
  bool one_dma_;
  std::vector<bool> over_;
  std::vector<std::uint32_t> number_;  ///< of each operation on its unit, from 1
  std::array<std::uint32_t, kUnits> posted_{}, waited_{};
  std::array<Queue, kQueues> queues_;
  std::size_t next_ = 0;
  double now_ = 0;
  double controller_ = 0;  ///< when it may post again
  bool held_ = false;
};

}  // namespace

double speed_beside_redmule(unsigned queue, double share, bool cores_work) {
  constexpr double kCoreAccesses = 0.6;   // memory accesses per instruction of a kernel
  constexpr double kBankConflicts = 0.7;  // of a transfer, with the cores at work on 16 banks
  switch (queue) {
    case queue_of(TaskUnit::kCores):
      return 1 - kCoreAccesses * share;
    case queue_of(TaskUnit::kDma):
    case kOutwards:
      return std::max(0.1, 1 - share) * (cores_work ? kBankConflicts : 1);
    default:
      return 1;
  }
}

std::uint64_t replay_cycles(const std::vector<PlanOp>& ops,
                            const std::vector<std::vector<std::uint32_t>>& dependences,
                            const std::vector<std::uint32_t>& order, bool one_dma) {
  return Replay(ops, dependences, order, one_dma).run();
}

}  // namespace etude
