// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/step_graph.h"

#include <algorithm>
#include <numeric>

namespace etude::compiler {

unsigned queue_of(const PlanOp& op) {
  if (op.probe >= 0) {
    return kProbeQueue;
  }
  const Transfer* transfer = op.as<Transfer>();
  return transfer != nullptr && !transfer->to_l1 ? kOutwards : queue_of(op.unit());
}

namespace {

/// Which operations come before which by a chain of dependences: a set of bits each, over the
/// operations shortly before it. What lies further back counts as not known.
class Chains {
 public:
  explicit Chains(std::uint32_t ops) : sets_(std::size_t{ops} * kWords, 0) {}

  /// Whether a chain that was noted for `op` comes from `before`.
  bool known(std::uint32_t op, std::uint32_t before) const {
    const std::uint32_t word = before / 64;
    return word >= first_word(op) && ((set(op)[word - first_word(op)] >> before % 64) & 1) != 0;
  }

  /// Notes that `op` waits for `before`, and so for all that this waits for.
  void note(std::uint32_t op, std::uint32_t before) {
    const std::uint32_t first = first_word(op), last = before / 64;
    if (last < first) {
      return;
    }
    std::uint64_t* mine = sets_.data() + std::size_t{op} * kWords;
    const std::uint64_t* other = set(before) + (first - first_word(before));
    for (std::uint32_t word = 0; word <= last - first; ++word) {
      mine[word] |= other[word];
    }
    mine[last - first] |= std::uint64_t{1} << before % 64;
  }

 private:
  static constexpr std::uint32_t kWords = 64;

  static std::uint32_t first_word(std::uint32_t op) {
    return op / 64 < kWords ? 0 : op / 64 - (kWords - 1);
  }
  const std::uint64_t* set(std::uint32_t op) const {
    return sets_.data() + std::size_t{op} * kWords;
  }

  std::vector<std::uint64_t> sets_;
};

}  // namespace

Dependences StepGraph::needed(const Dependences& dependences) const {
  Chains chains(size());
  Dependences needed;
  std::vector<std::uint32_t> mine;
  for (std::uint32_t op = 0; op < size(); ++op) {
    mine.clear();
    const auto before = dependences[op];
    const auto keep = [&](bool foreign, bool own) {
      for (std::size_t i = before.size(); i-- > 0;) {  // a chain's links come behind its beginning
        const bool is_own = queues_[before[i]] == queues_[op];
        if ((is_own ? own : foreign) && !chains.known(op, before[i])) {
          mine.push_back(before[i]);
          chains.note(op, before[i]);
        }
      }
    };
    if (is_dma(queues_[op])) {
      keep(true, false);
      keep(false, true);
    } else {
      keep(true, true);
    }
    std::ranges::sort(mine);
    needed.append(mine);
  }
  return needed;
}

StepGraph::StepGraph(const std::vector<PlanOp>& ops, const Dependences& all, const UnitCosts& costs)
    : costs_(costs), first_dependant_(ops.size() + 1, 0) {
  const auto count = static_cast<std::uint32_t>(ops.size());
  queues_.reserve(count);
  cycles_.reserve(count);
  port_shares_.reserve(count);
  waits_.reserve(count);
  for (const PlanOp& op : ops) {
    queues_.push_back(static_cast<std::uint8_t>(queue_of(op)));
    cycles_.push_back(static_cast<double>(op.cycles.raw()));
    port_shares_.push_back(op.port_share);
  }
  const Dependences dependences = needed(all);
  std::vector<std::uint32_t> foreign, own;
  for (std::uint32_t i = 0; i < count; ++i) {
    foreign.clear();
    own.clear();
    for (const std::uint32_t before : dependences[i]) {
      ++first_dependant_[before + 1];
      (queues_[before] != queues_[i] ? foreign : own).push_back(before);
    }
    waits_.push_back(static_cast<std::uint32_t>(dependences[i].size()));
    foreign_.append(foreign);
    own_.append(own);
  }
  std::partial_sum(first_dependant_.begin(), first_dependant_.end(), first_dependant_.begin());
  dependants_.resize(dependences.pairs());
  std::vector<std::uint32_t> next(first_dependant_.begin(), first_dependant_.end() - 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (const std::uint32_t before : dependences[i]) {
      dependants_[next[before]++] = i;
    }
  }
}

}  // namespace etude::compiler
