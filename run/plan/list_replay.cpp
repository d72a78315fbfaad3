// SPDX-License-Identifier: Apache-2.0
#include "run/plan/list_replay.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "kernels/include/etude_task.h"

namespace etude::run {
namespace {

constexpr double kChunk = 90;  ///< of the DMA, to bring the next operations of the list
// Speeds, observed over the same steps: of the accesses of cores, the part that a beat of the wide
// port holds up; of the beats of a transfer, the part that it holds up, and the part that cores
// hold up if each has two banks.
constexpr double kCoresHeldUp = 0.8, kTransfersHeldUp = 0.93, kConflicts = 0.17;
constexpr double kLeastSpeed = 0.1;

/// A queue of its own for each unit, and for what the cluster DMA takes out of L1.
constexpr unsigned kOutwards = kUnits;
constexpr unsigned kQueues = kUnits + 1;
constexpr unsigned queue_of(TaskUnit unit) { return static_cast<unsigned>(unit); }
constexpr unsigned kCores = queue_of(TaskUnit::kCores), kRedmule = queue_of(TaskUnit::kRedmule);
constexpr unsigned kDma = queue_of(TaskUnit::kDma), kSocDma = queue_of(TaskUnit::kSocDma);
constexpr TaskUnit unit_of(unsigned queue) {
  return queue == kOutwards ? TaskUnit::kDma : static_cast<TaskUnit>(queue);
}

/// Part of L1's banks that a beat of the wide port takes.
double banks_of_port(const ClusterConfig& cluster) {
  return std::min(1.0,
                  cluster.redmule.port_bytes() / 4.0 / static_cast<double>(cluster.tcdm.banks));
}

class ListReplay {
 public:
  ListReplay(const TaskList& tasks, const ListTimes& times, const ClusterConfig& cluster)
      : tasks_(tasks),
        times_(times),
        cluster_(cluster),
        one_dma_(cluster.dma.engine == DmaConfig::Engine::kIdma) {}

  double run(std::vector<double>* taken_up, std::vector<double>* done,
             std::vector<double>* held_up) {
    const auto count = static_cast<std::uint32_t>(tasks_.operations.size());
    ended_ = done;
    held_up_ = held_up;
    if (held_up != nullptr) {
      held_up->assign(count, 0);
    }
    if (done != nullptr) {
      done->assign(count, 0);
    }
    pass(times_.work.start);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i % ETUDE_RING_CHUNK_OPS == 0) {
        enter_chunk(i / ETUDE_RING_CHUNK_OPS, (count - 1) / ETUDE_RING_CHUNK_OPS + 1);
      }
      const Operation& operation = tasks_.operations[i];
      if (taken_up != nullptr) {
        taken_up->push_back(now_);
      }
      if (const auto* wait = operation.as<Wait>()) {
        const unsigned unit = queue_of(wait->unit);
        const bool waited = until([&] { return done_[unit] >= wait->count; });
        pass(waited ? times_.work.woken[unit] : times_.work.seen[unit]);
      } else if (operation.posted()) {
        post(i, operation);
      }
    }
    while (working()) {
      step(kFar);
    }
    return now_;
  }

 private:
  static constexpr double kFar = std::numeric_limits<double>::max();
  struct Work {
    double left = 0;
    double port_share = 0;
    std::uint32_t transfer = 0;  ///< of the cluster DMA: its number
    std::uint32_t operation = kNoOperation;
  };
  struct PostedTransfer {
    bool of_list = false;  ///< it brings the list, and counts for nobody's wait
    bool done = false;
  };

  unsigned queue_of_operation(const Operation& operation) const {
    const auto* transfer = operation.as<Transfer>();
    return transfer != nullptr && !transfer->to_l1 && !one_dma_ ? kOutwards
                                                                : queue_of(operation.unit());
  }

  std::uint32_t at_work(unsigned queue) const {
    return queues_[queue].empty() ? kNoOperation : queues_[queue].front().operation;
  }

  /// Of what is in front of each queue.
  std::array<double, kQueues> speeds() const {
    std::array<double, kQueues> speed{};
    if (times_.beside) {
      const unsigned transfers =
          (queues_[kDma].empty() ? 0u : 1u) + (queues_[kOutwards].empty() ? 0u : 1u);
      const UnitSpeeds of = times_.beside(at_work(kCores), at_work(kRedmule), transfers);
      speed.fill(1);
      speed[kCores] = of.cores;
      speed[kRedmule] = of.redmule;
      speed[kDma] = speed[kOutwards] = of.dma;
      return speed;
    }
    const double share = queues_[kRedmule].empty() ? 0 : queues_[kRedmule].front().port_share;
    for (unsigned q = 0; q < kQueues; ++q) {
      speed[q] = speed_beside(unit_of(q), share, !queues_[kCores].empty(), cluster_);
    }
    return speed;
  }

  bool working() const {
    return std::ranges::any_of(queues_, [](const auto& queue) { return !queue.empty(); });
  }

  /// Units go on until one of them is done with something, or until `limit`.
  void step(double limit) {
    const std::array<double, kQueues> speed = speeds();
    double next = limit;
    for (unsigned q = 0; q < kQueues; ++q) {
      if (!queues_[q].empty()) {
        next = std::min(next, now_ + queues_[q].front().left / speed[q]);
      }
    }
    const double passed = next - now_;
    now_ = next;
    for (unsigned q = 0; q < kQueues; ++q) {
      if (queues_[q].empty()) {
        continue;
      }
      Work& work = queues_[q].front();
      work.left -= passed * speed[q];
      if (held_up_ != nullptr && q == kCores) {
        (*held_up_)[work.operation] += passed * (1 - speed[q]);
      }
      if (work.left < 1e-6) {
        if (ended_ != nullptr && work.operation != kNoOperation) {
          (*ended_)[work.operation] = now_;
        }
        finish(q, work.transfer);
        queues_[q].pop_front();
      }
    }
  }

  void finish(unsigned queue, std::uint32_t transfer) {
    if (queue != kDma && queue != kOutwards) {
      ++done_[queue];
      return;
    }
    transfers_[transfer].done = true;
    for (; retired_ < transfers_.size() && transfers_[retired_].done; ++retired_) {
      ++(transfers_[retired_].of_list ? chunks_there_ : done_[kDma]);
    }
  }

  /// The controller works for so long.
  void pass(double cycles) {
    const double end = now_ + cycles * times_.controller;
    while (now_ < end) {
      step(end);
    }
  }

  /// The controller waits for something; false if it need not.
  template <class Condition>
  bool until(const Condition& condition) {
    bool waited = false;
    while (!condition()) {
      if (!working()) {
        throw std::logic_error("a task list waits for what nobody does");
      }
      step(kFar);
      waited = true;
    }
    return waited;
  }

  void wait_for_room(unsigned queue) {
    if (until([&] { return queues_[queue].size() < queue_room(unit_of(queue), cluster_); })) {
      pass(times_.work.full);
    }
  }

  void post(std::uint32_t i, const Operation& operation) {
    const unsigned queue = queue_of_operation(operation);
    wait_for_room(queue);
    const ControllerWork& work = times_.work;
    pass(queue == kCores     ? work.kernel
         : queue == kRedmule ? work.job
         : queue == kSocDma  ? work.page
                             : work.transfer * times_.transfers);
    if (!times_.refetch.empty()) {
      pass(times_.refetch[i]);
    }
    const bool behind = !times_.behind.empty() && !queues_[queue].empty();
    add(queue, behind ? times_.behind[i] : times_.alone[i], times_.port_share[i], false);
    queues_[queue].back().operation = i;
    kernels_posted_ += queue == kCores ? 1 : 0;
    if (queue == kCores && !cluster_.controller) {  // core 0 runs it itself
      until([&] { return queues_[kCores].empty(); });
    }
  }

  void add(unsigned queue, double cycles, double port_share, bool of_list) {
    queues_[queue].push_back({std::max(cycles, 1.0), port_share,
                              static_cast<std::uint32_t>(transfers_.size()), kNoOperation});
    if (queue == kDma || queue == kOutwards) {
      transfers_.push_back({of_list, false});
    }
  }

  /// The list comes in chunks through a ring: those ahead are asked for where the kernels that read
  /// their arguments there are done, and this one must be there.
  void enter_chunk(std::uint32_t chunk, std::uint32_t chunks) {
    kernels_until_.push_back(kernels_posted_);  // [c]: posted before chunk c
    const auto free = [&] {
      return !times_.work.ring_waits || chunks_asked_ < ETUDE_RING_CHUNKS ||
             done_[kCores] >= kernels_until_[chunks_asked_ - ETUDE_RING_CHUNKS + 1];
    };
    for (; chunks_asked_ < std::min(chunk + ETUDE_RING_CHUNKS, chunks); ++chunks_asked_) {
      if (chunks_asked_ <= chunk) {
        until(free);
      } else if (!free()) {
        break;
      }
      wait_for_room(kDma);
      pass(times_.work.fetch);
      add(kDma, kChunk, 0, true);
    }
    if (until([&] { return chunks_there_ > chunk; })) {
      pass(times_.work.list_late);
    }
  }

  const TaskList& tasks_;
  const ListTimes& times_;
  const ClusterConfig& cluster_;
  bool one_dma_;
  double now_ = 0;
  std::array<std::deque<Work>, kQueues> queues_;
  std::array<std::uint32_t, kUnits> done_{};
  std::vector<PostedTransfer> transfers_;  ///< of the cluster DMA, in the order of their posting
  std::size_t retired_ = 0;                ///< of them, seen to be over
  std::uint32_t chunks_asked_ = 0, chunks_there_ = 0;
  // Of each operation, if somebody asks.
  std::vector<double>*ended_ = nullptr, *held_up_ = nullptr;
  std::uint32_t kernels_posted_ = 0;
  std::vector<std::uint32_t> kernels_until_;
};

}  // namespace

double speed_beside(TaskUnit unit, double port_share, bool cores_work,
                    const ClusterConfig& cluster) {
  port_share *= banks_of_port(cluster);
  if (unit == TaskUnit::kCores) {
    return std::max(kLeastSpeed, 1 - kCoresHeldUp * port_share);
  }
  if (unit != TaskUnit::kDma) {
    return 1;
  }
  const double cores = 2.0 * cluster.cores / static_cast<double>(cluster.tcdm.banks);
  return std::max(kLeastSpeed, 1 - kTransfersHeldUp * port_share) *
         (cores_work ? std::max(0.5, 1 - kConflicts * cores) : 1);
}

double replay_list(const TaskList& tasks, const ListTimes& times, const ClusterConfig& cluster,
                   std::vector<double>* taken_up, std::vector<double>* done,
                   std::vector<double>* held_up) {
  return ListReplay(tasks, times, cluster).run(taken_up, done, held_up);
}

}  // namespace etude::run
