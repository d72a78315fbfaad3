// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace etude::check {

/// Threads of execution, numbered: harts, then the transfers of the cluster DMA by id, those of the
/// SoC's DMA, RedMulE's jobs. Work of one engine counts up in the clock of its lane.
inline constexpr unsigned kHarts = 17;
inline constexpr unsigned kDmaIds = 16;
inline constexpr unsigned kDmaLane = kHarts;
inline constexpr unsigned kSocDmaLane = kDmaLane + kDmaIds;
inline constexpr unsigned kRedmuleLane = kSocDmaLane + 1;
inline constexpr unsigned kThreads = kRedmuleLane + 1;

/// Who did something, when on the clock of its thread, and at which pc (of work of an engine: of
/// the access that posted it). 0: nobody yet.
using Stamp = std::uint64_t;
constexpr Stamp stamp(unsigned thread, std::uint32_t clock, std::uint32_t pc) {
  return std::uint64_t{thread} << 58 | std::uint64_t{clock} << 32 | pc;
}
constexpr unsigned thread_of(Stamp s) { return static_cast<unsigned>(s >> 58); }
constexpr std::uint32_t clock_of(Stamp s) {
  return static_cast<std::uint32_t>(s >> 32) & 0x3FFFFFF;
}
constexpr std::uint32_t pc_of(Stamp s) { return static_cast<std::uint32_t>(s); }

/// A vector clock: how much of each thread has happened before.
struct Clocks {
  std::array<std::uint32_t, kThreads> at{};

  void join(const Clocks& other) {
    for (unsigned t = 0; t < kThreads; ++t) {
      at[t] = std::max(at[t], other.at[t]);
    }
  }
  bool covers(Stamp s) const { return clock_of(s) <= at[thread_of(s)]; }
};

/// What has happened before: by synchronisation that holds on any machine, and with plain words
/// that are spun on besides, which order on this one.
struct Order {
  Clocks hard, soft;

  void join(const Order& other) {
    hard.join(other.hard);
    soft.join(other.soft);
  }
  /// Work `clock` of an engine's lane, and all before it, is over.
  void acquire(unsigned lane, std::uint32_t clock) {
    hard.at[lane] = std::max(hard.at[lane], clock);
    soft.at[lane] = std::max(soft.at[lane], clock);
  }
};

/// A hart, a transfer or a job as it accesses memory.
struct Thread {
  Order order;
  unsigned number{0};
  std::uint32_t clock{1};

  Stamp now(std::uint32_t pc) const { return stamp(number, clock, pc); }
  /// What it does from now on is not part of what it has handed on.
  void tick() {
    ++clock;
    order.acquire(number, clock);
  }
};

}  // namespace etude::check
