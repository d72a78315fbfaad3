// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etude::test {

/// The random numbers behind the recorded shared-memory traffic: Marsaglia's xorshift64 with the
/// shifts 13, 7 and 17. The requests of hci_traces/g15_rand_dma4_hwpe_i1_m8.txt are linear in the
/// generator's bits and determine its state: all 18,496 numbers of that file follow from it. An
/// idle core draws once per cycle, asks if the number is below its probability, and draws its bank
/// as the lowest bits of the next number; core 0 first, the accelerator's port last.
class RecordedTraffic {
 public:
  /// The seed as the tables give it; the first eight numbers are thrown away.
  explicit RecordedTraffic(std::uint64_t seed)
      : state_(88172645463325252u + seed * 0x9e3779b97f4a7c15u) {
    for (int i = 0; i < 8; ++i) {
      next();
    }
  }
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  /// True with probability p; certainties draw nothing.
  bool chance(double p) {
    return p >= 1.0 || (p > 0.0 && static_cast<double>(next() >> 11) * 0x1p-53 < p);
  }

 private:
  std::uint64_t state_;
};

}  // namespace etude::test
