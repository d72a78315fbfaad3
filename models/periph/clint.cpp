// SPDX-License-Identifier: Apache-2.0
#include "models/periph/clint.h"

#include <algorithm>

namespace etude {
namespace {

constexpr std::uint32_t kCompareBase = 0x4000u;
constexpr std::uint32_t kTimeBase = 0xBFF8u;

std::uint64_t with_half(std::uint64_t old, bool high, std::uint32_t value) {
  return high ? (old & 0xFFFFFFFFu) | (std::uint64_t{value} << 32)
              : (old & ~std::uint64_t{0xFFFFFFFFu}) | value;
}

std::uint32_t half_of(std::uint64_t whole, bool high) {
  return static_cast<std::uint32_t>(high ? whole >> 32 : whole);
}

}  // namespace

Clint::Clint(const sc_core::sc_module_name& name) : sc_module(name) { reset(); }

void Clint::reset() {
  msip_.fill(0);
  compare_.fill(~std::uint64_t{0});
  offset_ = 0;
}

std::uint32_t Clint::read(std::uint32_t offset, Cycle now) const {
  const bool high = (offset & 4u) != 0;
  if (offset < 4 * kMaxHarts) {
    return msip_[offset / 4];
  }
  if (offset >= kCompareBase && offset < kCompareBase + 8 * kMaxHarts) {
    return half_of(compare_[(offset - kCompareBase) / 8], high);
  }
  return (offset & ~4u) == kTimeBase ? half_of(time(now), high) : 0;
}

void Clint::write(std::uint32_t offset, std::uint32_t value, Cycle now) {
  const bool high = (offset & 4u) != 0;
  if (offset < 4 * kMaxHarts) {
    msip_[offset / 4] = value & 1u;
  } else if (offset >= kCompareBase && offset < kCompareBase + 8 * kMaxHarts) {
    auto& compare = compare_[(offset - kCompareBase) / 8];
    compare = with_half(compare, high, value);
  } else if ((offset & ~4u) == kTimeBase) {
    offset_ = with_half(time(now), high, value) - now.raw();
  }
}

std::uint32_t Clint::lines(unsigned hart, Cycle now) const {
  return (msip_[hart] != 0 ? kMsip : 0u) | (time(now) >= compare_[hart] ? kMtip : 0u);
}

Cycle Clint::next_activity(Cycle now) const {
  Cycle next = kNever;
  for (const std::uint64_t compare : compare_) {
    if (compare >= time(now) && compare - time(now) < kNever.raw() - now.raw()) {
      next = std::min(next, Cycle{now.raw() + (compare - time(now))});
    }
  }
  return next;
}

}  // namespace etude
