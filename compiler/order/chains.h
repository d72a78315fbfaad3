// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace etude::compiler {

/// A set of operations shortly before one: bits for the last kWords * 64 of them. What lies further
/// back is never in it.
class Recent {
 public:
  static constexpr std::uint32_t kWords = 64;
  static constexpr std::uint32_t first_word(std::uint32_t op) {
    return op / 64 < kWords ? 0 : op / 64 - (kWords - 1);
  }

  Recent(std::uint32_t op, std::span<std::uint64_t, kWords> bits)
      : first_(first_word(op)), bits_(bits.data()) {}

  bool has(std::uint32_t before) const {
    const std::uint32_t word = before / 64;
    return word >= first_ && ((bits_[word - first_] >> before % 64) & 1) != 0;
  }
  /// Adds `before`, and those of its own set that are recent here.
  void add(std::uint32_t before, const std::uint64_t* set_of_before) {
    const std::uint32_t last = before / 64;
    if (last < first_) {
      return;
    }
    const std::uint64_t* other = set_of_before + (first_ - first_word(before));
    for (std::uint32_t word = 0; word <= last - first_; ++word) {
      bits_[word] |= other[word];
    }
    bits_[last - first_] |= std::uint64_t{1} << before % 64;
  }

 private:
  std::uint32_t first_;
  std::uint64_t* bits_;
};

/// Which operations come before which by a chain of dependences, over the recent ones of each. What
/// lies further back counts as not known.
class Chains {
 public:
  explicit Chains(std::uint32_t ops) : sets_(std::size_t{ops} * Recent::kWords, 0) {}

  /// Whether a chain that was noted for `op` comes from `before`.
  bool known(std::uint32_t op, std::uint32_t before) { return of(op).has(before); }
  /// Notes that `op` waits for `before`, and so for all that this waits for.
  void note(std::uint32_t op, std::uint32_t before) { of(op).add(before, set(before)); }
  /// Notes the same in a set apart, which the caller keeps for an operation.
  void note(Recent& apart, std::uint32_t before) { apart.add(before, set(before)); }

  /// Appends to `kept` those of the dependences of `op` (ascending) that no chain of others
  /// implies, in no order, and notes them. `foreign_first`: those on other queues are implied by
  /// chains alone whose last link is on another queue, too (see StepGraph). `queues` by operation.
  void reduce(std::uint32_t op, std::span<const std::uint32_t> before, bool foreign_first,
              std::span<const std::uint8_t> queues, std::vector<std::uint32_t>& kept) {
    const auto keep = [&](bool foreign, bool own) {
      for (std::size_t i = before.size(); i-- > 0;) {  // a chain's links come behind its beginning
        const bool is_own = queues[before[i]] == queues[op];
        if ((is_own ? own : foreign) && !known(op, before[i])) {
          kept.push_back(before[i]);
          note(op, before[i]);
        }
      }
    };
    if (foreign_first) {
      keep(true, false);
      keep(false, true);
    } else {
      keep(true, true);
    }
  }

 private:
  std::uint64_t* set(std::uint32_t op) { return sets_.data() + std::size_t{op} * Recent::kWords; }
  Recent of(std::uint32_t op) {
    return {op, std::span<std::uint64_t, Recent::kWords>(set(op), Recent::kWords)};
  }

  std::vector<std::uint64_t> sets_;
};

}  // namespace etude::compiler
