// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/iss/core/core_port.h"

namespace etude {

/// Cycles of a piece of program: one busy cycle for each instruction, and stalls by reason.
struct Cost {
  std::uint64_t busy{0};
  std::array<std::uint64_t, kStallReasons> stalls{};

  std::uint64_t cycles() const {
    std::uint64_t sum = busy;
    for (const std::uint64_t n : stalls) {
      sum += n;
    }
    return sum;
  }
  Cost& operator+=(const Cost& other) {
    busy += other.busy;
    for (unsigned r = 0; r < kStallReasons; ++r) {
      stalls[r] += other.stalls[r];
    }
    return *this;
  }
  /// What passed since `earlier`, a value of the same sum.
  Cost since(const Cost& earlier) const {
    Cost out;
    out.busy = busy - earlier.busy;
    for (unsigned r = 0; r < kStallReasons; ++r) {
      out.stalls[r] = stalls[r] - earlier.stalls[r];
    }
    return out;
  }
};

}  // namespace etude
