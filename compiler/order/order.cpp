// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/order.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>

#include "compiler/order/controller_model.h"

namespace etude {

unsigned queue_of(const PlanOp& op) {
  if (op.probe >= 0) {
    return kProbeQueue;
  }
  const Transfer* transfer = op.as<Transfer>();
  return transfer != nullptr && !transfer->to_l1 ? kUnits : static_cast<unsigned>(op.unit());
}

std::vector<std::vector<std::uint32_t>> find_dependences(const std::vector<PlanOp>& ops) {
  struct Earlier {
    std::uint32_t op;
    Access access;
  };
  std::array<std::vector<Earlier>, 3> seen;  // by space
  std::vector<std::vector<std::uint32_t>> dependences(ops.size());
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    auto& mine = dependences[i];
    for (const Access& access : ops[i].accesses) {
      for (const Earlier& other : seen[static_cast<unsigned>(access.space)]) {
        if ((access.write || other.access.write) && overlaps(access, other.access)) {
          mine.push_back(other.op);
        }
      }
    }
    std::ranges::sort(mine);
    mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
    for (const Access& access : ops[i].accesses) {
      auto& list = seen[static_cast<unsigned>(access.space)];
      const bool dense = access.rows == 1 || access.row_bytes == access.pitch;
      if (access.write && dense) {  // whoever touches these bytes later waits for this write
        std::erase_if(list, [&](const Earlier& other) {
          return other.access.address >= access.address && other.access.end() <= access.end();
        });
      }
    }
    for (const Access& access : ops[i].accesses) {
      seen[static_cast<unsigned>(access.space)].push_back({i, access});
    }
  }
  return dependences;
}

namespace {

/// Every queue works on one operation at a time. RedMulE's wide port takes all banks of L1 for a
/// part of its cycles; DMA and cores advance in the rest.
class Timeline {
 public:
  Timeline(const std::vector<PlanOp>& ops,
           const std::vector<std::vector<std::uint32_t>>& dependences, bool one_dma,
           const PostRules& rules)
      : rules_(rules),
        ops_(ops),
        dependences_(dependences),
        one_dma_(one_dma),
        dependants_(ops.size()),
        missing_(ops.size()) {
    finish_.resize(ops.size());
    post_.resize(ops.size());
    for (std::uint32_t i = 0; i < ops.size(); ++i) {
      missing_[i] = static_cast<std::uint32_t>(dependences[i].size());
      for (std::uint32_t before : dependences[i]) {
        dependants_[before].push_back(i);
      }
      if (missing_[i] == 0) {
        make_ready(i);
      }
    }
  }

  PostOrder run() {
    PostOrder result;
    while (result.order.size() < ops_.size()) {
      start_ready(result.order);
      advance();
    }
    std::ranges::stable_sort(result.order, {}, [&](std::uint32_t i) { return post_[i]; });
    result.cycles = static_cast<std::uint64_t>(last_);
    return result;
  }

 private:
  struct Queue {
    std::set<std::uint32_t> ready;                      ///< may start now
    std::set<std::pair<double, std::uint32_t>> coming;  ///< may start later
    std::optional<std::uint32_t> running;
    double left = 0;  ///< cycles of its own
    double last_start = 0;
  };

  void make_ready(std::uint32_t i) {
    double when = 0, foreign = 0;
    for (std::uint32_t before : dependences_[i]) {
      const bool other = queue_of(ops_[before]) != queue_of(ops_[i]);
      when = std::max(when, finish_[before] + (other ? rules_.hand_over : 0));
      foreign = std::max(foreign, other ? finish_[before] : 0);
    }
    post_[i] = foreign;
    queues_[queue_of(ops_[i])].coming.insert({when, i});
  }

  void finish(std::uint32_t i) {
    finish_[i] = now_;
    last_ = std::max(last_, now_);
    for (std::uint32_t next : dependants_[i]) {
      if (--missing_[next] == 0) {
        make_ready(next);
      }
    }
  }

  void start_ready(std::vector<std::uint32_t>& order) {
    bool again = true;
    while (again) {  // a probe is over at once, and may let others start
      again = false;
      for (unsigned q = 0; q < kQueues; ++q) {
        Queue& queue = queues_[q];
        while (!queue.coming.empty() && queue.coming.begin()->first <= now_) {
          queue.ready.insert(queue.coming.begin()->second);
          queue.coming.erase(queue.coming.begin());
        }
        const bool other_way =
            one_dma_ && (q == queue_of(TaskUnit::kDma) || q == kOutwards) &&
            queues_[q == kOutwards ? queue_of(TaskUnit::kDma) : kOutwards].running;
        if (queue.running || other_way || queue.ready.empty()) {
          continue;
        }
        const std::uint32_t pick = *queue.ready.begin();  // program order
        queue.ready.erase(queue.ready.begin());
        start(q, pick);
        order.push_back(pick);
        if (ops_[pick].cycles == 0) {
          queue.running.reset();
          finish(pick);
          again = true;
        }
      }
    }
  }

  void start(unsigned q, std::uint32_t pick) {
    Queue& queue = queues_[q];
    // Two operations fit into a queue: one runs, one waits. The cluster DMA blocks who programs it
    // until the transfer before is nearly over, so it is not programmed much before its turn.
    const bool dma = q == queue_of(TaskUnit::kDma) || q == kOutwards;
    const double earliest = dma ? std::max(0.0, now_ - rules_.dma_lead) : queue.last_start;
    post_[pick] = std::max(post_[pick], earliest);
    queue.last_start = now_;
    queue.running = pick;
    queue.left = static_cast<double>(ops_[pick].cycles);
  }

  double rate(unsigned q) const {
    const auto& array = queues_[queue_of(TaskUnit::kRedmule)].running;
    const double taken = array ? ops_[*array].port_share : 0;
    return speed_beside_redmule(q, taken, queues_[queue_of(TaskUnit::kCores)].running.has_value());
  }

  void advance() {
    constexpr double kFar = std::numeric_limits<double>::max();
    double next = kFar;
    std::array<double, kQueues> rates{};
    for (unsigned q = 0; q < kQueues; ++q) {
      const Queue& queue = queues_[q];
      rates[q] = rate(q);
      if (queue.running) {
        next = std::min(next, now_ + queue.left / rates[q]);
      } else if (!queue.coming.empty()) {
        next = std::min(next, queue.coming.begin()->first);
      }
    }
    if (next == kFar) {
      return;  // everything is over
    }
    const double passed = std::max(0.0, next - now_);
    now_ = next;
    for (unsigned q = 0; q < kQueues; ++q) {
      Queue& queue = queues_[q];
      if (!queue.running) {
        continue;
      }
      queue.left -= passed * rates[q];
      if (queue.left < 1e-6) {
        const std::uint32_t over = *queue.running;
        queue.running.reset();
        finish(over);
      }
    }
  }

  PostRules rules_;
  const std::vector<PlanOp>& ops_;
  const std::vector<std::vector<std::uint32_t>>& dependences_;
  bool one_dma_;
  std::vector<std::vector<std::uint32_t>> dependants_;
  std::vector<std::uint32_t> missing_;
  std::vector<double> finish_, post_;
  std::array<Queue, kQueues> queues_;
  double now_ = 0;
  double last_ = 0;
};

}  // namespace

PostOrder schedule_operations(const std::vector<PlanOp>& ops,
                              const std::vector<std::vector<std::uint32_t>>& dependences,
                              bool one_dma, const PostRules& rules) {
  return Timeline(ops, dependences, one_dma, rules).run();
}

PostOrder best_order(const std::vector<PlanOp>& ops,
                     const std::vector<std::vector<std::uint32_t>>& dependences, bool one_dma) {
  PostOrder best;
  for (const double hand_over : {100.0, 300.0, 800.0}) {
    for (const double dma_lead : {0.0, 300.0, 1500.0}) {
      PostOrder other = schedule_operations(ops, dependences, one_dma, {hand_over, dma_lead});
      other.cycles = replay_cycles(ops, dependences, other.order, one_dma);
      if (best.order.empty() || other.cycles < best.cycles) {
        best = std::move(other);
      }
    }
  }
  return best;
}

}  // namespace etude
