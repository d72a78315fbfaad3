// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace etude::compiler {

/// Which operations come before which by a chain of dependences, over the recent ones of each. What
/// lies further back counts as not known. Sets are noted in ascending order of operations.
class Chains {
 public:
  /// Bits for the last kWords * 64 operations before one: what is recent.
  static constexpr std::uint32_t kWords = 64;
  static constexpr std::uint32_t first_word(std::uint32_t op) {
    return op / 64 < kWords ? 0 : op / 64 - (kWords - 1);
  }

  explicit Chains(std::uint32_t ops)
      : sets_(std::make_unique_for_overwrite<std::uint64_t[]>(std::size_t{ops} * kWords)) {}

  /// Whether a chain that was noted for `op` comes from `before`.
  bool known(std::uint32_t op, std::uint32_t before) const {
    const std::uint32_t word = before / 64, first = first_word(op);
    return before < op && word >= first && ((set(op)[word - first] >> before % 64) & 1) != 0;
  }
  /// Notes that `op` waits for all of `before`, and so for all that these wait for.
  void note(std::uint32_t op, std::span<const std::uint32_t> before) {
    std::uint64_t* bits = set(op);
    std::fill(bits, bits + (op / 64 - first_word(op) + 1), 0);
    for (const std::uint32_t each : before) {
      add(op, each, bits);
    }
  }
  /// Adds `before`, and those of its own set that are recent at `op`, to the set `bits` of `op`.
  void add(std::uint32_t op, std::uint32_t before, std::uint64_t* bits) const {
    const std::uint32_t last = before / 64, first = first_word(op);
    if (last < first) {
      return;
    }
    const std::uint64_t* other = set(before) + (first - first_word(before));
    for (std::uint32_t word = 0; word <= last - first; ++word) {
      bits[word] |= other[word];
    }
    bits[last - first] |= std::uint64_t{1} << before % 64;
  }

  /// Appends to `kept` those of the dependences of `op` (ascending) that no chain of others
  /// implies, in no order, and notes them. `foreign_first`: those on other queues are implied by
  /// chains alone whose last link is on another queue, too (see StepGraph). `queues` by operation.
  void reduce(std::uint32_t op, std::span<const std::uint32_t> before, bool foreign_first,
              std::span<const std::uint8_t> queues, std::vector<std::uint32_t>& kept);

 private:
  std::uint64_t* set(std::uint32_t op) { return sets_.get() + std::size_t{op} * kWords; }
  const std::uint64_t* set(std::uint32_t op) const {
    return sets_.get() + std::size_t{op} * kWords;
  }

  std::unique_ptr<std::uint64_t[]> sets_;  ///< of each operation that was noted
};

/// What some operations and the chains to them imply for one behind: while they are few, each is
/// asked by itself, which is less work than putting their sets together.
class Implied {
 public:
  explicit Implied(const Chains& chains) : chains_(chains) {}

  /// From now on for `op`, nothing yet.
  void begin(std::uint32_t op) {
    op_ = op;
    few_ = 0;
    together_ = false;
  }
  bool has(std::uint32_t before) const {
    const std::uint32_t word = before / 64, first = Chains::first_word(op_);
    if (word < first) {
      return false;
    }
    if (together_) {
      return ((bits_[word - first] >> before % 64) & 1) != 0;
    }
    for (unsigned i = 0; i < few_; ++i) {
      if (of_[i] == before || chains_.known(of_[i], before)) {
        return true;
      }
    }
    return false;
  }
  void add(std::uint32_t before) {
    if (!together_ && few_ < of_.size()) {
      of_[few_++] = before;
      return;
    }
    if (!together_) {
      together_ = true;
      bits_.fill(0);
      for (const std::uint32_t each : of_) {
        chains_.add(op_, each, bits_.data());
      }
    }
    chains_.add(op_, before, bits_.data());
  }

 private:
  const Chains& chains_;
  std::uint32_t op_ = 0;
  unsigned few_ = 0;
  std::array<std::uint32_t, 16> of_{};
  bool together_ = false;  ///< they are many: `bits_` has them all
  std::array<std::uint64_t, Chains::kWords> bits_{};
};

inline void Chains::reduce(std::uint32_t op, std::span<const std::uint32_t> before,
                           bool foreign_first, std::span<const std::uint8_t> queues,
                           std::vector<std::uint32_t>& kept) {
  Implied implied(*this);
  implied.begin(op);
  const std::size_t begin = kept.size();
  const auto keep = [&](bool foreign, bool own) {
    for (std::size_t i = before.size(); i-- > 0;) {  // a chain's links come behind its beginning
      const bool is_own = queues[before[i]] == queues[op];
      if ((is_own ? own : foreign) && !implied.has(before[i])) {
        kept.push_back(before[i]);
        implied.add(before[i]);
      }
    }
  };
  if (foreign_first) {
    keep(true, false);
    keep(false, true);
  } else {
    keep(true, true);
  }
  note(op, std::span(kept).subspan(begin));
}

}  // namespace etude::compiler
