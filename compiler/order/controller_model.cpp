// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/controller_model.h"

#include <array>
#include <limits>

namespace etude::compiler {

namespace {

constexpr unsigned kCores = queue_of(TaskUnit::kCores);
constexpr unsigned kRedmule = queue_of(TaskUnit::kRedmule);
constexpr unsigned kSocDma = queue_of(TaskUnit::kSocDma);

class Replay {
 public:
  Replay(const StepGraph& graph, const std::vector<std::uint32_t>& order, bool one_dma, Cycle limit)
      : graph_(graph),
        costs_(graph.costs()),
        order_(order),
        one_dma_(one_dma),
        limit_(limit == kNever ? std::numeric_limits<double>::max()
                               : static_cast<double>(limit.raw()) + 1),
        over_(graph.size(), 0),
        number_(graph.size(), 0) {
    for (std::uint32_t op = 0; op < graph.size(); ++op) {
      queues_[slot(op)].to_come += graph.cycles(op);
    }
  }

  Cycle run() {
    // The bound never falls, so that it need not be looked at every time.
    for (unsigned round = 0; next_ < order_.size() || working_ != 0; ++round) {
      if (round % 8 == 0 && least() >= limit_) {
        break;
      }
      post();
      advance();
    }
    return Cycle{static_cast<std::uint64_t>(least())};
  }

 private:
  /// A queue's operations from the one that is running; at most kDeepest of them are posted.
  struct Queue {
    static constexpr unsigned kDeepest = 16;
    std::array<std::uint32_t, kDeepest> posted{};
    unsigned first = 0, count = 0;
    double left = 0;     ///< cycles of the running one
    double to_come = 0;  ///< cycles of those that have not started

    std::uint32_t running() const { return posted[first]; }
    void push(std::uint32_t op) { posted[(first + count++) % kDeepest] = op; }
    void pop() {
      first = (first + 1) % kDeepest;
      --count;
    }
  };

  /// A queue of its own, or both directions of the DMA in one.
  unsigned slot(std::uint32_t op) const {
    const unsigned queue = graph_.queue(op);
    return one_dma_ && queue == kOutwards ? queue_of(TaskUnit::kDma) : queue;
  }

  /// Cycles below which the step cannot be over: no queue works faster than alone.
  double least() const {
    double most = 0;
    for (const Queue& queue : queues_) {
      most = std::max(most, queue.left + queue.to_come);
    }
    return now_ + most;
  }

  bool blocked(std::uint32_t op) {
    const auto foreign = graph_.foreign(op);
    for (; checked_ < foreign.size(); ++checked_) {  // what is over stays over
      if (over_[foreign[checked_]] == 0) {
        return true;
      }
    }
    const unsigned waiting = queues_[slot(op)].count;
    switch (graph_.queue(op)) {
      case kRedmule:
        return waiting >= 2;
      case kCores:
        return waiting >= 7;
      case kSocDma:
        return waiting >= 4;
      default:
        return waiting >= (one_dma_ ? Queue::kDeepest : 2u);
    }
  }

  /// Cycles for the waits that the task list has in front of an operation.
  double looks(std::uint32_t op) {
    std::array<std::uint32_t, kUnits> needed{};
    for (const std::uint32_t before : graph_.foreign(op)) {
      if (!graph_.probe(before)) {
        std::uint32_t& most = needed[unit_of(graph_.queue(before))];
        most = std::max(most, number_[before]);
      }
    }
    double cycles = 0;
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      if (needed[unit] > waited_[unit]) {
        waited_[unit] = needed[unit];
        cycles += look_[unit];
      }
    }
    number_[op] = ++posted_[unit_of(graph_.queue(op))];
    return cycles;
  }

  void post() {
    while (next_ < order_.size() && now_ >= controller_) {
      const std::uint32_t op = order_[next_];
      if (blocked(op)) {
        held_ = true;
        return;
      }
      ++next_;
      checked_ = 0;
      if (graph_.probe(op)) {
        over_[op] = 1;
        continue;
      }
      const unsigned queue = graph_.queue(op);
      const double cost = queue == kCores     ? costs_.post_kernel
                          : queue == kRedmule ? costs_.post_job
                                              : costs_.post_transfer;
      controller_ = now_ + cost + looks(op) + (held_ ? costs_.wake : 0);
      held_ = false;
      Queue& into = queues_[slot(op)];
      into.push(op);
      if (into.count == 1) {
        ++working_;
        start(into);
      }
    }
  }

  void start(Queue& queue) {
    queue.left = graph_.cycles(queue.running());
    queue.to_come -= queue.left;
  }

  void advance() {
    constexpr double kFar = std::numeric_limits<double>::max();
    const Queue& array = queues_[kRedmule];
    const double share = array.count == 0 ? 0 : graph_.port_share(array.running());
    const bool cores_work = queues_[kCores].count != 0;
    double next = next_ < order_.size() && controller_ > now_ ? controller_ : kFar;
    const std::array<double, kQueues>& speed = speeds_.beside(costs_, share, cores_work);
    for (unsigned q = 0; q < kQueues; ++q) {
      if (queues_[q].count != 0) {
        next =
            std::min(next, now_ + (speed[q] == 1 ? queues_[q].left : queues_[q].left / speed[q]));
      }
    }
    if (next == kFar) {
      return;
    }
    const double passed = next - now_;
    now_ = next;
    for (unsigned q = 0; q < kQueues; ++q) {
      Queue& queue = queues_[q];
      if (queue.count == 0) {
        continue;
      }
      queue.left -= passed * speed[q];
      if (queue.left < 1e-6) {
        over_[queue.running()] = 1;
        queue.pop();
        queue.left = 0;
        if (queue.count == 0) {
          --working_;
        } else {
          start(queue);
        }
      }
    }
  }

  const StepGraph& graph_;
  const UnitCosts& costs_;
  /// To look whether a unit is far enough.
  const std::array<double, kUnits> look_{costs_.look_cores, costs_.look_redmule, costs_.look_dma,
                                         costs_.look_soc_dma};
  const std::vector<std::uint32_t>& order_;
  bool one_dma_;
  double limit_;
  std::vector<std::uint8_t> over_;
  std::vector<std::uint32_t> number_;  ///< of each operation on its unit, from 1
  std::array<std::uint32_t, kUnits> posted_{}, waited_{};
  std::array<Queue, kQueues> queues_;
  QueueSpeeds speeds_;
  unsigned working_ = 0;  ///< queues that are not empty
  std::size_t next_ = 0;
  std::size_t checked_ = 0;  ///< dependences of the next operation that are over
  double now_ = 0;
  double controller_ = 0;  ///< when it may post again
  bool held_ = false;
};

}  // namespace

Cycle replay_cycles(const StepGraph& graph, const std::vector<std::uint32_t>& order, bool one_dma,
                    Cycle limit) {
  return Replay(graph, order, one_dma, limit).run();
}

}  // namespace etude::compiler
