// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/allocator.h"

#include <algorithm>
#include <stdexcept>

namespace etude::compiler {

namespace {

constexpr Bytes kBeat{8};  // of the DMA

constexpr Bytes in_beats(Bytes bytes) {
  return (std::max(bytes, Bytes{1}) + kBeat - Bytes{1}) / kBeat.raw() * kBeat.raw();
}

}  // namespace

Allocator::Allocator(Address base, Bytes bytes, bool lowest)
    : base_((base + kBeat - Bytes{1}).raw() / 8 * 8),
      end_(std::max(base_, Address{(base + bytes).raw() / 8 * 8})),
      lowest_(lowest) {
  touched_[base_] = 0;
}

std::optional<Address> Allocator::allocate(Bytes bytes) {
  const Bytes size = in_beats(bytes);
  std::optional<Address> best;
  std::uint64_t best_touch = ~std::uint64_t{0};
  const auto consider = [&](Address at) {
    const std::uint64_t when = lowest_ ? at.raw() : last_touch(at, at + size);
    if (when < best_touch) {
      best_touch = when;
      best = at;
    }
  };
  Address gap = base_;
  const auto scan = [&](Address gap_end) {
    if (gap_end - gap < size) {
      return;
    }
    consider(gap);
    consider(gap_end - size);
    for (auto t = touched_.upper_bound(gap); t != touched_.end() && t->first + size <= gap_end;
         ++t) {
      consider(t->first);
    }
  };
  for (const auto& [begin, end] : blocks_) {
    scan(begin);
    gap = end;
  }
  scan(end_);
  if (best) {
    blocks_[*best] = *best + size;
    used_ += size;
    peak_ = std::max(peak_, used_);
  }
  return best;
}

void Allocator::free(Address address) {
  const auto block = blocks_.find(address);
  if (block == blocks_.end()) {
    throw std::logic_error("range given back twice");
  }
  used_ -= block->second - block->first;
  touch(block->first, block->second);
  blocks_.erase(block);
}

void Allocator::touch(Address begin, Address end) {
  const auto after = std::prev(touched_.upper_bound(end));
  const std::uint64_t value_after = after->second;
  touched_[end] = value_after;
  touched_.erase(touched_.lower_bound(begin), touched_.lower_bound(end));
  touched_[begin] = ++clock_;
}

std::uint64_t Allocator::last_touch(Address begin, Address end) const {
  std::uint64_t latest = 0;
  for (auto t = std::prev(touched_.upper_bound(begin)); t != touched_.end() && t->first < end;
       ++t) {
    latest = std::max(latest, t->second);
  }
  return latest;
}

}  // namespace etude::compiler
