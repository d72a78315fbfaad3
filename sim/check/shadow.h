// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "sim/check/order.h"

namespace etude::check {

/// What is known of a byte besides who touched it; 0: a byte like any other.
enum ByteState : std::uint8_t {
  kUndefined = 1,   ///< nobody has written it
  kOutside = 2,     ///< between declared objects
  kFreed = 4,       ///< of a buffer that was given back
  kSync = 8,        ///< of a word that synchronises: a declared flag, a test-and-set lock
  kUnassigned = 16  ///< of an arena, and in no buffer of it
};

/// Accesses that are not ordered: `before` happened first.
struct Conflict {
  Stamp before;
  bool before_writes;
  std::uint8_t bytes;  ///< mask, of the word
};

/// Who touched which byte of memory last: the last write, and the reads since, each with its stamp.
/// Bytes of a word that were always accessed together share a cell.
class Shadow {
 public:
  /// The last write, and the only read since or a note where there are several.
  struct Cell {
    Stamp write{0}, read{0};
  };
  struct Page {
    std::array<std::uint8_t, 4096> state;
    std::array<Cell, 1024> cells;
    std::array<std::uint32_t, 1024> value;  ///< that a hart wrote last, by word

    Page() : cells{}, value{} { state.fill(kUndefined); }
    /// The states of the bytes of `mask` of the word at `offset`, a byte each.
    std::uint32_t states(std::uint32_t offset, std::uint32_t mask) const {
      std::uint32_t four;
      std::memcpy(&four, &state[offset & 0xFFC], 4);
      return four & mask;
    }
  };

  /// The page that holds `address`, or null.
  Page* find(std::uint32_t address) const { return pages_[address >> 12]; }
  /// The same; made if it is not there.
  Page& page(std::uint32_t address);
  /// Lets the page of `alias` be that of `address`.
  void alias(std::uint32_t alias, std::uint32_t address) { pages_[alias >> 12] = &page(address); }
  /// Sets and clears bits of ByteState of [first, first + bytes).
  void mark(std::uint32_t first, std::uint32_t bytes, std::uint8_t set, std::uint8_t clear);

  /// The usual access: a word that nobody else has touched since. True if nothing is to be done.
  bool seen(const Cell& cell, Stamp now, bool write) const {
    if (write) {
      return cell.write >> 32 == now >> 32 && (cell.read == 0 || cell.read >> 32 == now >> 32);
    }
    return (thread_of(cell.read) == kShared ? shared_[pc_of(cell.read)][thread_of(now)]
                                            : cell.read) >>
               32 ==
           now >> 32;
  }
  /// Books an access to the bytes `mask` (a bit each) of a word, and tells `found` each conflict.
  template <class Found>
  void access(Cell& cell, const Thread& thread, Stamp now, std::uint8_t mask, bool write,
              Found&& found);

  /// Tells `found` with which accesses to the bytes `mask` a write by `thread` conflicts; books
  /// none.
  template <class Found>
  void look(const Cell& cell, const Thread& thread, std::uint8_t mask, Found&& found) const;

 private:
  static constexpr unsigned kSplit = 63;   // of Cell::write: bytes stand in split_[low half]
  static constexpr unsigned kShared = 62;  // of Cell::read: readers stand in shared_[low half]
  using Readers = std::array<Stamp, kThreads>;

  void split(Cell& cell);
  Cell copy(const Cell& cell);
  void share(Cell& cell, Stamp now);
  template <class Found>
  void access_whole(Cell& cell, const Thread& thread, Stamp now, std::uint8_t mask, bool write,
                    Found&& found);

  std::vector<Page*> pages_ = std::vector<Page*>(1u << 20);
  std::vector<std::unique_ptr<Page>> owned_;
  std::vector<std::array<Cell, 4>> split_;
  std::vector<Readers> shared_;
  std::vector<std::uint32_t> free_shared_;
};

template <class Found>
void Shadow::access(Cell& cell, const Thread& thread, Stamp now, std::uint8_t mask, bool write,
                    Found&& found) {
  if (thread_of(cell.write) != kSplit) {
    if (mask == 15) {
      access_whole(cell, thread, now, mask, write, found);
      return;
    }
    split(cell);
  }
  const std::uint32_t index = pc_of(cell.write);
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    const int b = std::countr_zero(left);
    access_whole(split_[index][b], thread, now, static_cast<std::uint8_t>(1u << b), write, found);
  }
}

template <class Found>
void Shadow::look(const Cell& cell, const Thread& thread, std::uint8_t mask, Found&& found) const {
  if (thread_of(cell.write) == kSplit) {
    for (std::uint32_t left = mask; left != 0; left &= left - 1) {
      const int b = std::countr_zero(left);
      look(split_[pc_of(cell.write)][b], thread, static_cast<std::uint8_t>(1u << b), found);
    }
    return;
  }
  const auto hold = [&](Stamp before, bool writes) {
    if (before != 0 && !thread.order.hard.covers(before)) {
      found(Conflict{before, writes, mask});
    }
  };
  hold(cell.write, true);
  if (thread_of(cell.read) == kShared) {
    for (const Stamp read : shared_[pc_of(cell.read)]) {
      hold(read, false);
    }
  } else {
    hold(cell.read, false);
  }
}

template <class Found>
void Shadow::access_whole(Cell& cell, const Thread& thread, Stamp now, std::uint8_t mask,
                          bool write, Found&& found) {
  const Clocks& order = thread.order.hard;
  if (cell.write != 0 && !order.covers(cell.write)) [[unlikely]] {
    found(Conflict{cell.write, true, mask});
  }
  if (!write) {
    if (cell.read == 0 || (thread_of(cell.read) != kShared && order.covers(cell.read))) {
      cell.read = now;
    } else {
      share(cell, now);
    }
    return;
  }
  if (cell.read != 0) {
    if (thread_of(cell.read) == kShared) {
      const std::uint32_t index = pc_of(cell.read);
      for (const Stamp read : shared_[index]) {
        if (read != 0 && !order.covers(read)) [[unlikely]] {
          found(Conflict{read, false, mask});
        }
      }
      free_shared_.push_back(index);
    } else if (!order.covers(cell.read)) [[unlikely]] {
      found(Conflict{cell.read, false, mask});
    }
    cell.read = 0;
  }
  cell.write = now;
}

}  // namespace etude::check
