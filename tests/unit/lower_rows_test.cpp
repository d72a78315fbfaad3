// SPDX-License-Identifier: Apache-2.0
// Row-wise and elementwise operators, lowered and executed by the host interpreter: forward,
// backward and update of small steps against the float64 reference, in L1 that holds everything and
// in L1 that holds hardly anything.
#include <catch2/catch.hpp>

#include "tests/support/lowered_step.h"

namespace etude {
namespace {

using test::check_step;
using test::platform_of;
using Integers = std::vector<std::int64_t>;

/// A step of a few operators on trainable parameters with a loss behind them.
struct Step {
  Network network;
  StartValues start;

  TensorId tensor(const std::string& name, Shape shape, TensorKind kind = TensorKind::kParameter) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return network.graph.add_tensor(made);
  }

  TensorId apply(OpType type, std::vector<TensorId> inputs, Attributes attributes = {}) {
    const std::string name = "op" + std::to_string(network.graph.nodes().size());
    const NodeId made = network.graph.add(
        Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name + ".out", TensorKind::kActivation}});
    return network.graph.node(made).outputs[0];
  }

  /// Trains towards a drawn target; parameters start anywhere in [low, low + 1.5).
  Program check(TensorId output, unsigned l1_kib, float low = -0.75f, bool redmule = true) {
    network.output = output;
    const TensorId target =
        tensor("target", network.graph.tensor(output).shape, TensorKind::kInput);
    network.graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {output, target}, {}, {}},
                      {{"loss", TensorKind::kLoss}});
    return finish(l1_kib, low, redmule);
  }

  Program finish(unsigned l1_kib, float low = -0.75f, bool redmule = true) {
    start.resize(network.graph.tensors().size());
    for (TensorId id = 0; id < network.graph.tensors().size(); ++id) {
      const Tensor& each = network.graph.tensor(id);
      if (each.kind == TensorKind::kParameter) {
        for (std::size_t i = 0; i < each.elements(); ++i) {
          start[id].push_back(static_cast<float>((i * 37 + id * 11) % 101) * (1.5f / 101) + low);
        }
      }
    }
    return check_step(make_training_graph(network, 0.125), platform_of(redmule, l1_kib), {}, 2,
                      start);
  }
};

const auto kL1 = {24u, 256u};

TEST_CASE("elementwise operators broadcast on the chip as in the reference") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto type = GENERATE(OpType::kAdd, OpType::kSub, OpType::kMul, OpType::kDiv);
  struct Shapes {
    Shape a, b;
  };
  const auto shapes =
      GENERATE(Shapes{{7, 33}, {7, 33}}, Shapes{{2, 9, 13}, {13}}, Shapes{{3, 5, 11}, {5, 11}},
               Shapes{{3, 50, 41}, {50, 41}}, Shapes{{6, 31}, {6, 1}}, Shapes{{2, 5, 9}, {5, 1}},
               Shapes{{4, 7}, {1}}, Shapes{{1, 2100}, {}}, Shapes{{19}, {3, 19}},
               Shapes{{7, 1}, {1, 9}}, Shapes{{2, 4, 1}, {2, 1, 8}}, Shapes{{90, 70}, {70}});
  INFO(name_of(type) << ' ' << to_string(shapes.a) << ' ' << to_string(shapes.b) << ", " << l1
                     << " KiB");
  Step step;
  const TensorId a = step.apply(OpType::kScale, {step.tensor("a", shapes.a)}, {{"factor", 1.5}});
  const TensorId b = step.tensor("b", shapes.b);
  step.check(step.apply(type, {a, b}), l1, 0.5f);
}

TEST_CASE("a sum of several tensors, and of a tensor with itself") {
  Step step;
  const TensorId a = step.tensor("a", {5, 17}), b = step.tensor("b", {17});
  const TensorId sum = step.apply(OpType::kAdd, {a, b, a, step.tensor("c", {5, 1})});
  step.check(step.apply(OpType::kMul, {sum, sum}), 256);
}

TEST_CASE("activations and their gradients run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto shape = GENERATE(Shape{5}, Shape{3, 41}, Shape{60, 64}, Shape{2, 3, 5, 7});
  const auto [type, form] = GENERATE(table<OpType, std::string>({{OpType::kRelu, ""},
                                                                 {OpType::kRelu6, ""},
                                                                 {OpType::kSigmoid, ""},
                                                                 {OpType::kTanh, ""},
                                                                 {OpType::kElu, ""},
                                                                 {OpType::kPiecewise, ""},
                                                                 {OpType::kErf, ""},
                                                                 {OpType::kGelu, "none"},
                                                                 {OpType::kGelu, "tanh"},
                                                                 {OpType::kGelu, "sigmoid"}}));
  INFO(name_of(type) << ' ' << form << ' ' << to_string(shape) << ", " << l1 << " KiB");
  Step step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 9.0}});
  step.check(step.apply(type, {x}, {{"approximate", form}, {"low", -0.5}, {"high", 2.0}}), l1);
}

TEST_CASE("Max and Min broadcast on the chip as in the reference") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto type = GENERATE(OpType::kMax, OpType::kMin);
  struct Shapes {
    Shape a, b;
  };
  const auto shapes =
      GENERATE(Shapes{{7, 33}, {7, 33}}, Shapes{{3, 50, 41}, {50, 41}}, Shapes{{6, 31}, {6, 1}},
               Shapes{{1, 2100}, {}}, Shapes{{19}, {3, 19}}, Shapes{{90, 70}, {70}});
  INFO(name_of(type) << ' ' << to_string(shapes.a) << ' ' << to_string(shapes.b));
  Step step;
  const TensorId a = step.apply(OpType::kScale, {step.tensor("a", shapes.a)}, {{"factor", 1.5}});
  step.check(step.apply(type, {a, step.tensor("b", shapes.b)}), l1);
}

TEST_CASE("layer normalisation and its gradients run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto shape = GENERATE(Shape{1, 6}, Shape{3, 17}, Shape{2, 50, 24}, Shape{70, 128});
  INFO(to_string(shape) << ", " << l1 << " KiB");
  Step step;
  const TensorId x = step.apply(OpType::kRelu, {step.tensor("x", shape)});
  std::vector<TensorId> inputs{x, step.tensor("gamma", {shape.back()})};
  if (shape[0] != 3) {
    inputs.push_back(step.tensor("beta", {shape.back()}));
  }
  step.check(step.apply(OpType::kLayerNorm, inputs, {{"epsilon", 1e-5}}), l1);
}

TEST_CASE("softmax and its gradient run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto shape = GENERATE(Shape{1, 3}, Shape{2, 5, 7}, Shape{2, 50, 50}, Shape{9, 301});
  INFO(to_string(shape) << ", " << l1 << " KiB");
  Step step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 4.0}});
  step.check(step.apply(OpType::kSoftmax, {x}, {{"scale", 0.375}}), l1);
}

TEST_CASE("cross entropy and its gradient run on the chip, with integer labels") {
  const unsigned l1 = GENERATE(values(kL1));
  const std::string reduction = GENERATE("mean", "sum");
  const auto shape = GENERATE(Shape{1, 2}, Shape{5, 10}, Shape{150, 33});
  Step step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 3.0}});
  const TensorId labels = step.tensor("labels", {shape[0]}, TensorKind::kInput);
  step.network.graph.tensor(labels).dtype = DType::kInt32;
  step.network.output = x;
  step.network.graph.add(Node{"loss",
                              OpType::kSoftmaxCrossEntropy,
                              Phase::kForward,
                              {x, labels},
                              {},
                              {{"reduction", reduction}}},
                         {{"loss", TensorKind::kLoss}, {"log_prob", TensorKind::kActivation}});
  step.finish(l1);
}

TEST_CASE("sums over leading, trailing, inner and outer axes run on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto [shape, axes] = GENERATE(table<Shape, Integers>({{{7, 5}, {0}},
                                                              {{7, 5}, {1}},
                                                              {{7, 5}, {0, 1}},
                                                              {{613}, {0}},
                                                              {{3, 5, 11}, {1}},
                                                              {{3, 5, 11}, {0, 2}},
                                                              {{2, 3, 50, 40}, {0, 2, 3}},
                                                              {{2, 3, 50, 40}, {0, 1, 2}},
                                                              {{300, 3}, {0}},
                                                              {{1, 9, 1}, {0}},
                                                              {{2, 60, 80}, {0}},
                                                              {{4000, 3}, {1}},
                                                              {{90, 70}, {-1}}}));
  const std::int64_t keep = GENERATE(0, 1);
  INFO(to_string(shape) << ", " << l1 << " KiB");
  Step step;
  const TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 1.25}});
  const TensorId sum = step.apply(OpType::kReduceSum, {x}, {{"axes", axes}, {"keepdims", keep}});
  step.check(step.apply(OpType::kScale, {sum}, {{"factor", 0.5}}), l1);
}

TEST_CASE("a tensor expands on the chip") {
  const unsigned l1 = GENERATE(values(kL1));
  const auto [shape, to] = GENERATE(table<Shape, Integers>({{{7, 1}, {7, 30}},
                                                            {{1, 30}, {7, 30}},
                                                            {{1, 1}, {70, 60}},
                                                            {{2, 1, 5}, {2, 9, 5}},
                                                            {{3, 4, 1, 1}, {3, 4, 8, 8}}}));
  Step step;
  step.check(step.apply(OpType::kExpand, {step.tensor("x", shape)}, {{"shape", to}}), l1);
}

TEST_CASE("random chains of operators on random shapes in random L1") {
  std::uint64_t state = GENERATE(range(1, 40));
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return low + (state >> 33) % (high - low + 1);
  };
  Step step;
  Shape shape;
  for (std::uint64_t rank = draw(1, 4); rank > 0; --rank) {
    shape.push_back(draw(0, 3) == 0 ? 1 : draw(1, rank > 2 ? 5 : 60));
  }
  INFO(to_string(shape));
  TensorId x = step.apply(OpType::kScale, {step.tensor("x", shape)}, {{"factor", 1.5}});
  for (unsigned i = 0; i < 4; ++i) {
    const std::string name = "p" + std::to_string(i);
    // What stands before a normalisation has a gradient next to 0 along some directions.
    switch (i > 0 || shape.back() < 8 ? draw(2, 6) : draw(0, 1)) {
      case 0:
        x = step.apply(OpType::kSoftmax, {x}, {{"scale", 2.0}});
        break;
      case 1:
        x = step.apply(OpType::kLayerNorm, {x, step.tensor(name + ".gamma", {shape.back()}),
                                            step.tensor(name + ".beta", {shape.back()})});
        break;
      case 2:
        x = step.apply(OpType::kGelu, {x});
        break;
      case 3:
        x = step.apply(OpType::kRelu6, {x});
        break;
      default: {
        Shape other = shape;
        const bool leading = draw(0, 1) == 0;  // one run of extents is broadcast
        const std::uint64_t broadcast = draw(0, shape.size());
        for (std::size_t d = 0; d < shape.size(); ++d) {
          other[d] = (d < broadcast) == leading ? 1 : other[d];
        }
        const OpType type = draw(0, 1) == 0 ? OpType::kAdd : OpType::kMul;
        x = step.apply(type, {x, step.tensor(name, other)});
      }
    }
  }
  const auto l1 = static_cast<unsigned>(draw(20, 90));
  INFO(l1 << " KiB");
  step.check(x, l1, -0.25f);
}

TEST_CASE("a factor before a softmax, a row behind a product, both beside other readers") {
  const bool read_twice = GENERATE(false, true);
  Step step;
  const TensorId a = step.apply(OpType::kRelu, {step.tensor("a", {9, 6})});
  const TensorId x = step.apply(OpType::kGemm, {a, step.tensor("w", {6, 11})});
  const TensorId sum = step.apply(OpType::kAdd, {step.tensor("row", {11}), x});
  const TensorId scaled = step.apply(OpType::kScale, {sum}, {{"factor", 0.25}});
  TensorId y = step.apply(OpType::kSoftmax, {scaled}, {{"scale", 3.0}});
  if (read_twice) {
    y = step.apply(OpType::kAdd, {step.apply(OpType::kMul, {y, scaled}), x});
  }
  step.check(y, 256);
}

TEST_CASE("row-wise operators that L1 cannot hold say so by name") {
  Step wide;
  const TensorId x = wide.apply(OpType::kRelu, {wide.tensor("x", {2, 9000})});
  CHECK_THROWS_WITH(wide.check(wide.apply(OpType::kSoftmax, {x}), 24),
                    Catch::Contains("operator 'op1'") && Catch::Contains("1x9000") &&
                        Catch::Contains("bytes of L1"));
  Step sums;
  const TensorId y = sums.apply(OpType::kRelu, {sums.tensor("x", {2, 4000, 3})});
  CHECK_THROWS_WITH(sums.check(sums.apply(OpType::kReduceSum, {y}, {{"axes", Integers{0, 2}}}), 24),
                    Catch::Contains("operator 'op1'") && Catch::Contains("bytes of L1"));
}

TEST_CASE("behind a product come a sum and a row") {
  const bool redmule = GENERATE(false, true);
  const auto shape = GENERATE(Shape{9, 11}, Shape{60, 70}, Shape{1, 13});
  const unsigned l1 = GENERATE(24u, 256u);
  INFO(redmule << ' ' << to_string(shape) << ' ' << l1);
  Step step;
  const TensorId x = step.apply(OpType::kRelu, {step.tensor("x", {shape[0], 6})});
  std::vector<TensorId> factors{x, step.tensor("w", {6, shape[1]})};
  if (GENERATE(false, true)) {
    factors.push_back(step.tensor("bias", {shape[1]}));
  }
  const TensorId y = step.apply(OpType::kGemm, factors);
  const TensorId part = step.apply(OpType::kRelu, {step.tensor("part", shape)});
  const TensorId sum = GENERATE(false, true) ? step.apply(OpType::kAdd, {part, y}) : y;
  const TensorId all = step.apply(OpType::kAdd, {sum, step.tensor("row", {shape[1]})});
  step.check(step.apply(OpType::kGelu, {all}), l1, -0.25f, redmule);
}

TEST_CASE("a product of two parameters updates both") {
  Step step;
  step.check(step.apply(OpType::kGemm, {step.tensor("a", {9, 6}), step.tensor("w", {6, 11})}), 256);
}

TEST_CASE("a small BERT trains on the chip, two samples at a time") {
  const bool redmule = GENERATE(false, true);
  const auto training = make_training_graph(make_network("bert", {5, 6, 2, 7, 2, 3}, 2), 0.125);
  check_step(training, platform_of(redmule, GENERATE(32u, 256u)), {});
}

}  // namespace
}  // namespace etude
