// SPDX-License-Identifier: Apache-2.0
#include "models/interco/hci.h"

#include <bit>
#include <string>
#include <utility>

#include "models/base/error.h"

namespace etude {

Hci::Hci(const sc_core::sc_module_name& name, const HciConfig& config, const HciShape& shape)
    : sc_core::sc_module(name), config_(config), shape_(shape) {
  check_range(HciShape::kPorts, shape.ports, "/platform/cluster/cores: harts, ext and DMA ports");
  check_range(HciShape::kBanks, shape.banks, "/platform/cluster/tcdm/banks");
  if (shape.wide_banks > shape.banks) {
    throw UserError("/platform/cluster/redmule", std::to_string(shape.wide_banks) + " banks wide",
                    "the accelerator's port must not be wider than all banks");
  }
  check_range(HciConfig::kWindowLength, config.window, "/platform/cluster/hci/window");
  const std::uint64_t all_banks = ~std::uint64_t{0} >> (64 - shape.banks);
  for (unsigned first = 0; first < shape.banks && shape.wide_banks != 0; ++first) {
    const std::uint64_t run = ~std::uint64_t{0} >> (64 - shape.wide_banks);
    const std::uint64_t wrapped = first == 0 ? 0 : run >> (shape.banks - first);
    wide_mask_[first] = ((run << first) | wrapped) & all_banks;
  }
  reset();
}

void Hci::reset() {
  rr_.fill(0);
  up_.fill(0);
  up_banks_ = shared_banks_ = 0;
  up_ports_ = shared_ports_ = 0;
  locked_ = 0;
  ctr_ = 0;
  set_priority(config_.priority == HciConfig::Priority::kAccelerator, config_.max_stall);
  for (Counter* counter : {&log_grants_, &log_refused_, &wide_grants_, &wide_refused_,
                           &wasted_reads_, &partial_writes_}) {
    counter->value = 0;
  }
}

void Hci::set_priority(bool invert, unsigned max_stall) {
  check_range(HciConfig::kMaxStall, max_stall, "/platform/cluster/hci/max_stall");
  invert_ = invert;
  max_stall_ = max_stall;
  // The release cycle hurts a high log branch even if the accelerator asks for nothing then.
  release_at_ = config_.arbiter == HciConfig::Arbiter::kStall && !invert && max_stall > 0
                    ? max_stall
                    : kNoRelease;
}

// A binary tree of ceil(log2 ports) levels, from the root down: the right half is taken if the left
// one is empty, or if it is not empty itself and the pointer's bit of this level says right. Only
// the levels where both halves are populated decide, so go from one such level to the next.
inline std::uint32_t Hci::winner(std::uint32_t requests, unsigned rr) {
  while ((requests & (requests - 1)) != 0) {
    const int lowest = std::countr_zero(requests);
    const int highest = 31 - std::countl_zero(requests);
    const int level = std::bit_width(static_cast<unsigned>(lowest ^ highest)) - 1;
    const std::uint32_t left_half = (std::uint32_t{1} << (highest >> level << level)) - 1;
    requests &= (rr >> level & 1) != 0 ? ~left_half : left_half;
  }
  return requests;
}

[[gnu::always_inline]] inline void Hci::split(std::uint64_t log, std::uint64_t wide,
                                              std::uint64_t& log_won, std::uint64_t& wide_won) {
  const std::uint64_t high = invert_ ? wide : log;
  const std::uint64_t low = invert_ ? log : wide;
  bool enabled;  // the high side takes what it wants; else it gets nothing at all
  if (config_.arbiter == HciConfig::Arbiter::kStall) {
    enabled = high != 0 && !(max_stall_ > 0 && ctr_ >= max_stall_);
    ctr_ = enabled && low != 0 ? static_cast<std::uint8_t>(ctr_ + 1) : std::uint8_t{0};
  } else {
    const bool conflict = (high & low) != 0;
    enabled = !(conflict && max_stall_ > 0 && max_stall_ <= ctr_ && ctr_ < config_.window);
    if (conflict) {
      ctr_ = ctr_ + 1u == config_.window ? std::uint8_t{0} : static_cast<std::uint8_t>(ctr_ + 1);
    }
  }
  const std::uint64_t high_won = enabled ? high : 0;
  const std::uint64_t low_won = low & ~high_won;
  log_won = invert_ ? low_won : high_won;
  wide_won = invert_ ? high_won : low_won;
}

// Serves `bank` to one of those of `wanted`.
[[gnu::always_inline]] inline std::uint32_t Hci::serve_bank(int bank, std::uint32_t wanted) {
  if ((wanted & (wanted - 1)) == 0) {  // alone: it wins and is the next one whatever the pointer is
    rr_[bank] = static_cast<std::uint8_t>(std::countr_zero(wanted));
    return wanted;
  }
  const unsigned rr = rr_[bank];
  const std::uint32_t above = wanted & ~((std::uint32_t{2} << rr) - 1);
  rr_[bank] = static_cast<std::uint8_t>(std::countr_zero(above != 0 ? above : wanted));
  return winner(wanted, rr);
}

// Serves each bank of `banks` to one of those that want it, and forgets what is wanted there.
[[gnu::always_inline]] inline std::uint32_t Hci::serve(std::uint64_t banks) {
  std::uint32_t granted = 0;
  unsigned count = 0;
  for (std::uint64_t left = banks; left != 0; left &= left - 1) {
    const int bank = std::countr_zero(left);
    granted |= serve_bank(bank, std::exchange(wanted_[bank], 0));
    ++count;
  }
  log_grants_ += count;
  return granted;
}

// What the wide port got of its banks `wide`.
inline void Hci::count_wide_port(const HciRequests& requests, std::uint64_t wide,
                                 HciGrants& grants) {
  grants.wide = grants.wide_banks_won == wide;
  if (grants.wide) {
    ++wide_grants_;
  } else {
    ++wide_refused_;
    if (grants.wide_banks_won != 0) {
      (requests.wide_write ? partial_writes_ : wasted_reads_) +=
          static_cast<unsigned>(std::popcount(grants.wide_banks_won));
    }
  }
}

// Of each bank of `banks`, where more than one request is up, one is served. `kLocked`: some banks
// may be frozen.
template <bool kLocked>
std::uint32_t Hci::serve_shared(std::uint64_t banks) {
  std::uint32_t granted = 0;
  for (std::uint64_t left = banks; left != 0; left &= left - 1) {
    const int bank = std::countr_zero(left);
    const std::uint64_t bit = left & (~left + 1);
    // Whoever came after a freeze is not seen yet.
    const std::uint32_t won =
        serve_bank(bank, kLocked && (locked_ & bit) != 0 ? frozen_[bank] : up_[bank]);
    granted |= won;
    const std::uint32_t rest = up_[bank] ^ won;
    up_[bank] = rest;
    if ((rest & (rest - 1)) == 0) {
      shared_banks_ ^= bit;
      shared_ports_ ^= rest;
      stand_alone(static_cast<unsigned>(bank), rest, static_cast<unsigned>(std::countr_zero(rest)));
    }
  }
  shared_ports_ &= ~granted;
  return granted;
}

template std::uint32_t Hci::serve_shared<false>(std::uint64_t banks);

HciGrants Hci::arbitrate_raised_branches(const HciRequests& requests) {
  const std::uint64_t log = up_banks_;
  std::uint64_t log_won = log;
  HciGrants grants;
  if (requests.wide || ctr_ >= release_at_) {
    const std::uint64_t wide = requests.wide ? wide_mask_[requests.wide_bank] : 0;
    split(log, wide, log_won, grants.wide_banks_won);
    if (requests.wide) {
      count_wide_port(requests, wide, grants);
    }
  } else {
    leave_idle();
  }
  // A frozen request that is alone is the one that is up.
  const std::uint64_t refused = log & ~log_won;
  const std::uint64_t shared = shared_banks_ & log_won;
  std::uint32_t kept = shared_ports_;
  for (std::uint64_t left = refused & ~(locked_ & shared_banks_); left != 0; left &= left - 1) {
    const int bank = std::countr_zero(left);
    kept |= up_[bank];
    frozen_[bank] = up_[bank];
  }
  grants.mask = up_ports_ & ~kept;
  up_banks_ = refused | shared;
  if (shared != 0) {
    grants.mask |= serve_shared<true>(shared);
  }
  locked_ = refused;
  end_raised(grants.mask);
  return grants;
}

[[gnu::always_inline]] inline HciGrants Hci::arbitrate_branches(const HciRequests& requests,
                                                                std::uint64_t log, unsigned count) {
  std::uint64_t withdrawn = 0;  // banks where a frozen request is no longer up
  for (std::uint64_t left = locked_; left != 0; left &= left - 1) {
    const int bank = std::countr_zero(left);
    if ((frozen_[bank] & ~wanted_[bank]) != 0) {
      withdrawn |= std::uint64_t{1} << bank;
    }
    wanted_[bank] = frozen_[bank];  // whoever came after the freeze is not seen yet
  }
  log |= locked_;
  const std::uint64_t wide = requests.wide ? wide_mask_[requests.wide_bank] : 0;
  std::uint64_t log_won = 0;
  HciGrants grants;
  split(log, wide, log_won, grants.wide_banks_won);

  const std::uint64_t before = log_grants_.value;
  grants.mask = serve(log_won & ~withdrawn);
  for (std::uint64_t left = log_won & withdrawn; left != 0; left &= left - 1) {
    // A master that let go of a frozen request may win a grant that it does not see.
    const std::uint32_t granted = serve(left & (~left + 1));
    if ((requests.mask & granted) != 0 &&
        requests.bank[std::countr_zero(granted)] == std::countr_zero(left)) {
      grants.mask |= granted;
    } else {
      log_grants_.value -= 1;
    }
  }
  log_refused_ += count - (log_grants_.value - before);
  locked_ = log & ~log_won;
  for (std::uint64_t left = locked_; left != 0; left &= left - 1) {
    const int bank = std::countr_zero(left);
    frozen_[bank] = wanted_[bank];
    wanted_[bank] = 0;
  }

  if (requests.wide) {
    count_wide_port(requests, wide, grants);
  }
  return grants;
}

HciGrants Hci::arbitrate_contended(const HciRequests& requests) {
  std::uint64_t log = 0;
  unsigned count = 0;
  for (std::uint32_t left = requests.mask; left != 0; left &= left - 1) {
    const unsigned bank = requests.bank[std::countr_zero(left)];
    wanted_[bank] |= left & (~left + 1);
    ++count;
    log |= std::uint64_t{1} << bank;
  }
  if (requests.wide || !log_alone()) {
    return arbitrate_branches(requests, log, count);
  }
  HciGrants grants;
  leave_idle();
  const std::uint64_t before = log_grants_.value;
  grants.mask = serve(log);
  log_refused_ += count - (log_grants_.value - before);
  return grants;
}

void Hci::idle_cycles_locked(std::uint64_t n) {
  // Frozen requests of masters that withdrew are worked off first; at most two cycles.
  for (; n > 0 && locked_ != 0; --n) {
    arbitrate(HciRequests{});
  }
  if (n > 0) {
    leave_idle();
  }
}

void Hci::visit_counters(const CounterVisitor& visit) const {
  Counter grants = log_grants_;
  grants.value -= static_cast<unsigned>(std::popcount(up_ports_));
  visit(grants);
  for (const Counter* counter :
       {&log_refused_, &wide_grants_, &wide_refused_, &wasted_reads_, &partial_writes_}) {
    visit(*counter);
  }
}

}  // namespace etude
