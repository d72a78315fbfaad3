// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/packing.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace etude::compiler {
namespace {

/// The end of the highest block. Checks that no two that live at one time meet.
Bytes checked_top(const std::vector<PackedBlock>& blocks) {
  Bytes top{0};
  for (std::size_t a = 0; a < blocks.size(); ++a) {
    top = std::max(top, blocks[a].at + blocks[a].bytes);
    for (std::size_t b = 0; b < a; ++b) {
      const bool at_once = blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
      const bool meet = blocks[a].at < blocks[b].at + blocks[b].bytes &&
                        blocks[b].at < blocks[a].at + blocks[a].bytes;
      CHECK_FALSE((at_once && meet));
    }
  }
  return top;
}

/// Blocks cut out of a memory of `room` bytes and `steps` operations that they fill without a hole:
/// a packing of no more bytes than live at once is known to be there.
std::vector<PackedBlock> cut(std::uint64_t room, std::size_t steps, std::mt19937& draw) {
  std::vector<PackedBlock> blocks;
  const auto split = [&](auto& self, std::uint64_t bytes, std::size_t first, std::size_t last,
                         unsigned depth) -> void {
    if (depth == 0 || (bytes < 2 && first == last)) {
      blocks.push_back({Bytes{bytes}, first, last, {}});
    } else if (bytes >= 2 && (first == last || draw() % 2 == 0)) {
      const std::uint64_t low = 1 + draw() % (bytes - 1);
      self(self, low, first, last, depth - 1);
      self(self, bytes - low, first, last, depth - 1);
    } else {
      const std::size_t end = first + draw() % (last - first);
      self(self, bytes, first, end, depth - 1);
      self(self, bytes, end + 1, last, depth - 1);
    }
  };
  split(split, room, 0, steps - 1, 4);
  std::ranges::shuffle(blocks, draw);
  return blocks;
}

TEST_CASE("where a packing without a hole is there, most are found, and none is lower",
          "[memory_plan]") {
  std::mt19937 draw(7);
  unsigned met = 0, by_size = 0;
  constexpr unsigned kCases = 200;
  for (unsigned i = 0; i < kCases; ++i) {
    std::vector<PackedBlock> blocks = cut(1000, 40, draw);
    CHECK(most_at_once(blocks) == Bytes{1000});
    std::vector<PackedBlock> first = blocks;
    pack(first, Bytes{0});  // no room that could be met: the largest first, once
    const Bytes top = checked_top(first);
    by_size += top == Bytes{1000};
    const std::size_t highest = pack(blocks, Bytes{1000});
    const Bytes found = checked_top(blocks);
    CHECK(found == blocks[highest].at + blocks[highest].bytes);
    CHECK(found >= Bytes{1000});
    CHECK(found <= top);
    met += found == Bytes{1000};
  }
  CAPTURE(met, by_size);
  CHECK(met > kCases * 9 / 10);
  CHECK(by_size < met);
}

TEST_CASE("nothing to pack, and what lives one after the other", "[memory_plan]") {
  std::vector<PackedBlock> none;
  CHECK(pack(none, Bytes{8}) == 0);
  CHECK(most_at_once(none) == Bytes{0});
  std::vector<PackedBlock> turns{{Bytes{8}, 0, 3, {}}, {Bytes{16}, 4, 4, {}}, {Bytes{8}, 4, 5, {}}};
  CHECK(most_at_once(turns) == Bytes{24});
  pack(turns, Bytes{24});
  CHECK(checked_top(turns) == Bytes{24});
}

}  // namespace
}  // namespace etude::compiler
