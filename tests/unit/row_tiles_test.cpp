// SPDX-License-Identifier: Apache-2.0
// Buffers are handed out from 0 on in steps of 8 bytes; of two buffers that take turns the second
// one is the first to be filled. An operator takes 0.45 of L1 at most, and what is streamed comes
// in tiles of 1536 elements at least.
#include "compiler/feeds/row_tiles.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "models/base/error.h"
#include "tests/support/feed_bench.h"

namespace etude::compiler {
namespace {

using test::FeedBench;
using test::Lines;

std::uint32_t place(const L1Matrix& m) {
  return static_cast<std::uint32_t>((m.address - FeedBench::kBase).raw());
}
auto form(const L1Matrix& m) { return std::tuple(m.rows, m.cols, m.pitch); }
/// Row, column, rows, columns.
using Cut = std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>>;
auto cut_of(const RowTile& t) { return std::tuple(t.row, t.col, t.rows, t.cols); }

Cut cuts(RowTiles& tiles) {
  Cut seen;
  tiles.run([&](const RowTile& tile) { seen.push_back(cut_of(tile)); });
  return seen;
}

TEST_CASE("what is small comes in one tile", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {4, 8}), y = bench.tensor("y", {4, 8});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  const std::size_t in = tiles.input(x), out = tiles.output(y);
  tiles.run([&](const RowTile& tile) {
    CHECK(cut_of(tile) == std::tuple(0u, 0u, 4u, 8u));
    CHECK(place(tile.at[in]) == 0);
    CHECK(place(tile.at[out]) == 128);  // behind 4 * 8 floats: a single tile has a single buffer
    c.tape.relu_to(tile.at[in], tile.at[out]);
  });
  CHECK(bench.written() ==
        Lines{"load x+0 1x128 to 0", "relu r 0:4x32/32 w 128:4x32/32", "store y+0 1x128 from 128"});
}

TEST_CASE("whole rows up to 1536 elements, in buffers that take turns", "[feeds]") {
  FeedBench bench;
  bench.sharing.transfer = Bytes{65536};  // no tile is split
  const TensorId x = bench.tensor("x", {96, 64}), y = bench.tensor("y", {96, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.output(y);
  // 6144 elements: an eighth is less than 1536, which are 24 rows of 64, 6144 bytes.
  CHECK(cuts(tiles) == Cut{{0, 0, 24, 64}, {24, 0, 24, 64}, {48, 0, 24, 64}, {72, 0, 24, 64}});
  CHECK(bench.written() == Lines{"load x+0 1x6144 to 6144", "store y+0 1x6144 from 18432",
                                 "load x+6144 1x6144 to 0", "store y+6144 1x6144 from 12288",
                                 "load x+12288 1x6144 to 6144", "store y+12288 1x6144 from 18432",
                                 "load x+18432 1x6144 to 0", "store y+18432 1x6144 from 12288"});
}

TEST_CASE("tiles of equal size rather than a small last one", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {50, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  // 24 rows would fit: three tiles, so 17, 17 and 16.
  CHECK(cuts(tiles) == Cut{{0, 0, 17, 64}, {17, 0, 17, 64}, {34, 0, 16, 64}});
}

TEST_CASE("rows of a tile are a multiple where possible", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {50, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.multiple_of(8);
  // 24 rows; three tiles of 17 are rounded up to 24.
  CHECK(cuts(tiles) == Cut{{0, 0, 24, 64}, {24, 0, 24, 64}, {48, 0, 2, 64}});
}

TEST_CASE("a multiple bounds the rows that fit, too", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {48, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.multiple_of(7);
  // Of 24 rows that fit 21 are a multiple; three tiles of 16 are rounded up to 21.
  CHECK(cuts(tiles) == Cut{{0, 0, 21, 64}, {21, 0, 21, 64}, {42, 0, 6, 64}});
}

TEST_CASE("rows that do not fit are cut, and the pieces are strided in L2", "[feeds]") {
  FeedBench bench(2048);
  const TensorId x = bench.tensor("x", {2, 300});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  // 0.45 * 2048 = 921 bytes for two buffers of 4 * cols + 8: 113 columns, one row.
  CHECK(cuts(tiles) == Cut{{0, 0, 1, 113},
                           {0, 113, 1, 113},
                           {0, 226, 1, 74},
                           {1, 0, 1, 113},
                           {1, 113, 1, 113},
                           {1, 226, 1, 74}});
  const Lines lines = bench.written();
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] == "load x+0 1x452 to 456");
  CHECK(lines[1] == "load x+452 1x452 to 0");
  CHECK(lines[5] == "load x+2104 1x296 to 0");  // (300 + 226) * 4
}

TEST_CASE("tiles by columns are whole columns", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {96, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.by_columns();
  // 16 columns of 96 rows are 1536 elements.
  CHECK(cuts(tiles) == Cut{{0, 0, 96, 16}, {0, 16, 96, 16}, {0, 32, 96, 16}, {0, 48, 96, 16}});
  CHECK(bench.written()[1] == "load x+64 96x64/256 to 0/64");
}

TEST_CASE("a group is never left by a tile", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  RowTiles tiles(bench.context(), "op", {6, 8, 3});
  tiles.input(x);
  CHECK(cuts(tiles) == Cut{{0, 0, 3, 8}, {3, 0, 3, 8}});
}

TEST_CASE("a row for all rows is loaded once and has no pitch", "[feeds]") {
  FeedBench bench;
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {48, 64}), b = bench.tensor("b", {64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  const std::size_t row = tiles.input(b, Spread::kRow, false);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) {
    CHECK(form(tile.at[row]) == std::tuple(24u, 64u, 0u));
    seen.push_back(place(tile.at[row]));
  });
  CHECK(seen == std::vector<std::uint32_t>{12288, 12288});  // behind two buffers of 24 * 64 floats
  CHECK(bench.written() ==
        Lines{"load x+0 1x6144 to 6144", "load b+0 1x256 to 12288", "load x+6144 1x6144 to 0"});
}

TEST_CASE("a repeated row that is cut stays for all rows: columns are the outer loop", "[feeds]") {
  FeedBench bench(2048);
  const TensorId x = bench.tensor("x", {2, 200}), b = bench.tensor("b", {200});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.input(b, Spread::kRow, false);
  // 921 bytes for two buffers each of 4 * cols + 8 twice: 55 columns.
  CHECK(cuts(tiles) == Cut{{0, 0, 1, 55},
                           {1, 0, 1, 55},
                           {0, 55, 1, 55},
                           {1, 55, 1, 55},
                           {0, 110, 1, 55},
                           {1, 110, 1, 55},
                           {0, 165, 1, 35},
                           {1, 165, 1, 35}});
  unsigned rows = 0;
  for (const std::string& line : bench.written()) {
    rows += line.starts_with("load b") ? 1 : 0;
  }
  CHECK(rows == 4);  // each piece once
}

TEST_CASE("each group has its own row", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 3, 8}), m = bench.tensor("m", {2, 1, 8});
  RowTiles tiles(bench.context(), "op", {6, 8, 3});
  tiles.input(x);
  const std::size_t row = tiles.input(m, Spread::kRow, true);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) { seen.push_back(place(tile.at[row])); });
  CHECK(bench.written() == Lines{"load x+0 1x96 to 96", "load m+0 1x32 to 224",
                                 "load x+96 1x96 to 0", "load m+32 1x32 to 192"});
  CHECK(seen == std::vector<std::uint32_t>{224, 192});
}

TEST_CASE("a column has an element per row, of its own type", "[feeds]") {
  FeedBench bench;
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {48, 64}), l = bench.tensor("l", {48}, DType::kInt32);
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  const std::size_t labels = tiles.input(l, Spread::kColumn);
  tiles.run([&](const RowTile& tile) {
    CHECK(form(tile.at[labels]) == std::tuple(24u, 1u, 1u));
    CHECK(tile.at[labels].type == DType::kInt32);
  });
  CHECK(bench.written() == Lines{"load x+0 1x6144 to 6144", "load l+0 1x96 to 12384",
                                 "load x+6144 1x6144 to 0", "load l+96 1x96 to 12288"});
}

TEST_CASE("a number for all is loaded once", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {48, 64}), s = bench.tensor("s", {});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  const std::size_t number = tiles.input(s, Spread::kScalar, false);
  tiles.run([&](const RowTile& tile) { CHECK(form(tile.at[number]) == std::tuple(1u, 1u, 1u)); });
  unsigned loads = 0;
  for (const std::string& line : bench.written()) {
    loads += line == "load s+0 1x4 to 12288" ? 1 : 0;
  }
  CHECK(loads == 1);
}

TEST_CASE("the same operand is declared once", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {4, 8});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  CHECK(tiles.input(x) == tiles.input(x));
  CHECK(tiles.input(x, Spread::kRow) != tiles.input(x));
  CHECK(tiles.output(x) != tiles.input(x));
}

TEST_CASE("sums over rows are stored behind the last tile of their columns", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {48, 64}), s = bench.tensor("s", {64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.output(s, Spread::kRow);
  std::vector<bool> first;
  tiles.run([&](const RowTile& tile) { first.push_back(tiles.first(tile, Spread::kRow)); });
  CHECK(first == std::vector<bool>{true, false});
  unsigned stores = 0;
  const Lines lines = bench.written();
  for (const std::string& line : lines) {
    stores += line.starts_with("store s+0 1x256") ? 1 : 0;
  }
  CHECK(stores == 1);
  CHECK(lines.back().starts_with("store s+0 1x256"));
}

TEST_CASE("sums over columns are stored behind the last tile of their rows", "[feeds]") {
  FeedBench bench(2048);
  const TensorId x = bench.tensor("x", {2, 300}), s = bench.tensor("s", {2});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.output(s, Spread::kColumn);
  std::vector<bool> first;
  tiles.run([&](const RowTile& tile) { first.push_back(tiles.first(tile, Spread::kColumn)); });
  CHECK(first == std::vector<bool>{true, false, false, true, false, false});
  Lines stores;
  for (const std::string& line : bench.written()) {
    if (line.starts_with("store")) {
      stores.push_back(line.substr(0, line.find(" from")));
    }
  }
  CHECK(stores == Lines{"store s+0 1x4", "store s+4 1x4"});  // one row a tile
}

TEST_CASE("scratch is of the tile's size, of a row or of words per row", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {4, 8});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  const std::size_t full = tiles.scratch(Spread::kFull), row = tiles.scratch(Spread::kRow);
  const std::size_t pairs = tiles.scratch(Spread::kColumn, 2);
  tiles.run([&](const RowTile& tile) {
    CHECK(form(tile.at[full]) == std::tuple(4u, 8u, 8u));
    CHECK(form(tile.at[row]) == std::tuple(4u, 8u, 0u));
    CHECK(form(tile.at[pairs]) == std::tuple(4u, 2u, 2u));
    CHECK(place(tile.at[full]) == 128);
    CHECK(place(tile.at[row]) == 256);    // 4 * 8 floats on
    CHECK(place(tile.at[pairs]) == 288);  // 8 floats on
  });
  CHECK(c.l1.take(Bytes{8}) == FeedBench::kBase + Bytes{320});  // 4 * 2 floats on
  CHECK(bench.written().size() == 1);                           // nothing of it is loaded or stored
}

TEST_CASE("whole rows that do not fit are an error with operator, tile and bytes", "[feeds]") {
  FeedBench bench(1024);
  const TensorId x = bench.tensor("x", {4, 300});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "softmax", grid_of(c, x));
  tiles.whole_rows();
  tiles.input(x);
  CHECK_THROWS_AS(tiles.run([](const RowTile&) {}), NoRoom);  // an L1 of its own may do
  c.residents = false;
  // A single buffer of 300 floats and 8 bytes of padding: 1208, 184 more than there are.
  CHECK_THROWS_WITH(tiles.run([](const RowTile&) {}),
                    Catch::Contains("operator 'softmax'") && Catch::Contains("1x300") &&
                        Catch::Contains("needs 1208 bytes") && Catch::Contains("184 more"));
}

TEST_CASE("whole rows are not cut even if few of them fit", "[feeds]") {
  FeedBench bench(4096);
  const TensorId x = bench.tensor("x", {5, 200});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.whole_rows();
  tiles.input(x);
  // 0.45 * 4096 = 1843 bytes for two buffers of 800 * rows + 8: one row.
  CHECK(cuts(tiles) ==
        Cut{{0, 0, 1, 200}, {1, 0, 1, 200}, {2, 0, 1, 200}, {3, 0, 1, 200}, {4, 0, 1, 200}});
}

TEST_CASE("without double buffering there is one buffer", "[feeds]") {
  FeedBench bench;
  bench.tiling.double_buffer = false;
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {48, 64});
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.run([](const RowTile&) {});
  CHECK(bench.written() == Lines{"load x+0 1x6144 to 0", "load x+6144 1x6144 to 0"});
}

}  // namespace
}  // namespace etude::compiler
