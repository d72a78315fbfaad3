// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/allocator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <stdexcept>
#include <vector>

namespace etude::compiler {
namespace {

using namespace etude::literals;

constexpr Address kBase{0x1000};

/// Places count from the start of the memory.
std::uint64_t place(Address address) { return (address - kBase).raw(); }

/// Takes `bytes` and says where.
std::uint64_t take(Allocator& memory, Bytes bytes) { return place(memory.allocate(bytes).value()); }

/// A memory of `parts` ranges of 8 bytes, all of them handed out.
Allocator full_of(unsigned parts) {
  Allocator memory(kBase, 8_B * parts);
  for (unsigned i = 0; i < parts; ++i) {
    REQUIRE(take(memory, 8_B) == 8 * i);
  }
  return memory;
}

void give_back(Allocator& memory, std::uint64_t at) { memory.free(kBase + Bytes{at}); }

TEST_CASE("a fresh memory is handed out from its start on, in whole beats of eight bytes",
          "[allocator]") {
  Allocator memory(kBase, 64_B);
  CHECK(memory.capacity() == 64_B);
  CHECK(take(memory, 5_B) == 0);
  CHECK(take(memory, 8_B) == 8);    // 5 took a beat
  CHECK(take(memory, 9_B) == 16);   // and 9 take two
  CHECK(take(memory, 0_B) == 32);   // nothing takes one too: addresses are told apart
  CHECK(take(memory, 24_B) == 40);  // 64 - 40
  CHECK(memory.used() == 64_B);
  CHECK_FALSE(memory.allocate(1_B));
}

TEST_CASE("a memory begins and ends at whole beats", "[allocator]") {
  // Bytes 0x1003 to 0x101C: beats from 0x1008 to 0x1018.
  Allocator memory(Address{0x1003}, 25_B);
  CHECK(memory.capacity() == 16_B);
  CHECK(memory.allocate(16_B) == Address{0x1008});
  CHECK_FALSE(memory.allocate(1_B));
  // No whole beat at all.
  Allocator none(Address{0x1001}, 9_B);
  CHECK(none.capacity() == 0_B);
  CHECK_FALSE(none.allocate(1_B));
}

TEST_CASE("what does not fit is refused and changes nothing", "[allocator]") {
  Allocator memory(kBase, 32_B);
  CHECK_FALSE(memory.allocate(33_B));
  CHECK(memory.peak() == 0_B);
  take(memory, 8_B);
  take(memory, 8_B);
  give_back(memory, 0);
  // 8 bytes below, 16 above: 24 are free, but no two beats beside a third.
  CHECK_FALSE(memory.allocate(24_B));
  CHECK(memory.used() == 8_B);
  CHECK(take(memory, 16_B) == 16);
}

TEST_CASE("use and peak count whole beats", "[allocator]") {
  Allocator memory(kBase, 64_B);
  take(memory, 12_B);
  take(memory, 3_B);
  CHECK(memory.used() == 24_B);  // 16 + 8
  give_back(memory, 0);
  CHECK(memory.used() == 8_B);
  CHECK(memory.peak() == 24_B);
  take(memory, 8_B);
  CHECK(memory.peak() == 24_B);  // 8 + 8
  take(memory, 16_B);
  CHECK(memory.peak() == 32_B);  // 8 + 8 + 16
}

TEST_CASE("a range is given back once, by its own address", "[allocator]") {
  Allocator memory(kBase, 32_B);
  take(memory, 16_B);
  CHECK_THROWS_AS(give_back(memory, 8), std::logic_error);
  give_back(memory, 0);
  CHECK_THROWS_AS(give_back(memory, 0), std::logic_error);
}

TEST_CASE("a place that was never used comes before one that was given back", "[allocator]") {
  Allocator memory(kBase, 40_B);
  take(memory, 16_B);
  take(memory, 8_B);
  give_back(memory, 0);
  CHECK(take(memory, 16_B) == 24);
  CHECK(take(memory, 16_B) == 0);
}

TEST_CASE("of places given back the one that was left first is taken", "[allocator]") {
  Allocator memory = full_of(4);
  for (const std::uint64_t left : {16u, 0u, 24u}) {
    give_back(memory, left);
  }
  CHECK(take(memory, 8_B) == 16);
  CHECK(take(memory, 8_B) == 0);
  CHECK(take(memory, 8_B) == 24);
}

TEST_CASE("neighbours that are free serve a larger request, which waits for the last of them",
          "[allocator]") {
  Allocator memory = full_of(6);
  // Left in this order: 5, 4 (pair 4-5), then 0, 1 (pair 0-1), then 2.
  for (const std::uint64_t part : {5u, 4u, 0u, 1u, 2u}) {
    give_back(memory, 8 * part);
  }
  CHECK(take(memory, 16_B) == 32);  // left at 2, the pair 0-1 at 4, the pair 1-2 at 5
  CHECK(take(memory, 16_B) == 0);
  CHECK(take(memory, 8_B) == 16);
}

TEST_CASE("the oldest stretch in the middle of a gap is found", "[allocator]") {
  Allocator memory = full_of(5);
  // The gap 0-3: parts 1 and 2 were left before 0 and 3.
  for (const std::uint64_t part : {1u, 2u, 0u, 3u}) {
    give_back(memory, 8 * part);
  }
  CHECK(take(memory, 16_B) == 8);  // left at 2; the pair 0-1 at 3, the pair 2-3 at 4
}

TEST_CASE("the end of a gap is a place too", "[allocator]") {
  Allocator memory(kBase, 48_B);
  CHECK(take(memory, 24_B) == 0);
  CHECK(take(memory, 24_B) == 24);
  give_back(memory, 24);  // left first
  give_back(memory, 0);
  // 16 bytes at 32 were left before those at 0; at 24 they would be as old, but are found later.
  CHECK(take(memory, 16_B) == 32);
  CHECK(take(memory, 8_B) == 24);
}

TEST_CASE("a part of a range that was given back keeps its age when the rest is used again",
          "[allocator]") {
  Allocator memory(kBase, 24_B);
  take(memory, 16_B);
  take(memory, 8_B);
  give_back(memory, 0);            // both of its beats: 1
  CHECK(take(memory, 8_B) == 0);   // used again
  give_back(memory, 0);            // left at 2
  give_back(memory, 16);           // left at 3
  CHECK(take(memory, 8_B) == 8);   // still 1
  CHECK(take(memory, 8_B) == 0);   // 2
  CHECK(take(memory, 8_B) == 16);  // 3
}

TEST_CASE("packing takes the lowest place whatever its age, from the start or from now on",
          "[allocator]") {
  Allocator packed(kBase, 64_B, true);
  take(packed, 16_B);
  take(packed, 8_B);
  give_back(packed, 0);
  CHECK(take(packed, 8_B) == 0);
  CHECK(take(packed, 8_B) == 8);
  CHECK(take(packed, 8_B) == 24);

  Allocator memory = full_of(3);
  for (const std::uint64_t part : {1u, 0u}) {
    give_back(memory, 8 * part);
  }
  memory.pack_from_bottom(true);
  CHECK(take(memory, 8_B) == 0);
  give_back(memory, 0);
  memory.pack_from_bottom(false);
  CHECK(take(memory, 8_B) == 8);
}

TEST_CASE("a copy is a memory of its own", "[allocator]") {
  Allocator memory(kBase, 32_B);
  take(memory, 8_B);
  Allocator copy = memory;
  CHECK(take(copy, 24_B) == 8);
  CHECK(memory.used() == 8_B);
  CHECK(take(memory, 24_B) == 8);
}

/// The same by beats: who has each, and when it was left.
struct Beats {
  explicit Beats(std::size_t count) : taken(count, false), left(count, 0) {}
  std::vector<bool> taken;
  std::vector<std::uint64_t> left;
  std::uint64_t clock = 0;

  bool free(std::size_t at, std::size_t count) const {
    return std::none_of(taken.begin() + static_cast<std::ptrdiff_t>(at),
                        taken.begin() + static_cast<std::ptrdiff_t>(at + count),
                        [](bool beat) { return beat; });
  }
  std::uint64_t age(std::size_t at, std::size_t count) const {
    return *std::max_element(left.begin() + static_cast<std::ptrdiff_t>(at),
                             left.begin() + static_cast<std::ptrdiff_t>(at + count));
  }
  /// Every place of `count` free beats.
  std::vector<std::size_t> places(std::size_t count) const {
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at + count <= taken.size(); ++at) {
      if (free(at, count)) {
        found.push_back(at);
      }
    }
    return found;
  }
  void set(std::size_t at, std::size_t count, bool value) {
    clock += value ? 0 : 1;
    for (std::size_t beat = at; beat < at + count; ++beat) {
      taken[beat] = value;
      left[beat] = value ? left[beat] : clock;
    }
  }
};

TEST_CASE("random requests: no place is younger than it must be, none is handed out twice",
          "[allocator]") {
  const unsigned seed = GENERATE(range(0u, 40u));
  std::mt19937 random(seed);
  const bool lowest = seed % 4 == 0;
  const std::size_t count = 6 + random() % 40;
  Allocator memory(kBase, 8_B * count, lowest);
  Beats beats(count);
  std::map<std::size_t, std::size_t> ranges;  // first beat -> beats
  std::uint64_t used = 0, peak = 0;
  INFO("seed " << seed);
  for (int step = 0; step < 400; ++step) {
    if (!ranges.empty() && random() % 5 < 2) {
      const auto range =
          std::next(ranges.begin(), static_cast<std::ptrdiff_t>(random() % ranges.size()));
      give_back(memory, 8 * range->first);
      beats.set(range->first, range->second, false);
      used -= 8 * range->second;
      ranges.erase(range);
      continue;
    }
    const std::size_t wanted = 1 + random() % 6;
    const auto places = beats.places(wanted);
    const auto got = memory.allocate(Bytes{8 * wanted - random() % 8});
    REQUIRE(got.has_value() == !places.empty());
    if (!got) {
      continue;
    }
    REQUIRE(place(*got) % 8 == 0);
    const auto at = static_cast<std::size_t>(place(*got) / 8);
    REQUIRE(std::ranges::find(places, at) != places.end());
    if (lowest) {
      REQUIRE(at == places.front());
    } else {
      std::uint64_t oldest = ~std::uint64_t{0};
      for (const std::size_t other : places) {
        oldest = std::min(oldest, beats.age(other, wanted));
      }
      REQUIRE(beats.age(at, wanted) == oldest);
    }
    beats.set(at, wanted, true);
    ranges[at] = wanted;
    used += 8 * wanted;
    peak = std::max(peak, used);
    REQUIRE(memory.used().raw() == used);
    REQUIRE(memory.peak().raw() == peak);
  }
}

}  // namespace
}  // namespace etude::compiler
