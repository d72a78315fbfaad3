// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l1_occupancy.h"

#include <algorithm>
#include <map>
#include <set>

namespace etude::run {
namespace {

/// Bytes in at least one of the ranges, which are in order of their addresses.
std::uint64_t covered(const std::multiset<std::pair<std::uint64_t, std::uint64_t>>& ranges) {
  std::uint64_t bytes = 0;
  std::uint64_t end = 0;
  for (const auto& [from, to] : ranges) {
    const std::uint64_t begin = std::max(from, end);
    bytes += to > begin ? to - begin : 0;
    end = std::max(end, to);
  }
  return bytes;
}

class Occupancy {
 public:
  Occupancy(const Program& program, const Timeline& timeline)
      : program_(program), transfers_(timeline.transfers), timeline_(timeline) {
    std::ranges::stable_sort(transfers_, {}, &TraceTransfer::launched);
  }

  void add_step(const StepRecord& step, std::size_t number) {
    begin_of_.assign(program_.tasks.operations.size(), Cycle{0});
    end_of_ = begin_of_;
    for (const OpSegment& segment : step.segments) {
      if (end_of_.at(segment.op) == Cycle{0}) {
        begin_of_[segment.op] = step.begin + segment.begin;
      }
      end_of_[segment.op] = step.begin + segment.end;
    }
    static const std::vector<Cycle> kNone;
    const auto& done = number < timeline_.op_done.size() ? timeline_.op_done[number] : kNone;
    struct Change {
      std::vector<const L1Buffer*> comes, goes;
    };
    std::map<Cycle, Change> changes;
    for (const L1Buffer& buffer : program_.l1_buffers) {
      Cycle until{0};
      for (const std::uint32_t op : buffer.last_ops) {
        const Cycle of_unit = op < done.size() ? done[op] : Cycle{0};
        until = std::max(until, of_unit == Cycle{0} ? last_transfer(buffer, op) : of_unit);
      }
      const Cycle from = begin_of_.at(buffer.first_op);
      if (until > from) {
        changes[from].comes.push_back(&buffer);
        changes[until].goes.push_back(&buffer);
      }
    }
    std::multiset<std::pair<std::uint64_t, std::uint64_t>> alive;
    const auto range = [](const L1Buffer& b) {
      return std::pair<std::uint64_t, std::uint64_t>{b.address.raw(),
                                                     b.address.raw() + b.bytes.raw()};
    };
    set(step.begin, 0);
    for (const auto& [when, change] : changes) {
      for (const L1Buffer* buffer : change.goes) {
        alive.erase(alive.find(range(*buffer)));
      }
      for (const L1Buffer* buffer : change.comes) {
        alive.insert(range(*buffer));
      }
      set(when, covered(alive));
    }
  }

  TraceCounter counter{"L1 in use", "B", {}};

 private:
  /// When the transfer that operation `op` launched for this buffer was done.
  Cycle last_transfer(const L1Buffer& buffer, std::uint32_t op) const {
    Cycle done = end_of_.at(op);
    auto transfer =
        std::ranges::lower_bound(transfers_, begin_of_.at(op), {}, &TraceTransfer::launched);
    for (; transfer != transfers_.end() && transfer->launched <= end_of_.at(op); ++transfer) {
      const bool inside = transfer->l1 >= buffer.address.raw() &&
                          transfer->l1 < buffer.address.raw() + buffer.bytes.raw();
      done = inside ? std::max(done, transfer->done) : done;
    }
    return done;
  }

  void set(Cycle when, std::uint64_t buffers) {
    const auto bytes = static_cast<double>(program_.l1_reserved.raw() + buffers);
    if (counter.values.empty() || counter.values.back().second != bytes) {
      counter.values.emplace_back(when, bytes);
    }
  }

  const Program& program_;
  std::vector<TraceTransfer> transfers_;  ///< in order of their launch
  const Timeline& timeline_;
  std::vector<Cycle> begin_of_, end_of_;  ///< of the operations' segments in this step
};

}  // namespace

TraceCounter l1_occupancy(const Program& program, const RunRecord& record,
                          const Timeline& timeline) {
  Occupancy occupancy(program, timeline);
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    occupancy.add_step(record.steps[i], i);
  }
  return std::move(occupancy.counter);
}

}  // namespace etude::run
