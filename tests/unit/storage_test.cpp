// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/storage.h"

#include <catch2/catch.hpp>

#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

using Integers = std::vector<std::int64_t>;
using Strides = std::vector<std::uint64_t>;

Attributes perm(Integers order) { return {{"perm", std::move(order)}}; }

TEST_CASE("a reshape takes over the storage of what it reshapes") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 6});
  const auto y = made.node(OpType::kReshape, "y", {3, 4}, {x});
  const StoragePlan plan(made.graph);
  CHECK(plan.base(y) == x);
  CHECK(plan.view(y).strides == Strides{4, 1});
  CHECK(plan.contiguous(y));
  CHECK(plan.free(made.maker(y)));
}

TEST_CASE("an updated parameter stands where the old one stood, and its node is not free") {
  test::SmallGraph made;
  const auto w = made.parameter("w", {2, 3}), g = made.input("g", {2, 3});
  const auto updated = made.sgd("w.new", w, g);
  const StoragePlan plan(made.graph);
  CHECK(plan.base(updated) == w);
  CHECK_FALSE(plan.free(made.maker(updated)));
}

TEST_CASE("a transpose is free where only products read it, and work where a ReLU does") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 3}), w = made.input("w", {2, 4});
  const auto t = made.node(OpType::kTranspose, "t", {3, 2}, {x}, Phase::kForward, perm({1, 0}));
  made.node(OpType::kGemm, "y", {3, 4}, {t, w});
  const bool relu = GENERATE(false, true);
  if (relu) {
    made.node(OpType::kRelu, "r", {3, 2}, {t});
  }
  const StoragePlan plan(made.graph);
  CHECK(plan.free(made.maker(t)) == !relu);
  CHECK(plan.base(t) == (relu ? t : x));
  // Element (i, j) of t is element (j, i) of x: j * 3 + i.
  CHECK(plan.view(t).strides == (relu ? Strides{2, 1} : Strides{1, 3}));
  CHECK(plan.contiguous(t) == relu);
  const auto matrix = plan.as_matrix(t);
  REQUIRE(matrix);
  CHECK(matrix->transposed == !relu);
  CHECK(matrix->rows == (relu ? 3u : 2u));
  CHECK(matrix->cols == (relu ? 2u : 3u));
  CHECK(matrix->pitch == (relu ? 2u : 3u));
}

TEST_CASE("a product's bias cannot be read the other way") {
  test::SmallGraph made;
  const auto a = made.input("a", {3, 5}), b = made.input("b", {5, 2}), x = made.input("x", {2, 3});
  const auto t = made.node(OpType::kTranspose, "t", {3, 2}, {x}, Phase::kForward, perm({1, 0}));
  made.node(OpType::kGemm, "y", {3, 2}, {a, b, t});
  CHECK_FALSE(StoragePlan(made.graph).free(made.maker(t)));
}

TEST_CASE("a product writes into the layout of a transpose behind it if nothing else reads it") {
  test::SmallGraph made;
  const auto a = made.input("a", {2, 6, 4}), b = made.input("b", {2, 4, 5});
  const auto p = made.node(OpType::kGemm, "p", {2, 6, 5}, {a, b});
  const auto joined =
      made.node(OpType::kTranspose, "joined", {6, 2, 5}, {p}, Phase::kForward, perm({1, 0, 2}));
  made.node(OpType::kRelu, "r", {6, 2, 5}, {joined});
  const bool second = GENERATE(false, true);
  if (second) {
    made.node(OpType::kRelu, "r2", {2, 6, 5}, {p});
  }
  const StoragePlan plan(made.graph);
  CHECK(plan.free(made.maker(joined)) == !second);
  CHECK(plan.base(joined) == joined);
  CHECK(plan.contiguous(joined));
  CHECK(plan.base(p) == (second ? p : joined));
  // p(h, i, c) is joined(i, h, c): i * 2 * 5 + h * 5 + c.
  CHECK(plan.view(p).strides == (second ? Strides{30, 5, 1} : Strides{5, 10, 1}));
  CHECK(plan.contiguous(p) == second);
}

TEST_CASE("a product whose rows would come apart keeps its own storage") {
  test::SmallGraph made;
  const auto a = made.input("a", {6, 4}), b = made.input("b", {4, 10});
  const auto p = made.node(OpType::kGemm, "p", {6, 10}, {a, b});
  const auto split = made.node(OpType::kReshape, "split", {6, 2, 5}, {p});
  const auto heads =
      made.node(OpType::kTranspose, "heads", {2, 6, 5}, {split}, Phase::kForward, perm({1, 0, 2}));
  made.node(OpType::kRelu, "r", {2, 6, 5}, {heads});
  const StoragePlan plan(made.graph);
  // In heads the two halves of a row of p lie 6 * 5 elements apart: no one stride for 10 columns.
  CHECK_FALSE(plan.free(made.maker(heads)));
  CHECK(plan.base(split) == p);
  CHECK(plan.base(heads) == heads);
}

TEST_CASE("a product is not written column by column", "[storage]") {
  test::SmallGraph made;
  const std::uint64_t columns = GENERATE(4u, 1u);
  const auto a = made.input("a", {6, 5}), b = made.input("b", {5, columns});
  const auto p = made.node(OpType::kGemm, "p", {6, columns}, {a, b});
  const auto t =
      made.node(OpType::kTranspose, "t", {columns, 6}, {p}, Phase::kForward, perm({1, 0}));
  made.node(OpType::kRelu, "r", {columns, 6}, {t});
  const StoragePlan plan(made.graph);
  // Its rows would lie in t's columns; one column is as dense as a row.
  CHECK(plan.free(made.maker(t)) == (columns == 1));
}

TEST_CASE("a dense view is free whoever reads it", "[storage]") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 6});
  const auto y = made.node(OpType::kReshape, "y", {3, 4}, {x});
  made.node(OpType::kRelu, "r", {3, 4}, {y});
  const StoragePlan plan(made.graph);
  CHECK(plan.free(made.maker(y)));
  CHECK(plan.base(y) == x);
}

TEST_CASE("where a reshape would have to move elements, the transpose before it does",
          "[storage]") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 3});
  const auto t = made.node(OpType::kTranspose, "t", {3, 2}, {x}, Phase::kForward, perm({1, 0}));
  const auto flat = made.node(OpType::kReshape, "flat", {6}, {t});
  made.node(OpType::kRelu, "r", {6}, {flat});
  const StoragePlan plan(made.graph);
  CHECK_FALSE(plan.free(made.maker(t)));
  CHECK(plan.free(made.maker(flat)));
  CHECK(plan.base(flat) == t);
}

TEST_CASE("a product is written through a permutation that is not its own inverse", "[storage]") {
  test::SmallGraph made;
  const auto a = made.input("a", {2, 3, 6, 4}), b = made.input("b", {2, 3, 4, 5});
  const auto p = made.node(OpType::kGemm, "p", {2, 3, 6, 5}, {a, b});
  const auto t =
      made.node(OpType::kTranspose, "t", {3, 6, 2, 5}, {p}, Phase::kForward, perm({1, 2, 0, 3}));
  made.node(OpType::kRelu, "r", {3, 6, 2, 5}, {t});
  const StoragePlan plan(made.graph);
  REQUIRE(plan.free(made.maker(t)));
  // p(i, j, k, c) is t(j, k, i, c): j * 6 * 2 * 5 + k * 2 * 5 + i * 5 + c.
  CHECK(plan.view(p).strides == Strides{5, 60, 10, 1});
  CHECK(plan.view(p).base == t);
}

TEST_CASE("rows that do not follow each other at one distance are no matrix", "[storage]") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 3, 4}), w = made.input("w", {3, 4, 5});
  const auto t =
      made.node(OpType::kTranspose, "t", {3, 2, 4}, {x}, Phase::kForward, perm({1, 0, 2}));
  made.node(OpType::kGemm, "y", {3, 2, 5}, {t, w});
  const StoragePlan plan(made.graph);
  REQUIRE(plan.free(made.maker(t)));
  CHECK_FALSE(plan.as_matrix(t));  // 0, 12, 4, 16 and so on
  REQUIRE(plan.as_stack(t, {3}));  // but a stack of three
  CHECK((*plan.as_stack(t, {3}))[1].offset == 4);
  CHECK((*plan.as_stack(t, {3}))[1].pitch == 12);
}

TEST_CASE("a loss has a place of its own, also as another look at a sum", "[storage]") {
  test::SmallGraph made;
  const auto x = made.input("x", {4});
  const auto sum = made.node(OpType::kReduceSum, "sum", {1}, {x});
  const auto loss = made.node(OpType::kReshape, "loss", {}, {sum});
  const bool is_loss = GENERATE(false, true);
  made.graph.tensor(loss).kind = is_loss ? TensorKind::kLoss : TensorKind::kActivation;
  const StoragePlan plan(made.graph);
  CHECK(plan.base(loss) == (is_loss ? loss : sum));
  CHECK(plan.free(made.maker(loss)) == !is_loss);
}

TEST_CASE("dense strides count elements behind each extent") {
  CHECK(dense_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(dense_strides({}).empty());
}

TEST_CASE("strides survive a reshape that merges neighbours or splits one extent") {
  CHECK(reshaped_strides({2, 3}, {3, 1}, {6}) == Strides{1});
  CHECK(reshaped_strides({2, 3}, {10, 1}, {2, 1, 3}).value()[2] == 1);
  CHECK(reshaped_strides({8}, {3}, {2, 4}) == Strides{12, 3});  // every third element
  CHECK_FALSE(reshaped_strides({2, 3}, {10, 1}, {6}));          // a gap between rows
  CHECK_FALSE(reshaped_strides({2, 3}, {3, 1}, {5}));           // another number of elements
  CHECK_FALSE(reshaped_strides({2, 3}, {3, 1}, {2, 6}));
  CHECK_FALSE(reshaped_strides({2, 3}, {10, 1}, {3}));  // a row of two
}

TEST_CASE("a stack is as many matrices as leading indices, repeated where an extent is one") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 1, 3, 4});
  const StoragePlan plan(made.graph);
  const auto stack = plan.as_stack(x, {2, 2});
  REQUIRE(stack);
  REQUIRE(stack->size() == 4);
  // A matrix of 3 * 4 = 12 elements for each sample, seen twice.
  CHECK((*stack)[0].offset == 0);
  CHECK((*stack)[1].offset == 0);
  CHECK((*stack)[2].offset == 12);
  CHECK((*stack)[3].offset == 12);
  CHECK((*stack)[3].rows == 3);
  CHECK((*stack)[3].cols == 4);
  CHECK((*stack)[3].pitch == 4);
  CHECK_FALSE((*stack)[3].transposed);
}

TEST_CASE("a vector and a stack are matrices of one row and of all rows") {
  test::SmallGraph made;
  const auto v = made.input("v", {7}), s = made.input("s", {2, 3, 4});
  const StoragePlan plan(made.graph);
  CHECK(plan.as_matrix(v)->rows == 1);
  CHECK(plan.as_matrix(v)->cols == 7);
  CHECK(plan.as_matrix(s)->rows == 6);
  CHECK(plan.as_matrix(s)->cols == 4);
  CHECK(plan.as_matrix(s)->pitch == 4);
  CHECK_FALSE(plan.as_stack(v, {}));
}

}  // namespace
}  // namespace etude::compiler
