// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/l1_manager.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <stdexcept>
#include <tuple>

namespace etude::compiler {
namespace {

using namespace etude::literals;

constexpr Address kBase{0x10001000};

using Known = L1Manager::Known;

/// Tensors 0, 1, 2 ... each with a storage of its own and these last extents.
std::vector<Known> own(const std::vector<std::uint32_t>& cols) {
  std::vector<Known> known;
  for (const std::uint32_t c : cols) {
    known.push_back({static_cast<TensorId>(known.size()), c});
  }
  return known;
}

std::uint64_t place(Address address) { return (address - kBase).raw(); }
std::uint64_t take(L1Manager& l1, Bytes bytes) { return place(l1.take(bytes)); }
auto form(const L1Matrix& m) {
  return std::tuple(place(m.address), m.rows, m.cols, m.pitch, m.type);
}
auto form(std::uint64_t at, std::uint32_t rows, std::uint32_t cols, std::uint32_t pitch,
          DType type = DType::kFloat32) {
  return std::tuple(at, rows, cols, pitch, type);
}

/// A buffer for [rows, cols] that stays as the tensor.
L1Matrix put(L1Manager& l1, TensorId tensor, std::uint32_t rows, std::uint32_t cols,
             bool transposed = false, std::uint32_t pitch = 0) {
  pitch = pitch == 0 ? cols : pitch;
  const L1Matrix made{l1.take(bytes_for(rows * pitch)), rows, cols, pitch};
  l1.keep(tensor, transposed, made);
  return made;
}

/// Ends the operator at hand and begins number `stage`.
void next(L1Manager& l1, std::uint32_t stage) {
  l1.end_operator();
  l1.begin_operator(stage);
}

TEST_CASE("buffers end with their operator", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({}));
  l1.begin_operator(0);
  CHECK(take(l1, 24_B) == 0);
  CHECK(take(l1, 40_B) == 24);
  CHECK_THROWS_AS(l1.take(8_B), NoRoom);
  next(l1, 1);
  CHECK(take(l1, 64_B) == 0);
  CHECK(l1.peak() == 64_B);
  CHECK(l1.capacity() == 64_B);
}

TEST_CASE("a refusal leaves what the operator has", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({}));
  l1.begin_operator(0);
  take(l1, 32_B);
  CHECK_THROWS_AS(l1.take(40_B), NoRoom);
  CHECK(take(l1, 32_B) == 32);
}

TEST_CASE("a kept buffer outlives its operator and is found with its form", "[l1_manager]") {
  L1Manager l1(kBase, 256_B, own({5, 3}));
  l1.begin_operator(0);
  put(l1, 0, 4, 5);                                              // 80 bytes
  const L1Matrix half{l1.take(36_B), 3, 3, 6, DType::kFloat16};  // 3 rows of 12 bytes
  l1.keep(1, false, half);
  next(l1, 1);
  CHECK(l1.has_resident(0));
  REQUIRE(l1.resident(0));
  CHECK(form(*l1.resident(0)) == form(0, 4, 5, 5));
  CHECK(form(*l1.resident(1)) == form(80, 3, 3, 6, DType::kFloat16));
  CHECK_FALSE(l1.has_resident(0, true));  // in the other orientation it does not stand here
  CHECK_FALSE(l1.resident(0, true));
  CHECK(l1.tensors() == std::set<TensorId>{0, 1});
}

TEST_CASE("both orientations of a tensor are two residents", "[l1_manager]") {
  L1Manager l1(kBase, 256_B, own({5}));
  l1.begin_operator(0);
  put(l1, 0, 4, 5);
  put(l1, 0, 5, 4, true);  // five rows of the transpose: the last extent
  CHECK(form(*l1.resident(0)) == form(0, 4, 5, 5));
  CHECK(form(*l1.resident(0, true)) == form(80, 5, 4, 4));
  CHECK(l1.tensors() == std::set<TensorId>{0});
  next(l1, 1);
  l1.drop(0);
  CHECK_FALSE(l1.has_resident(0));
  CHECK_FALSE(l1.has_resident(0, true));
  CHECK(l1.tensors().empty());
  CHECK(take(l1, 256_B) == 0);  // both places are free again
}

TEST_CASE("tensors that share storage see it with their own last extent", "[l1_manager]") {
  // Tensor 1 is a reshape of 0, tensor 2 the updated 0.
  L1Manager l1(kBase, 512_B, {{0, 6}, {0, 4}, {0, 6}});
  l1.begin_operator(0);
  SECTION("a dense one in every form") {
    put(l1, 0, 2, 6);
    CHECK(form(*l1.resident(1)) == form(0, 3, 4, 4));  // 12 elements, 4 a row
    CHECK(form(*l1.resident(2)) == form(0, 2, 6, 6));
  }
  SECTION("one with a pitch in its own form only") {
    put(l1, 0, 2, 6, false, 7);
    CHECK(form(*l1.resident(2)) == form(0, 2, 6, 7));
    CHECK_FALSE(l1.resident(1));
    CHECK_FALSE(l1.has_resident(1));
  }
  SECTION("a transposed one by the last extent that its rows are") {
    put(l1, 0, 6, 2, true);
    CHECK(form(*l1.resident(2, true)) == form(0, 6, 2, 2));
    CHECK_FALSE(l1.resident(1, true));  // dense, but the transpose of [3, 4] is another matrix
  }
  SECTION("and keep, adopt and drop mean the storage") {
    put(l1, 1, 3, 4);
    CHECK(l1.tensors() == std::set<TensorId>{0});
    put(l1, 2, 2, 6);  // takes the old one's place
    CHECK(form(*l1.resident(0)) == form(48, 2, 6, 6));
    CHECK(form(*l1.resident(1)) == form(48, 3, 4, 4));
    const auto adopted = l1.adopt(1, 48_B);
    REQUIRE(adopted);
    CHECK(form(*adopted) == form(48, 3, 4, 4));
    CHECK_FALSE(l1.has_resident(0));
    put(l1, 0, 2, 6);
    l1.drop(2);
    CHECK_FALSE(l1.has_resident(0));
  }
}

TEST_CASE("only a whole buffer of the operator at hand can stay", "[l1_manager]") {
  L1Manager l1(kBase, 256_B, own({2, 2}));
  l1.begin_operator(0);
  const Address buffer = l1.take(32_B);
  CHECK_THROWS_AS(l1.keep(0, false, {buffer + 8_B, 1, 2, 2}), std::logic_error);
  l1.keep(0, false, {buffer, 4, 2, 2});
  CHECK_THROWS_AS(l1.keep(1, false, {buffer, 4, 2, 2}), std::logic_error);  // stays already
  const Address other = l1.take(32_B);
  next(l1, 1);
  CHECK_THROWS_AS(l1.keep(1, false, {other, 4, 2, 2}), std::logic_error);  // ended with its own
}

TEST_CASE("keeping a tensor again gives its old place back", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({4}));
  l1.begin_operator(0);
  put(l1, 0, 2, 4);  // 32 bytes at 0
  put(l1, 0, 2, 4);  // and at 32
  CHECK(form(*l1.resident(0)) == form(32, 2, 4, 4));
  CHECK(take(l1, 32_B) == 0);
}

TEST_CASE("residents that nobody asked for give way, the one used longest ago first",
          "[l1_manager]") {
  L1Manager l1(kBase, 96_B, own({4, 4, 4}));
  l1.begin_operator(0);
  for (const TensorId tensor : {0u, 1u, 2u}) {
    put(l1, tensor, 2, 4);  // 32 bytes each: at 0, 32, 64
  }
  next(l1, 1);
  SECTION("in the order of their making") {
    CHECK(take(l1, 32_B) == 0);
    CHECK(l1.tensors() == std::set<TensorId>{1, 2});
    CHECK(take(l1, 32_B) == 32);
    CHECK(take(l1, 32_B) == 64);
    CHECK_THROWS_AS(l1.take(8_B), NoRoom);
  }
  SECTION("but not those that this operator uses") {
    CHECK(l1.resident(0));
    CHECK(take(l1, 32_B) == 32);  // 1 is now the oldest
    CHECK(l1.tensors() == std::set<TensorId>{0, 2});
    CHECK_THROWS_AS(l1.take(40_B), NoRoom);  // 2 has gone too, 0 stays
    CHECK(l1.tensors() == std::set<TensorId>{0});
    CHECK(take(l1, 32_B) == 64);
  }
  SECTION("a use counts in the operators that follow") {
    CHECK(l1.resident(0));
    next(l1, 2);
    CHECK(take(l1, 32_B) == 32);
    CHECK(take(l1, 32_B) == 64);
    CHECK(l1.tensors() == std::set<TensorId>{0});
  }
  SECTION("looking does not count as use") {
    CHECK(l1.has_resident(0));
    CHECK(take(l1, 32_B) == 0);
  }
  SECTION("after unpin() also those that it has used") {
    for (const TensorId tensor : {0u, 1u, 2u}) {
      CHECK(l1.resident(tensor));
    }
    CHECK_THROWS_AS(l1.take(8_B), NoRoom);
    l1.unpin();
    CHECK(take(l1, 96_B) == 0);
    CHECK(l1.tensors().empty());
  }
}

TEST_CASE("what an operator has just made does not give way in it", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({4}));
  l1.begin_operator(0);
  put(l1, 0, 2, 4);
  CHECK_THROWS_AS(l1.take(40_B), NoRoom);
  CHECK(l1.has_resident(0));
}

TEST_CASE("an operator may take all but what it uses and has, with a beat for each to align",
          "[l1_manager]") {
  L1Manager l1(kBase, 256_B, own({4, 5}));
  l1.begin_operator(0);
  CHECK(l1.available() == 256_B);
  put(l1, 0, 2, 4);                // 32 bytes, pinned until the end of this operator
  CHECK(l1.available() == 216_B);  // 256 - (32 + 8)
  take(l1, 20_B);
  CHECK(l1.available() == 188_B);  // 216 - (20 + 8)
  put(l1, 1, 2, 5);                // 40
  CHECK(l1.available() == 140_B);  // 188 - (40 + 8)
  next(l1, 1);
  CHECK(l1.available() == 256_B);  // both would give way
  CHECK(l1.resident(1));
  CHECK(l1.available() == 208_B);  // 256 - (40 + 8)
  take(l1, 152_B);
  CHECK(l1.available() == 48_B);  // 208 - (152 + 8)
  L1Manager small(kBase, 16_B, own({}));
  small.begin_operator(0);
  take(small, 12_B);
  CHECK(small.available() == 0_B);  // 16 - (12 + 8) is less than nothing
}

TEST_CASE("a resident that is adopted is a buffer of the operator", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({4, 3}));
  l1.begin_operator(0);
  put(l1, 0, 2, 4);  // 32 bytes
  next(l1, 1);
  CHECK_FALSE(l1.adopt(1, 8_B));   // not here
  CHECK_FALSE(l1.adopt(0, 33_B));  // too small
  CHECK(l1.has_resident(0));       // and still a resident
  const auto adopted = l1.adopt(0, 32_B);
  REQUIRE(adopted);
  CHECK(form(*adopted) == form(0, 2, 4, 4));
  CHECK_FALSE(l1.has_resident(0));
  CHECK(l1.available() == 24_B);  // 64 - (32 + 8): it does not give way
  CHECK_THROWS_AS(l1.take(40_B), NoRoom);
  SECTION("which may keep it as another tensor") {
    l1.keep(1, false, {adopted->address, 2, 3, 4});
    next(l1, 2);
    CHECK(form(*l1.resident(1)) == form(0, 2, 3, 4));
    CHECK(take(l1, 32_B) == 32);
    CHECK_THROWS_AS(l1.take(8_B), NoRoom);
  }
  SECTION("or ends with it") {
    next(l1, 2);
    CHECK(take(l1, 64_B) == 0);
  }
}

TEST_CASE("clear forgets every resident and packs the buffers of this operator", "[l1_manager]") {
  L1Manager l1(kBase, 96_B, own({4, 4}));
  l1.begin_operator(0);
  put(l1, 0, 2, 4);  // at 0
  put(l1, 1, 2, 4);  // at 32
  next(l1, 1);
  CHECK(l1.resident(1));  // pinned or not
  l1.clear();
  CHECK(l1.tensors().empty());
  CHECK(take(l1, 32_B) == 0);  // although 64 was never used
  CHECK(take(l1, 32_B) == 32);
  next(l1, 2);
  CHECK(take(l1, 32_B) == 64);  // the oldest place again
}

TEST_CASE("a copy is a point to go back to", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({4}));
  l1.begin_operator(0);
  put(l1, 0, 2, 4);
  next(l1, 1);
  const L1Manager before = l1;
  CHECK(take(l1, 64_B) == 0);
  CHECK_FALSE(l1.has_resident(0));
  l1 = before;
  CHECK(form(*l1.resident(0)) == form(0, 2, 4, 4));
  CHECK(take(l1, 32_B) == 32);
  CHECK(l1.peak() == 64_B);
  CHECK(l1.blocks().size() == 2);
}

using Span = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t>;

/// Place, bytes, first and last stage of every buffer that was handed out, by place and stage.
std::vector<Span> spans(const L1Manager& l1) {
  std::vector<Span> found;
  for (const L1Block& block : l1.blocks()) {
    found.emplace_back(place(block.address), block.bytes.raw(), block.first_stage,
                       block.last_stage);
  }
  std::ranges::sort(found);
  return found;
}

TEST_CASE("blocks tell from which operator to which each buffer was in use", "[l1_manager]") {
  L1Manager l1(kBase, 64_B, own({4, 4}));
  l1.begin_operator(2);
  take(l1, 20_B);    // at 0, this operator's alone
  put(l1, 0, 2, 4);  // at 24, stays
  CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {24, 32, 2, 2}});  // what is open, until now
  next(l1, 5);
  CHECK(l1.resident(0));
  next(l1, 7);
  CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {24, 32, 2, 7}});
  SECTION("a resident that gives way was last needed by the operator before") {
    take(l1, 64_B);
    CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {0, 64, 7, 7}, {24, 32, 2, 6}});
  }
  SECTION("one that is cleared too") {
    l1.clear();
    CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {24, 32, 2, 6}});
  }
  SECTION("one that is dropped was there in this operator") {
    l1.drop(0);
    CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {24, 32, 2, 7}});
  }
  SECTION("one that is adopted ends with the operator") {
    CHECK(l1.adopt(0, 32_B));
    next(l1, 9);
    CHECK(spans(l1) == std::vector<Span>{{0, 20, 2, 2}, {24, 32, 2, 7}});
  }
}

TEST_CASE("a resident that gives way in the operator that made it was in use in that one",
          "[l1_manager]") {
  L1Manager l1(kBase, 32_B, own({4}));
  l1.begin_operator(3);
  put(l1, 0, 2, 4);
  l1.unpin();
  take(l1, 8_B);
  CHECK(spans(l1) == std::vector<Span>{{0, 8, 3, 3}, {0, 32, 3, 3}});
}

TEST_CASE("random operators: buffers never overlap, and no used resident gives way",
          "[l1_manager]") {
  const unsigned seed = GENERATE(range(0u, 40u));
  std::mt19937 random(seed);
  constexpr unsigned kTensors = 6;
  const Bytes size = 64_B * (4 + random() % 8);
  L1Manager l1(kBase, size, own(std::vector<std::uint32_t>(kTensors, 4)));
  std::map<TensorId, L1Matrix> kept;  // what was kept and neither dropped nor given way, perhaps
  INFO("seed " << seed);
  for (std::uint32_t stage = 0; stage < 60; ++stage) {
    l1.begin_operator(stage);
    std::map<std::uint64_t, std::uint64_t> mine;  // begin -> end
    const auto claim = [&](Address address, Bytes bytes) {
      const std::uint64_t begin = place(address), end = begin + bytes.raw();
      REQUIRE(end <= size.raw());
      for (const auto& [other, other_end] : mine) {
        REQUIRE((other_end <= begin || end <= other));
      }
      mine[begin] = end;
    };
    for (TensorId tensor = 0; tensor < kTensors; ++tensor) {
      if (random() % 4 == 0) {
        if (const auto found = l1.resident(tensor)) {
          REQUIRE(kept.contains(tensor));
          REQUIRE(form(*found) == form(kept.at(tensor)));
          claim(found->address, bytes_for(found->elements()));
        }
      }
    }
    const int buffers = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < buffers; ++i) {
      const auto rows = static_cast<std::uint32_t>(1 + random() % 10);
      const Bytes room = l1.available();
      try {
        const Address at = l1.take(bytes_for(rows * 4));
        claim(at, bytes_for(rows * 4));
        const auto tensor = static_cast<TensorId>(random() % kTensors);
        const bool in_use = std::ranges::any_of(mine, [&](const auto& one) {
          return kept.contains(tensor) && place(kept.at(tensor).address) == one.first;
        });
        if (random() % 2 == 0 && !in_use) {
          l1.keep(tensor, false, {at, rows, 4, 4});
          kept[tensor] = {at, rows, 4, 4};
        }
      } catch (const NoRoom&) {
        // What is said to be available may be in pieces, but a whole memory is one.
        CHECK((room < size || bytes_for(rows * 4) > size));
      }
    }
    l1.end_operator();
    if (random() % 3 == 0) {
      l1.drop(static_cast<TensorId>(random() % kTensors));
    }
    Bytes sum;
    for (const TensorId tensor : l1.tensors()) {
      sum += bytes_for(kept.at(tensor).elements());
    }
    REQUIRE(sum <= size);
    REQUIRE(l1.peak() <= size);
  }
  // Blocks that overlap in space lie behind each other in time, a stage on the border at most.
  const auto blocks = l1.blocks();
  for (std::size_t a = 0; a < blocks.size(); ++a) {
    REQUIRE(blocks[a].first_stage <= blocks[a].last_stage);
    for (std::size_t b = a + 1; b < blocks.size(); ++b) {
      const bool apart = blocks[a].address + blocks[a].bytes <= blocks[b].address ||
                         blocks[b].address + blocks[b].bytes <= blocks[a].address;
      const bool behind = blocks[a].last_stage <= blocks[b].first_stage ||
                          blocks[b].last_stage <= blocks[a].first_stage;
      REQUIRE((apart || behind));
    }
  }
}

}  // namespace
}  // namespace etude::compiler
