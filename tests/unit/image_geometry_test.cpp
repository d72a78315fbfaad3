// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/image_geometry.h"

#include <catch2/catch.hpp>
#include <utility>

#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

using Integers = std::vector<std::int64_t>;

/// 8 rows of 6 pixels under windows of 3x3, stride 2, one row and column of padding all around:
/// (8 + 2 - 3) / 2 + 1 = 4 rows of (6 + 2 - 3) / 2 + 1 = 3 pixels.
ImageGeometry strided() {
  ImageGeometry g;
  g.height = 8;
  g.width = 6;
  g.kernel_h = g.kernel_w = 3;
  g.stride_h = g.stride_w = 2;
  g.top = g.left = 1;
  g.out_height = 4;
  g.out_width = 3;
  return g;
}

TEST_CASE("a window's geometry comes from the node's attributes and the image's shape") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 5, 8, 6});
  const auto y = made.node(OpType::kMaxPool, "y", {2, 5, 4, 3}, {x}, Phase::kForward,
                           {{"kernel_shape", Integers{3, 3}},
                            {"strides", Integers{2, 2}},
                            {"pads", Integers{1, 1, 1, 1}}});
  const auto g = geometry_of(made.graph, made.graph.node(made.maker(y)), {2, 5, 8, 6});
  CHECK(g.samples == 2);
  CHECK(g.channels == 5);
  CHECK(g.height == 8);
  CHECK(g.width == 6);
  CHECK(g.kernel_h == 3);
  CHECK(g.stride_w == 2);
  CHECK(g.top == 1);
  CHECK(g.left == 1);
  CHECK(g.out_height == 4);
  CHECK(g.out_width == 3);
  CHECK(g.image() == 48);   // 8 * 6
  CHECK(g.pixels() == 12);  // 4 * 3
  CHECK(g.taps() == 9);     // 3 * 3
}

TEST_CASE("taps that stand apart reach further") {
  test::SmallGraph made;
  const auto x = made.input("x", {1, 1, 9, 8});
  // Rows: (3 - 1) * 2 + 1 = 5 under each window, (9 - 5) / 2 + 1 = 3 windows.
  const auto y = made.node(OpType::kMaxPool, "y", {1, 1, 3, 8}, {x}, Phase::kForward,
                           {{"kernel_shape", Integers{3, 1}},
                            {"strides", Integers{2, 1}},
                            {"dilations", Integers{2, 7}}});
  const auto g = geometry_of(made.graph, made.graph.node(made.maker(y)), {1, 1, 9, 8});
  CHECK(g.dilation_h == 2);
  CHECK(g.dilation_w == 1);  // of one column: it says nothing
  CHECK(g.reach_h() == 5);
  CHECK(most_rows_under(g, 2) == 7);
  const ImageRows rows = rows_under(g, {0, 1, 1, 2});  // 2 .. 6 and 4 .. 8
  CHECK(std::pair(rows.first, rows.count) == std::pair(2u, 7u));
  CHECK(view_of(g, 1, {0, 1, 0, 3}, {0, 9}, 72).dilation == 0x00020001);
  CHECK(view_of(strided(), 1, {0, 1, 0, 1}, {0, 8}, 48).dilation == 0x00010001);
}

TEST_CASE("a signal is an image of one row, and may be one of one column") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 3, 20});
  // (20 + 2 + 1 - 5) / 2 + 1 = 10
  const auto y = made.node(OpType::kMaxPool, "y", {2, 3, 10}, {x}, Phase::kForward,
                           {{"kernel_shape", Integers{3}},
                            {"strides", Integers{2}},
                            {"pads", Integers{2, 1}},
                            {"dilations", Integers{2}}});
  const auto g = geometry_of(made.graph, made.graph.node(made.maker(y)), {2, 3, 20});
  CHECK(std::pair(g.height, g.width) == std::pair(1u, 20u));
  CHECK(std::pair(g.out_height, g.out_width) == std::pair(1u, 10u));
  const auto turned = upright(g);
  REQUIRE(turned);
  CHECK(std::pair(turned->height, turned->width) == std::pair(20u, 1u));
  CHECK(std::pair(turned->kernel_h, turned->kernel_w) == std::pair(3u, 1u));
  CHECK(std::pair(turned->stride_h, turned->stride_w) == std::pair(2u, 1u));
  CHECK(std::pair(turned->top, turned->left) == std::pair(2, 0));
  CHECK(std::pair(turned->dilation_h, turned->dilation_w) == std::pair(2u, 1u));
  CHECK(std::pair(turned->out_height, turned->out_width) == std::pair(10u, 1u));
  CHECK_FALSE(upright(*turned));
  CHECK_FALSE(upright(strided()));
}

TEST_CASE("images beyond half a word are refused by the node's name") {
  test::SmallGraph made;
  const auto x = made.input("x", {1, 1, 8, 8});
  const auto z = made.node(OpType::kMaxPool, "z", {1, 1, 1, 1}, {x}, Phase::kForward,
                           {{"kernel_shape", Integers{1, 1}}});
  const Node& node = made.graph.node(made.maker(z));
  CHECK_THROWS_WITH(geometry_of(made.graph, node, {1, 1, 32768, 1}),
                    Catch::Contains("'n.z'") && Catch::Contains("32767"));
  CHECK(geometry_of(made.graph, node, {1, 1, 32767, 1}).height == 32767);
}

TEST_CASE("columns are the image itself only under windows of one pixel, step one, no padding") {
  ImageGeometry g;
  g.height = g.out_height = 5;
  g.width = g.out_width = 4;
  CHECK(g.pointwise());
  const auto but = [&](auto change) {
    ImageGeometry other = g;
    change(other);
    return other.pointwise();
  };
  CHECK_FALSE(but([](auto& o) { o.kernel_h = 2; }));
  CHECK_FALSE(but([](auto& o) { o.stride_w = 2; }));
  CHECK_FALSE(but([](auto& o) { o.top = 1; }));
  CHECK_FALSE(but([](auto& o) { o.left = 1; }));
  CHECK_FALSE(but([](auto& o) { o.out_height = 6; }));
}

TEST_CASE("a strip touches the rows of its windows that are in the image") {
  const auto g = strided();
  const auto rows = [&](std::uint32_t row, std::uint32_t count) {
    const ImageRows r = rows_under(g, {0, 1, row, count});
    return std::pair(r.first, r.count);
  };
  // Output row r looks at image rows 2r-1, 2r, 2r+1.
  CHECK(rows(0, 1) == std::pair(0u, 2u));  // -1 is padding: 0, 1
  CHECK(rows(1, 1) == std::pair(1u, 3u));  // 1, 2, 3
  CHECK(rows(1, 2) == std::pair(1u, 5u));  // 1 .. 5
  CHECK(rows(3, 1) == std::pair(5u, 3u));  // 5, 6, 7
  CHECK(rows(0, 4) == std::pair(0u, 8u));
}

TEST_CASE("a strip that sees padding alone still gets a row") {
  ImageGeometry g = strided();
  g.top = 5;  // output row 0 looks at -5..-3, row 6 at 7..9
  g.out_height = 8;
  CHECK(rows_under(g, {0, 1, 0, 1}).first == 0);
  CHECK(rows_under(g, {0, 1, 0, 1}).count == 1);
  CHECK(rows_under(g, {0, 1, 7, 1}).first == 7);  // 9..11: clamped to the last
  CHECK(rows_under(g, {0, 1, 7, 1}).count == 1);
}

TEST_CASE("no strip touches more rows than the most") {
  const auto g = strided();
  CHECK(most_rows_under(g, 1) == 3);
  CHECK(most_rows_under(g, 2) == 5);  // 3 + 2
  CHECK(most_rows_under(g, 4) == 8);  // 9, but the image has 8
  for (std::uint32_t rows = 1; rows <= 4; ++rows) {
    std::uint32_t found = 0;
    for (std::uint32_t row = 0; row + rows <= 4; ++row) {
      found = std::max(found, rows_under(g, {0, 1, row, rows}).count);
    }
    CHECK(found <= most_rows_under(g, rows));
  }
}

TEST_CASE("a view packs window and padding for the kernels") {
  const auto g = strided();
  const Strip strip{0, 1, 1, 2};
  const auto there = rows_under(g, strip);  // 1 .. 5
  const WindowView view = view_of(g, 7, strip, there, 30);
  CHECK(view.channels == 7);
  CHECK(view.height == 5);
  CHECK(view.width == 6);
  CHECK(view.channel_pitch == 30);
  CHECK(view.kernel == 0x00030003);
  CHECK(view.stride == 0x00020002);
  // The first window begins with image row 2 * 1 - 1 = 1, the first that is there: no padding
  // above.
  CHECK(view.pad == 0x00000001);
  CHECK(view.out_height == 2);
  CHECK(view.out_width == 3);
  // The same with image rows from 0 on: the window begins one row below the first, padding -1.
  CHECK(view_of(g, 7, strip, {0, 8}, 48).pad == 0xFFFF0001);
  // At the image's top, one row of padding.
  CHECK(view_of(g, 7, {0, 1, 0, 1}, {0, 2}, 12).pad == 0x00010001);
}

TEST_CASE("rows and columns of a window are told apart", "[geometry]") {
  test::SmallGraph made;
  const auto x = made.input("x", {1, 1, 9, 8});
  // (9 + 2 - 3) / 2 + 1 = 5 rows, (8 + 3 - 2) / 1 + 1 = 10 columns.
  const auto y = made.node(OpType::kMaxPool, "y", {1, 1, 5, 10}, {x}, Phase::kForward,
                           {{"kernel_shape", Integers{3, 2}},
                            {"strides", Integers{2, 1}},
                            {"pads", Integers{1, 2, 1, 1}}});
  const auto g = geometry_of(made.graph, made.graph.node(made.maker(y)), {1, 1, 9, 8});
  CHECK(std::pair(g.kernel_h, g.kernel_w) == std::pair(3u, 2u));
  CHECK(std::pair(g.stride_h, g.stride_w) == std::pair(2u, 1u));
  CHECK(std::pair(g.top, g.left) == std::pair(1, 2));
  CHECK(std::pair(g.out_height, g.out_width) == std::pair(5u, 10u));
  const WindowView view = view_of(g, 1, {0, 1, 0, 5}, {0, 9}, 72);
  CHECK(view.kernel == 0x00030002);
  CHECK(view.stride == 0x00020001);
  CHECK(view.pad == 0x00010002);
  CHECK(std::pair(view.height, view.width) == std::pair(9u, 8u));
  CHECK(std::pair(view.out_height, view.out_width) == std::pair(5u, 10u));
  // A window that begins right of the image's border leaves the rows' half alone.
  ImageGeometry inside = g;
  inside.left = -1;
  CHECK(view_of(inside, 1, {0, 1, 0, 5}, {0, 9}, 72).pad == 0x0001FFFF);
}

TEST_CASE("pixels of a strip are those of all its samples") {
  CHECK(Strip{0, 2, 0, 4}.pixels(strided()) == 24);  // 2 samples * 4 rows * 3
  CHECK(Strip{1, 1, 2, 1}.pixels(strided()) == 3);
}

}  // namespace
}  // namespace etude::compiler
