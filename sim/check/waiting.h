// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "sim/platform/platform.h"

namespace etude::check {

/// Whether a hart waits for a word of memory. It is followed from where it stands, instruction by
/// instruction, with nobody else at work and nothing changed outside: it waits for a word if it
/// comes back to a load of it, the same way and touching the same memory, for as long as the word
/// has one value, and leaves for another. What the loop looks like does not matter.
class Waiting {
 public:
  /// A load that a hart comes back to, and what it loads.
  struct Spin {
    std::uint32_t pc, address;
  };

  /// `platform` outlives the object.
  explicit Waiting(Platform& platform) : platform_(platform) {}

  /// The load at which `hart` waits for the word at `word`; nothing if it does not, or does more
  /// than to compute and to access L1 and L2. `values`: some that the word has or had.
  std::optional<std::uint32_t> waits(unsigned hart, std::uint32_t word,
                                     const std::array<std::uint32_t, 2>& values);
  /// What `hart` waits for as it stands, be it memory or a register of a device.
  std::optional<Spin> spins(unsigned hart);

 private:
  Platform& platform_;
};

}  // namespace etude::check
