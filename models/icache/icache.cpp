// SPDX-License-Identifier: Apache-2.0
#include "models/icache/icache.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/error.h"
#include "models/icache/icache_regs.h"

namespace etude {

namespace {
constexpr std::uint32_t kEmpty = ~std::uint32_t{0};
constexpr Range kCores{.min = 1, .max = 16};  // bits of a bank's request mask
}  // namespace

Icache::Icache(const sc_core::sc_module_name& name, const IcacheConfig& config, unsigned cores,
               AxiPort& memory)
    : sc_module(name), config_(config), memory_(memory), cores_(cores) {
  check_range(kCores, cores, "/platform/cluster/cores: of the instruction cache");
  const std::string place = "/platform/cluster/icache/";
  check_range(IcacheConfig::kWays, config.private_ways, place + "private_ways");
  check_range(IcacheConfig::kSets, config.private_sets, place + "private_sets");
  check_range(IcacheConfig::kBanks, config.shared_banks, place + "shared_banks");
  check_range(IcacheConfig::kWays, config.shared_ways, place + "shared_ways");
  check_range(IcacheConfig::kSets, config.shared_sets, place + "shared_sets");
  reset();
}

void Icache::reset() {
  ++flushes_;
  tags_.assign(cores_.size() * config_.private_sets * config_.private_ways, kEmpty);
  cores_.assign(cores_.size(), {});
  banks_.assign(config_.shared_banks,
                SharedBank(static_cast<unsigned>(cores_.size()), config_.shared_banks,
                           config_.shared_ways, config_.shared_sets));
  lines_.assign(cores_.size(), 0);
  asking_.assign(config_.shared_banks, 0);
  bursts_.clear();
  beats_ = address_turn_ = 0;
  looking_up_ = answered_ = wanting_memory_ = 0;
  bypass_ = changed_ = prefetch_warned_ = false;
  last_ = 0;
  warnings_.clear();
  for (Counter* counter : {&private_misses_, &shared_hits_, &refills_, &bypasses_, &conflicts_}) {
    counter->value = 0;
  }
}

void Icache::request(unsigned core, std::uint32_t address, Cycle now) {
  CoreUnit& unit = cores_[core];
  unit.state = CoreState::kLookup;
  unit.line = address / kLineBytes;
  unit.since = std::max(now.raw(), unit.free);
  unit.bypass = bypass_;
  looking_up_ |= 1u << core;
  ++(bypass_ ? bypasses_ : private_misses_);
}

void Icache::choose_way(unsigned core) {
  CoreUnit& unit = cores_[core];
  const std::uint32_t* set = private_set(core, unit.line);
  for (unsigned way = config_.private_ways; way-- > 0;) {
    if (set[way] == kEmpty) {
      unit.way = way;
      return;
    }
  }
  unit.way = unit.lfsr.next(config_.private_ways);
}

void Icache::finish(unsigned core) {
  CoreUnit& unit = cores_[core];
  if (!unit.bypass) {
    private_set(core, unit.line)[unit.way] = unit.line;
  }
  unit.state = CoreState::kIdle;
}

void Icache::step_data_channel(std::uint64_t now) {
  if (bursts_.empty() || bursts_.front().first + beats_ > now ||
      !banks_[bursts_.front().bank].takes_beats()) {
    return;
  }
  changed_ = true;
  if (++beats_ == kLineBytes / 8) {
    banks_[bursts_.front().bank].line_complete();
    bursts_.pop_front();
    beats_ = 0;
  }
}

void Icache::step_address_channel(std::uint64_t now) {
  // Round robin over the banks; the turn only moves on when another bank asks too (rr_arb_tree).
  const unsigned banks = config_.shared_banks;
  const auto asks = [this](unsigned bank) { return banks_[bank].has_address(); };
  unsigned winner = banks;
  for (unsigned i = 0; i < banks && winner == banks; ++i) {
    const unsigned bank = (address_turn_ + i) % banks;
    if (asks(bank)) {
      winner = bank;
    }
  }
  if (winner == banks) {
    return;
  }
  for (unsigned i = 1; i <= banks; ++i) {
    const unsigned bank = (address_turn_ + i) % banks;
    if (asks(bank)) {
      address_turn_ = bank;
      break;
    }
  }
  const std::uint32_t line = banks_[winner].pop_address();
  if (!banks_[winner].has_address()) {
    wanting_memory_ &= ~(1u << winner);
  }
  std::array<std::uint8_t, kLineBytes> data{};
  const Cycle first = memory_.read(Address{line * kLineBytes}, data, Cycle{now});
  bursts_.push_back({winner, first.raw()});
  ++refills_;
  changed_ = true;
}

void Icache::step_banks() {
  for (unsigned b = 0; b < config_.shared_banks; ++b) {
    if (asking_[b] == 0 && banks_[b].quiet()) {
      continue;
    }
    const SharedBank::Outcome outcome = banks_[b].step(asking_[b], lines_);
    changed_ = changed_ || outcome.changed;
    if (outcome.granted != SharedBank::kNobody) {
      asking_[b] &= ~(1u << outcome.granted);
      cores_[outcome.granted].state = CoreState::kWaiting;
    }
    for (std::uint32_t refused = asking_[b]; refused != 0; refused &= refused - 1) {
      ++conflicts_;
    }
    if (banks_[b].has_address()) {
      wanting_memory_ |= 1u << b;
    }
    if (outcome.answered != SharedBank::kNobody) {
      cores_[outcome.answered].state = CoreState::kAnswered;
      answered_ |= 1u << outcome.answered;
      shared_hits_ += outcome.hit ? 1 : 0;
    }
  }
}

std::uint32_t Icache::step(Cycle cycle) {
  const std::uint64_t now = cycle.raw();
  // The response register of the refill arbiter: one cycle after the bank answered.
  const std::uint32_t done = std::exchange(answered_, 0);
  changed_ = done != 0;
  for (std::uint32_t left = done; left != 0; left &= left - 1) {
    finish(static_cast<unsigned>(std::countr_zero(left)));
  }
  for (std::uint32_t left = looking_up_; left != 0; left &= left - 1) {
    const unsigned core = static_cast<unsigned>(std::countr_zero(left));
    CoreUnit& unit = cores_[core];
    if (now > unit.since) {
      // The tags were found not to match in this cycle; the bank is asked in it.
      if (!unit.bypass) {
        choose_way(core);
      }
      lines_[core] = unit.line;
      asking_[bank_of(unit.line)] |= 1u << core;
      unit.state = CoreState::kAsking;
      looking_up_ &= ~(1u << core);
      changed_ = true;
    }
  }
  step_data_channel(now);
  if (asks_memory()) {
    step_address_channel(now);
  }
  step_banks();
  last_ = now;
  return done;
}

void Icache::flush_private(std::uint64_t now) {
  std::fill(tags_.begin(), tags_.end(), kEmpty);
  ++flushes_;
  for (CoreUnit& unit : cores_) {
    unit.free = std::max(unit.free, now + 1 + config_.private_sets);
  }
  changed_ = true;
  last_ = std::max(last_, now);
}

void Icache::write_register(std::uint32_t offset, std::uint32_t value, Cycle now) {
  switch (offset) {
    case ETUDE_ICACHE_ENABLE:
      if ((value == 0) != bypass_) {
        bypass_ = value == 0;
        for (SharedBank& bank : banks_) {
          bank.set_bypass(bypass_);  // a bank empties itself when it is switched on
        }
        flush_private(now.raw());
      }
      break;
    case ETUDE_ICACHE_FLUSH:
      for (SharedBank& bank : banks_) {
        bank.flush();
      }
      flush_private(now.raw());
      break;
    case ETUDE_ICACHE_SEL_FLUSH: {
      const std::uint32_t line = value / kLineBytes;
      for (unsigned core = 0; core < cores_.size(); ++core) {
        std::fill_n(private_set(core, line), config_.private_ways, kEmpty);
      }
      banks_[bank_of(line)].flush_set(line);
      ++flushes_;
      break;
    }
    case ETUDE_ICACHE_PREFETCH:
      if (value != 0 && !std::exchange(prefetch_warned_, true)) {
        warnings_.emplace_back(
            "icache: prefetching is not modelled; the store to its register is ignored");
      }
      break;
    default:
      break;
  }
}

std::uint32_t Icache::read_register(std::uint32_t offset) const {
  return offset == ETUDE_ICACHE_ENABLE && !bypass_ ? 0xFFFFFFFFu : 0u;
}

std::vector<std::string> Icache::take_warnings() { return std::exchange(warnings_, {}); }

void Icache::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter :
       {&private_misses_, &shared_hits_, &refills_, &bypasses_, &conflicts_}) {
    visit(*counter);
  }
}

}  // namespace etude
