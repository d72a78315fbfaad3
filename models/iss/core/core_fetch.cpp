// SPDX-License-Identifier: Apache-2.0
// Instruction fetch: the two-word prefetch buffer in front of a private cache of 16-byte lines.
//
// Words are asked for one after the other. With two words in the buffer or on their way, the next
// one is asked for when the first of them leaves the buffer: word k one cycle after word k-2 has
// left it. A word leaves it with the instruction that begins in its lower half, or that ends there;
// the aligner keeps its upper half. So a line is looked up when the third word of the line before
// it has left, and at jumps. A hit costs what an ideal memory costs.
//
// A request that the cache refuses, because a line is under way, stays up: a jump behind it asks
// one cycle later.
#include <algorithm>
#include <utility>

#include "models/icache/icache.h"
#include "models/iss/core/core_inline.h"
#include "models/iss/isa/execute.h"

namespace etude {

// True if the line of `address` is here, or is under way and only asked for `ahead` of its use.
// Else it is asked for in cycle `when` at the earliest, or the core has to wait: one fetch at a
// time. A look-up that finds the line changes nothing but what is known about the cache, so that it
// does not matter how often the loop comes by.
bool Core::look_up(std::uint32_t address, std::uint64_t when, bool ahead) {
  const std::uint32_t line = address >> 4;
  if (stay_.line) {
    if (line == fetch_address_ >> 4 ? ahead : is_held(line)) {
      return true;
    }
    waiting_ = Waiting::kLine;
    return false;
  }
  if (known(address)) {
    return true;
  }
  if (icache_->hit(icache_port_, address)) {
    known_[line % kKnown] = line;
    forget_calm_lines();  // the one that is forgotten for it may be among them
    return true;
  }
  if (is_held(line)) {
    return true;
  }
  fetch_address_ = address;
  fetch_when_ = std::max({when, fetch_free_, answered_});
  waiting_ = Waiting::kFetch;
  return false;
}

// The line of `address`, not known yet, is in the private cache, and no other one is under way.
[[gnu::noinline]] bool Core::find_line(std::uint32_t address) {
  if (!icache_->hit(icache_port_, address)) {
    return false;
  }
  const std::uint32_t line = address >> 4;
  known_[line % kKnown] = line;
  return true;
}

void Core::fetch_posted() {
  waiting_ = Waiting::kNothing;
  refused_ = false;
  // The words of the instruction in ID that are here are in the buffer, whatever line goes.
  const Instr* const instr = decode_.at(state_.pc);
  const std::uint32_t last_half = state_.pc + (instr != nullptr ? instr->length - 2u : 0u);
  const bool whole = icache_->hit(icache_port_, last_half) || is_held(last_half >> 4);
  held_[0] = state_.pc >> 4;
  held_[1] = whole ? last_half >> 4 : held_[0];
  stay_.line = true;
  forget_calm_lines();  // while it is under way, no other line is looked up
}

void Core::complete_fetch(Cycle rvalid) {
  if (waiting_ == Waiting::kLine) {
    waiting_ = Waiting::kNothing;
    stood_until_ = rvalid.raw() + 1;
  }
  leave_calm_access();
  stay_.line = false;
  fetched_[1] = fetched_[0];
  fetched_[0] = fetch_address_ >> 4;
  if (icache_flushes_ != icache_->flushes()) {
    forget_lines();
  }
  // This one may have taken the place of another one of its set.
  for (std::uint32_t& line : known_) {
    line = icache_->same_set(line, fetched_[0]) ? ~0u : line;
  }
  line_ = ~0u;
  forget_calm_lines();
  older_missed_word_ = missed_word_;
  older_missed_rvalid_ = missed_rvalid_;
  missed_word_ = fetch_address_ >> 2;
  missed_rvalid_ = rvalid.raw();
  fetch_free_ = rvalid.raw() + 1;
}

void Core::forget_lines() {
  known_.fill(~0u);
  line_ = ~0u;
  forget_calm_lines();
  icache_flushes_ = icache_->flushes();
}

// The lines of the instruction at state_.pc. False if run() has to come back later: the line is
// missing (waiting_), or is asked for at or after `limit`.
bool Core::fetch_lines(const Instr& instr, std::uint64_t limit) {
  const std::uint32_t pc = state_.pc;
  const std::uint32_t last_half = last_needed(instr, pc, is_target());
  if (jump_step_ == 1) {
    if (stay_.line) {
      waiting_ = Waiting::kLine;
      return false;
    }
    if (jump_free() > redirect_fetch_) {
      // The prefetcher still waits for a line that the program does not go on to.
      redirect_fetch_ = jump_free();
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
      if (!look_up(second, when, true)) {
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
  const std::uint32_t last_word = last_needed(instr, state_.pc, is_target()) >> 2;
  const std::uint64_t floor = last_word == missed_word_             ? missed_rvalid_ + 1
                              : last_word == missed_word_ + 1       ? missed_rvalid_ + 3
                              : last_word == older_missed_word_     ? older_missed_rvalid_ + 1
                              : last_word == older_missed_word_ + 1 ? older_missed_rvalid_ + 3
                                                                    : 0;
  return floor > arrival ? std::max(floor, id_open()) : arrival;
}

// The last half-word that must be here for the instruction at `pc` to go to ID. A compressed one in
// the upper half of a word is in the aligner already, but nothing is handed over while the buffer
// is empty: it waits for the next word, unless it was jumped to or ends a hardware loop.
std::uint32_t Core::last_needed(const Instr& instr, std::uint32_t pc, bool target) const {
  if (instr.length == 4 || (pc & 2u) == 0 || target || pc + 2 == state_.loop_watch[0] ||
      pc + 2 == state_.loop_watch[1]) {
    return pc + instr.length - 2;
  }
  return pc + 2;
}

// The instruction in ID since `arrival` took a word out of the buffer, so that the next but one was
// asked for: in vain, if it is the one behind a word that is still under way.
void Core::note_refused(const Instr& instr, std::uint64_t arrival) {
  const std::uint32_t pc = state_.pc;
  const bool takes = instr.length == 4 || (pc & 2u) == 0 || is_target();
  const std::uint32_t word = stay_.line ? fetch_address_ >> 2 : missed_word_;
  const bool jumps = instr.timing == TimingClass::kJal ||
                     (instr.timing == TimingClass::kJalr && jalr_id(instr, arrival) == arrival);
  if (takes && !jumps && ((pc + instr.length - 2) >> 2) + 1 == word) {
    refused_ = true;
  }
}

// What is asked for when the instruction at state_.pc enters ID: the target of a jump, or the word
// after next if that begins a line.
bool Core::fetch_ahead(const Instr& instr, std::uint64_t arrival, std::uint64_t limit) {
  const bool jump = instr.timing == TimingClass::kJal || instr.timing == TimingClass::kJalr;
  if (jump && ahead_step_ == 1) {
    // Its target has been asked for; a line that came meanwhile may hold the jump itself up in ID,
    // but not the prefetcher.
    return fetch_target(instr, arrival, limit);
  }
  if (instr.timing == TimingClass::kJal) {
    return arrival < limit && fetch_target(instr, arrival, limit);
  }
  const std::uint32_t pc = state_.pc;
  // The first word of a target that crosses it leaves before the instruction is whole.
  std::uint64_t asked = arrival;
  if ((pc & 15u) == 10 && instr.length == 4 && is_target()) {
    asked = std::min(arrival, id_floor_ > ex_enter_ ? std::max(id_floor_, id_open()) : id_floor_);
  }
  if (asked >= limit) {
    return false;
  }
  // The third word of the line has left the buffer.
  const bool third_word = (pc & 15u) == 8 || ((pc & 15u) == 6 && instr.length == 4) ||
                          ((pc & 15u) == 10 && is_target());
  if (third_word) {
    const std::uint32_t low = (pc & ~15u) + 8;
    if (loop_goes_back(pc)) {
      return true;  // goes back to the start of a hardware loop
    }
    std::uint64_t when = asked;
    // Behind a jump to the third word, the fourth is asked for first.
    if (low >> 2 == missed_word_) {
      when = std::max(when, missed_rvalid_ + 2);
    }
    // A jump that asks for its target by then is in time to stop it.
    const bool stopped = instr.timing == TimingClass::kJalr && jalr_id(instr, arrival) <= when;
    if (!stopped && (when >= limit || !look_up(low + 8, when, true))) {
      return false;
    }
  }
  return instr.timing != TimingClass::kJalr ||
         (arrival < limit && fetch_target(instr, jalr_id(instr, arrival), limit));
}

// The first two words of the target of jal or jalr, which asks for them in cycle `id`.
bool Core::fetch_target(const Instr& instr, std::uint64_t id, std::uint64_t limit) {
  const std::uint32_t target = jump_target(instr, state_);
  if (ahead_step_ == 0) {
    if (stay_.line) {
      waiting_ = Waiting::kLine;
      return false;
    }
    ahead_fetch_ = std::max(id, jump_free());
    if (ahead_fetch_ >= limit) {
      return false;
    }
    ahead_step_ = 1;
    if (!look_up(target, ahead_fetch_, true)) {
      return false;
    }
  }
  const std::uint32_t second = (target & ~3u) + 4;
  if (ahead_step_ == 1 && second >> 4 != target >> 4) {
    if (stay_.line) {
      waiting_ = Waiting::kLine;
      return false;
    }
    const std::uint64_t when = std::max(ahead_fetch_ + 1, fetch_free_);
    if (when >= limit) {
      return false;
    }
    ahead_step_ = 2;
    return look_up(second, when, true);
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

// The instruction behind a load or store enters ID when that enters EX, and its fetch goes out in
// the same cycle as the access. False if there is one: it has to be posted first.
bool Core::fetch_behind_access(const Instr& instr, std::uint64_t enter) {
  const std::uint32_t pc = state_.pc;
  const std::uint32_t next_pc = pc + instr.length;
  if (stay_.line || fetch_free_ > enter || answered_ > enter || missed_rvalid_ + 2 > enter ||
      next_pc >> 12 != page_number_ || id_floor_ >= enter || next_pc == state_.loop_watch[0] ||
      next_pc == state_.loop_watch[1]) {
    return true;  // nothing to ask for, or not in this cycle
  }
  const Instr& slot = page_[(next_pc >> 1) & 2047];
  const Instr* const next = slot.length != 0 ? &slot : decode_.at(next_pc);
  if (next == nullptr || last_needed(*next, next_pc, false) >> 4 != line_ ||
      next->timing == TimingClass::kJalr) {
    return true;
  }
  // As if the access had gone on already.
  state_.pc = next_pc;
  const bool redirected = std::exchange(redirected_, false);
  bool asked = true;
  if (next->timing == TimingClass::kJal) {
    asked = here(jump_target(*next, state_)) || fetch_target(*next, enter, enter + 1);
  } else if ((next_pc & 15u) - 6u <= 4u && !here(next_pc + 16)) {
    asked = fetch_ahead(*next, enter, enter + 1);
  }
  state_.pc = pc;
  redirected_ = redirected;
  return asked || waiting_ != Waiting::kFetch;
}

}  // namespace etude
