// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/allocator.h"

#include <algorithm>
#include <stdexcept>

namespace etude::compiler {

static constexpr std::uint32_t kAlignment = 8;  // a beat of the DMA

Allocator::Allocator(std::uint32_t base, std::uint32_t bytes, bool lowest)
    : base_((base + kAlignment - 1) / kAlignment * kAlignment),
      bytes_(bytes / kAlignment * kAlignment),
      lowest_(lowest) {
  touched_[base_] = 0;
}

std::optional<std::uint32_t> Allocator::allocate(std::uint32_t bytes) {
  const std::uint32_t size = (std::max(bytes, 1u) + kAlignment - 1) / kAlignment * kAlignment;
  std::optional<std::uint32_t> best;
  std::uint64_t best_touch = ~std::uint64_t{0};
  const auto consider = [&](std::uint32_t at) {
    const std::uint64_t when = lowest_ ? at : last_touch(at, at + size);
    if (when < best_touch) {
      best_touch = when;
      best = at;
    }
  };
  std::uint32_t gap = base_;
  const auto scan = [&](std::uint32_t gap_end) {
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
  scan(base_ + bytes_);
  if (best) {
    blocks_[*best] = *best + size;
    used_ += size;
    peak_ = std::max(peak_, used_);
  }
  return best;
}

void Allocator::free(std::uint32_t address) {
  const auto block = blocks_.find(address);
  if (block == blocks_.end()) {
    throw std::logic_error("range given back twice");
  }
  used_ -= block->second - block->first;
  touch(block->first, block->second);
  blocks_.erase(block);
}

void Allocator::touch(std::uint32_t begin, std::uint32_t end) {
  const auto after = std::prev(touched_.upper_bound(end));
  const std::uint64_t value_after = after->second;
  touched_[end] = value_after;
  touched_.erase(touched_.lower_bound(begin), touched_.lower_bound(end));
  touched_[begin] = ++clock_;
}

std::uint64_t Allocator::last_touch(std::uint32_t begin, std::uint32_t end) const {
  std::uint64_t latest = 0;
  for (auto t = std::prev(touched_.upper_bound(begin)); t != touched_.end() && t->first < end;
       ++t) {
    latest = std::max(latest, t->second);
  }
  return latest;
}

}  // namespace etude::compiler
