// SPDX-License-Identifier: Apache-2.0
#include "sim/check/shadow.h"

namespace etude::check {

Shadow::Page& Shadow::page(std::uint32_t address) {
  Page*& place = pages_[address >> 12];
  if (place == nullptr) {
    owned_.push_back(std::make_unique<Page>());
    place = owned_.back().get();
  }
  return *place;
}

void Shadow::mark(std::uint32_t first, std::uint32_t bytes, std::uint8_t set, std::uint8_t clear) {
  while (bytes != 0) {
    Page& at = page(first);
    const std::uint32_t offset = first & 0xFFF;
    const std::uint32_t here = std::min(bytes, 4096 - offset);
    for (std::uint32_t i = offset; i < offset + here; ++i) {
      at.state[i] = static_cast<std::uint8_t>((at.state[i] & ~clear) | set);
    }
    first += here;
    bytes -= here;
  }
}

Shadow::Cell Shadow::copy(const Cell& cell) {
  if (thread_of(cell.read) != kShared) {
    return cell;
  }
  const Readers readers = shared_[pc_of(cell.read)];
  const auto index = static_cast<std::uint32_t>(shared_.size());
  shared_.push_back(readers);
  return {cell.write, stamp(kShared, 0, index)};
}

// From now on each byte has its own history.
void Shadow::split(Cell& cell) {
  const auto index = static_cast<std::uint32_t>(split_.size());
  const std::array<Cell, 4> bytes{copy(cell), copy(cell), copy(cell), copy(cell)};
  split_.push_back(bytes);
  if (thread_of(cell.read) == kShared) {
    free_shared_.push_back(pc_of(cell.read));
  }
  cell = {stamp(kSplit, 0, index), 0};
}

// A further reader, not ordered with those before.
void Shadow::share(Cell& cell, Stamp now) {
  if (thread_of(cell.read) != kShared) {
    std::uint32_t index;
    if (free_shared_.empty()) {
      index = static_cast<std::uint32_t>(shared_.size());
      shared_.emplace_back();
    } else {
      index = free_shared_.back();
      free_shared_.pop_back();
      shared_[index].fill(0);
    }
    shared_[index][thread_of(cell.read)] = cell.read;
    cell.read = stamp(kShared, 0, index);
  }
  shared_[pc_of(cell.read)][thread_of(now)] = now;
}

}  // namespace etude::check
