// SPDX-License-Identifier: Apache-2.0
// The bench's RedMulE is 4 high, 12 wide and 3 deep: it reads up to a multiple of 4 rows ahead, and
// 4 * (3 + 1) = 16 elements. Buffers are handed out from 0 on in steps of 8 bytes.
#include "compiler/feeds/operand_feed.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <tuple>

#include "tests/support/feed_bench.h"

namespace etude::compiler {
namespace {

using test::FeedBench;
using test::Lines;
using Unit = GemmProblem::Unit;

std::uint32_t place(const L1Matrix& m) {
  return static_cast<std::uint32_t>((m.address - FeedBench::kBase).raw());
}

OperandSource source(bool resident, bool transpose, bool transposed_view = false) {
  return {resident, transpose, transposed_view, false};
}

TEST_CASE("tiles for the cores that are whole rows get an odd pitch", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {9, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {9, 8, 3, 8, false}, true);
  const L1Matrix first = feed.fetch(0, 0, 3, 8);
  CHECK(std::tuple(first.rows, first.cols, first.pitch) == std::tuple(3u, 8u, 9u));
  // 3 rows of 8 floats from a pitch of 8 to one of 9.
  CHECK(bench.written() == Lines{"load x+0 3x32/32 to 0/36"});
  const L1Matrix second = feed.fetch(3, 0, 3, 8);
  CHECK(place(second) == 112);                                     // behind 3 * 9 * 4 = 108 bytes
  CHECK(bench.written() == Lines{"load x+96 3x32/32 to 112/36"});  // 3 rows of 32 bytes on
}

TEST_CASE("two buffers take turns, and a tile that is still in one is not loaded again",
          "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {9, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {9, 8, 3, 8, false}, true);
  CHECK(place(feed.fetch(0, 0, 3, 8)) == 0);
  CHECK(place(feed.fetch(3, 0, 3, 8)) == 112);
  CHECK(place(feed.fetch(0, 0, 3, 8)) == 0);
  CHECK(bench.written().size() == 2);
  CHECK(place(feed.fetch(6, 0, 3, 8)) == 0);  // over the tile that came first
  CHECK(place(feed.fetch(3, 0, 3, 8)) == 112);
  CHECK(bench.written() == Lines{"load x+192 3x32/32 to 0/36"});
  CHECK(place(feed.fetch(0, 0, 3, 8)) == 112);
  CHECK(bench.written() == Lines{"load x+0 3x32/32 to 112/36"});
}

TEST_CASE("without double buffering each other tile is loaded", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {6, 8, 3, 8, false}, false);
  feed.fetch(0, 0, 3, 8);
  feed.fetch(3, 0, 3, 8);
  feed.fetch(0, 0, 3, 8);
  CHECK(bench.written() ==
        Lines{"load x+0 3x32/32 to 0/36", "load x+96 3x32/32 to 0/36", "load x+0 3x32/32 to 0/36"});
}

TEST_CASE("a single tile has a single buffer", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {6, 8, 6, 8, false}, true);
  CHECK(bench.context().l1.take(Bytes{8}) ==
        FeedBench::kBase + Bytes{216});  // 6 * 9 * 4 for the only tile
}

TEST_CASE("the last tile is as large as what is left", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {5, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {5, 8, 3, 8, false}, true);
  feed.fetch(0, 0, 3, 8);
  const L1Matrix last = feed.fetch(3, 0, 2, 8);
  CHECK(std::tuple(last.rows, last.cols) == std::tuple(2u, 8u));
  CHECK(bench.written().back() == "load x+96 2x32/32 to 112/36");
}

TEST_CASE("tiles that are parts of rows are dense in L1", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kCores, {6, 8, 3, 4, false}, true);
  const L1Matrix tile = feed.fetch(3, 4, 3, 4);
  CHECK(tile.pitch == 4);
  CHECK(bench.written() == Lines{"load x+112 3x16/32 to 0/16"});  // (3 * 8 + 4) * 4
}

TEST_CASE("the cores read a transposed factor as it is stored", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});  // the factor is [8, 6]
  OperandFeed feed(bench.context(), bench.view(x), source(false, true), Unit::kCores,
                   {8, 6, 2, 3, false}, true);
  const L1Matrix tile = feed.fetch(2, 3, 2, 3);
  CHECK(std::tuple(tile.rows, tile.cols) == std::tuple(3u, 2u));
  CHECK(bench.written() == Lines{"load x+104 3x8/32 to 0/8"});  // row 3, column 2: (3 * 8 + 2) * 4
}

TEST_CASE("RedMulE's tiles are dense, with room for what it reads ahead", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {20, 12});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kRedmule, {20, 12, 10, 12, false},
                   true);
  feed.fetch(0, 0, 10, 12);
  feed.fetch(10, 0, 10, 12);
  // 10 * 12 * 4 = 480 bytes; 2 rows more to a multiple of 4 and 16 elements: 4 * (24 + 16) = 160.
  CHECK(bench.written() == Lines{"load x+0 1x480 to 0", "load x+480 1x480 to 640"});
}

TEST_CASE("the cores transpose tiles for RedMulE", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {12, 20});  // the factor is [20, 12]
  OperandFeed feed(bench.context(), bench.view(x), source(false, true), Unit::kRedmule,
                   {20, 12, 8, 12, false}, false);
  const L1Matrix tile = feed.fetch(8, 0, 8, 12);
  CHECK(std::tuple(tile.rows, tile.cols, tile.pitch) == std::tuple(8u, 12u, 12u));
  // As it is read: 8 * 12 * 4 + 16 * 4 = 448 bytes; as it is loaded, behind it.
  CHECK(place(tile) == 0);
  CHECK(bench.written() ==
        Lines{"load x+32 12x32/80 to 448/32", "transpose r 448:12x32/32 w 0:8x48/48"});
}

TEST_CASE("a reduction that is too short for the array is filled up with zeros", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {3, 8});
  OperandFeed feed(bench.context(), bench.view(w), {}, Unit::kRedmule, {3, 8, 3, 8, true}, true);
  const L1Matrix tile = feed.fetch(0, 0, 3, 8);
  CHECK(tile.rows == 12);  // at least 9, in steps of 4
  CHECK(bench.written() == Lines{"fill w 0:12x32/32", "load w+0 1x96 to 0"});
  FeedBench other;
  const TensorId x = other.tensor("x", {5, 3});
  OperandFeed rows(other.context(), other.view(x), {}, Unit::kRedmule, {5, 3, 5, 3, false}, true);
  const L1Matrix wide = rows.fetch(0, 0, 5, 3);
  CHECK(std::tuple(wide.rows, wide.cols, wide.pitch) == std::tuple(5u, 12u, 12u));
  CHECK(other.written() == Lines{"fill w 0:5x48/48", "load x+0 5x12/12 to 0/48"});
}

TEST_CASE("a padded tile that is strided on both sides comes row by row", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {3, 10});
  OperandFeed feed(bench.context(), {x, 2, 3, 6, 10, false}, {}, Unit::kRedmule,
                   {3, 6, 3, 6, false}, true);
  feed.fetch(0, 0, 3, 6);
  CHECK(bench.written() == Lines{"fill w 0:3x48/48", "load x+8 1x24 to 0", "load x+48 1x24 to 48",
                                 "load x+88 1x24 to 96"});  // 2, 12 and 22 elements on
}

TEST_CASE("a padded tile is transposed between its zeros", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {3, 5});  // the factor is [5, 3]
  OperandFeed feed(bench.context(), bench.view(x), source(false, true), Unit::kRedmule,
                   {5, 3, 5, 3, false}, true);
  feed.fetch(0, 0, 5, 3);
  // 5 * 12 * 4 = 240 bytes; 3 rows and 16 elements ahead: 4 * (36 + 16) = 208. Staged behind 448.
  CHECK(bench.written() ==
        Lines{"fill w 0:5x48/48", "load x+0 1x60 to 448", "transpose r 448:3x20/20 w 0:5x12/48"});
}

TEST_CASE("a reduction of 9 is long enough, one whose last tile is shorter is not", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {9, 8});
  OperandFeed feed(bench.context(), bench.view(w), {}, Unit::kRedmule, {9, 8, 9, 8, true}, true);
  CHECK(feed.fetch(0, 0, 9, 8).rows == 9);
  CHECK(bench.written() == Lines{"load w+0 1x288 to 0"});
  FeedBench other;
  const TensorId v = other.tensor("v", {20, 8});
  OperandFeed cut(other.context(), other.view(v), {}, Unit::kRedmule, {20, 8, 12, 8, true}, true);
  CHECK(cut.fetch(0, 0, 12, 8).rows == 12);  // as long as it is: no zeros
  CHECK(cut.fetch(12, 0, 8, 8).rows == 12);  // 8 rows of 12
  const Lines lines = other.written();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "load v+0 1x384 to 0");
  CHECK(lines[1] == "fill w 448:12x32/32");  // behind 12 * 8 * 4 + 16 * 4
  CHECK(lines[2] == "load v+384 1x256 to 448");
}

TEST_CASE("the cores read a resident where it stands", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  const L1Matrix stands = bench.put(x, false, 9);
  OperandFeed feed(bench.context(), bench.view(x), source(true, false), Unit::kCores,
                   {6, 8, 3, 4, false}, true);
  const L1Matrix tile = feed.fetch(3, 4, 3, 4);
  CHECK(tile.address == stands.address + Bytes{124});  // (3 * 9 + 4) * 4
  CHECK(tile.pitch == 9);
  OperandFeed across(bench.context(), bench.view(x), source(true, true), Unit::kCores,
                     {8, 6, 4, 3, false}, true);
  const L1Matrix other = across.fetch(4, 3, 4, 3);  // stored: row 3, column 4
  CHECK(other.address == stands.address + Bytes{124});
  CHECK(std::tuple(other.rows, other.cols) == std::tuple(3u, 4u));
  CHECK(bench.written().empty());
}

TEST_CASE("RedMulE reads a resident in place if its tiles are whole rows", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {24, 16});
  const L1Matrix stands = bench.put(x);
  OperandFeed feed(bench.context(), bench.view(x), source(true, false), Unit::kRedmule,
                   {24, 16, 12, 16, false}, true);
  CHECK(feed.fetch(12, 0, 12, 16).address == stands.address + Bytes{768});  // 12 * 16 * 4
  CHECK(bench.written().empty());
}

TEST_CASE("RedMulE gets tiles of a resident in the other orientation by transposing alone",
          "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {12, 20});
  bench.put(x);  // at 0, 960 bytes
  OperandFeed feed(bench.context(), bench.view(x), source(true, true), Unit::kRedmule,
                   {20, 12, 10, 12, false}, true);
  feed.fetch(10, 0, 10, 12);
  CHECK(bench.written() == Lines{"transpose r 40:12x40/80 w 960:10x48/48"});  // column 10 on
}

TEST_CASE("a resident that stands transposed is read in place", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {12, 20});  // [20, 12] in L1
  const L1Matrix stands = bench.put(x, true);
  OperandFeed feed(bench.context(), bench.view(x), source(true, false, true), Unit::kRedmule,
                   {20, 12, 10, 12, false}, true);
  const L1Matrix tile = feed.fetch(10, 0, 10, 12);
  CHECK(tile.address == stands.address + Bytes{480});  // 10 rows of 48 bytes
  CHECK(bench.written().empty());
}

TEST_CASE("a resident that gave way since it was planned with is no room", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  CHECK_THROWS_AS(OperandFeed(bench.context(), bench.view(x), source(true, false), Unit::kCores,
                              {6, 8, 3, 8, false}, true),
                  NoRoom);
}

TEST_CASE("a short reduction is copied from its resident among zeros", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {3, 8});
  bench.put(w);  // at 0, 96 bytes
  OperandFeed feed(bench.context(), bench.view(w), source(true, false), Unit::kRedmule,
                   {3, 8, 3, 8, true}, true);
  feed.fetch(0, 0, 3, 8);
  CHECK(bench.written() == Lines{"fill w 96:12x32/32", "copy r 0:3x32/32 w 96:3x32/32"});
}

TEST_CASE("FP16 tiles are converted between zeros", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {4, 10});
  OperandFeed feed(bench.context(), bench.view(x), {}, Unit::kRedmule, {4, 10, 4, 10, false}, true,
                   1, true);
  const L1Matrix tile = feed.fetch(0, 0, 4, 10);
  CHECK(std::tuple(tile.rows, tile.cols, tile.pitch) == std::tuple(4u, 16u, 16u));
  CHECK(tile.type == DType::kFloat16);
  // FP16: 2 * (4 + 4) * 16 + 4 * 16 + 8 = 328 bytes; FP32 behind it. 4 * 16 halves are 128 bytes.
  CHECK(bench.written() ==
        Lines{"load x+0 1x160 to 328", "fill w 0:1x128", "fp32_to_fp16 r 328:4x40/40 w 0:4x20/32"});
  CHECK(place(feed.unconverted()) == 328);
  CHECK(feed.unconverted().type == DType::kFloat32);
  feed.fetch(0, 0, 4, 10);
  CHECK(bench.written().empty());
}

TEST_CASE("FP16 tiles that need no zeros are not cleared, and transposed ones are first in FP32",
          "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {6, 16});  // the factor is [16, 6]
  OperandFeed feed(bench.context(), bench.view(w), source(false, true), Unit::kRedmule,
                   {16, 6, 16, 6, true}, true, 1, true);
  feed.fetch(0, 0, 16, 6);
  // FP16: 2 * (16 + 4) * 6 + 64 + 8 = 312 bytes; staged 384 bytes at 312; as needed at 696.
  CHECK(bench.written() == Lines{"load w+0 1x384 to 312", "transpose r 312:6x64/64 w 696:16x24/24",
                                 "fp32_to_fp16 r 696:16x24/24 w 0:16x12/12"});
}

TEST_CASE("an FP16 operand is not transposed from a resident", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {6, 16});
  bench.put(w);
  OperandFeed feed(bench.context(), bench.view(w), source(true, true), Unit::kRedmule,
                   {16, 6, 16, 6, true}, true, 1, true);
  CHECK_THROWS_AS(feed.fetch(0, 0, 16, 6), std::logic_error);
}

TEST_CASE("FP16 tiles are converted from their resident", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {8, 16});
  bench.put(x);  // at 0, 512 bytes
  OperandFeed feed(bench.context(), bench.view(x), source(true, false), Unit::kRedmule,
                   {8, 16, 4, 16, false}, false, 1, true);
  feed.fetch(4, 0, 4, 16);
  CHECK(bench.written() == Lines{"fp32_to_fp16 r 256:4x64/64 w 512:4x32/32"});  // row 4 on
}

TEST_CASE("the next matrix of a stack is loaded, the same one is not", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 4, 8});
  const auto member = [&](std::uint64_t i) { return MatrixView{x, 32 * i, 4, 8, 8, false}; };
  OperandFeed feed(bench.context(), member(0), {}, Unit::kCores, {4, 8, 4, 8, false}, true, 2);
  feed.fetch(0, 0, 4, 8);
  feed.rebind(member(0));
  feed.fetch(0, 0, 4, 8);
  CHECK(bench.written() == Lines{"load x+0 4x32/32 to 0/36"});
  feed.rebind(member(1));
  feed.fetch(0, 0, 4, 8);
  // 32 elements on, in the other of two buffers of 4 * 9 * 4 = 144 bytes.
  CHECK(bench.written() == Lines{"load x+128 4x32/32 to 144/36"});
}

TEST_CASE("a tensor that was fetched in one piece stays if it is read again soon", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {12, 16});
  bench.read(x);
  bench.read(x);
  LoweringContext& c = bench.context();
  OperandFeed feed(c, bench.view(x), {}, Unit::kRedmule, {12, 16, 12, 16, false}, true);
  feed.keep_whole();  // nothing was fetched yet
  CHECK_FALSE(c.l1.has_resident(x));
  const L1Matrix tile = feed.fetch(0, 0, 12, 16);
  feed.keep_whole();
  REQUIRE(c.l1.has_resident(x));
  CHECK(c.l1.resident(x)->address == tile.address);
  CHECK_FALSE(c.l1.has_resident(x, true));
}

TEST_CASE("what was transposed stays as the transpose", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {16, 12});
  bench.read(x);
  bench.read(x);
  LoweringContext& c = bench.context();
  OperandFeed feed(c, bench.view(x), source(false, true), Unit::kRedmule, {12, 16, 12, 16, false},
                   true);
  feed.fetch(0, 0, 12, 16);
  feed.keep_whole();
  CHECK(c.l1.has_resident(x, true));
  CHECK_FALSE(c.l1.has_resident(x));
}

TEST_CASE("tensors in several tiles, of stacks, padded or not read again do not stay", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {12, 16}), y = bench.tensor("y", {12, 16});
  const TensorId w = bench.tensor("w", {3, 16});
  bench.read(x);
  bench.read(w);
  bench.read(x);
  bench.read(w);
  LoweringContext& c = bench.context();
  OperandFeed pieces(c, bench.view(x), {}, Unit::kRedmule, {12, 16, 6, 16, false}, true);
  pieces.fetch(0, 0, 6, 16);
  pieces.keep_whole();
  OperandFeed stack(c, bench.view(x), {}, Unit::kRedmule, {12, 16, 12, 16, false}, false, 2);
  stack.fetch(0, 0, 12, 16);
  stack.keep_whole();
  CHECK_FALSE(c.l1.has_resident(x));
  OperandFeed unread(c, bench.view(y), {}, Unit::kRedmule, {12, 16, 12, 16, false}, true);
  unread.fetch(0, 0, 12, 16);
  unread.keep_whole();
  CHECK_FALSE(c.l1.has_resident(y));
  OperandFeed padded(c, bench.view(w), {}, Unit::kRedmule, {3, 16, 3, 16, true}, true);
  padded.fetch(0, 0, 3, 16);
  padded.keep_whole();
  CHECK_FALSE(c.l1.has_resident(w));
}

}  // namespace
}  // namespace etude::compiler
