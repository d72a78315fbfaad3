// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
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
  Outcome step(std::uint32_t requests, const std::vector<std::uint32_t>& lines);

  /// Line numbers that wait for the memory's address channel, oldest first.
  const std::deque<std::uint32_t>& addresses() const { return addresses_; }
  void pop_address() { addresses_.pop_front(); }
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

  unsigned pick(std::uint32_t requests) const;
  std::size_t slot(std::uint32_t line, unsigned way) const {
    return ((line >> bank_bits_) & (sets_ - 1)) * ways_ + way;
  }
  bool present(std::uint32_t line) const;
  bool in_flight(std::uint32_t line) const;
  void serve(Outcome& outcome);
  void step_operative(Outcome& outcome, bool& take);
  void step_bypass(Outcome& outcome, bool& take);

  unsigned levels_;  ///< of the arbiter's binary tree
  unsigned bank_bits_, ways_, sets_;
  std::vector<std::uint32_t> tags_;
  Lfsr8 lfsr_;
  State state_{State::kOperative};
  std::deque<Refill> refills_;
  std::deque<std::uint32_t> addresses_;
  unsigned turn_{0};  ///< the arbiter's counter of grants
  bool looking_{false};
  unsigned looking_core_{0};
  std::uint32_t looking_line_{0};
  bool line_there_{false}, line_arrives_{false};
  bool bypass_wanted_{false}, flush_wanted_{false};
  unsigned invalidated_{0};
};

}  // namespace etude
