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
  stretches_.push_back({base_, 0});
}

/// Number of the first block that begins behind an address.
std::size_t Allocator::block_behind(Address address) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(blocks_, address, {}, &Block::begin) -
                                  blocks_.begin());
}

std::size_t Allocator::stretch_of(Address address) const {
  return static_cast<std::size_t>(
             std::ranges::upper_bound(stretches_, address, {}, &Stretch::begin) -
             stretches_.begin()) -
         1;
}

std::optional<Address> Allocator::allocate(Bytes bytes) {
  const Bytes size = in_beats(bytes);
  std::optional<Address> best;
  std::uint64_t best_touch = ~std::uint64_t{0};
  // `stretch`: that has the address. What was given back as late as the best place, or later, is
  // none that is better.
  const auto consider = [&](Address at, std::size_t stretch) {
    std::uint64_t latest = 0;
    for (const Address end = at + size;
         stretch < stretches_.size() && stretches_[stretch].begin < end && latest < best_touch;
         ++stretch) {
      latest = std::max(latest, stretches_[stretch].touched);
    }
    if (latest < best_touch) {
      best_touch = latest;
      best = at;
    }
  };
  const auto scan = [&](Address gap, Address gap_end) {
    if (gap_end - gap < size) {
      return;
    }
    if (lowest_) {
      best = best ? best : gap;
      return;
    }
    std::size_t stretch = stretch_of(gap);
    consider(gap, stretch);
    if (gap_end - size > gap) {
      consider(gap_end - size, stretch_of(gap_end - size));
    }
    for (++stretch; stretch < stretches_.size() && stretches_[stretch].begin + size <= gap_end;
         ++stretch) {
      consider(stretches_[stretch].begin, stretch);
    }
  };
  Address gap = base_;
  std::size_t before = 0;  // of the blocks, those before the gap
  while (best_touch != 0 && !(lowest_ && best)) {
    scan(gap, before < blocks_.size() ? blocks_[before].begin : end_);
    if (before == blocks_.size()) {
      break;
    }
    gap = blocks_[before++].end;
  }
  if (best) {
    const auto place = static_cast<std::ptrdiff_t>(block_behind(*best));
    blocks_.insert(blocks_.begin() + place, {*best, *best + size});
    used_ += size;
    peak_ = std::max(peak_, used_);
  }
  return best;
}

void Allocator::free(Address address) {
  const std::size_t behind = block_behind(address);
  if (behind == 0 || blocks_[behind - 1].begin != address) {
    throw std::logic_error("range given back twice");
  }
  const Block block = blocks_[behind - 1];
  used_ -= block.end - block.begin;
  touch(block.begin, block.end);
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(behind - 1));
}

/// The range becomes a stretch of its own; what its last stretch has behind it stays.
void Allocator::touch(Address begin, Address end) {
  const std::size_t last = stretch_of(end);
  const Stretch behind{end, stretches_[last].touched};
  const auto first = std::ranges::lower_bound(stretches_, begin, {}, &Stretch::begin);
  const auto to = stretches_.begin() + static_cast<std::ptrdiff_t>(last) + 1;
  const Stretch mine{begin, ++clock_};
  // `first` up to `to` is replaced by two.
  if (to - first >= 2) {
    *first = mine;
    *(first + 1) = behind;
    stretches_.erase(first + 2, to);
  } else if (to - first == 1) {
    *first = behind;
    stretches_.insert(first, mine);
  } else {
    stretches_.insert(first, {mine, behind});
  }
}

}  // namespace etude::compiler
