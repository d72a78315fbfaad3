// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/base/types.h"

namespace etude::compiler {

/// Hands out ranges of one memory in program order. Among the places that fit it takes the one that
/// was last used longest ago, so that what comes next need not wait for what is still in use; with
/// `lowest` it packs from the bottom instead.
class Allocator {
 public:
  /// The whole beats of 8 bytes among the `bytes` from `base` on.
  Allocator(Address base, Bytes bytes, bool lowest = false);

  /// A free range of at least `bytes`, aligned to 8 bytes; nothing if none is large enough.
  std::optional<Address> allocate(Bytes bytes);
  /// Gives a range back. Errors: std::logic_error if none that is handed out begins there.
  void free(Address address);

  /// From now on takes the lowest place that fits, or not.
  void pack_from_bottom(bool lowest) { lowest_ = lowest; }

  Bytes capacity() const { return end_ - base_; }
  /// Bytes handed out now, and the most so far.
  Bytes used() const { return used_; }
  Bytes peak() const { return peak_; }

 private:
  /// What is handed out.
  struct Block {
    Address begin, end;
  };
  /// From `begin` to the next stretch: when it was given back.
  struct Stretch {
    Address begin;
    std::uint64_t touched;
  };

  std::size_t block_behind(Address address) const;
  /// The stretch that has an address.
  std::size_t stretch_of(Address address) const;
  void touch(Address begin, Address end);

  Address base_, end_;
  bool lowest_;
  Bytes used_, peak_;
  std::uint64_t clock_ = 0;
  std::vector<Block> blocks_;       ///< by address
  std::vector<Stretch> stretches_;  ///< by address
};

}  // namespace etude::compiler
