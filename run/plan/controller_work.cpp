// SPDX-License-Identifier: Apache-2.0
#include "run/plan/controller_work.h"

#include <algorithm>
#include <deque>

#include "kernels/include/etude_task.h"

namespace etude::run {
namespace {

/// Fewer operations of a kind say little of the next one.
constexpr unsigned kEnough = 3;

struct Mean {
  double sum = 0;
  unsigned count = 0;
  void add(double cycles) {
    sum += std::max(0.0, cycles);
    ++count;
  }
  void to(double& value) const {
    if (count >= kEnough) {
      value = sum / count;
    }
  }
};

void to_middle(std::vector<double>& all, double& value) {
  if (all.size() >= kEnough) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::ranges::nth_element(all, middle);
    value = *middle;
  }
}

/// Goes through the operations in the order of the list, and knows who is still at work.
class Watch {
 public:
  Watch(const Program& program, const std::vector<OperationSpan>& spans,
        const ClusterConfig& cluster)
      : operations_(program.tasks.operations), spans_(spans), cluster_(cluster) {}

  ControllerWork work() {
    for (std::size_t i = 0; i + 1 < spans_.size(); ++i) {
      see(i);
    }
    ControllerWork work;
    work.ring_waits = true;
    post_[0].to(work.kernel);
    post_[1].to(work.job);
    post_[2].to(work.transfer);
    to_middle(pages_, work.page);  // nobody sees when their queue is full
    if (!cluster_.controller) {
      work.kernel = 0;  // a part of its kernel's cycles
    }
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      seen_[unit].to(work.seen[unit]);
      woken_[unit].to(work.woken[unit]);
    }
    for (const auto& [i, cycles] : first_of_chunk_) {
      if (i != 0 && operations_[i].posted()) {
        fetches_.push_back(std::max(0.0, cycles - of_post(operations_[i], work)));
      }
    }
    to_middle(fetches_, work.fetch);  // some wait for the list itself
    if (!first_of_chunk_.empty() && operations_[0].posted()) {
      work.start = std::max(0.0, first_of_chunk_.front().second - of_post(operations_[0], work) -
                                     ETUDE_RING_CHUNKS * work.fetch);
    }
    return work;
  }

 private:
  static double cycles(Cycle when) { return static_cast<double>(when.raw()); }

  static double of_post(const Operation& operation, const ControllerWork& work) {
    switch (operation.unit()) {
      case TaskUnit::kCores:
        return work.kernel;
      case TaskUnit::kRedmule:
        return work.job;
      case TaskUnit::kDma:
        return work.transfer;
      case TaskUnit::kSocDma:
        break;
    }
    return work.page;
  }

  /// A queue of its own for what MCHAN takes out of L1.
  std::size_t queue_of(const Operation& operation) const {
    const auto* transfer = operation.as<Transfer>();
    const bool out =
        transfer != nullptr && !transfer->to_l1 && cluster_.dma.engine != DmaConfig::Engine::kIdma;
    return out ? kUnits : static_cast<std::size_t>(operation.unit());
  }

  void see(std::size_t i) {
    const double now = cycles(spans_[i].taken_up), next = cycles(spans_[i + 1].taken_up);
    const Operation& operation = operations_[i];
    const bool plain = i % ETUDE_RING_CHUNK_OPS != 0;
    if (const auto* wait = operation.as<Wait>()) {
      const auto unit = static_cast<std::size_t>(wait->unit);
      if (plain && wait->count > 0 && wait->count <= done_[unit].size()) {
        const double end = done_[unit][wait->count - 1];
        end <= now ? seen_[unit].add(next - now) : woken_[unit].add(next - end);
      }
      return;
    }
    if (!operation.posted()) {
      return;
    }
    if (operation.unit() == TaskUnit::kSocDma) {
      if (plain) {
        pages_.push_back(next - now);
      }
      return;
    }
    const bool kernel_here = operation.unit() == TaskUnit::kCores && !cluster_.controller;
    auto& ends = working_[queue_of(operation)];
    while (!ends.empty() && ends.front() <= now) {
      ends.pop_front();
    }
    if (ends.size() < queue_room(operation.unit(), cluster_) && !kernel_here) {
      if (plain) {
        post_[static_cast<std::size_t>(operation.unit())].add(next - now);
      } else {
        first_of_chunk_.emplace_back(i, next - now);
      }
    }
    const double end = cycles(spans_[i].end);
    ends.push_back(end);
    auto& done = done_[static_cast<std::size_t>(operation.unit())];
    done.push_back(done.empty() ? end : std::max(done.back(), end));
  }

  const std::vector<Operation>& operations_;
  const std::vector<OperationSpan>& spans_;
  const ClusterConfig& cluster_;
  std::array<std::deque<double>, kUnits + 1> working_;  ///< ends of what was posted
  /// By unit: when so many had been done, one after the other.
  std::array<std::vector<double>, kUnits> done_;
  std::array<Mean, 3> post_;
  std::vector<double> pages_;
  std::array<Mean, kUnits> seen_, woken_;
  std::vector<std::pair<std::size_t, double>> first_of_chunk_;
  std::vector<double> fetches_;
};

}  // namespace

unsigned queue_room(TaskUnit unit, const ClusterConfig& cluster) {
  switch (unit) {
    case TaskUnit::kCores:
      return 7;
    case TaskUnit::kRedmule:
      return 2;
    case TaskUnit::kDma:
      return cluster.dma.engine == DmaConfig::Engine::kIdma ? 12 : 2;
    case TaskUnit::kSocDma:
      break;
  }
  return 4;
}

ControllerWork measured_work(const Program& program, const std::vector<OperationSpan>& spans,
                             const ClusterConfig& cluster) {
  return Watch(program, spans, cluster).work();
}

}  // namespace etude::run
