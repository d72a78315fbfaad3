// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/packing.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace etude::compiler {
namespace {

constexpr unsigned kTries = 600;     ///< orders
constexpr unsigned kUnchanged = 24;  ///< without a lower packing: something else is moved, too
constexpr std::uint64_t kSeed = 12345, kFactor = 6364136223846793005u, kStep = 1442695040888963407u;

using Order = std::vector<std::size_t>;

bool meet(const PackedBlock& a, const PackedBlock& b) {
  return a.first <= b.last && b.first <= a.last;
}

class Packer {
 public:
  Packer(std::vector<PackedBlock>& blocks, Bytes room) : blocks_(blocks), room_(room) {
    neighbours_.resize(blocks.size());
    for (std::size_t a = 0; a < blocks.size(); ++a) {
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        if (a != b && meet(blocks[a], blocks[b])) {
          neighbours_[a].push_back(b);
        }
      }
    }
  }

  void run() {
    Order order(blocks_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [this](std::size_t a, std::size_t b) {
      return blocks_[a].bytes > blocks_[b].bytes;
    });
    Bytes lowest = place(order);
    if (lowest <= room_ || most_at_once(blocks_) > room_) {
      return;
    }
    std::vector<PackedBlock> best = blocks_;
    unsigned unchanged = 0;
    for (unsigned attempt = 0; attempt < kTries && lowest > room_; ++attempt) {
      bring_forward(order);
      if (++unchanged > kUnchanged) {
        swap_some(order);
        unchanged = 0;
      }
      if (const Bytes top = place(order); top < lowest) {
        lowest = top;
        best = blocks_;
        unchanged = 0;
      }
    }
    blocks_ = std::move(best);
  }

 private:
  /// Every block at the lowest free place. Returns the highest end.
  Bytes place(const Order& order) {
    std::vector<bool> placed(blocks_.size());
    std::vector<std::pair<Bytes, Bytes>> taken;
    Bytes top{0};
    for (const std::size_t number : order) {
      taken.clear();
      for (const std::size_t other : neighbours_[number]) {
        if (placed[other]) {
          taken.emplace_back(blocks_[other].at, blocks_[other].at + blocks_[other].bytes);
        }
      }
      std::ranges::sort(taken);
      PackedBlock& block = blocks_[number];
      block.at = Bytes{0};
      for (const auto& [begin, end] : taken) {
        if (begin >= block.at + block.bytes) {
          break;
        }
        block.at = std::max(block.at, end);
      }
      placed[number] = true;
      top = std::max(top, block.at + block.bytes);
    }
    return top;
  }

  /// What stands beyond the room comes in front of half of those that came before it.
  void bring_forward(Order& order) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const PackedBlock& block = blocks_[order[i]];
      if (block.at + block.bytes > room_) {
        const std::size_t to = random() % (i + 1) / 2;
        std::rotate(order.begin() + static_cast<std::ptrdiff_t>(to),
                    order.begin() + static_cast<std::ptrdiff_t>(i),
                    order.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }

  void swap_some(Order& order) {
    for (unsigned i = 0; i < 4; ++i) {
      std::swap(order[random() % order.size()], order[random() % order.size()]);
    }
  }

  std::uint64_t random() {
    state_ = state_ * kFactor + kStep;
    return state_ >> 33;
  }

  std::vector<PackedBlock>& blocks_;
  const Bytes room_;
  std::vector<std::vector<std::size_t>> neighbours_;  ///< that live at a time
  std::uint64_t state_ = kSeed;
};

}  // namespace

Bytes most_at_once(const std::vector<PackedBlock>& blocks) {
  std::vector<std::pair<std::size_t, std::int64_t>> changes;
  for (const PackedBlock& block : blocks) {
    changes.emplace_back(2 * block.first, static_cast<std::int64_t>(block.bytes.raw()));
    changes.emplace_back(2 * block.last + 1, -static_cast<std::int64_t>(block.bytes.raw()));
  }
  std::ranges::sort(changes);
  std::int64_t now = 0, most = 0;
  for (const auto& [when, change] : changes) {
    now += change;
    most = std::max(most, now);
  }
  return Bytes{static_cast<std::uint64_t>(most)};
}

std::size_t pack(std::vector<PackedBlock>& blocks, Bytes room) {
  Packer(blocks, room).run();
  const auto highest = std::ranges::max_element(
      blocks, {}, [](const PackedBlock& block) { return block.at + block.bytes; });
  return static_cast<std::size_t>(highest - blocks.begin());
}

}  // namespace etude::compiler
