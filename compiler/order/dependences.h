// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/tape/tape.h"

namespace etude::compiler {

/// For each operation of a sequence earlier ones, by number and ascending: a list of lists in one
/// array.
class Dependences {
 public:
  std::size_t size() const { return first_.size() - 1; }
  bool operator==(const Dependences&) const = default;
  std::span<const std::uint32_t> operator[](std::size_t i) const {
    return {before_.data() + first_[i], before_.data() + first_[i + 1]};
  }
  /// Number of pairs.
  std::size_t pairs() const { return before_.size(); }
  /// Prepares for so many operations.
  void reserve(std::size_t operations) {
    first_.reserve(operations + 1);
    before_.reserve(3 * operations);
  }
  /// Appends one operation, with what it waits for.
  void append(std::span<const std::uint32_t> before) {
    before_.insert(before_.end(), before.begin(), before.end());
    first_.push_back(static_cast<std::uint32_t>(before_.size()));
  }

 private:
  std::vector<std::uint32_t> first_{0}, before_;
};

/// For each operation the earlier ones that must be over before it starts, because both touch a
/// byte and one of them writes it (as overlaps() says). What a dense write covers as a whole is
/// left out from then on: whoever touches those bytes later waits for that write.
Dependences find_dependences(const std::vector<PlanOp>& ops);

/// Of these the ones that StepGraph keeps, which no chain of others implies. What is implied is
/// recognised before it is looked at or written down: a fraction of the time and of the memory.
Dependences find_needed_dependences(const std::vector<PlanOp>& ops);

}  // namespace etude::compiler
