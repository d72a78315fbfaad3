// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/redmule/automaton.h"
#include "models/redmule/tally.h"

namespace etude {

/// One job's control and its accounting: the part of RedMulE whose future does not depend on data.
class RedmuleRun {
 public:
  RedmuleRun() = default;
  /// `automaton`, if there is one, serves the plan and outlives the run; what the run does is the
  /// same without it.
  RedmuleRun(const RedmuleJob& job, const RedmulePlan& plan, RedmuleAutomaton* automaton = nullptr);

  RedmuleStream request() { return control_.request(); }
  /// One cycle; `stream` is what request() said. Returns true in the cycle whose end raises the
  /// done event.
  bool step(RedmuleStream stream, bool granted);
  /// One cycle of the in-order fallback that finishes a job which the hardware would not.
  void fallback_step(RedmuleStream stream, bool granted);

  /// The job is over (also after a fallback): closes its account.
  void end();
  void add_start_cycles(std::uint64_t n) { tally_.start += n; }
  /// Counts what was done besides.
  void add(const RedmuleTally& tally) { tally_ += tally; }
  /// Both will do the same from now on, if they are granted the same; their tallies may differ.
  bool same_state(const RedmuleRun& other) const {
    return tiles_filled_ == other.tiles_filled_ && control_.same_state(other.control_);
  }

  const RedmuleTally& tally() const { return tally_; }

 private:
  void count_port(RedmuleStream stream, bool granted);
  RedmuleWalker control_;
  RedmuleTally tally_;
  std::uint32_t reduction_ = 0, rows_ = 0, columns_ = 0;  // N, M, K
  std::uint64_t tiles_filled_ = 0;
};

}  // namespace etude
