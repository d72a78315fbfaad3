// SPDX-License-Identifier: Apache-2.0
// Small private functions of a core, compiled into the larger ones; included by its own files.
#pragma once

#include "models/iss/core/core.h"

namespace etude {

inline void Core::forget_calm_lines() {
  calm_begin_ = calm_end_ = calm_from_ = calm_bound_ = calm_loop_ = 0;
  calm_next_ = nullptr;
}

inline CoreWait Core::fetch_wait() const {
  return waiting_ == Waiting::kFetch  ? CoreWait::kFetch
         : waiting_ == Waiting::kLine ? CoreWait::kLine
                                      : CoreWait::kLimit;
}

inline void Core::slow_fp_returned(std::uint64_t when) {
  slow_fp_.pending = false;
  slow_fp_.returned = when;
  fp_return_ = when;
}

inline void Core::add_hazard(std::uint8_t reg, std::uint64_t ready, bool fp) {
  older_hazard_ = hazard_;
  hazard_ = Hazard::of(ready, reg, fp);
}

inline void Core::stall(StallReason reason, std::uint64_t cycles) {
  if (cycles != 0) {
    stalls_[static_cast<unsigned>(reason)] += cycles;
    history_.stalled(reason, cycles);
  }
}

inline bool Core::loop_goes_back(std::uint32_t pc) const {
  const std::uint32_t next_line = (pc & ~15u) + 16;
  return (state_.loop_watch[0] > pc && state_.loop_watch[0] <= next_line &&
          state_.loop[0].count > 1) ||
         (state_.loop_watch[1] > pc && state_.loop_watch[1] <= next_line &&
          state_.loop[1].count > 1);
}

inline bool Core::is_held(std::uint32_t line) const {
  return line == fetched_[0] || line == held_[0] || line == held_[1] || line == fetched_[1];
}

inline bool Core::known(std::uint32_t address) const {
  const std::uint32_t line = address >> 4;
  return known_[line % kKnown] == line;
}

inline bool Core::here(std::uint32_t address) {
  return !stay_.line && (known(address) || find_line(address));
}

inline void Core::retire(const Instr& instr, std::uint64_t enter, std::uint64_t leave) {
  ++retired_[static_cast<unsigned>(instr.timing)].value;
  history_.retired(instr.timing, state_.pc);
  ex_enter_ = enter;
  ex_free_ = leave;
  if (retire_hook_ != nullptr) [[unlikely]] {
    report_retired(instr, enter, leave);
  }
}

}  // namespace etude
