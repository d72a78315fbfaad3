// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace etude::test {

/// Random instructions without control flow (but hardware loops), one behind the other from `base`
/// on: integer, CORE-V and FP operations on the same registers, compressed or not, accesses of
/// every kind, waits at the event unit that always end.
///
/// Values live in a2..a5 (within reach of compressed instructions) and s2..s11; a0 and a1 point
/// into the data; sp and gp hold where data begin, tp a word of the hart's own; t0 and t1 are
/// scratch.
class RandomInstructions {
 public:
  using U = std::uint32_t;

  RandomInstructions(std::mt19937& random, U base) : random_(random), base_(base) {}

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 protected:
  static constexpr U kRa = 1, kSp = 2, kGp = 3, kTp = 4, kT0 = 5, kT1 = 6, kS0 = 8, kS1 = 9,
                     kA0 = 10, kA1 = 11, kA2 = 12;

  U pick(U n) { return static_cast<U>(random_() % n); }
  U value() { return pick(3) == 0 ? 18 + pick(10) : kA2 + pick(4); }
  U pointer() { return pick(2) ? kA0 : kA1; }
  U here() const { return base_ + static_cast<U>(bytes_.size()); }
  void emit16(U half);
  void emit(U word);
  /// Sets bits of the instruction at address `at`.
  void or_at(U at, U bits, bool compressed);
  void align4();

  /// One to twenty-eight instructions.
  void straight();
  void alu();

 private:
  void memory();
  void post_increment();
  void corev();
  void fp();
  void hardware_loop();
  void setup(U loop, U words, int passes);
  void body(U words);
  void critical_section();
  void software_event();
  void timer();

  std::mt19937& random_;
  const U base_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace etude::test
