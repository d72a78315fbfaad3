// SPDX-License-Identifier: Apache-2.0
// Instruction fetch: the two-word prefetch buffer in front of a private cache of 16-byte lines.
//
// Words are asked for one after the other. With two words in the buffer or on their way, the next
// one is asked for when the first of them is used up: word k when word k-2 goes to ID, whose upper
// half counts only if it is a compressed instruction of its own. So a line is looked up when the
// third word of the line before it is used up, and at jumps. A hit costs what an ideal memory
// costs.
#include <algorithm>

#include "models/icache/icache.h"
#include "models/iss/core/core.h"
#include "models/iss/isa/execute.h"

namespace etude {

// True if the line of `address` is here; else the core waits for it from cycle `when` on.
bool Core::look_up(std::uint32_t address, std::uint64_t when) {
  const std::uint32_t line = address >> 4;
  const bool hit = icache_->hit(icache_port_, address);
  if (hit) {
    known_[line % kKnown] = line;
  }
  if (line == lines_[0]) {
    return true;
  }
  if (hit || line == lines_[1]) {
    lines_[1] = lines_[0];
    lines_[0] = line;
    return true;
  }
  fetch_address_ = address;
  fetch_when_ = std::max({when, fetch_free_, answered_});
  waiting_ = Waiting::kFetch;
  return false;
}

void Core::complete_fetch(Cycle rvalid) {
  waiting_ = Waiting::kNothing;
  lines_[1] = lines_[0];
  lines_[0] = fetch_address_ >> 4;
  forget_lines();  // this one may have taken the place of any other
  missed_word_ = fetch_address_ >> 2;
  missed_rvalid_ = rvalid.raw();
  fetch_free_ = rvalid.raw() + 1;
}

void Core::forget_lines() {
  known_.fill(~0u);
  line_ = calm_line_ = ~0u;
  icache_flushes_ = icache_->flushes();
}

// The lines of the instruction at state_.pc. False if run() has to come back later: the line is
// missing (waiting_), or is asked for at or after `limit`.
bool Core::fetch_lines(const Instr& instr, std::uint64_t limit) {
  const std::uint32_t pc = state_.pc;
  const std::uint32_t last_half = pc + instr.length - 2;
  if (jump_step_ == 1) {
    if (fetch_free_ > redirect_fetch_) {
      // The prefetcher still waits for a line that the program does not go on to.
      redirect_fetch_ = fetch_free_;
      id_floor_ = std::max(id_floor_, redirect_fetch_ + config_.timing.fetch);
      floor_reason_ = StallReason::kIcacheMiss;
    }
    if (redirect_fetch_ >= limit) {
      return false;
    }
    jump_step_ = 2;
    if (!look_up(pc, redirect_fetch_)) {
      return false;
    }
  }
  if (jump_step_ == 2) {
    const std::uint32_t second = (pc & ~3u) + 4;
    if (second >> 4 != pc >> 4) {
      const std::uint64_t when = std::max(redirect_fetch_ + 1, fetch_free_);
      if (when >= limit) {
        return false;
      }
      jump_step_ = 0;
      if (!look_up(second, when)) {
        return false;
      }
    }
    jump_step_ = 0;
  }
  if (!look_up(pc, ex_enter_) || !look_up(last_half, ex_enter_)) {
    return false;
  }
  line_ = last_half >> 4;
  return true;
}

// After a miss the words behind it are not in time: the instruction that ends in the missed word
// can be in ID one cycle after it, one that needs the next word three.
std::uint64_t Core::id_after_miss(const Instr& instr, std::uint64_t arrival) const {
  const std::uint32_t last_word = (state_.pc + instr.length - 2) >> 2;
  const std::uint64_t floor = last_word == missed_word_       ? missed_rvalid_ + 1
                              : last_word == missed_word_ + 1 ? missed_rvalid_ + 3
                                                              : 0;
  return floor > arrival ? std::max(floor, ex_free_) : arrival;
}

// What is asked for when the instruction at state_.pc enters ID: the target of a jump, or the word
// after next if that begins a line.
bool Core::fetch_ahead(const Instr& instr, std::uint64_t arrival, std::uint64_t limit) {
  if (arrival >= limit) {
    return false;
  }
  if (instr.timing == TimingClass::kJal) {
    return fetch_target(instr, arrival, limit);
  }
  const std::uint32_t pc = state_.pc;
  // This instruction uses up the third word of its line, or the lower half of it.
  bool used_up = (pc & 15u) == 10 && instr.length == 2;
  if ((pc & 15u) == 8 || ((pc & 15u) == 6 && instr.length == 4)) {
    const Instr* upper =
        (pc & 15u) == 8 && instr.length == 4 ? nullptr : decode_.at((pc & ~15u) + 10);
    used_up = upper == nullptr || upper->length == 4;
  }
  if (used_up) {
    const std::uint32_t low = (pc & ~15u) + 8;
    if (loop_ends_in_line(pc)) {
      return true;  // goes back to the start of a hardware loop
    }
    if (!look_up(low + 8, arrival)) {
      return false;
    }
  }
  return instr.timing != TimingClass::kJalr || fetch_target(instr, jalr_id(instr, arrival), limit);
}

// The first two words of the target of jal or jalr, which asks for them in cycle `id`.
bool Core::fetch_target(const Instr& instr, std::uint64_t id, std::uint64_t limit) {
  const std::uint32_t target = jump_target(instr, state_);
  if (ahead_step_ == 0) {
    ahead_fetch_ = std::max(id, fetch_free_);
    if (ahead_fetch_ >= limit) {
      return false;
    }
    ahead_step_ = 1;
    if (!look_up(target, ahead_fetch_)) {
      return false;
    }
  }
  const std::uint32_t second = (target & ~3u) + 4;
  if (ahead_step_ == 1 && second >> 4 != target >> 4) {
    const std::uint64_t when = std::max(ahead_fetch_ + 1, fetch_free_);
    if (when >= limit) {
      return false;
    }
    ahead_step_ = 2;
    return look_up(second, when);
  }
  return true;
}

// jal or jalr, whose target was fetched ahead, leaves ID in cycle `id`.
void Core::target_fetched(std::uint64_t id) {
  jump_step_ = 0;
  if (ahead_fetch_ > id) {
    // The prefetcher was still waiting for a line that the program does not go on to.
    id_floor_ = std::max(id_floor_, ahead_fetch_ + config_.timing.fetch);
    floor_reason_ = StallReason::kIcacheMiss;
  }
}

}  // namespace etude
