// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/order.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "compiler/order/controller_model.h"

namespace etude::compiler {

namespace {

/// A heap with the smallest on top.
template <class Value>
class Smallest {
 public:
  bool empty() const { return values_.empty(); }
  const Value& top() const { return values_.front(); }
  void push(Value value) {
    values_.push_back(value);
    std::push_heap(values_.begin(), values_.end(), std::greater<>());
  }
  void pop() {
    std::pop_heap(values_.begin(), values_.end(), std::greater<>());
    values_.pop_back();
  }

 private:
  std::vector<Value> values_;
};

/// Every queue works on one operation at a time. RedMulE's wide port takes all banks of L1 for a
/// part of its cycles; DMA and cores advance in the rest.
class Timeline {
 public:
  Timeline(const StepGraph& graph, bool one_dma, double hand_over)
      : hand_over_(hand_over),
        graph_(graph),
        one_dma_(one_dma),
        missing_(graph.size()),
        ready_(graph.size(), 0),
        foreign_(graph.size(), 0),
        earliest_(graph.size(), 0) {
    started_.reserve(graph.size());
    for (std::uint32_t op = 0; op < graph.size(); ++op) {
      missing_[op] = graph.waits(op);
      if (missing_[op] == 0) {
        make_ready(op);
      }
    }
    while (finished_ < graph.size()) {
      start_ready();
      advance();
    }
  }

  /// The order of posting if transfers are programmed `dma_lead` cycles ahead. The cluster DMA
  /// blocks who programs it until the transfer before is nearly over, so it is not programmed much
  /// before its turn; of other operations two fit into a queue: one runs, one waits.
  PostOrder posted(double dma_lead) const {
    struct Post {
      double when;
      std::uint32_t op;
    };
    std::vector<Post> posts;
    posts.reserve(started_.size());
    std::vector<double> when(started_.size());
    for (const std::uint32_t op : started_) {
      const double earliest =
          is_dma(graph_.queue(op)) ? std::max(0.0, earliest_[op] - dma_lead) : earliest_[op];
      when[op] = std::max(foreign_[op], earliest);
      for (const std::uint32_t before : graph_.own(op)) {  // its queue works in order
        when[op] = std::max(when[op], when[before]);
      }
      posts.push_back({when[op], op});
    }
    std::ranges::stable_sort(posts, {}, &Post::when);
    PostOrder result;
    result.order.reserve(posts.size());
    for (const Post& post : posts) {
      result.order.push_back(post.op);
    }
    result.cycles = Cycle{static_cast<std::uint64_t>(now_)};
    return result;
  }

 private:
  static constexpr std::uint32_t kNone = ~0u;
  struct Queue {
    Smallest<std::uint32_t> ready;                      ///< may start now, in program order
    Smallest<std::pair<double, std::uint32_t>> coming;  ///< may start later
    std::uint32_t running = kNone;
    double left = 0;  ///< cycles of its own
    double last_start = 0;
  };

  bool runs(unsigned q) const { return queues_[q].running != kNone; }

  void make_ready(std::uint32_t op) {
    Queue& queue = queues_[graph_.queue(op)];
    if (ready_[op] <= now_) {
      queue.ready.push(op);
    } else {
      queue.coming.push({ready_[op], op});
    }
  }

  void finish(std::uint32_t op) {
    ++finished_;
    const unsigned queue = graph_.queue(op);
    for (const std::uint32_t next : graph_.dependants(op)) {
      const bool other = graph_.queue(next) != queue;
      ready_[next] = std::max(ready_[next], now_ + (other ? hand_over_ : 0));
      foreign_[next] = std::max(foreign_[next], other ? now_ : 0);
      if (--missing_[next] == 0) {
        make_ready(next);
      }
    }
  }

  void start_ready() {
    bool again = true;
    while (again) {  // a probe is over at once, and may let others start
      again = false;
      for (unsigned q = 0; q < kQueues; ++q) {
        Queue& queue = queues_[q];
        while (!queue.coming.empty() && queue.coming.top().first <= now_) {
          queue.ready.push(queue.coming.top().second);
          queue.coming.pop();
        }
        const bool other_way =
            one_dma_ && is_dma(q) && runs(q == kOutwards ? queue_of(TaskUnit::kDma) : kOutwards);
        if (runs(q) || other_way || queue.ready.empty()) {
          continue;
        }
        const std::uint32_t pick = queue.ready.top();
        queue.ready.pop();
        earliest_[pick] = is_dma(q) ? now_ : queue.last_start;
        started_.push_back(pick);
        queue.last_start = now_;
        if (graph_.cycles(pick) == 0) {
          finish(pick);
          again = true;
        } else {
          queue.running = pick;
          queue.left = graph_.cycles(pick);
        }
      }
    }
  }

  void advance() {
    constexpr double kFar = std::numeric_limits<double>::max();
    const std::uint32_t array = queues_[queue_of(TaskUnit::kRedmule)].running;
    const double share = array != kNone ? graph_.port_share(array) : 0;
    const bool cores_work = runs(queue_of(TaskUnit::kCores));
    double next = kFar;
    const std::array<double, kQueues>& rates = speeds_.beside(graph_.costs(), share, cores_work);
    for (unsigned q = 0; q < kQueues; ++q) {
      const Queue& queue = queues_[q];
      if (runs(q)) {
        next = std::min(next, now_ + (rates[q] == 1 ? queue.left : queue.left / rates[q]));
      } else if (!queue.coming.empty()) {
        next = std::min(next, queue.coming.top().first);
      }
    }
    if (next == kFar) {
      return;  // everything is over
    }
    const double passed = std::max(0.0, next - now_);
    now_ = next;
    for (unsigned q = 0; q < kQueues; ++q) {
      Queue& queue = queues_[q];
      if (!runs(q)) {
        continue;
      }
      queue.left -= passed * rates[q];
      if (queue.left < 1e-6) {
        const std::uint32_t over = queue.running;
        queue.running = kNone;
        finish(over);
      }
    }
  }

  double hand_over_;
  const StepGraph& graph_;
  bool one_dma_;
  std::vector<std::uint32_t> missing_;  ///< dependences that are not over yet
  std::vector<double> ready_;           ///< when it may start, as far as is known
  std::vector<double> foreign_;         ///< last end of what it waits for in other queues
  std::vector<double> earliest_;        ///< of its posting: for transfers without the lead
  std::vector<std::uint32_t> started_;  ///< in the order of their start
  std::array<Queue, kQueues> queues_;
  QueueSpeeds speeds_;
  double now_ = 0;
  std::uint32_t finished_ = 0;
};

}  // namespace

PostOrder schedule_operations(const StepGraph& graph, bool one_dma, const PostRules& rules) {
  return Timeline(graph, one_dma, rules.hand_over).posted(rules.dma_lead);
}

PostOrder best_order(const StepGraph& graph, bool one_dma, Cycle limit) {
  PostOrder best;
  best.cycles = limit;
  std::vector<std::vector<std::uint32_t>> tried;
  for (const double hand_over : {100.0, 300.0, 800.0}) {
    const Timeline timeline(graph, one_dma, hand_over);
    for (const double dma_lead : {0.0, 300.0, 1500.0}) {
      PostOrder other = timeline.posted(dma_lead);
      if (std::ranges::find(tried, other.order) != tried.end()) {
        continue;
      }
      other.cycles = replay_cycles(graph, other.order, one_dma, best.cycles);
      tried.push_back(other.order);
      if (other.cycles < best.cycles) {
        best = std::move(other);
      }
    }
  }
  return best;
}

}  // namespace etude::compiler
