// SPDX-License-Identifier: Apache-2.0
// What joins in the backward pass of normalisations and pools, and around the last layer.
#include <algorithm>
#include <catch2/catch.hpp>

#include "compiler/operators/grouping.h"
#include "tests/support/small_graph.h"

namespace etude::compiler {
namespace {

using test::SmallGraph;
using Integers = std::vector<std::int64_t>;

struct Grouped {
  explicit Grouped(const SmallGraph& made, bool join = false)
      : graph(made.graph), storage(graph), operators(group_operators(graph, storage, join)) {}

  /// The operator that runs the node which makes a tensor.
  const Operator& of(TensorId tensor) const {
    return *std::ranges::find_if(operators, [&](const Operator& op) {
      const auto nodes = op.nodes();
      return std::ranges::find(nodes, *graph.producer(tensor)) != nodes.end();
    });
  }
  bool together(TensorId a, TensorId b) const { return &of(a) == &of(b); }

  const Graph& graph;
  StoragePlan storage;
  std::vector<Operator> operators;
};

/// Both gradients of a batch normalisation of x [2,3,4,4], and the updates of scale and offset.
struct NormGradients : SmallGraph {
  Shape images{2, 3, 4, 4};
  TensorId x = input("x", images), dy = input("dy", images);
  TensorId gamma = parameter("gamma", {3}), beta = parameter("beta", {3});
  TensorId mean = input("mean", {3}), variance = input("variance", {3});
  TensorId dx = 0, dgamma = 0, dbeta = 0, new_gamma = 0, new_beta = 0;

  void input_grad(TensorId from, TensorId image) {
    dx = node(OpType::kBatchNormGrad, "dx", images, {from, image, gamma, mean, variance},
              Phase::kBackward);
  }
  void affine_grad(TensorId from, TensorId image) {
    dgamma = tensor("dgamma", {3}), dbeta = tensor("dbeta", {3});
    graph.add_node({"n.dgamma",
                    OpType::kBatchNormAffineGrad,
                    Phase::kBackward,
                    {from, image, mean, variance},
                    {dgamma, dbeta},
                    {}});
  }
  void updates() {
    new_gamma = sgd("gamma.new", gamma, dgamma);
    new_beta = sgd("beta.new", beta, dbeta);
  }
};

TEST_CASE("both gradients of a normalisation join, in either order, with both updates",
          "[grouping]") {
  NormGradients made;
  const bool affine_first = GENERATE(false, true);
  if (affine_first) {
    made.affine_grad(made.dy, made.x);
    made.input_grad(made.dy, made.x);
  } else {
    made.input_grad(made.dy, made.x);
    made.affine_grad(made.dy, made.x);
  }
  made.updates();
  const Grouped grouped(made);
  REQUIRE(grouped.operators.size() == 1);
  const Operator& op = grouped.operators[0];
  CHECK(op.node == made.maker(affine_first ? made.dgamma : made.dx));
  CHECK(op.input_grad == made.maker(made.dx));
  CHECK(op.weight_grad == made.maker(made.dgamma));
  CHECK(op.sgd == made.maker(made.new_gamma));
  CHECK(op.bias_sgd == made.maker(made.new_beta));
  CHECK_FALSE(op.relu_grad);
}

TEST_CASE("gradients of a normalisation do not join if they read other tensors", "[grouping]") {
  NormGradients made;
  const int kind = GENERATE(0, 1);
  const TensorId other = made.input("other", made.images);
  made.input_grad(made.dy, made.x);
  made.affine_grad(kind == 0 ? other : made.dy, kind == 0 ? made.x : other);
  made.updates();
  const Grouped grouped(made);
  CHECK_FALSE(grouped.together(made.dx, made.dgamma));
  CHECK(grouped.together(made.dgamma, made.new_gamma));  // the updates go with their gradient
  CHECK(grouped.together(made.dgamma, made.new_beta));
  CHECK_FALSE(grouped.of(made.dx).weight_grad);
}

TEST_CASE("one gradient of a normalisation is an operator by itself", "[grouping]") {
  NormGradients made;
  SECTION("of its input") {
    made.input_grad(made.dy, made.x);
    const Grouped grouped(made);
    CHECK(grouped.of(made.dx).input_grad == made.maker(made.dx));
    CHECK_FALSE(grouped.of(made.dx).weight_grad);
    CHECK_FALSE(grouped.of(made.dx).sgd);
  }
  SECTION("of scale and offset, an update that is not the gradient's only reader apart") {
    made.affine_grad(made.dy, made.x);
    made.updates();
    made.node(OpType::kTanh, "norm", {3}, {made.dbeta}, Phase::kBackward);
    const Grouped grouped(made);
    CHECK(grouped.together(made.dgamma, made.new_gamma));
    CHECK_FALSE(grouped.together(made.dbeta, made.new_beta));
    CHECK_FALSE(grouped.of(made.dgamma).input_grad);
  }
}

/// y = ReLU(batch norm(x)), whose mask comes first in the backward pass.
struct MaskedNorm : NormGradients {
  TensorId raw = 0, y = 0, masked = 0;
  explicit MaskedNorm(std::int64_t training) {
    raw = node(OpType::kBatchNorm, "raw", images, {x, gamma, beta, mean, variance}, Phase::kForward,
               {{"training", training}});
    y = node(OpType::kRelu, "y", images, {raw});
  }
  void mask(TensorId by) {
    masked = node(OpType::kReluGrad, "masked", images, {dy, by}, Phase::kBackward);
  }
};

TEST_CASE("the mask of a ReLU behind a normalisation joins the gradients that alone read it",
          "[grouping]") {
  const bool affine = GENERATE(false, true);
  MaskedNorm made(1);
  made.mask(made.y);
  made.input_grad(made.masked, made.x);
  if (affine) {
    made.affine_grad(made.masked, made.x);
    made.updates();
  }
  const Grouped grouped(made);
  const Operator& op = grouped.of(made.masked);
  CHECK(op.relu_grad == made.maker(made.masked));
  CHECK(op.input_grad == made.maker(made.dx));
  CHECK(op.weight_grad.has_value() == affine);
  CHECK(op.bias_sgd.has_value() == affine);
  CHECK(op.node != made.maker(made.masked));  // a gradient names it
  CHECK(grouped.together(made.raw, made.y));  // forward the ReLU runs with the normalisation
}

TEST_CASE("a mask stays by itself where the normalisation's input does not tell it", "[grouping]") {
  const int kind = GENERATE(0, 1, 2, 3, 4, 5);
  MaskedNorm made(kind == 0 ? 0 : 1);
  const TensorId other = made.input("other", made.images);
  const TensorId another = made.node(OpType::kRelu, "another", made.images, {other});
  made.mask(kind == 1 ? another : made.y);  // of a ReLU that is behind no normalisation
  made.input_grad(made.masked, kind == 2 ? other : made.x);
  if (kind == 3) {  // somebody else reads the masked gradient
    made.node(OpType::kTanh, "t", made.images, {made.masked}, Phase::kBackward);
  } else if (kind == 4) {  // one of two gradients is of another image
    made.affine_grad(made.masked, other);
  } else if (kind == 5) {  // the other reader is no gradient
    made.node(OpType::kMul, "product", made.images, {made.masked, made.x}, Phase::kBackward);
  }
  CHECK_FALSE(Grouped(made).together(made.masked, made.dx));
}

/// p = max pool(ReLU(conv(x))) and the way back to the convolution's result.
struct Pooled : SmallGraph {
  TensorId x = input("x", {1, 2, 4, 4}), w = parameter("w", {3, 2, 1, 1});
  TensorId c = node(OpType::kConv, "c", {1, 3, 4, 4}, {x, w});
  TensorId r = node(OpType::kRelu, "r", {1, 3, 4, 4}, {c});
  TensorId p = node(OpType::kMaxPool, "p", {1, 3, 2, 2}, {r});
  TensorId dp = input("dp", {1, 3, 2, 2});
  TensorId dr = node(OpType::kMaxPoolGrad, "dr", {1, 3, 4, 4}, {dp, r}, Phase::kBackward);
};

TEST_CASE("a pool's gradient takes the mask of the ReLU before the pool", "[grouping]") {
  Pooled made;
  const bool by_another = GENERATE(false, true);
  const TensorId by = by_another ? made.input("other", {1, 3, 4, 4}) : made.r;
  const auto dc = made.node(OpType::kReluGrad, "dc", {1, 3, 4, 4}, {made.dr, by}, Phase::kBackward);
  const Grouped grouped(made);
  CHECK(grouped.together(made.dr, dc) == !by_another);
  CHECK(grouped.of(made.dr).relu_grad.has_value() == !by_another);
  // The ReLU itself runs with the pool, unless its result is needed otherwise.
  CHECK(pooled_relu(made.graph, made.r).has_value() == !by_another);
  CHECK(grouped.together(made.r, made.p) == !by_another);
}

TEST_CASE("a pool's gradient does not take a mask that is not its only reader", "[grouping]") {
  Pooled made;
  const auto dc =
      made.node(OpType::kReluGrad, "dc", {1, 3, 4, 4}, {made.dr, made.r}, Phase::kBackward);
  made.node(OpType::kTanh, "t", {1, 3, 4, 4}, {made.dr}, Phase::kBackward);
  const Grouped grouped(made);
  CHECK_FALSE(grouped.together(made.dr, dc));
  CHECK_FALSE(pooled_relu(made.graph, made.r));  // the image must be there for the other mask
}

TEST_CASE("the ReLU before a pool stays by itself for two pools, and behind no convolution",
          "[grouping]") {
  SmallGraph made;
  const auto x = made.input("x", {1, 3, 4, 4}), w = made.parameter("w", {3, 3, 1, 1});
  const bool conv = GENERATE(false, true), twice = GENERATE(false, true);
  const auto c = conv ? made.node(OpType::kConv, "c", {1, 3, 4, 4}, {x, w})
                      : made.node(OpType::kTanh, "c", {1, 3, 4, 4}, {x});
  const auto r = made.node(OpType::kRelu, "r", {1, 3, 4, 4}, {c});
  const auto p = made.node(OpType::kMaxPool, "p", {1, 3, 2, 2}, {r});
  if (twice) {
    made.node(OpType::kMaxPool, "q", {1, 3, 2, 2}, {r});
  }
  CHECK(pooled_relu(made.graph, r).has_value() == (conv && !twice));
  CHECK(Grouped(made).together(r, p) == (conv && !twice));
}

TEST_CASE("a weight's gradient and sums of images per channel take their update along",
          "[grouping]") {
  SmallGraph made;
  const auto x = made.input("x", {1, 2, 4, 4}), dy = made.input("dy", {1, 3, 4, 4});
  const auto w = made.parameter("w", {3, 2, 1, 1}), b = made.parameter("b", {3});
  const auto dw = made.node(OpType::kConvGradWeight, "dw", {3, 2, 1, 1}, {dy, x}, Phase::kBackward);
  const bool pixels = GENERATE(false, true);
  const auto db = made.node(OpType::kReduceSum, "db", {3}, {dy}, Phase::kBackward,
                            {{"axes", pixels ? Integers{0, 2, 3} : Integers{0, 3, 2}}});
  const auto new_w = made.sgd("w.new", w, dw), new_b = made.sgd("b.new", b, db);
  const Grouped grouped(made);
  CHECK(grouped.together(dw, new_w));
  CHECK(grouped.together(db, new_b) == pixels);
  CHECK(sums_pixels(made.graph, made.graph.node(made.maker(db))) == pixels);
}

TEST_CASE("a Relu6 runs with the convolution before it, a Tanh does not", "[grouping]") {
  SmallGraph made;
  const auto x = made.input("x", {1, 2, 4, 4}), w = made.parameter("w", {3, 2, 1, 1});
  const auto type = GENERATE(OpType::kRelu, OpType::kRelu6, OpType::kTanh);
  const auto phase = GENERATE(Phase::kForward, Phase::kRecompute);
  const auto c = made.node(OpType::kConv, "c", {1, 3, 4, 4}, {x, w}, phase);
  const auto r = made.node(type, "r", {1, 3, 4, 4}, {c}, phase);
  CHECK(Grouped(made).together(c, r) == (type != OpType::kTanh && phase == Phase::kForward));
}

/// The last layer y = x w + b, its loss, both gradients and the updates: x [4,5], w [5,3].
struct LastLayer : SmallGraph {
  TensorId raw = input("raw", {4, 5});
  TensorId x = node(OpType::kRelu, "x", {4, 5}, {raw});
  TensorId w = parameter("w", {5, 3}), b = parameter("b", {3}), target = input("target", {4, 3});
  TensorId y = 0, loss = 0, dy = 0, dx = 0, dw = 0, new_w = 0, new_b = 0;

  explicit LastLayer(bool bias = true) {
    y = node(OpType::kGemm, "y", {4, 3}, bias ? std::vector{x, w, b} : std::vector{x, w});
    loss = node(OpType::kMseLoss, "loss", {}, {y, target});
    dy = node(OpType::kMseLossGrad, "dy", {4, 3}, {y, target}, Phase::kBackward);
  }
  void gradients(TensorId from) {
    dx =
        node(OpType::kGemm, "dx", {4, 5}, {dy, w}, Phase::kBackward, {{"transB", std::int64_t{1}}});
    dw = node(OpType::kGemm, "dw", {5, 3}, {from, dy}, Phase::kBackward,
              {{"transA", std::int64_t{1}}});
    const TensorId db =
        node(OpType::kReduceSum, "db", {3}, {dy}, Phase::kBackward, {{"axes", Integers{0}}});
    new_w = sgd("w.new", w, dw);
    new_b = sgd("b.new", b, db);
  }
};

TEST_CASE("the last layer's gradients join its forward pass and loss, on request", "[grouping]") {
  LastLayer made;
  made.gradients(made.x);
  const bool join = GENERATE(false, true);
  const Grouped grouped(made, join);
  CHECK(grouped.together(made.y, made.loss));
  CHECK(grouped.together(made.y, made.dy));
  for (const TensorId other : {made.dx, made.dw, made.new_w, made.new_b}) {
    CHECK(grouped.together(made.y, other) == join);
  }
  const Operator& op = grouped.of(made.y);
  CHECK(op.node == made.maker(made.y));
  CHECK(op.loss == made.maker(made.loss));
  CHECK(op.loss_grad == made.maker(made.dy));
  CHECK(op.input_grad.has_value() == join);
  CHECK(grouped.together(made.dw, made.new_w));
}

TEST_CASE("the mask behind the last layer's gradient joins if it is the layer's input",
          "[grouping]") {
  LastLayer made;
  const bool another = GENERATE(false, true);
  const TensorId by = another ? made.input("other", {4, 5}) : made.x;
  made.gradients(made.x);
  const auto masked =
      made.node(OpType::kReluGrad, "masked", {4, 5}, {made.dx, by}, Phase::kBackward);
  const Grouped grouped(made, true);
  // X^T masks dX^T there: with another mask the gradients run apart from the forward pass.
  CHECK(grouped.together(made.y, made.dx) == !another);
  CHECK(grouped.together(made.dx, masked));
  CHECK(grouped.of(made.dx).relu_grad == made.maker(masked));
}

TEST_CASE("the last layer's gradients stay apart from it without a bias, or of another input",
          "[grouping]") {
  const int kind = GENERATE(0, 1, 2);
  LastLayer made(kind != 0);
  made.gradients(kind == 1 ? made.input("other", {4, 5}) : made.x);
  if (kind == 2) {  // the result is read once more
    made.node(OpType::kTanh, "t", {4, 3}, {made.y});
  }
  const Grouped grouped(made, true);
  CHECK_FALSE(grouped.together(made.y, made.dx));
  CHECK(grouped.together(made.dx, made.dw));  // still one visit of the weight for both
  CHECK(grouped.together(made.y, made.loss) == (kind != 2));
}

TEST_CASE("a gradient of a product of two parameters that are both trained updates neither",
          "[grouping]") {
  SmallGraph made;
  const auto a = made.parameter("a", {5, 2}), b = made.parameter("b", {2, 3});
  const auto dab = made.input("dab", {5, 3});
  const bool trained = GENERATE(false, true);
  const auto da = made.node(OpType::kGemm, "da", {5, 2}, {dab, b}, Phase::kBackward,
                            {{"transB", std::int64_t{1}}});
  const auto db = made.node(OpType::kGemm, "db", {2, 3}, {a, dab}, Phase::kBackward,
                            {{"transA", std::int64_t{1}}});
  const auto new_a = made.sgd("a.new", a, da);
  if (trained) {
    made.sgd("b.new", b, db);
  }
  CHECK(Grouped(made).together(da, new_a) == !trained);  // db reads a, da reads b
}

TEST_CASE("both gradients join only where the weight's is X^T dY", "[grouping]") {
  SmallGraph made;
  const bool stored_transposed = GENERATE(false, true);
  const auto w = made.parameter("w", {5, 3}), dy = made.input("dy", {4, 3});
  const auto dx = made.node(OpType::kGemm, "dx", {4, 5}, {dy, w}, Phase::kBackward,
                            {{"transB", std::int64_t{1}}});
  const auto x = made.input("x", stored_transposed ? Shape{5, 4} : Shape{4, 5});
  const auto dw = made.node(OpType::kGemm, "dw", {5, 3}, {x, dy}, Phase::kBackward,
                            {{"transA", std::int64_t{stored_transposed ? 0 : 1}}});
  made.sgd("w.new", w, dw);
  CHECK(Grouped(made, true).together(dx, dw) == !stored_transposed);
}

TEST_CASE("an MSE loss by itself takes its gradient along if both compare the same", "[grouping]") {
  SmallGraph made;
  const auto y = made.input("y", {4, 3}), t = made.input("t", {4, 3});
  const bool swapped = GENERATE(false, true);
  const auto loss = made.node(OpType::kMseLoss, "loss", {}, {y, t});
  const auto grad = made.node(OpType::kMseLossGrad, "grad", {4, 3},
                              swapped ? std::vector{t, y} : std::vector{y, t}, Phase::kBackward);
  CHECK(Grouped(made).together(loss, grad) == !swapped);
}

}  // namespace
}  // namespace etude::compiler
