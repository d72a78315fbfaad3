// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "models/iss/core/core_port.h"
#include "models/iss/isa/instr.h"

namespace etude {

/// What a core has booked since its last answer from the cluster, in the order of time. A core runs
/// ahead of the cluster; when the run ends, what it booked behind the end is taken back from here.
class History {
 public:
  enum class Kind : std::uint8_t {
    kStall,     ///< `cycles` stalled cycles, `code` is the StallReason
    kRetired,   ///< the instruction at `pc` left EX, one cycle; `code` is its TimingClass
    kStraight,  ///< `cycles` instructions from `pc` on, one after the other, one cycle each
  };
  struct Entry {
    Kind kind;
    std::uint8_t code;
    std::uint32_t cycles;
    std::uint32_t pc;
  };

  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  /// The newest entry.
  Entry last() const { return entry(words_[size_ - 1]); }
  void drop_last() { --size_; }
  /// All entries, oldest first.
  std::size_t size() const { return size_; }
  Entry at(std::size_t i) const { return entry(words_[i]); }

  void stalled(StallReason reason, std::uint64_t cycles) {
    for (; cycles > kMost; cycles -= kMost) [[unlikely]] {
      push(static_cast<std::uint64_t>(reason) << 2 | kMost << 8);
    }
    push(static_cast<std::uint64_t>(reason) << 2 | cycles << 8);
  }
  void retired(TimingClass timing, std::uint32_t pc) { push(retired_word(timing, pc)); }
  /// clear(), then retired().
  void begin(TimingClass timing, std::uint32_t pc) {
    words_[0] = retired_word(timing, pc);
    size_ = 1;
  }
  /// At most 2^24 - 1 instructions.
  void straight(std::uint32_t pc, std::uint64_t instructions) {
    push(static_cast<std::uint64_t>(Kind::kStraight) | instructions << 8 | std::uint64_t{pc} << 32);
  }

 private:
  static constexpr std::uint64_t kMost = (1u << 24) - 1;

  static Entry entry(std::uint64_t word) {
    return {static_cast<Kind>(word & 3u), static_cast<std::uint8_t>(word >> 2 & 63u),
            static_cast<std::uint32_t>(word >> 8 & kMost), static_cast<std::uint32_t>(word >> 32)};
  }
  static std::uint64_t retired_word(TimingClass timing, std::uint32_t pc) {
    return static_cast<std::uint64_t>(Kind::kRetired) | static_cast<std::uint64_t>(timing) << 2 |
           std::uint64_t{1} << 8 | std::uint64_t{pc} << 32;
  }
  void push(std::uint64_t word) {
    if (size_ == room_) [[unlikely]] {
      grow();
    }
    words_[size_++] = word;
  }
  [[gnu::noinline]] void grow() {
    auto larger = std::make_unique<std::uint64_t[]>(2 * room_);
    std::copy_n(words_.get(), size_, larger.get());
    words_ = std::move(larger);
    room_ *= 2;
  }

  // 24 bits of cycles, one entry in a word.
  std::size_t room_{64};
  std::size_t size_{0};
  std::unique_ptr<std::uint64_t[]> words_ = std::make_unique<std::uint64_t[]>(room_);
};

}  // namespace etude
