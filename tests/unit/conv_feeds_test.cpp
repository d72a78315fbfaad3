// SPDX-License-Identifier: Apache-2.0
// The bench's RedMulE is 4 high, 12 wide and 3 deep: it reads up to a multiple of 4 rows ahead, and
// 4 * (3 + 1) = 16 elements. Buffers are handed out from 0 on in steps of 8 bytes.
#include "compiler/feeds/conv_feeds.h"

#include <catch2/catch.hpp>
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
auto form(const L1Matrix& m) { return std::tuple(m.rows, m.cols, m.pitch); }

/// A convolution of x[samples 2, 4, 6, 5] with w[8, 4, kernel, kernel] and its tensors.
struct Conv {
  explicit Conv(std::uint32_t kernel, Unit unit, std::uint32_t l1_bytes = 65536) : bench(l1_bytes) {
    problem.unit = unit;
    problem.outputs = 8;
    ImageGeometry& g = problem.image;
    g.samples = 2;
    g.channels = 4;
    g.height = 6;
    g.width = 5;
    g.kernel_h = g.kernel_w = kernel;
    g.top = g.left = static_cast<std::int32_t>(kernel / 2);
    g.out_height = 6;
    g.out_width = 5;
    tiling.outputs = 4;
    tiling.channels = 2;
    tiling.rows = 3;
    x = bench.tensor("x", {2, 4, 6, 5});
    w = bench.tensor("w", {8, 4, kernel, kernel});
    dy = bench.tensor("dy", {2, 8, 6, 5});
  }
  Conv(const Conv&) = delete;
  /// Feeds keep a reference to it.
  const ConvTensors& tensors() {
    tensors_.x = x;
    tensors_.w = w;
    tensors_.dy = dy;
    return tensors_;
  }

  FeedBench bench;
  ConvProblem problem;
  ConvTiling tiling;
  TensorId x{}, w{}, dy{};

 private:
  ConvTensors tensors_{problem, tiling, 0, 0, 0};
};

TEST_CASE("buffers take turns and a tile is found by its key", "[feeds]") {
  FeedBench bench;
  TileBuffers buffers;
  buffers.open(bench.context(), 2, Bytes{100}, Bytes{20});
  const TileBuffers::Key a{1, 0, 0, 0, 0}, b{2, 0, 0, 0, 0}, c{3, 0, 0, 0, 0};
  CHECK(buffers.find(a) == nullptr);
  TileBuffers::Slot& first = buffers.next(a);
  first.matrix.rows = 7;
  CHECK(first.address == FeedBench::kBase);
  CHECK(first.staged == FeedBench::kBase + Bytes{104});  // 100 bytes in steps of 8
  TileBuffers::Slot& second = buffers.next(b);
  CHECK(second.address == FeedBench::kBase + Bytes{128});  // 104 + 24
  REQUIRE(buffers.find(a) != nullptr);
  CHECK(buffers.find(a)->rows == 7);
  CHECK(buffers.next(c).address == first.address);
  CHECK(buffers.find(a) == nullptr);
  CHECK(buffers.find(b) != nullptr);
  CHECK(buffers.find(c) != nullptr);
}

TEST_CASE("buffers of no bytes take nothing", "[feeds]") {
  FeedBench bench;
  TileBuffers buffers;
  buffers.open(bench.context(), 1, Bytes{0}, Bytes{0});
  CHECK(buffers.next({}).address == Address{});
  CHECK(bench.context().l1.take(Bytes{8}) == FeedBench::kBase);
}

TEST_CASE("only a dense resident counts for images", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 3, 4, 5}), y = bench.tensor("y", {2, 3, 4, 5});
  bench.put(x);
  bench.put(y, false, 7);
  CHECK(dense_resident(bench.context(), x));
  CHECK_FALSE(dense_resident(bench.context(), y));
  const auto whole = *dense_resident(bench.context(), x);
  const L1Matrix planes = planes_of(whole, 20, 2, 3);  // 4 * 5 pixels each
  CHECK(place(planes) == 160);                         // 2 planes of 20 floats
  CHECK(form(planes) == std::tuple(3u, 20u, 20u));
}

TEST_CASE("a part of a stored tensor begins at an element", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 3, 4, 5}, DType::kFloat16);
  const StoredMatrix part = stored_part(bench.context(), x, 60, 20);
  CHECK(part.offset == Bytes{120});  // 60 * 2
  CHECK(part.pitch == 20);
  CHECK(part.type == DType::kFloat16);
}

TEST_CASE("the cores' tiles of a weight", "[feeds]") {
  Conv conv(3, Unit::kCores);
  WeightFeed feed(conv.bench.context(), conv.tensors(), false);
  const L1Matrix part = feed.fetch(4, 4, 2, 2);
  CHECK(form(part) == std::tuple(4u, 18u, 18u));  // 2 channels of 9 taps: parts of rows are dense
  // Rows of 4 * 9 = 36 floats: output 4, channel 2: (4 * 36 + 2 * 9) * 4 = 648.
  CHECK(conv.bench.written() == Lines{"load w+648 4x72/144 to 0/72"});
  feed.fetch(4, 4, 2, 2);
  CHECK(conv.bench.written().empty());
  feed.fetch(0, 4, 0, 2);
  // The other buffer: 4 outputs * (18 + 1) * 4 = 304 bytes.
  CHECK(conv.bench.written() == Lines{"load w+0 4x72/144 to 304/72"});
}

TEST_CASE("whole rows of a weight have an odd pitch on the cores", "[feeds]") {
  Conv conv(3, Unit::kCores);
  conv.tiling.channels = 4;
  WeightFeed feed(conv.bench.context(), conv.tensors(), false);
  CHECK(feed.fetch(0, 4, 0, 4).pitch == 37);  // 36 | 1
  CHECK(conv.bench.written() == Lines{"load w+0 4x144/144 to 0/148"});
}

TEST_CASE("RedMulE's weight is transposed for the gradient of the image", "[feeds]") {
  Conv conv(3, Unit::kRedmule);
  WeightFeed feed(conv.bench.context(), conv.tensors(), true);
  const L1Matrix tile = feed.fetch(0, 4, 2, 2);
  CHECK(form(tile) == std::tuple(18u, 4u, 4u));
  // 18 * 4 floats and, ahead, 2 rows of 4 and 16 elements: 288 + 4 * 24 = 384; staged behind.
  CHECK(conv.bench.written() ==
        Lines{"load w+72 4x72/144 to 384/72", "transpose r 384:4x72/72 w 0:18x16/16"});
  feed.fetch(0, 4, 2, 2);
  CHECK(conv.bench.written().empty());
}

TEST_CASE("the cores walk a weight the other way round without a transpose", "[feeds]") {
  Conv conv(3, Unit::kCores);
  WeightFeed feed(conv.bench.context(), conv.tensors(), true);
  CHECK(form(feed.fetch(0, 4, 2, 2)) == std::tuple(4u, 18u, 18u));
  CHECK(conv.bench.written() == Lines{"load w+72 4x72/144 to 0/72"});
}

TEST_CASE("a strip of the gradient comes with all its samples side by side", "[feeds]") {
  Conv conv(3, Unit::kRedmule);
  conv.tiling.rows = 6;
  conv.tiling.samples = 2;
  GradientFeed feed(conv.bench.context(), conv.tensors());
  const L1Matrix tile = feed.fetch(4, 4, {0, 2, 0, 6});
  CHECK(form(tile) == std::tuple(4u, 60u, 60u));  // 2 * 6 * 5 pixels
  // Planes of 30 floats: outputs 4 to 7 of sample 0, and of sample 1 8 planes on.
  CHECK(conv.bench.written() ==
        Lines{"load dy+480 4x120/120 to 0/240", "load dy+1440 4x120/120 to 120/240"});
}

TEST_CASE("a strip of rows of the gradient", "[feeds]") {
  Conv conv(3, Unit::kCores);
  GradientFeed feed(conv.bench.context(), conv.tensors());
  const L1Matrix tile = feed.fetch(0, 4, {1, 1, 3, 3});
  CHECK(form(tile) == std::tuple(4u, 15u, 15u));  // 3 rows of 5
  // Sample 1 is 8 planes on, row 3 is 15 pixels on: (8 * 30 + 15) * 4.
  CHECK(conv.bench.written() == Lines{"load dy+1020 4x60/120 to 0/60"});
  feed.fetch(0, 4, {1, 1, 3, 3});
  CHECK(conv.bench.written().empty());
  feed.fetch(0, 4, {0, 1, 3, 3});
  // Behind 4 * (15 + 1) * 4 = 256 bytes.
  CHECK(conv.bench.written() == Lines{"load dy+60 4x60/120 to 256/60"});
}

TEST_CASE("a gradient that stands in L1 is used there", "[feeds]") {
  Conv conv(3, Unit::kCores);
  conv.problem.dy_resident = true;
  conv.tiling.rows = 6;
  conv.bench.put(conv.dy);
  GradientFeed feed(conv.bench.context(), conv.tensors());
  const L1Matrix tile = feed.fetch(4, 4, {1, 1, 0, 6});
  CHECK(place(tile) == 1440);  // (1 * 8 + 4) planes of 30 floats
  CHECK(form(tile) == std::tuple(4u, 30u, 30u));
  CHECK(conv.bench.written().empty());
  Conv gone(3, Unit::kCores);
  gone.problem.dy_resident = true;
  gone.tiling.rows = 6;
  CHECK_THROWS_AS(GradientFeed(gone.bench.context(), gone.tensors()), NoRoom);
}

TEST_CASE("columns are made from the image rows under a strip", "[feeds]") {
  Conv conv(3, Unit::kCores);
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  const L1Matrix tile = feed.fetch(2, 2, {0, 1, 3, 3});
  CHECK(form(tile) == std::tuple(18u, 15u, 15u));  // 2 channels of 9 taps; 15 is odd
  // Output rows 3 to 5 see image rows 2 to 6, of which 2 to 5 are there: 4 rows of 5. Channel 2,
  // row 2: (2 * 30 + 10) * 4 = 280. The columns take 18 * (15 + 1) * 4 = 1152 bytes.
  CHECK(conv.bench.written() ==
        Lines{"load x+280 2x80/120 to 1152/80", "im2col r 1152:2x80/80 w 0:18x60/60"});
  feed.fetch(2, 2, {0, 1, 3, 3});
  CHECK(conv.bench.written().empty());
  // The other buffer is behind 1152 bytes and an image: a strip of 3 rows sees 5 at most, of 2
  // channels 2 * 5 * 5 floats.
  CHECK(place(feed.fetch(0, 2, {0, 1, 0, 3})) == 1352);
}

TEST_CASE("columns of several samples lie side by side, each from its own image", "[feeds]") {
  Conv conv(3, Unit::kRedmule);
  conv.tiling.rows = 6;
  conv.tiling.samples = 2;
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  const L1Matrix tile = feed.fetch(0, 2, {0, 2, 0, 6});
  CHECK(form(tile) == std::tuple(18u, 60u, 60u));
  // 18 * 60 floats and, ahead, 2 rows of 60 and 16: 4320 + 4 * 136 = 4864. An image of 2 channels
  // is 240 bytes; sample 1 begins 4 planes of 120 bytes on.
  CHECK(conv.bench.written() ==
        Lines{"load x+0 1x240 to 4864", "im2col r 4864:2x120/120 w 0:18x120/240",
              "load x+480 1x240 to 5104", "im2col r 5104:2x120/120 w 120:18x120/240"});
}

TEST_CASE("rows are the transpose of columns", "[feeds]") {
  Conv conv(3, Unit::kRedmule);
  ColumnFeed feed(conv.bench.context(), conv.tensors(), true);
  const L1Matrix tile = feed.fetch(0, 2, {0, 1, 0, 3});
  CHECK(form(tile) == std::tuple(15u, 18u, 18u));
  // 15 * 18 floats, one row of 18 and 16 elements ahead: 1080 + 136 = 1216. Image rows 0 to 3.
  CHECK(conv.bench.written() ==
        Lines{"load x+0 2x80/120 to 1216/80", "im2row r 1216:2x80/80 w 0:15x72/72"});
}

TEST_CASE("the cores' columns and rows have an odd pitch", "[feeds]") {
  Conv conv(3, Unit::kCores);
  conv.tiling.rows = 2;
  ColumnFeed columns(conv.bench.context(), conv.tensors(), false);
  CHECK(columns.fetch(0, 2, {0, 1, 0, 2}).pitch == 11);  // 2 rows of 5: 10 | 1
  Conv other(3, Unit::kCores);
  ColumnFeed rows(other.bench.context(), other.tensors(), true);
  CHECK(rows.fetch(0, 2, {0, 1, 0, 3}).pitch == 19);  // 18 | 1
}

TEST_CASE("an image that stands in L1 is not loaded", "[feeds]") {
  Conv conv(3, Unit::kRedmule);
  conv.problem.x_resident = true;
  conv.bench.put(conv.x);  // 2 * 4 * 30 floats: 960 bytes
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  feed.fetch(2, 2, {1, 1, 3, 3});
  // Sample 1, channel 2, image row 2: ((4 + 2) * 30 + 10) * 4 = 760; planes 30 floats apart.
  CHECK(conv.bench.written() == Lines{"im2col r 760:2x80/120 w 960:18x60/60"});
  Conv gone(3, Unit::kRedmule);
  gone.problem.x_resident = true;
  CHECK_THROWS_AS(ColumnFeed(gone.bench.context(), gone.tensors(), false), NoRoom);
}

TEST_CASE("a kernel of one pixel has the image as its columns", "[feeds]") {
  Conv conv(1, Unit::kRedmule);
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  const L1Matrix tile = feed.fetch(2, 2, {1, 1, 3, 3});
  CHECK(form(tile) == std::tuple(2u, 15u, 15u));
  CHECK(conv.bench.written() == Lines{"load x+780 2x60/120 to 0/60"});  // ((4 + 2) * 30 + 15) * 4
}

TEST_CASE("one pixel: whole planes on the cores have an odd pitch", "[feeds]") {
  Conv conv(1, Unit::kCores);
  conv.tiling.rows = 6;
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  CHECK(feed.fetch(0, 2, {0, 1, 0, 6}).pitch == 31);  // 30 | 1
  CHECK(conv.bench.written() == Lines{"load x+0 2x120/120 to 0/124"});
}

TEST_CASE("one pixel: an image in L1 is used in place", "[feeds]") {
  Conv conv(1, Unit::kRedmule);
  conv.problem.x_resident = true;
  conv.tiling.rows = 6;
  conv.bench.put(conv.x);
  ColumnFeed feed(conv.bench.context(), conv.tensors(), false);
  const L1Matrix tile = feed.fetch(2, 2, {1, 1, 0, 6});
  CHECK(place(tile) == 720);  // (4 + 2) planes of 30 floats
  CHECK(form(tile) == std::tuple(2u, 30u, 30u));
  CHECK(conv.bench.written().empty());
}

TEST_CASE("one pixel: rows are transposed, from L1 or as they come", "[feeds]") {
  Conv conv(1, Unit::kRedmule);
  ColumnFeed feed(conv.bench.context(), conv.tensors(), true);
  const L1Matrix tile = feed.fetch(0, 2, {0, 1, 3, 3});
  CHECK(form(tile) == std::tuple(15u, 2u, 2u));
  // 15 * 2 floats, a row of 2 and 16 ahead: 120 + 72 = 192.
  CHECK(conv.bench.written() ==
        Lines{"load x+60 2x60/120 to 192/60", "transpose r 192:2x60/60 w 0:15x8/8"});
  Conv inside(1, Unit::kRedmule);
  inside.problem.x_resident = true;
  inside.bench.put(inside.x);
  ColumnFeed other(inside.bench.context(), inside.tensors(), true);
  other.fetch(2, 2, {1, 1, 3, 3});
  CHECK(inside.bench.written() == Lines{"transpose r 780:2x60/120 w 960:15x8/8"});
}

}  // namespace
}  // namespace etude::compiler
