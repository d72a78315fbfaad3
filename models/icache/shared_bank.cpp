// SPDX-License-Identifier: Apache-2.0
#include "models/icache/shared_bank.h"

#include <algorithm>
#include <bit>

namespace etude {

namespace {
constexpr std::uint32_t kEmpty = ~std::uint32_t{0};
}

SharedBank::SharedBank(unsigned cores, unsigned banks, unsigned ways, unsigned sets)
    : levels_(std::bit_width(std::bit_ceil(std::max(cores, 2u))) - 1),
      bank_bits_(std::bit_width(banks) - 1),
      ways_(ways),
      sets_(sets),
      tags_(std::size_t{ways} * sets, kEmpty) {}

unsigned SharedBank::pick(std::uint32_t requests) const {
  // From the root down: the counter's bit of that level says which half goes first.
  unsigned core = 0;
  for (unsigned level = levels_; level-- > 0;) {
    const std::uint32_t half = (1u << (1u << level)) - 1;
    const bool low = (requests >> core & half) != 0;
    const bool high = (requests >> (core + (1u << level)) & half) != 0;
    if (high && (!low || (turn_ >> level & 1u) != 0)) {
      core += 1u << level;
    }
  }
  return core;
}

bool SharedBank::in_flight(std::uint32_t line) const {
  return std::any_of(refills_.begin(), refills_.end(),
                     [line](const Refill& refill) { return refill.line == line; });
}

void SharedBank::flush_set(std::uint32_t line) {
  for (unsigned way = 0; way < ways_; ++way) {
    tags_[slot(line, way)] = kEmpty;
  }
}

void SharedBank::serve(Outcome& outcome) {
  const Refill refill = refills_.pop();
  tags_[slot(refill.line, refill.way)] = refill.line;
  outcome.answered = refill.core;
  line_there_ = false;
}

void SharedBank::step_operative(Outcome& outcome, bool& take) {
  if (line_there_) {
    if (looking_ && in_flight(looking_line_)) {
      state_ = State::kServeCritical;
    } else {
      state_ = State::kServe;
      if (looking_ && present(looking_line_)) {
        outcome.answered = looking_core_;
        outcome.hit = true;
        looking_ = false;
      }
    }
    return;
  }
  if (looking_ && !present(looking_line_)) {
    state_ = in_flight(looking_line_) ? State::kWaitCritical : State::kRequest;
    return;
  }
  if (looking_) {
    outcome.answered = looking_core_;
    outcome.hit = true;
    looking_ = false;
  }
  if (!bypass_wanted_ && !flush_wanted_) {
    take = true;
  } else if (refills_.empty() && outcome.answered == kNobody) {
    state_ = flush_wanted_ ? State::kInvalidate : State::kBypass;
    invalidated_ = 0;
    outcome.changed = true;
  }
}

void SharedBank::step_bypass(Outcome& outcome, bool& take) {
  if (line_there_) {
    outcome.answered = refills_.pop().core;
    line_there_ = false;
  }
  if (bypass_wanted_) {
    take = addresses_.size() < kAddresses && refills_.size() < kRefills;
  } else if (refills_.empty() && outcome.answered == kNobody) {
    state_ = State::kInvalidate;
    invalidated_ = 0;
    outcome.changed = true;
  }
}

// A cycle of any kind.
SharedBank::Outcome SharedBank::step_any(std::uint32_t requests,
                                         const std::vector<std::uint32_t>& lines) {
  Outcome outcome;
  const State before = state_;
  bool take = false;
  bool bypassed = false;
  switch (state_) {
    case State::kOperative:
      step_operative(outcome, take);
      break;
    case State::kWaitCritical:
      if (line_there_) {
        state_ = State::kServeCritical;
      }
      break;
    case State::kServeCritical:
      serve(outcome);
      state_ = State::kDispatch1;
      break;
    case State::kDispatch1:
      state_ = in_flight(looking_line_) ? State::kWaitCritical : State::kDispatch2;
      break;
    case State::kDispatch2:
      outcome.answered = looking_core_;
      outcome.hit = true;
      looking_ = false;
      state_ = State::kOperative;
      break;
    case State::kRequest:
      if (line_there_) {
        state_ = State::kServeThenRequest;
      } else if (addresses_.size() < kAddresses && refills_.size() < kRefills) {
        refills_.push({looking_core_, looking_line_, lfsr_.next(ways_)});
        addresses_.push(looking_line_);
        outcome.missed = true;
        looking_ = false;
        state_ = State::kOperative;
      }
      break;
    case State::kServeThenRequest:
      serve(outcome);
      state_ = State::kRequest;
      break;
    case State::kServe:
      serve(outcome);
      state_ = State::kOperative;
      break;
    case State::kInvalidate:
      std::fill_n(tags_.begin() + std::ptrdiff_t{invalidated_} * ways_, ways_, kEmpty);
      if (++invalidated_ == sets_) {
        flush_wanted_ = false;
        state_ = bypass_wanted_ ? State::kBypass : State::kOperative;
      }
      outcome.changed = true;
      break;
    case State::kBypass:
      bypassed = true;
      step_bypass(outcome, take);
      break;
  }
  if (take && requests != 0) {
    const unsigned core = grant(requests);
    outcome.granted = core;
    if (bypassed) {
      refills_.push({core, lines[core], 0});
      addresses_.push(lines[core]);
    } else {
      look_for(core, lines[core]);
    }
  }
  outcome.changed = outcome.changed || line_arrives_ || state_ != before || outcome.missed ||
                    outcome.granted != kNobody || outcome.answered != kNobody;
  line_there_ = line_there_ || line_arrives_;
  line_arrives_ = false;
  return outcome;
}

}  // namespace etude
