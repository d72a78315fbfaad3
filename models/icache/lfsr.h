// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude {

/// The 8-bit shift register that picks the way to replace: it moves on only when it is used.
/// Source: lfsr_8bit.sv (way = low bits; feedback = not (q7 ^ q3 ^ q2 ^ q1)).
class Lfsr8 {
 public:
  /// The way to replace out of `ways` (a power of two).
  unsigned next(unsigned ways) {
    const unsigned way = q_ & (ways - 1);
    const unsigned feedback = ~(q_ >> 7 ^ q_ >> 3 ^ q_ >> 2 ^ q_ >> 1) & 1u;
    q_ = (q_ << 1 | feedback) & 0xFFu;
    return way;
  }

 private:
  unsigned q_{0};
};

}  // namespace etude
