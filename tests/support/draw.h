// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace etude::test {

/// Numbers that repeat: SplitMix64 (Steele, Lea, Flood 2014).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  /// Below `end`.
  std::uint32_t below(std::size_t end) {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return static_cast<std::uint32_t>((z ^ z >> 31) % end);
  }

 private:
  std::uint64_t state_;
};

}  // namespace etude::test
