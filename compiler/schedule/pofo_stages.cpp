// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/pofo_stages.h"

#include <algorithm>

namespace etude::compiler {
namespace {

class ChainReader {
 public:
  explicit ChainReader(const ScheduleProblem& problem)
      : problem_(problem), stage_of_(problem.slots.size()) {
    chain_.end = static_cast<SlotId>(problem.slots.size());
  }

  ChainOrReason read() {
    cut();
    if (chain_.forward.empty()) {
      return {std::nullopt, "no operator can run again"};
    }
    chain_.backward.resize(chain_.forward.size());
    if (!assign_backward()) {
      return {std::nullopt, "POFO schedules chains, and the backward pass of this graph is none"};
    }
    for (std::size_t s = 0; s < chain_.forward.size(); ++s) {
      measure(s);
    }
    for (SlotId t = 0; t < chain_.end; ++t) {
      Bytes there{0};
      for (const ProblemTensor& tensor : problem_.tensors) {
        const bool from_home = !tensor.producer && !tensor.uses.empty();
        if (from_home && tensor.uses.front() <= t && t <= tensor.uses.back()) {
          there += tensor.bytes;
        }
      }
      chain_.home = std::max(chain_.home, there);
    }
    return {std::move(chain_), ""};
  }

 private:
  bool forward(SlotId t) const {
    return problem_.slots[t].recomputable && !problem_.slots[t].outputs.empty();
  }
  /// The last forward operator that reads a tensor; its producer if none does.
  SlotId last_forward(StorageId i) const {
    SlotId last = *problem_.tensors[i].producer;
    for (const SlotId use : problem_.tensors[i].uses) {
      last = forward(use) ? use : last;
    }
    return last;
  }
  bool made_forward(StorageId i) const {
    return problem_.tensors[i].producer && forward(*problem_.tensors[i].producer);
  }

  void cut() {
    std::vector<SlotId> slots;
    std::optional<StorageId> crossing;
    for (SlotId t = 0; t < chain_.end; ++t) {
      if (!forward(t)) {
        continue;
      }
      stage_of_[t] = chain_.forward.size();
      if (slots.empty()) {
        chain_.input.push_back(crossing);
      }
      slots.push_back(t);
      std::vector<StorageId> over;
      for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
        if (made_forward(i) && *problem_.tensors[i].producer <= t && last_forward(i) > t) {
          over.push_back(i);
        }
      }
      if (over.size() <= 1) {
        crossing = over.empty() ? std::nullopt : std::optional(over.front());
        chain_.forward.push_back(std::move(slots));
        slots.clear();
      }
    }
  }

  bool assign_backward() {
    std::size_t stage = chain_.forward.size() - 1;
    for (SlotId t = 0; t < chain_.end; ++t) {
      if (forward(t)) {
        continue;
      }
      std::optional<std::size_t> highest;
      for (const StorageId i : problem_.slots[t].inputs) {
        if (made_forward(i)) {
          const std::size_t of = stage_of_[*problem_.tensors[i].producer];
          highest = std::max(highest.value_or(0), of);
        }
      }
      if (highest && *highest > stage) {
        return false;
      }
      stage = highest.value_or(stage);
      if (t >= chain_.forward.back().back() || highest) {
        chain_.backward[stage].push_back(t);
      }
    }
    return true;
  }

  bool is_saved(StorageId i) const {
    return std::ranges::any_of(problem_.tensors[i].uses, [&](SlotId use) { return !forward(use); });
  }

  /// Most bytes of the stage's own results while it runs, if `keeps` says which stay.
  template <class Keeps>
  std::uint64_t running(std::size_t s, Keeps keeps) const {
    std::uint64_t most = 0;
    for (const SlotId t : chain_.forward[s]) {
      std::uint64_t there = problem_.slots[t].workspace.raw();
      for (const SlotId made : chain_.forward[s]) {
        for (const StorageId i : problem_.slots[made].outputs) {
          const bool alive = made <= t && (keeps(i) || last_forward(i) >= t || made == t);
          there += alive ? problem_.tensors[i].bytes.raw() : 0;
        }
      }
      most = std::max(most, there);
    }
    return most;
  }

  /// Bytes of what is neither forward nor from home at a slot; `before`: without its own results.
  std::uint64_t gradients_at(SlotId t, bool before) const {
    std::uint64_t there = 0;
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      const auto& producer = problem_.tensors[i].producer;
      if (producer && !forward(*producer) && problem_.last(i) >= t &&
          (before ? *producer < t : *producer <= t)) {
        there += problem_.tensors[i].bytes.raw();
      }
    }
    return there;
  }

  void measure(std::size_t s) {
    ChainStage& stage = chain_.stages.emplace_back();
    std::vector<StorageId>& saved = chain_.saved.emplace_back();
    const bool last = s + 1 == chain_.input.size();
    const auto is_output = [&](StorageId i) { return !last && chain_.input[s + 1] == i; };
    for (const SlotId t : chain_.forward[s]) {
      stage.forward_s += problem_.slots[t].seconds;
      for (const StorageId i : problem_.slots[t].outputs) {
        if (is_saved(i) || is_output(i)) {
          saved.push_back(i);
          stage.saved += problem_.tensors[i].bytes.raw();
        }
      }
    }
    stage.input = chain_.input[s] ? problem_.tensors[*chain_.input[s]].bytes.raw() : 0;
    stage.forward_all = running(s, [&](StorageId i) { return is_saved(i) || is_output(i); });
    stage.forward_none = running(s, [&](StorageId i) { return is_output(i); });
    for (const SlotId t : chain_.backward[s]) {
      stage.backward_s += problem_.slots[t].seconds;
      stage.backward =
          std::max(stage.backward, gradients_at(t, false) + problem_.slots[t].workspace.raw());
    }
    const SlotId begin = chain_.backward_begin(s);
    stage.gradient = begin < chain_.end ? gradients_at(begin, true) : 0;
  }

  const ScheduleProblem& problem_;
  ProblemChain chain_;
  std::vector<std::size_t> stage_of_;  ///< of forward slots
};

}  // namespace

SlotId ProblemChain::backward_begin(std::size_t stage) const {
  SlotId begin = end;
  for (std::size_t s = 0; s <= stage; ++s) {
    if (!backward[s].empty()) {
      begin = std::min(begin, backward[s].front());
    }
  }
  return begin;
}

ChainOrReason chain_of(const ScheduleProblem& problem) { return ChainReader(problem).read(); }

}  // namespace etude::compiler
