// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/windows.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "compiler/schedule/replay.h"

namespace etude::compiler {
namespace {

using Direction = TensorPage::Direction;

class Widener {
 public:
  Widener(const ScheduleProblem& problem, Decisions& decisions, Bytes budget)
      : problem_(problem), pages_(decisions.pages) {
    const Replay played = replay(problem, with_lifetimes(problem, decisions));
    for (SlotId t = 0; t < problem.slots.size(); ++t) {
      const Bytes peak = played.slot_peaks[t];
      room_.push_back(budget > peak ? budget - peak : Bytes{0});
      seconds_.push_back(problem.slots[t].seconds);
      if (t < decisions.recomputes.size()) {
        for (const SlotId again : decisions.recomputes[t]) {
          seconds_.back() += problem.slots[again].seconds;
        }
      }
    }
  }

  void run() {
    std::vector<std::size_t> order(pages_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [this](std::size_t n) {
      return std::tuple(-seconds(pages_[n]), pages_[n].first, pages_[n].tensor);
    });
    for (const std::size_t n : order) {
      pages_[n].direction == Direction::kIn ? widen_in(pages_[n]) : widen_out(pages_[n]);
    }
  }

 private:
  double seconds(const TensorPage& page) const {
    const ProblemTensor& tensor = problem_.tensors[page.tensor];
    return (page.direction == Direction::kIn ? tensor.page_in : tensor.page_out).seconds;
  }

  /// Takes time of a slot for what is left of a transfer, `most` at most. Whether it has any.
  bool take(SlotId slot, double& left, double most) {
    const double taken = std::min({left, seconds_[slot], most});
    seconds_[slot] -= taken;
    left -= taken;
    return taken > 0;
  }
  bool take(SlotId slot, double& left) { return take(slot, left, left); }

  /// What is left of a transfer behind its window and the operator that reads or makes it.
  double left_of(const TensorPage& page) {
    const ProblemTensor& tensor = problem_.tensors[page.tensor];
    const bool in = page.direction == Direction::kIn;
    const SlotId own = in ? page.last + 1 : page.first - 1;
    double left = seconds(page);
    if (own < seconds_.size()) {
      take(own, left, left * (1 - (in ? tensor.lead(own) : tensor.trail)));
    }
    for (SlotId t = page.first; !page.at_point() && t <= page.last; ++t) {
      take(t, left);
    }
    return left;
  }

  void reserve(SlotId first, SlotId last, Bytes bytes) {
    for (SlotId t = first; t <= last; ++t) {
      room_[t] -= bytes;
    }
  }

  void widen_in(TensorPage& page) {
    const Bytes bytes = problem_.tensors[page.tensor].bytes;
    SlotId least = 0;  // from here on the copy at home is there, and no other one comes
    for (const TensorPage& other : pages_) {
      if (other.tensor == page.tensor && other.last < page.first) {
        least = std::max(least, other.last + 1);
      }
    }
    double left = left_of(page);
    SlotId first = page.first;
    for (SlotId t = page.first; t-- > least && left > 0 && room_[t] >= bytes;) {
      first = take(t, left) ? t : first;
    }
    if (first < page.first) {
      reserve(first, page.first - 1, bytes);
      page.first = first;
    }
  }

  void widen_out(TensorPage& page) {
    const Bytes bytes = problem_.tensors[page.tensor].bytes;
    auto end = static_cast<SlotId>(problem_.slots.size());
    for (const TensorPage& other : pages_) {
      if (other.tensor == page.tensor && other.direction == Direction::kIn &&
          other.first > page.last) {
        end = std::min(end, other.first);
      }
    }
    double left = left_of(page);
    SlotId last = page.last;
    for (SlotId t = page.last + 1; t < end && left > 0 && room_[t] >= bytes; ++t) {
      last = take(t, left) ? t : last;
    }
    if (last > page.last) {
      reserve(page.last + 1, last, bytes);
      page.last = last;
    }
  }

  const ScheduleProblem& problem_;
  std::vector<TensorPage>& pages_;
  std::vector<Bytes> room_;
  std::vector<double> seconds_;  ///< of the slots, that no transfer takes
};

}  // namespace

Decisions with_windows(const ScheduleProblem& problem, Decisions decisions, Bytes budget) {
  Widener(problem, decisions, budget).run();
  return decisions;
}

}  // namespace etude::compiler
