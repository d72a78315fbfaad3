// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace etude {

/// The cycle in which each hart acts next: a wheel of the coming cycles with a mask of harts each,
/// so that neither a cycle's harts nor the next busy cycle have to be searched for.
class Agenda {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  static constexpr unsigned kHarts = 17;

  Agenda() { std::fill(std::begin(when_), std::end(when_), kNone); }

  /// `hart`, which is not on the agenda, acts in `cycle`, not before the last take(); kNone: it
  /// waits for somebody to add it.
  void add(unsigned hart, std::uint64_t cycle) {
    when_[hart] = cycle;
    if (cycle - now_ < kWheel) [[likely]] {
      wheel_[cycle % kWheel] |= 1u << hart;
      busy_ |= std::uint64_t{1} << cycle % kWheel;
    } else if (cycle != kNone) {
      far_ |= 1u << hart;
      far_next_ = std::min(far_next_, cycle);
    }
  }
  /// The same for a hart that may be on the agenda.
  void move(unsigned hart, std::uint64_t cycle) {
    remove(hart);
    add(hart, cycle);
  }
  /// The harts that act in cycle `now`, which is not before that of the last call; they are off the
  /// agenda then.
  std::uint32_t take(std::uint64_t now) {
    now_ = now;
    if (far_next_ - now < kWheel) [[unlikely]] {
      bring_near();
    }
    const std::uint32_t harts = wheel_[now % kWheel];
    wheel_[now % kWheel] = 0;
    busy_ &= ~(std::uint64_t{1} << now % kWheel);
    return harts;
  }
  /// The first cycle behind `now`, that of the last take(), in which any hart acts; kNone if there
  /// is none.
  std::uint64_t next() const {
    const std::uint64_t ahead = std::rotr(busy_, static_cast<int>((now_ + 1) % kWheel));
    return ahead != 0
               ? std::min(now_ + 1 + static_cast<unsigned>(std::countr_zero(ahead)), far_next_)
               : far_next_;
  }

 private:
  static constexpr unsigned kWheel = 64;  // bits of busy_

  void remove(unsigned hart) {
    // Of a hart that is off the agenda this is an old cycle, where it is not any more.
    const std::uint64_t cycle = when_[hart];
    const std::uint32_t bit = 1u << hart;
    if ((far_ & bit) != 0) {
      far_ &= ~bit;
      far_next_ = kNone;
      for (std::uint32_t left = far_; left != 0; left &= left - 1) {
        far_next_ = std::min(far_next_, when_[std::countr_zero(left)]);
      }
    } else if ((wheel_[cycle % kWheel] &= ~bit) == 0) {
      busy_ &= ~(std::uint64_t{1} << cycle % kWheel);
    }
  }
  void bring_near() {
    const std::uint32_t all = far_;
    far_ = 0;
    far_next_ = kNone;
    for (std::uint32_t left = all; left != 0; left &= left - 1) {
      const auto hart = static_cast<unsigned>(std::countr_zero(left));
      add(hart, when_[hart]);
    }
  }

  std::uint64_t now_{0};
  std::uint64_t busy_{0};  // bit c: wheel_[c] is not empty
  std::uint64_t far_next_{kNone};
  std::uint32_t far_{0};  // harts beyond the wheel
  std::uint32_t wheel_[kWheel]{};
  std::uint64_t when_[kHarts];
};

}  // namespace etude
