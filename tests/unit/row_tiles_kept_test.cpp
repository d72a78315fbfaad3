// SPDX-License-Identifier: Apache-2.0
// Buffers are handed out from 0 on in steps of 8 bytes; what is streamed comes in tiles of
// 1536 elements at least, what is kept takes a quarter of L1 at most.
#include <catch2/catch.hpp>
#include <tuple>

#include "compiler/feeds/row_tiles.h"
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

TEST_CASE("a resident is used where it stands, in few tiles if there is little work", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {96, 64});
  bench.put(x);
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  const std::size_t in = tiles.input(x);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) { seen.push_back(place(tile.at[in])); });
  CHECK(seen == std::vector<std::uint32_t>{0});
  CHECK(bench.written().empty());
  FeedBench busy;
  const TensorId y = busy.tensor("y", {96, 64});
  busy.put(y);
  RowTiles pieces(busy.context(), "op", grid_of(busy.context(), y));
  pieces.input(y);
  pieces.work(4);
  // 6144 elements at 4 cycles on 8 cores are 3072 cycles, two kernels of 1500.
  CHECK(cuts(pieces) == Cut{{0, 0, 48, 64}, {48, 0, 48, 64}});
}

TEST_CASE("a resident with a pitch is used if it has the grid's rows, unless pitches must agree",
          "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {4, 8});
  bench.put(x, false, 9);  // 144 bytes
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  const std::size_t in = tiles.input(x);
  tiles.run([&](const RowTile& tile) {
    CHECK(place(tile.at[in]) == 0);
    CHECK(tile.at[in].pitch == 9);
  });
  CHECK(bench.written().empty());
  RowTiles equal(c, "op", grid_of(c, x));
  equal.equal_pitches();
  equal.input(x);
  equal.run([](const RowTile&) {});
  CHECK(bench.written() == Lines{"load x+0 1x128 to 144"});
  RowTiles other(c, "op", {2, 16, 2});  // other rows: of no use
  other.input(x);
  other.run([](const RowTile&) {});
  CHECK(bench.written().size() == 1);
}

TEST_CASE("a row that stands in L1 is used there", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 3, 8}), m = bench.tensor("m", {2, 1, 8});
  bench.put(m);  // 64 bytes at 0
  RowTiles tiles(bench.context(), "op", {6, 8, 3});
  tiles.input(x);
  const std::size_t row = tiles.input(m, Spread::kRow, true);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) { seen.push_back(place(tile.at[row])); });
  CHECK(seen == std::vector<std::uint32_t>{0, 32});  // 8 floats a group
}

TEST_CASE("a result that is read again soon is built up whole and stays", "[feeds]") {
  FeedBench bench(1u << 18);
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {96, 64}), y = bench.tensor("y", {96, 64});
  const TensorId z = bench.tensor("z", {1, 1});
  for (const TensorId read : {z, y}) {
    bench.read(read);
  }
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  const std::size_t out = tiles.output(y);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) { seen.push_back(place(tile.at[out])); });
  CHECK(seen == std::vector<std::uint32_t>{0, 6144, 12288, 18432});
  const Lines lines = bench.written();
  REQUIRE(lines.size() == 8);
  CHECK(lines[1] == "store y+0 1x6144 from 0");
  CHECK(lines[7] == "store y+18432 1x6144 from 18432");
  REQUIRE(c.l1.has_resident(y));
  CHECK(place(*c.l1.resident(y)) == 0);
  CHECK(form(*c.l1.resident(y)) == std::tuple(96u, 64u, 64u));
  CHECK_FALSE(c.l1.has_resident(x));
}

TEST_CASE("an input that is read again soon is loaded to stay", "[feeds]") {
  FeedBench bench(1u << 18);
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {48, 64});
  bench.read(x);
  bench.read(x);
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.input(x);
  tiles.run([](const RowTile&) {});
  CHECK(bench.written() == Lines{"load x+0 1x6144 to 0", "load x+6144 1x6144 to 6144"});
  CHECK(c.l1.has_resident(x));
}

TEST_CASE("what is more than a quarter of L1 does not stay", "[feeds]") {
  FeedBench bench(65536);
  const TensorId y = bench.tensor("y", {72, 64});  // 18432 bytes, more than 16384
  const TensorId z = bench.tensor("z", {64, 64});  // 16384
  bench.read(y);
  bench.read(y);
  bench.read(z);
  LoweringContext& c = bench.context();
  RowTiles large(c, "op", grid_of(c, y));
  large.output(y);
  large.run([](const RowTile&) {});
  CHECK_FALSE(c.l1.has_resident(y));
  c.l1.end_operator();
  c.l1.begin_operator(1);
  RowTiles small(c, "op", grid_of(c, z));
  small.output(z);
  small.run([](const RowTile&) {});
  CHECK(c.l1.has_resident(z));
}

TEST_CASE("what is kept is stored in one piece where its tiles are parts of rows", "[feeds]") {
  FeedBench bench(1u << 18);
  bench.sharing.transfer = Bytes{65536};
  const TensorId x = bench.tensor("x", {96, 64}), y = bench.tensor("y", {96, 64});
  bench.read(x);
  bench.read(x);
  bench.read(y);
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.by_columns();
  const std::size_t in = tiles.input(x), out = tiles.output(y);
  std::vector<std::uint32_t> seen;
  tiles.run([&](const RowTile& tile) {
    seen.push_back(place(tile.at[in]));
    CHECK(tile.at[in].pitch == 64);
    CHECK(tile.at[out].pitch == 64);
  });
  CHECK(seen == std::vector<std::uint32_t>{0, 64, 128, 192});  // 16 columns each
  const Lines lines = bench.written();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "load x+0 1x24576 to 0");
  CHECK(lines[1].starts_with("store y+0 1x24576 from "));
}

TEST_CASE("a tensor that is updated is loaded, stored and no resident afterwards", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {4, 8});
  bench.put(w);  // at 0
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, w));
  const std::size_t number = tiles.update(w);
  tiles.run([&](const RowTile& tile) { CHECK(place(tile.at[number]) == 0); });
  CHECK(bench.written() == Lines{"store w+0 1x128 from 0"});
  CHECK_FALSE(c.l1.has_resident(w));
  c.l1.end_operator();
  c.l1.begin_operator(1);
  RowTiles again(c, "op", grid_of(c, w));
  again.update(w);
  again.run([](const RowTile&) {});
  const Lines lines = bench.written();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("load w+0 1x128 to "));
  CHECK(lines[1].starts_with("store w+0 1x128 from "));
}

TEST_CASE("parts of rows of a resident with a pitch are stored row by row", "[feeds]") {
  FeedBench bench;
  const TensorId w = bench.tensor("w", {96, 64}), g = bench.tensor("g", {96, 64});
  bench.put(w, false, 65);
  LoweringContext& c = bench.context();
  RowTiles tiles(c, "op", grid_of(c, w));
  tiles.by_columns();
  tiles.update(w);
  tiles.input(g);
  tiles.run([](const RowTile&) {});
  const Lines lines = bench.written();
  REQUIRE(lines.size() == 4 * (1 + 96));           // four tiles of 16 columns: a load, and 96 rows
  CHECK(lines[2] == "store w+256 1x64 from 260");  // row 1: 64 * 4 and 65 * 4
  CHECK(lines[1 + 97] == "store w+64 1x64 from 64");  // the second tile
}

TEST_CASE("tiles that are added up have one order, whatever stands in L1", "[feeds]") {
  const auto cut = [](bool stands, std::uint32_t pitch, auto&& declare) {
    FeedBench bench;
    const TensorId x = bench.tensor("x", {96, 64});
    if (stands) {
      bench.put(x, false, pitch);
    }
    LoweringContext& c = bench.context();
    RowTiles tiles(c, "op", grid_of(c, x));
    declare(tiles);
    const std::size_t number = tiles.input(x);
    Cut seen;
    std::vector<bool> dense;
    tiles.run([&](const RowTile& tile) {
      seen.push_back(cut_of(tile));
      dense.push_back(tile.at[number].pitch == tile.cols);
    });
    return std::pair(seen, dense);
  };
  // 1536 elements of 6144: 16 columns, or 24 rows.
  const auto columns = [](RowTiles& tiles) {
    tiles.by_columns();
    tiles.one_order();
  };
  const auto rows = [](RowTiles& tiles) {
    tiles.whole_rows();
    tiles.one_order();
  };
  const auto wanted = cut(false, 0, columns);
  CHECK(wanted.first == Cut{{0, 0, 96, 16}, {0, 16, 96, 16}, {0, 32, 96, 16}, {0, 48, 96, 16}});
  CHECK(wanted.second == std::vector<bool>(4, true));
  CHECK((cut(true, 0, columns) == wanted));
  CHECK((cut(true, 65, columns) == wanted));
  CHECK(cut(false, 0, rows).first ==
        Cut{{0, 0, 24, 64}, {24, 0, 24, 64}, {48, 0, 24, 64}, {72, 0, 24, 64}});
  CHECK(cut(true, 0, rows).first == cut(false, 0, rows).first);
  CHECK(cut(true, 65, rows).first == cut(false, 0, rows).first);
}

TEST_CASE("long rows that are added up are cut alike, whatever stands in L1", "[feeds]") {
  const auto columns = [](bool stands) {
    FeedBench bench;
    const TensorId x = bench.tensor("x", {2, 4000});
    if (stands) {
      bench.put(x);
    }
    LoweringContext& c = bench.context();
    RowTiles tiles(c, "op", grid_of(c, x));
    tiles.one_order(false);
    tiles.input(x);
    return std::get<3>(cuts(tiles).front());
  };
  CHECK(columns(false) == 1536);
  CHECK(columns(true) == 1536);
}

TEST_CASE("tiles of one order that find no room ask for an L1 of their own", "[feeds]") {
  FeedBench bench(8192);
  const TensorId other = bench.tensor("other", {40, 48}), x = bench.tensor("x", {96, 64});
  bench.put(other);
  LoweringContext& c = bench.context();
  (void)c.l1.resident(other);  // it is used, and so stays
  RowTiles tiles(c, "op", grid_of(c, x));
  tiles.by_columns();
  tiles.one_order();
  tiles.input(x);
  CHECK_THROWS_AS(tiles.run([](const RowTile&) {}), NoRoom);
}

}  // namespace
}  // namespace etude::compiler
