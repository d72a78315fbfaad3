// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/icache/lfsr.h"

namespace etude {

/// One bank of the shared level of the instruction cache: the arbiter of the cores, a two-stage
/// lookup, up to four refills in flight, and the states in which the bank takes no request.
/// Source: share_icache_controller.sv, icache-intc (docs/models/icache.md).
class SharedBank {
 public:
  static constexpr unsigned kNobody = ~0u;
  static constexpr std::size_t kRefills = 4;
  static constexpr std::size_t kAddresses = 2;

  SharedBank(unsigned cores, unsigned banks, unsigned ways, unsigned sets);

  /// What a cycle brought.
  struct Outcome {
    unsigned granted{kNobody};   ///< core whose request was taken
    unsigned answered{kNobody};  ///< core whose line is on the response port
    bool hit{false};             ///< ... and was found here
    bool missed{false};          ///< a refill was queued
    bool changed{false};         ///< any register changed
  };
  /// Without a request step() would change nothing.
  bool quiet() const {
    return state_ == State::kOperative && !looking_ && !line_there_ && !line_arrives_ &&
           !bypass_wanted_ && !flush_wanted_;
  }
  /// One cycle: `requests` are the cores that ask this bank, `lines` the line number of each.
  Outcome step(std::uint32_t requests, const std::vector<std::uint32_t>& lines) {
    if (state_ != State::kOperative || line_there_ || line_arrives_ || bypass_wanted_ ||
        flush_wanted_ || (looking_ && !present(looking_line_))) [[unlikely]] {
      return step_any(requests, lines);
    }
    // Most often: the line that was looked for is here, and the next one is looked for.
    Outcome outcome;
    if (looking_) {
      outcome.answered = looking_core_;
      outcome.hit = outcome.changed = true;
      looking_ = false;
    }
    if (requests != 0) {
      outcome.granted = grant(requests);
      outcome.changed = true;
      look_for(outcome.granted, lines[outcome.granted]);
    }
    return outcome;
  }

  /// Line numbers that wait for the memory's address channel, oldest first.
  bool has_address() const { return !addresses_.empty(); }
  std::uint32_t pop_address() { return addresses_.pop(); }
  /// A data beat can be taken in this cycle.
  bool takes_beats() const { return !line_there_; }
  /// The last beat of the oldest refill was taken in this cycle.
  void line_complete() { line_arrives_ = true; }

  /// The fetches go past this bank from the next idle cycle on (bypass), or through it again.
  void set_bypass(bool on) { bypass_wanted_ = on; }
  /// Empties the bank at the next idle cycle: one cycle per set, no request is taken meanwhile.
  void flush() { flush_wanted_ = true; }
  /// Empties the set of one line number at once.
  void flush_set(std::uint32_t line);

 private:
  enum class State {
    kOperative,
    kWaitCritical,
    kServeCritical,
    kDispatch1,
    kDispatch2,
    kRequest,
    kServeThenRequest,
    kServe,
    kInvalidate,
    kBypass
  };
  struct Refill {
    unsigned core;
    std::uint32_t line;
    unsigned way;
  };
  /// A few entries in the order in which they came.
  template <class T, std::size_t kRoom>
  class Few {
   public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    void push(const T& entry) { entries_[size_++] = entry; }
    T pop() {
      const T first = entries_[0];
      std::copy(entries_.begin() + 1, entries_.begin() + size_, entries_.begin());
      --size_;
      return first;
    }
    const T* begin() const { return entries_.data(); }
    const T* end() const { return entries_.data() + size_; }

   private:
    std::array<T, kRoom> entries_{};
    unsigned size_{0};
  };

  Outcome step_any(std::uint32_t requests, const std::vector<std::uint32_t>& lines);
  /// The arbiter's answer to `requests`, which are not none; its turn moves on.
  unsigned grant(std::uint32_t requests) {
    const unsigned core = (requests & (requests - 1)) == 0
                              ? static_cast<unsigned>(std::countr_zero(requests))
                              : pick(requests);
    turn_ = (turn_ + 1) & ((1u << levels_) - 1);
    return core;
  }
  void look_for(unsigned core, std::uint32_t line) {
    looking_ = true;
    looking_core_ = core;
    looking_line_ = line;
  }
  unsigned pick(std::uint32_t requests) const;
  std::size_t slot(std::uint32_t line, unsigned way) const {
    return ((line >> bank_bits_) & (sets_ - 1)) * ways_ + way;
  }
  bool present(std::uint32_t line) const {
    const std::uint32_t* const set = &tags_[slot(line, 0)];
    for (unsigned way = 0; way < ways_; ++way) {
      if (set[way] == line) {
        return true;
      }
    }
    return false;
  }
  bool in_flight(std::uint32_t line) const;
  void serve(Outcome& outcome);
  void step_operative(Outcome& outcome, bool& take);
  void step_bypass(Outcome& outcome, bool& take);

  unsigned levels_;  ///< of the arbiter's binary tree
  unsigned bank_bits_, ways_, sets_;
  std::vector<std::uint32_t> tags_;
  Lfsr8 lfsr_;
  State state_{State::kOperative};
  Few<Refill, kRefills> refills_;
  Few<std::uint32_t, kAddresses> addresses_;
  unsigned turn_{0};  ///< the arbiter's counter of grants
  bool looking_{false};
  unsigned looking_core_{0};
  std::uint32_t looking_line_{0};
  bool line_there_{false}, line_arrives_{false};
  bool bypass_wanted_{false}, flush_wanted_{false};
  unsigned invalidated_{0};
};

}  // namespace etude
