// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/grouping.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

using test::SmallGraph;

struct Grouped {
  explicit Grouped(const SmallGraph& made, bool join = false)
      : graph(made.graph), storage(graph), operators(group_operators(graph, storage, join)) {}

  /// Number of the operator that runs the node which makes a tensor.
  std::size_t home(TensorId tensor) const {
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const auto nodes = operators[i].nodes();
      if (std::ranges::find(nodes, *graph.producer(tensor)) != nodes.end()) {
        return i;
      }
    }
    return operators.size();
  }
  bool together(TensorId a, TensorId b) const { return home(a) == home(b); }

  const Graph& graph;
  StoragePlan storage;
  std::vector<Operator> operators;
};

/// y = x w, [4,3] = [4,5] [5,3].
struct Product : SmallGraph {
  TensorId x = input("x", {4, 5}), w = parameter("w", {5, 3});
  TensorId y = node(OpType::kGemm, "y", {4, 3}, {x, w});
};

TEST_CASE("a ReLU joins a forward product whose only reader it is") {
  Product made;
  const auto r = made.node(OpType::kRelu, "r", {4, 3}, {made.y});
  const bool second = GENERATE(false, true);
  if (second) {
    made.node(OpType::kTanh, "t", {4, 3}, {made.y});
  }
  CHECK(Grouped(made).together(made.y, r) == !second);
}

TEST_CASE("a ReLU does not join a product of the backward pass") {
  SmallGraph made;
  const auto x = made.input("x", {4, 5}), w = made.parameter("w", {5, 3});
  const auto y = made.node(OpType::kGemm, "y", {4, 3}, {x, w}, Phase::kBackward);
  const auto r = made.node(OpType::kRelu, "r", {4, 3}, {y}, Phase::kBackward);
  CHECK_FALSE(Grouped(made).together(y, r));
}

TEST_CASE("a row joins as bias; a column of the same size and a row made later do not") {
  Product made;
  const int kind = GENERATE(0, 1, 2);
  TensorId other = made.parameter("b", kind == 1 ? Shape{3, 1} : Shape{3});
  if (kind == 1) {  // rows of a [4,3] need its last extent; [4,1] has another
    other = made.parameter("column", {4, 1});
  } else if (kind == 2) {
    other = made.node(OpType::kTanh, "late", {3}, {made.input("raw", {3})});
  }
  const auto sum = made.node(OpType::kAdd, "sum", {4, 3}, {made.y, other});
  const Grouped grouped(made);
  CHECK(grouped.together(made.y, sum) == (kind == 0));
  if (kind == 0) {
    CHECK(grouped.operators[grouped.home(made.y)].row == made.maker(sum));
  }
}

TEST_CASE("a matrix that is there before joins as addend; one of another storage does not") {
  SmallGraph made;
  const bool strided = GENERATE(false, true);
  const auto x = made.input("x", {4, 5}), w = made.parameter("w", {5, 3});
  const auto z = made.input("z", strided ? Shape{1, 3} : Shape{4, 3});
  const auto y = made.node(OpType::kGemm, "y", {4, 3}, {x, w});
  const auto sum = made.node(OpType::kAdd, "sum", {4, 3}, {z, y});
  const Grouped grouped(made);
  const Operator& op = grouped.operators[grouped.home(y)];
  CHECK(op.add.has_value() == !strided);  // another shape is no addend ...
  CHECK(op.row.has_value() == strided);   // ... but one row is a row
  CHECK(grouped.together(y, sum));
}

TEST_CASE("a product added to itself does not join") {
  Product made;
  const auto sum = made.node(OpType::kAdd, "sum", {4, 3}, {made.y, made.y});
  CHECK_FALSE(Grouped(made).together(made.y, sum));
}

/// dx = dy w^T of the backward pass with a mask behind it.
TEST_CASE("a ReLU's gradient joins the product that it masks, not one that it masks by") {
  SmallGraph made;
  const auto dy = made.input("dy", {4, 3}), w = made.parameter("w", {5, 3});
  const auto r = made.input("r", {4, 5});
  const auto dx = made.node(OpType::kGemm, "dx", {4, 5}, {dy, w}, Phase::kBackward,
                            {{"transB", std::int64_t{1}}});
  const int kind = GENERATE(0, 1, 2);
  const auto masked =
      made.node(OpType::kReluGrad, "masked", {4, 5},
                kind == 1 ? std::vector{r, dx} : std::vector{dx, r}, Phase::kBackward);
  if (kind == 2) {
    made.node(OpType::kTanh, "t", {4, 5}, {dx}, Phase::kBackward);
  }
  CHECK(Grouped(made).together(dx, masked) == (kind == 0));
}

/// Backward pass of a linear layer: x[4,5], w[5,3], dy[4,3].
struct Backward : SmallGraph {
  TensorId x = input("x", {4, 5}), w = parameter("w", {5, 3}), b = parameter("b", {3});
  TensorId dy = input("dy", {4, 3});
  TensorId dx = 0, dw = 0, db = 0, new_w = 0, new_b = 0;

  void input_grad() {
    dx =
        node(OpType::kGemm, "dx", {4, 5}, {dy, w}, Phase::kBackward, {{"transB", std::int64_t{1}}});
  }
  void weight_grad() {
    dw =
        node(OpType::kGemm, "dw", {5, 3}, {x, dy}, Phase::kBackward, {{"transA", std::int64_t{1}}});
    db = node(OpType::kReduceSum, "db", {3}, {dy}, Phase::kBackward,
              {{"axes", std::vector<std::int64_t>{0}}});
  }
  void updates() {
    new_w = sgd("w.new", w, dw);
    new_b = sgd("b.new", b, db);
  }
};

TEST_CASE("an update and the bias's sum and update join the weight's gradient") {
  Backward made;
  made.weight_grad();
  made.updates();
  const int kind = GENERATE(0, 1, 2);
  if (kind == 1) {
    made.node(OpType::kTanh, "t", {5, 3}, {made.dw}, Phase::kBackward);
  } else if (kind == 2) {
    made.node(OpType::kTanh, "t", {3}, {made.db}, Phase::kBackward);
  }
  const Grouped grouped(made);
  CHECK(grouped.together(made.dw, made.new_w) == (kind != 1));
  CHECK(grouped.together(made.dw, made.db) == (kind == 0));
  CHECK(grouped.together(made.dw, made.new_b) == (kind == 0));
}

TEST_CASE("both gradients join on request, and not if the product reads another weight") {
  Backward made;
  const bool join = GENERATE(false, true), other = GENERATE(false, true);
  if (other) {
    const auto frozen = made.parameter("frozen", {5, 3});
    made.dx = made.node(OpType::kGemm, "dx", {4, 5}, {made.dy, frozen}, Phase::kBackward,
                        {{"transB", std::int64_t{1}}});
  } else {
    made.input_grad();
  }
  made.weight_grad();
  made.updates();
  const Grouped grouped(made, join);
  CHECK(grouped.together(made.dx, made.dw) == (join && !other));
  CHECK(grouped.together(made.dw, made.new_w));
  if (join && !other) {
    const Operator& op = grouped.operators[grouped.home(made.dx)];
    CHECK(op.input_grad == made.maker(made.dx));
    CHECK(op.weight_grad == made.maker(made.dw));
    CHECK(op.bias_sgd == made.maker(made.new_b));
  }
}

TEST_CASE("loss and gradient join the product that nobody else reads") {
  Product made;
  const auto target = made.input("target", {4, 3});
  const auto loss = made.node(OpType::kMseLoss, "loss", {}, {made.y, target});
  const auto grad =
      made.node(OpType::kMseLossGrad, "grad", {4, 3}, {made.y, target}, Phase::kBackward);
  const bool second = GENERATE(false, true);
  if (second) {
    made.node(OpType::kTanh, "t", {4, 3}, {made.y});
  }
  const Grouped grouped(made);
  CHECK(grouped.together(made.y, loss) == !second);
  CHECK(grouped.together(loss, grad));  // one pass over y either way
}

TEST_CASE("a scale joins the softmax behind it if nothing else reads the scaled") {
  SmallGraph made;
  const auto x = made.input("x", {4, 3});
  const auto s = made.node(OpType::kScale, "s", {4, 3}, {x});
  const auto y = made.node(OpType::kSoftmax, "y", {4, 3}, {s});
  const bool second = GENERATE(false, true);
  if (second) {
    made.node(OpType::kTanh, "t", {4, 3}, {s});
  }
  CHECK(Grouped(made).together(s, y) == !second);
}

TEST_CASE("gradients of a normalisation join if they read the same and have the same epsilon") {
  SmallGraph made;
  const int kind = GENERATE(0, 1, 2);
  const auto dy = made.input("dy", {4, 3}), x = made.input("x", {4, 3}), g = made.input("g", {3});
  const auto other = made.input("other", {4, 3});
  const auto dx = made.node(OpType::kLayerNormGrad, "dx", {4, 3}, {dy, x, g}, Phase::kBackward,
                            {{"epsilon", 1e-5}});
  const auto dg = made.tensor("dg", {3}), db = made.tensor("db", {3});
  made.graph.add_node({"n.dg",
                       OpType::kLayerNormAffineGrad,
                       Phase::kBackward,
                       {dy, kind == 1 ? other : x},
                       {dg, db},
                       {{"epsilon", kind == 2 ? 1e-3 : 1e-5}}});
  CHECK(Grouped(made).together(dx, dg) == (kind == 0));
}

TEST_CASE("the ReLU of a convolution runs with the pool that reads it alone") {
  SmallGraph made;
  const auto x = made.input("x", {1, 2, 4, 4}), w = made.parameter("w", {3, 2, 1, 1});
  const auto c = made.node(OpType::kConv, "c", {1, 3, 4, 4}, {x, w});
  const auto r = made.node(OpType::kRelu, "r", {1, 3, 4, 4}, {c});
  const auto p = made.node(OpType::kMaxPool, "p", {1, 3, 2, 2}, {r});
  const bool second = GENERATE(false, true);
  if (second) {
    made.node(OpType::kTanh, "t", {1, 3, 4, 4}, {r});
  }
  CHECK(pooled_relu(made.graph, r).has_value() == !second);
  const Grouped grouped(made);
  CHECK(grouped.together(r, p) == !second);
  CHECK(grouped.together(c, r) == second);  // then the convolution applies it
}

TEST_CASE("an update comes after the last reader of the old value, also one added later") {
  SmallGraph made;
  const auto w = made.parameter("w", {3}), g = made.input("g", {3});
  const auto updated = made.sgd("w.new", w, g);
  const auto view = made.node(OpType::kReshape, "view", {1, 3}, {w});
  const auto late = made.node(OpType::kTanh, "late", {1, 3}, {view});
  const Grouped grouped(made);
  REQUIRE(grouped.operators.size() == 2);  // the reshape needs none
  CHECK(grouped.home(late) < grouped.home(updated));
}

TEST_CASE("an update with state comes as soon as it may, SGD where it stands") {
  SmallGraph made;
  const auto w = made.parameter("w", {3}), v = made.parameter("v", {3}), g = made.input("g", {3});
  const auto t = made.node(OpType::kTanh, "t", {3}, {g});
  const bool momentum = GENERATE(false, true);
  TensorId updated = 0;
  if (momentum) {
    updated = made.node(OpType::kMomentum, "w.new", {3}, {w, g, v}, Phase::kUpdate);
    made.graph.tensor(updated).alias_of = w;
  } else {
    updated = made.sgd("w.new", w, g);
  }
  const Grouped grouped(made);
  CHECK((grouped.home(updated) < grouped.home(t)) == momentum);
}

TEST_CASE("random graphs: every node runs once, behind its makers, updates behind all readers") {
  const unsigned seed = GENERATE(range(0u, 60u));
  std::mt19937 random(seed);
  SmallGraph made;
  std::vector<TensorId> values, parameters;
  for (int i = 0; i < 3; ++i) {
    values.push_back(made.input("x" + std::to_string(i), {4, 4}));
    parameters.push_back(made.parameter("w" + std::to_string(i), {4, 4}));
  }
  const auto any = [&](const std::vector<TensorId>& of) { return of[random() % of.size()]; };
  for (int i = 0; i < 18; ++i) {
    const std::string name = "v" + std::to_string(i);
    switch (random() % 4) {
      case 0:
        values.push_back(made.node(OpType::kGemm, name, {4, 4}, {any(values), any(parameters)},
                                   random() % 2 ? Phase::kForward : Phase::kBackward));
        break;
      case 1:
        values.push_back(made.node(OpType::kAdd, name, {4, 4}, {any(values), any(values)}));
        break;
      case 2:
        values.push_back(made.node(OpType::kReshape, name, {4, 4}, {any(parameters)}));
        break;
      default:
        values.push_back(made.node(OpType::kRelu, name, {4, 4}, {any(values)}));
    }
  }
  made.sgd("w0.new", parameters[0], any(values));
  const Grouped grouped(made, seed % 2 == 1);
  INFO("seed " << seed);
  // What a tensor looks at, by following reshapes: independent of the storage plan's answer.
  const auto root = [&](TensorId id) {
    for (auto maker = made.graph.producer(id);
         maker && made.graph.node(*maker).op == OpType::kReshape; maker = made.graph.producer(id)) {
      id = made.graph.node(*maker).inputs[0];
    }
    return id;
  };
  std::map<NodeId, std::size_t> home;
  for (std::size_t i = 0; i < grouped.operators.size(); ++i) {
    for (NodeId n : grouped.operators[i].nodes()) {
      CHECK(home.emplace(n, i).second);
    }
  }
  for (NodeId n = 0; n < made.graph.nodes().size(); ++n) {
    const Node& node = made.graph.node(n);
    if (node.op == OpType::kReshape) {
      CHECK_FALSE(home.contains(n));
      continue;
    }
    REQUIRE(home.contains(n));
    for (TensorId input : node.inputs) {
      if (const auto maker = made.graph.producer(root(input))) {
        CHECK(home.at(*maker) <= home.at(n));
      }
      const auto update = made.maker(*made.graph.find("w0.new"));
      if (root(input) == parameters[0] && n != update) {
        CHECK(home.at(n) <= home.at(update));
      }
    }
  }
}

}  // namespace
}  // namespace etude::compiler
