// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/rewrite.h"

#include <catch2/catch.hpp>

#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

TrainingGraph rewritten(const test::SmallGraph& made) {
  TrainingGraph training;
  training.graph = made.graph;
  return with_binary_sums(training);
}

const Node& maker(const TrainingGraph& training, const std::string& tensor) {
  return training.graph.node(*training.graph.producer(*training.graph.find(tensor)));
}

std::vector<std::string> terms(const TrainingGraph& training, const std::string& tensor) {
  std::vector<std::string> names;
  for (TensorId input : maker(training, tensor).inputs) {
    names.push_back(training.graph.tensor(input).name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("a sum of four becomes three sums of two, in order, the last of them with its name") {
  test::SmallGraph made;
  std::vector<TensorId> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    all.push_back(made.input(name, {2, 3}));
  }
  made.node(OpType::kAdd, "sum", {2, 3}, all);
  const auto training = rewritten(made);
  REQUIRE(training.graph.nodes().size() == 3);
  CHECK(terms(training, "sum.1") == Names{"a", "b"});
  CHECK(terms(training, "sum.2") == Names{"sum.1", "c"});
  CHECK(terms(training, "sum") == Names{"sum.2", "d"});
  CHECK(maker(training, "sum").name == "n.sum");
  CHECK(maker(training, "sum.1").name == "n.sum.1");
  CHECK(training.graph.tensor(*training.graph.find("sum.1")).shape == Shape{2, 3});
}

TEST_CASE("products that only the sum reads are added last, so that the sum runs on their tiles") {
  test::SmallGraph made;
  const auto a = made.input("a", {2, 2}), b = made.input("b", {2, 2});
  const auto p = made.node(OpType::kGemm, "p", {2, 2}, {a, b});
  const auto q = made.node(OpType::kGemm, "q", {2, 2}, {b, a});
  made.node(OpType::kAdd, "sum", {2, 2}, {p, a, q, b});
  const auto training = rewritten(made);
  // Others first, products after them, each group in its old order: a, b, p, q.
  CHECK(terms(training, "sum.1") == Names{"a", "b"});
  CHECK(terms(training, "sum.2") == Names{"sum.1", "p"});
  CHECK(terms(training, "sum") == Names{"sum.2", "q"});
}

TEST_CASE("a product with a second reader stays where it is in the sum") {
  test::SmallGraph made;
  const auto a = made.input("a", {2, 2}), b = made.input("b", {2, 2});
  const auto p = made.node(OpType::kGemm, "p", {2, 2}, {a, b});
  made.node(OpType::kRelu, "r", {2, 2}, {p});
  made.node(OpType::kAdd, "sum", {2, 2}, {p, a, b});
  CHECK(terms(rewritten(made), "sum.1") == Names{"p", "a"});
}

TEST_CASE("sums of two and sums that repeat an operand stay as they are") {
  test::SmallGraph made;
  const auto a = made.input("a", {2, 2}), b = made.input("b", {2, 2}), row = made.input("row", {2});
  made.node(OpType::kAdd, "two", {2, 2}, {a, b});
  made.node(OpType::kAdd, "three", {2, 2}, {a, b, row});
  const auto training = rewritten(made);
  CHECK(training.graph.nodes().size() == 2);
  CHECK(training.graph.tensors().size() == made.graph.tensors().size());
  CHECK(terms(training, "three") == Names{"a", "b", "row"});
}

TEST_CASE("part sums are gradients if the sum is one, otherwise activations, and alias nothing") {
  const auto kind = GENERATE(TensorKind::kGradient, TensorKind::kLoss, TensorKind::kActivation);
  test::SmallGraph made;
  const auto a = made.input("a", {2});
  const auto sum = made.node(OpType::kAdd, "sum", {2}, {a, a, a});
  made.graph.tensor(sum).kind = kind;
  made.graph.tensor(sum).trainable = true;
  made.graph.tensor(sum).alias_of = a;
  const auto training = rewritten(made);
  const Tensor& part = training.graph.tensor(*training.graph.find("sum.1"));
  CHECK(part.kind ==
        (kind == TensorKind::kGradient ? TensorKind::kGradient : TensorKind::kActivation));
  CHECK_FALSE(part.trainable);
  CHECK_FALSE(part.alias_of);
  CHECK(training.graph.tensor(*training.graph.find("sum")).kind == kind);
  CHECK(training.graph.tensor(*training.graph.find("sum")).alias_of == a);
}

TEST_CASE("what was there keeps its number") {
  test::SmallGraph made;
  made.graph.name = "net";
  const auto a = made.input("a", {2});
  const auto sum = made.node(OpType::kAdd, "sum", {2}, {a, a, a});
  const auto r = made.node(OpType::kRelu, "r", {2}, {sum});
  const auto training = rewritten(made);
  CHECK(training.graph.find("a") == a);
  CHECK(training.graph.find("sum") == sum);
  CHECK(training.graph.find("r") == r);
  CHECK(training.graph.name == "net");
}

}  // namespace
}  // namespace etude::compiler
