// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/context.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "tests/support/feed_bench.h"

namespace etude::compiler {
namespace {

using test::FeedBench;

std::uint32_t place(const L1Matrix& m) {
  return static_cast<std::uint32_t>((m.address - FeedBench::kBase).raw());
}
auto form(const L1Matrix& m) { return std::tuple(m.rows, m.cols, m.pitch); }

TEST_CASE("a stored tensor begins at an element, with its own pitch and type", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {2, 3, 5}), labels = bench.tensor("l", {7}, DType::kInt32);
  const TensorId none = bench.tensor("s", {});
  LoweringContext& c = bench.context();
  const StoredMatrix all = c.stored(x);
  CHECK(std::tuple(all.offset, all.pitch) == std::tuple(Bytes{}, 5u));
  CHECK(all.object == c.tape.object_of.at(x));
  CHECK(all.type == DType::kFloat32);
  CHECK(c.stored(x, 4, 2).offset == Bytes{88});  // (4 * 5 + 2) * 4
  CHECK(c.stored(labels).type == DType::kInt32);
  CHECK(c.stored(labels, 0, 3).offset == Bytes{12});
  CHECK(c.stored(none).pitch == 1);
  CHECK(c.rows(x) == 6);  // 2 * 3
  CHECK(c.rows(labels) == 1);
  CHECK(c.cols(none) == 1);
}

TEST_CASE("offsets follow the type of what is stored", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 5}, DType::kFloat16);
  LoweringContext& c = bench.context();
  CHECK(c.stored(x, 4, 2).offset == Bytes{44});  // (4 * 5 + 2) * 2
  CHECK(c.stored(x).type == DType::kFloat16);
  CHECK(c.stored(MatrixView{x, 10, 2, 3, 5, false}, 1, 1).offset == Bytes{32});  // (10 + 5 + 1) * 2
}

TEST_CASE("a reshaped tensor is stored where what it reshapes is", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 4});
  const TensorId y =
      bench.node("y", OpType::kReshape, {x}, {{"shape", std::vector<std::int64_t>{3, 8}}});
  LoweringContext& c = bench.context();
  REQUIRE(c.step.storage.base(y) == x);
  CHECK(c.stored(y).object == c.stored(x).object);
  CHECK(c.stored(y).pitch == 8);
  CHECK(c.stored(y, 2, 1).offset == Bytes{68});  // (2 * 8 + 1) * 4
}

TEST_CASE("a view is stored from its offset on, with its pitch", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  LoweringContext& c = bench.context();
  const MatrixView view{x, 10, 2, 3, 16, false};
  const StoredMatrix part = c.stored(view, 1, 2);
  CHECK(part.offset == Bytes{112});  // (10 + 16 + 2) * 4
  CHECK(part.pitch == 16);
}

TEST_CASE("a view of a tensor that is not in L1 is no resident", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  CHECK_FALSE(bench.context().resident(bench.view(x)));
}

TEST_CASE("a view of a dense resident has its own pitch", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  bench.put(x);
  const auto all = bench.context().resident(bench.view(x));
  REQUIRE(all);
  CHECK(form(*all) == std::tuple(6u, 8u, 8u));
  CHECK(place(*all) == 0);
  // Every second row from column 2 of row 1 on.
  const auto some = bench.context().resident(MatrixView{x, 10, 2, 3, 16, false});
  REQUIRE(some);
  CHECK(place(*some) == 40);  // 10 * 4
  CHECK(form(*some) == std::tuple(2u, 3u, 16u));
  // Rows that run over the borders of the stored ones: dense, so that does not matter.
  const auto across = bench.context().resident(MatrixView{x, 4, 3, 12, 12, false});
  REQUIRE(across);
  CHECK(form(*across) == std::tuple(3u, 12u, 12u));
  const auto row = bench.context().resident(MatrixView{x, 4, 1, 5, 99, false});
  REQUIRE(row);
  CHECK(row->pitch == 5);  // a row alone has no other
}

TEST_CASE("a view of a resident with a pitch is found in its rows", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8});
  bench.put(x, false, 9);
  LoweringContext& c = bench.context();
  const auto some = c.resident(MatrixView{x, 10, 2, 3, 16, false});
  REQUIRE(some);
  CHECK(place(*some) == 44);                      // row 1, column 2: (9 + 2) * 4
  CHECK(form(*some) == std::tuple(2u, 3u, 18u));  // every second row: 2 * 9
  const auto next = c.resident(MatrixView{x, 8, 3, 8, 8, false});
  REQUIRE(next);
  CHECK(place(*next) == 36);  // row 1
  CHECK(form(*next) == std::tuple(3u, 8u, 9u));
  const auto row = c.resident(MatrixView{x, 18, 1, 4, 4, false});
  REQUIRE(row);
  CHECK(place(*row) == 80);                                    // row 2, column 2: (2 * 9 + 2) * 4
  CHECK_FALSE(c.resident(MatrixView{x, 6, 1, 3, 3, false}));   // over the end of row 0
  CHECK_FALSE(c.resident(MatrixView{x, 0, 3, 4, 12, false}));  // rows of another length
  CHECK(c.resident(MatrixView{x, 5, 1, 3, 3, false}));         // up to the end of row 0
}

TEST_CASE("what is asked for stays for this operator", "[feeds]") {
  FeedBench bench(1024);
  const TensorId x = bench.tensor("x", {8, 16});  // 512 bytes
  bench.put(x);
  LoweringContext& c = bench.context();
  CHECK(c.l1.available() == Bytes{1024});  // it would give way
  CHECK(c.resident(bench.view(x)));
  CHECK(c.l1.available() == Bytes{504});  // less 8 for alignment
  CHECK_THROWS_AS(c.l1.take(Bytes{600}), NoRoom);
}

TEST_CASE("a resident keeps its type", "[feeds]") {
  FeedBench bench;
  const TensorId x = bench.tensor("x", {6, 8}, DType::kFloat16);
  bench.put(x, false, 10);
  const auto some = bench.context().resident(MatrixView{x, 10, 2, 3, 16, false});
  REQUIRE(some);
  CHECK(some->type == DType::kFloat16);
  CHECK(place(*some) == 24);  // row 1, column 2: (10 + 2) * 2
  FeedBench dense;
  const TensorId y = dense.tensor("y", {6, 8}, DType::kFloat16);
  dense.put(y);
  const auto other = dense.context().resident(MatrixView{y, 10, 2, 3, 16, false});
  REQUIRE(other);
  CHECK(other->type == DType::kFloat16);
  CHECK(place(*other) == 20);  // 10 * 2
}

TEST_CASE("a tensor is worth keeping if it is read again within some operators", "[feeds]") {
  FeedBench bench;
  const TensorId a = bench.tensor("a", {4, 4}), b = bench.tensor("b", {4, 4});
  for (const TensorId tensor : {a, b, b, b, b, a}) {  // operators 0 to 5
    bench.read(tensor);
  }
  bench.sharing.keep_for = 3;
  LoweringContext& c = bench.context();
  REQUIRE(c.step.operators.size() == 6);
  c.current = 0;
  CHECK(c.next_use(a) == 5);
  CHECK_FALSE(c.worth_keeping(a));  // 5 operators on
  CHECK(c.next_use(b) == 1);
  CHECK(c.worth_keeping(b));
  c.current = 2;
  CHECK(c.worth_keeping(a));  // 3 on: just in time
  c.current = 4;
  CHECK(c.next_use(b) == ~std::size_t{0});
  CHECK_FALSE(c.worth_keeping(b));
  CHECK(c.worth_keeping(a));
  c.residents = false;
  CHECK_FALSE(c.worth_keeping(a));
}

TEST_CASE("a kept tensor is at most a quarter of L1", "[feeds]") {
  FeedBench bench(4096);
  CHECK(bench.context().most_kept() == Bytes{1024});
}

}  // namespace
}  // namespace etude::compiler
