// SPDX-License-Identifier: Apache-2.0
// The bench has 8 cores; buffers are handed out from 0 on in steps of 8 bytes. Half of L1 is for
// an operator's buffers while it is enough.
#include "compiler/feeds/channel_tiles.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "models/base/error.h"
#include "tests/support/feed_bench.h"

namespace etude::compiler {
namespace {

using test::FeedBench;
using test::Lines;

/// Images x and y of one shape, and a node that an error may name.
struct Images {
  explicit Images(Shape shape, std::uint32_t l1_bytes = 65536) : bench(l1_bytes) {
    x = bench.tensor("x", shape);
    y = bench.tensor("y", std::move(shape));
    node.name = "norm";
  }
  FeedBench bench;
  Node node;
  TensorId x{}, y{};
};

std::uint32_t place(const ChannelBlock& block) {
  return static_cast<std::uint32_t>((block.address - FeedBench::kBase).raw());
}
auto form(const ChannelBlock& b) { return std::tuple(b.samples, b.channels, b.cols); }

TEST_CASE("images that fit come in groups of channels, all samples at once", "[feeds]") {
  Images images({2, 64, 5, 5});
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  CHECK(std::tuple(tiles.samples, tiles.channels, tiles.pixels) == std::tuple(2u, 64u, 25u));
  tiles.open(false);
  // 8 channels of 50 elements are 400: grown by 8 until 4096 elements would be work, as long as
  // two buffers fit into half of 64 KiB: 8 more give 800, ... 80 would be 4000, but 64 are all.
  CHECK(tiles.tile.samples == 2);
  CHECK(tiles.tile.pixels == 25);
  CHECK(tiles.tile.channels == 64);
}

TEST_CASE("groups are no larger than is worth a kernel where there are several", "[feeds]") {
  Images images({2, 256, 5, 5}, 1u << 20);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  // 80 channels have 4000 elements, less than 4096; 88 have 4400 and are an eighth of 256 at least.
  CHECK(tiles.tile.channels == 88);
  std::vector<std::tuple<std::uint32_t, std::uint32_t>> groups;
  tiles.for_groups(
      [&](std::uint32_t first, std::uint32_t count) { groups.emplace_back(first, count); });
  CHECK(groups ==
        std::vector<std::tuple<std::uint32_t, std::uint32_t>>{{0, 88}, {88, 88}, {176, 80}});
}

TEST_CASE("half of L1 bounds a group", "[feeds]") {
  Images images({1, 64, 8, 8}, 16384);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  // A channel is 256 bytes: two buffers of 8 are 4112 with their padding, of 16 8208 > 8192.
  CHECK(tiles.tile.channels == 8);
}

TEST_CASE("without double buffering there is one buffer and so more channels", "[feeds]") {
  Images images({1, 64, 8, 8}, 16384);
  images.bench.tiling.double_buffer = false;
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  CHECK(tiles.tile.channels == 24);  // 24 * 256 + 8 <= 8192 < 32 * 256 + 8
}

TEST_CASE("all of L1 serves where half of it does not", "[feeds]") {
  Images images({1, 8, 8, 8}, 4160);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  CHECK(tiles.tile.channels == 8);  // twice 8 * 256 + 8 = 4112 bytes of 4160
  CHECK(tiles.tile.pixels == 64);
}

TEST_CASE("what is read several times gives up double buffering before whole groups", "[feeds]") {
  Images images({1, 8, 8, 8}, 4400);
  (void)images.bench.context().l1.take(Bytes{400});
  ChannelTiles twice(images.bench.context(), images.node, {images.x}, 2);
  twice.open(false);
  // Two buffers of 2056 bytes are 112 more than 4000.
  CHECK(std::tuple(twice.tile.channels, twice.tile.pixels) == std::tuple(8u, 64u));
  Images other({1, 8, 8, 8}, 2200);
  ChannelTiles once(other.bench.context(), other.node, {other.x}, 1);
  once.open(false);
  // Two buffers of pieces: 32 pixels of 8 channels are twice 1032 bytes.
  CHECK(std::tuple(once.tile.channels, once.tile.pixels) == std::tuple(8u, 32u));
}

TEST_CASE("groups are whole where half of L1 holds one, whatever stands there", "[feeds]") {
  Images half({1, 8, 8, 8}, 4100);
  ChannelTiles pieces(half.bench.context(), half.node, {half.x}, 2);
  pieces.open(false);
  // A group is 2056 bytes, half of L1 2050: two buffers of 16 pixels of 8 channels are 1040.
  CHECK(std::tuple(pieces.tile.channels, pieces.tile.pixels) == std::tuple(8u, 16u));
  // Where an empty L1 had whole groups, there are whole ones or none.
  Images crowded({2, 8, 8, 4}, 2000);
  LoweringContext& c = crowded.bench.context();
  SumCuts cuts;
  c.fixed_cuts = &cuts;
  const NodeId none_made = ~NodeId{0};  // the node has no results
  cuts[none_made].k = 64;
  ChannelTiles none(c, crowded.node, {crowded.x}, 2);
  CHECK_THROWS_AS(none.open(false), NoRoom);
  cuts[none_made].k = 32;  // the pixels of a sample: 1032 bytes
  ChannelTiles samples(c, crowded.node, {crowded.x}, 2);
  samples.open(false);
  CHECK(std::tuple(samples.tile.samples, samples.tile.pixels) == std::tuple(1u, 32u));
}

TEST_CASE("a tile that finds no place names the operator and the bytes", "[feeds]") {
  Images images({1, 8, 8, 8}, 8);
  LoweringContext& c = images.bench.context();
  ChannelTiles beside(c, images.node, {images.x}, 1);
  CHECK_THROWS_AS(beside.open(true), NoRoom);  // an L1 of its own may do
  c.residents = false;
  ChannelTiles tiles(c, images.node, {images.x}, 1);
  CHECK_THROWS_WITH(tiles.open(true), Catch::Contains("operator 'norm'") &&
                                          Catch::Contains("needs 24 bytes") &&  // 12 each
                                          Catch::Contains("8 are free"));
}

TEST_CASE("pieces of all samples and pixels of a group, the first of them named", "[feeds]") {
  Images images({2, 3, 2, 4});
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 1);
  tiles.tile = {0, 2, 0, 1, 0, 5};
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, bool>> seen;
  tiles.for_pieces(2, 1, [&](const ChannelPiece& piece, bool first) {
    CHECK(std::tuple(piece.channel, piece.channels) == std::tuple(2u, 1u));
    seen.emplace_back(piece.sample, piece.samples, piece.pixel, piece.pixels, first);
  });
  // 8 pixels are 5 and 3.
  CHECK(seen ==
        decltype(seen){
            {0, 1, 0, 5, true}, {0, 1, 5, 3, false}, {1, 1, 0, 5, false}, {1, 1, 5, 3, false}});
}

TEST_CASE("a piece is loaded sample by sample, and once", "[feeds]") {
  Images images({2, 16, 2, 2});
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  REQUIRE(tiles.tile.channels == 16);
  bool fresh = false;
  const ChannelPiece piece{4, 8, 0, 2, 0, 4};
  const ChannelBlock block = tiles.fetch(0, piece, &fresh);
  CHECK(fresh);
  CHECK(form(block) == std::tuple(2u, 8u, 4u));
  // Channel 4 of 4 floats: 64 bytes on; a sample is 16 * 16 = 256 bytes. 8 channels are 128.
  CHECK(images.bench.written() == Lines{"load x+64 1x128 to 0", "load x+320 1x128 to 128"});
  fresh = false;
  tiles.fetch(0, piece, &fresh);
  CHECK_FALSE(fresh);
  CHECK(images.bench.written().empty());
}

TEST_CASE("pieces of planes are strided in L2 and dense in L1", "[feeds]") {
  Images images({1, 8, 8, 8}, 2200);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 1);
  tiles.open(false);
  const ChannelBlock block = tiles.fetch(0, {0, 8, 0, 1, 32, 32});
  CHECK(form(block) == std::tuple(1u, 8u, 32u));
  CHECK(images.bench.written() == Lines{"load x+128 8x128/256 to 0/128"});  // 32 of 64 pixels
  tiles.fetch(0, {0, 8, 0, 1, 0, 32});
  CHECK(images.bench.written() == Lines{"load x+0 8x128/256 to 1024/128"});  // the other buffer
}

TEST_CASE("an image that stands in L1 is used there", "[feeds]") {
  Images images({2, 16, 2, 2});
  images.bench.put(images.x);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x, images.y}, 2);
  tiles.open(false);
  const ChannelPiece all{0, 16, 0, 2, 0, 4};
  CHECK(place(tiles.fetch(0, all)) == 0);
  CHECK(images.bench.written().empty());
  CHECK(place(tiles.fetch(1, all)) == 512);  // behind 2 * 16 * 4 floats
  CHECK(images.bench.written() == Lines{"load y+0 1x256 to 512", "load y+256 1x256 to 768"});
}

TEST_CASE("a group in a resident begins at its first plane", "[feeds]") {
  Images images({1, 256, 4, 4}, 1u << 20);
  images.bench.put(images.x);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 2);
  tiles.open(false);
  const ChannelBlock block = tiles.fetch(0, {32, 16, 0, 1, 0, 16});
  CHECK(place(block) == 2048);  // 32 planes of 16 floats
  CHECK(form(block) == std::tuple(1u, 16u, 16u));
}

TEST_CASE("a tensor that is changed in L1 is loaded even if it stands there", "[feeds]") {
  Images images({1, 8, 2, 2});
  images.bench.put(images.x);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 1, std::size_t{0});
  tiles.open(false);
  tiles.fetch(0, {0, 8, 0, 1, 0, 4});
  CHECK(images.bench.written() == Lines{"load x+0 1x128 to 128"});
}

TEST_CASE("results go over the last tensor that was loaded", "[feeds]") {
  Images images({1, 8, 2, 2});
  ChannelTiles tiles(images.bench.context(), images.node, {images.x, images.y}, 1);
  tiles.open(true);
  const ChannelPiece all{0, 8, 0, 1, 0, 4};
  const ChannelBlock x = tiles.fetch(0, all), y = tiles.fetch(1, all);
  CHECK(place(tiles.place(all, {x, y})) == place(y));
  // No other buffer: the next free place is behind those of x and y, one each (a single tile).
  CHECK(images.bench.context().l1.take(Bytes{8}) == FeedBench::kBase + Bytes{256});
}

TEST_CASE("results get a buffer of their own where everything stands in L1", "[feeds]") {
  Images images({1, 8, 2, 2});
  images.bench.put(images.x);
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 1);
  tiles.open(true);
  const ChannelPiece all{0, 8, 0, 1, 0, 4};
  const ChannelBlock to = tiles.place(all, {tiles.fetch(0, all)});
  CHECK(place(to) == 128);  // behind x
  CHECK(form(to) == std::tuple(1u, 8u, 4u));
  tiles.store(images.y, all, to);
  CHECK(images.bench.written() == Lines{"store y+0 1x128 from 128"});
}

TEST_CASE("a result is stored sample by sample", "[feeds]") {
  Images images({3, 4, 2, 2});
  ChannelTiles tiles(images.bench.context(), images.node, {images.x}, 1);
  tiles.open(true);
  const ChannelPiece piece{2, 2, 1, 2, 0, 4};
  tiles.store(images.y, piece, {FeedBench::kBase + Bytes{400}, 2, 2, 4});
  // Sample 1, channel 2: (4 + 2) * 16 bytes; a sample is 64 bytes on, its block 32.
  CHECK(images.bench.written() == Lines{"store y+96 1x32 from 400", "store y+160 1x32 from 432"});
}

}  // namespace
}  // namespace etude::compiler
