// SPDX-License-Identifier: Apache-2.0
// Gradients of every operator against finite differences, at odd sizes.
#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "models/base/error.h"
#include "tests/support/operator_bench.h"
#include "workloads/ops/op_rules.h"

namespace etude {
namespace {

using Integers = std::vector<std::int64_t>;
using Bench = test::OperatorBench;

TEST_CASE("Gemm: matrices, stacks of them, one matrix for a stack, broadcast stacks and biases") {
  const bool ta = GENERATE(false, true);
  const bool tb = GENERATE(false, true);
  struct Case {
    Shape a, b;
    Shape bias;
  };
  const auto shapes = GENERATE(Case{{}, {}, {5}}, Case{{2}, {}, {5}}, Case{{2, 3}, {}, {1, 5}},
                               Case{{2, 3}, {2, 3}, {2, 3, 7, 5}}, Case{{2, 1}, {3}, {7, 1}},
                               Case{{}, {3}, {}}, Case{{2}, {1}, {}});
  Bench bench;
  Shape a = shapes.a;
  Shape b = shapes.b;
  a.insert(a.end(), {ta ? 3u : 7u, ta ? 7u : 3u});
  b.insert(b.end(), {tb ? 5u : 3u, tb ? 3u : 5u});
  const auto x = bench.tensor("a", a);
  const auto w = bench.tensor("b", b);
  std::vector<TensorId> inputs{x, w};
  if (!shapes.bias.empty()) {
    inputs.push_back(bench.tensor("bias", shapes.bias));
  }
  const auto y = bench.apply(OpType::kGemm, inputs,
                             {{"transA", std::int64_t{ta}}, {"transB", std::int64_t{tb}}});
  bench.check(y);
}

TEST_CASE("a matrix under a stack of rows makes one large product") {
  Graph graph;
  const auto add = [&](const char* name, Shape shape) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = TensorKind::kInput;
    return graph.add_tensor(made);
  };
  const auto x = add("x", {2, 3, 7, 4});
  const auto w = add("w", {4, 5});
  const auto stack = add("stack", {2, 3, 4, 5});
  const NodeId one = graph.add({"one", OpType::kGemm, Phase::kForward, {x, w}, {}, {}},
                               {{"y", TensorKind::kActivation}});
  const NodeId many = graph.add({"many", OpType::kGemm, Phase::kForward, {x, stack}, {}, {}},
                                {{"z", TensorKind::kActivation}});
  CHECK(gemm_shape(graph, graph.node(one)).m == 42);
  CHECK(gemm_shape(graph, graph.node(one)).batch == 1);
  CHECK(gemm_shape(graph, graph.node(many)).m == 7);
  CHECK(gemm_shape(graph, graph.node(many)).batch == 6);
  CHECK(rules_of(OpType::kGemm).macs(graph, graph.node(many)) == 6 * 7 * 4 * 5);
  CHECK_THROWS_WITH(graph.add({"bad", OpType::kGemm, Phase::kForward, {stack, x}, {}, {}},
                              {{"q", TensorKind::kActivation}}),
                    Catch::Contains("'bad'"));
}

TEST_CASE("Add, Sub, Mul and Div broadcast, and so do their gradients") {
  const auto type = GENERATE(OpType::kAdd, OpType::kSub, OpType::kMul, OpType::kDiv);
  const auto shapes =
      GENERATE(std::pair<Shape, Shape>{{3, 5}, {3, 5}}, std::pair<Shape, Shape>{{2, 3, 5}, {5}},
               std::pair<Shape, Shape>{{3, 1}, {2, 1, 5}}, std::pair<Shape, Shape>{{}, {3, 2}});
  Bench bench;
  const auto a = bench.tensor("a", shapes.first);
  const auto b = bench.tensor("b", shapes.second);
  bench.offset = type == OpType::kDiv ? 2 : 0;
  bench.check(bench.apply(type, {a, b}));
}

TEST_CASE("a product with itself has twice the gradient") {
  Bench bench;
  const auto a = bench.tensor("a", {3, 5});
  bench.check(bench.apply(OpType::kMul, {a, a}));
}

TEST_CASE("elementwise functions") {
  Bench bench;
  const auto a = bench.tensor("a", {3, 7});
  SECTION("Scale") { bench.check(bench.apply(OpType::kScale, {a}, {{"factor", 0.375}})); }
  SECTION("Relu") { bench.check(bench.apply(OpType::kRelu, {a})); }
  SECTION("Relu6 cuts at both ends") {
    const auto wide = bench.apply(OpType::kScale, {a}, {{"factor", 16.0}}, "wide");
    bench.check(bench.apply(OpType::kRelu6, {wide}));
  }
  SECTION("Sigmoid") {
    const auto wide = bench.apply(OpType::kScale, {a}, {{"factor", 3.0}}, "wide");
    bench.check(bench.apply(OpType::kSigmoid, {wide}));
  }
  SECTION("Tanh") {
    const auto wide = bench.apply(OpType::kScale, {a}, {{"factor", 3.0}}, "wide");
    bench.check(bench.apply(OpType::kTanh, {wide}));
  }
  SECTION("Gelu") {
    const auto form = GENERATE("none", "tanh", "sigmoid");
    const auto wide = bench.apply(OpType::kScale, {a}, {{"factor", 3.0}}, "wide");
    bench.check(bench.apply(OpType::kGelu, {wide}, {{"approximate", std::string(form)}}));
  }
}

TEST_CASE("functions of one element that are made of x") {
  struct Case {
    OpType type;
    Attributes attributes;
    double factor, offset;  ///< of the argument
  };
  const double infinity = std::numeric_limits<double>::infinity();
  const std::int64_t open = 0;
  const std::vector<Case> cases{
      {OpType::kPiecewise, {{"low", -0.3}, {"high", 0.25}}, 1, 0},
      {OpType::kPiecewise, {{"low", -infinity}, {"high", 0.1}, {"above", 3.0}}, 1, 0},
      {OpType::kPiecewise, {{"low", 0.01}, {"below", -0.25}, {"closed", open}}, 1, 0},
      {OpType::kPiecewise,
       {{"low", 0.005}, {"high", 0.005}, {"below", -1.0}, {"above", 1.0}, {"closed", open}},
       1,
       0},
      {OpType::kPiecewise,
       {{"low", -0.25},
        {"high", 1.0},
        {"below", 0.5},
        {"above", -2.0},
        {"slope", -1.75},
        {"offset", 0.3},
        {"closed", open}},
       1,
       0},
      {OpType::kPiecewise, {{"slope", 0.0}, {"offset", 1.0}}, 1, 0},
      {OpType::kElu, {}, 3, 0},
      {OpType::kElu, {{"alpha", 1.67}, {"gamma", 1.05}}, 3, 0},
      {OpType::kElu, {{"alpha", 2.0}, {"rate", 0.5}}, 3, 0},
      {OpType::kExp, {}, 3, 0},
      {OpType::kLog, {}, 1, 1},
      {OpType::kSoftplus, {}, 5, 0},
      {OpType::kErf, {}, 2, 0},
      {OpType::kSqrt, {}, 1, 1},
      {OpType::kReciprocal, {}, 1, 1},
      {OpType::kReciprocal, {}, 1, -2},
      {OpType::kPower, {{"exponent", 1.5}}, 1, 1},
      {OpType::kPower, {{"exponent", -0.75}}, 1, 1},
      {OpType::kPower, {{"exponent", 5.0}}, 1, -1},
      {OpType::kPower, {{"exponent", -2.0}}, 1, -2},
      {OpType::kPower, {{"exponent", 1.0}}, 1, 0},
      {OpType::kSin, {}, 9, 0},
      {OpType::kCos, {}, 9, 0},
  };
  for (const Case& each : cases) {
    INFO(name_of(each.type) << " of factor " << each.factor << " and offset " << each.offset);
    Bench bench;
    const auto a = bench.tensor("a", {3, 7});
    const auto x = bench.apply(OpType::kPiecewise, {a},
                               {{"slope", each.factor}, {"offset", each.offset}}, "x");
    bench.check(bench.apply(each.type, {x}, each.attributes));
  }
}

TEST_CASE("Max and Min broadcast, and so do their gradients") {
  const auto type = GENERATE(OpType::kMax, OpType::kMin);
  const auto shapes =
      GENERATE(std::pair<Shape, Shape>{{3, 5}, {3, 5}}, std::pair<Shape, Shape>{{2, 3, 5}, {5}},
               std::pair<Shape, Shape>{{3, 1}, {2, 1, 5}}, std::pair<Shape, Shape>{{}, {3, 2}});
  Bench bench;
  const auto a = bench.tensor("a", shapes.first);
  const auto b = bench.tensor("b", shapes.second);
  bench.check(bench.apply(type, {a, b}));
}

TEST_CASE("gradients at corners are those of PyTorch") {
  struct Case {
    Attributes attributes;
    std::vector<float> x;
    std::vector<double> slopes;
  };
  const std::int64_t open = 0;
  const float third = 1.0f / 6;
  const std::vector<Case> cases{
      {{{"low", -1.0}, {"high", 2.0}}, {-1.001f, -1, 0, 2, 2.001f}, {0, 1, 1, 1, 0}},  // clamp
      {{{"low", 2.0}, {"high", 2.0}, {"closed", open}}, {1, 2, 3}, {0, 0, 0}},  // clamp(3, 2)
      {{{"low", 0.0}, {"below", 0.25}, {"closed", open}}, {-1, 0, 1e-30f}, {0.25, 0.25, 1}},
      {{{"low", 0.0}, {"high", 0.0}, {"below", -1.0}, {"above", 1.0}, {"closed", open}},
       {-1e-30f, 0, 1e-30f},
       {-1, 0, 1}},  // abs
      {{{"low", 0.0}, {"high", 1.0}, {"slope", 1.0 / 6}, {"offset", 0.5}, {"closed", open}},
       {-3, -2.9999998f, 2.9999998f, 3},
       {0, third, third, 0}},  // hardsigmoid
  };
  for (const Case& each : cases) {
    Bench bench;
    const auto x = bench.tensor("x", {each.x.size()});
    const auto ones = bench.tensor("ones", {each.x.size()}, TensorKind::kInput);
    const auto y = bench.apply(OpType::kPiecewise, {x}, each.attributes);
    const auto dot =
        bench.apply(OpType::kReduceSum, {bench.apply(OpType::kMul, {y, ones}, {}, "product")},
                    {{"axes", Integers{0}}}, "sum");
    bench.network.graph.tensor(dot).kind = TensorKind::kLoss;
    bench.network.output = y;
    const auto training = make_training_graph(bench.network, 0.1);
    StartValues start(training.graph.tensors().size());
    start[x] = each.x;
    start[ones].assign(each.x.size(), 1);
    start[training.graph.find("sum.out.grad").value()] = {1};
    CHECK(run_reference(training.graph, start)[training.gradients.at(x)] == each.slopes);
  }
}

TEST_CASE("every operator has a name of its own, in reports and, if it has one, in ONNX") {
  std::set<std::string_view> names, onnx;
  for (const OperatorNames& each : kOperators) {
    CHECK(names_of(each.type).name == std::string(each.name));
    CHECK(names.insert(each.name).second);
    // One node of the standard may stand for several of ours only where a writer tells them apart.
    const bool plain = each.form == OnnxForm::kStandard || each.form == OnnxForm::kMicrosoft;
    CHECK((!plain || onnx.insert(each.onnx).second));
    CHECK((each.form == OnnxForm::kOwn) == each.onnx.empty());
  }
}

TEST_CASE("functions of one element have the values of their definitions") {
  const auto [type, x, y] = GENERATE(table<OpType, double, double>({
      {OpType::kSigmoid, 0.0, 0.5},
      {OpType::kSigmoid, 1.0, 0.7310585786300049},        // 1 / (1 + 1 / e)
      {OpType::kSigmoid, -800.0, 0.0},                    // no overflow on the way
      {OpType::kSigmoid, -30.0, 9.3576229688392989e-14},  // relative accuracy on the left
      {OpType::kTanh, 1.0, 0.7615941559557649},           // (e - 1/e) / (e + 1/e)
      {OpType::kTanh, -800.0, -1.0},
      {OpType::kExp, 1.0, 2.718281828459045},
      {OpType::kLog, 0.0, -std::numeric_limits<double>::infinity()},
      {OpType::kSoftplus, -40.0, 4.248354255291589e-18},
      {OpType::kSoftplus, 1.0, 1.3132616875182228},
      {OpType::kErf, 0.5, 0.5204998778130465},
      {OpType::kSqrt, 2.0, 1.4142135623730951},
      {OpType::kReciprocal, -4.0, -0.25},
      {OpType::kElu, -1e-9, -9.999999995e-10},
      {OpType::kSin, 1e6, -0.34999350217129294},
      {OpType::kCos, 1e6, 0.93675212753314474},
  }));
  INFO(name_of(type) << ' ' << x);
  Bench bench;
  const TensorId result = bench.apply(type, {bench.tensor("x", {1})});
  const Graph& graph = bench.network.graph;
  TensorValues values(graph.tensors().size());
  values[0] = {x};
  rules_of(type).evaluate(graph, graph.node(0), values);
  CHECK(values[result][0] == Approx(y).epsilon(1e-14));
}

TEST_CASE("GELU has the values of its definition") {
  // Phi(1) = 0.8413447460685429; tanh form: Hendrycks and Gimpel; 1 / (1 + e^-1.702).
  Graph graph;
  Tensor x;
  x.name = "x";
  x.shape = {1};
  x.kind = TensorKind::kInput;
  const auto id = graph.add_tensor(x);
  const auto at_one = [&](const std::string& form) {
    const NodeId n =
        graph.add({form, OpType::kGelu, Phase::kForward, {id}, {}, {{"approximate", form}}},
                  {{form, TensorKind::kActivation}});
    TensorValues values(graph.tensors().size());
    values[id] = {1.0};
    rules_of(OpType::kGelu).evaluate(graph, graph.node(n), values);
    return values[graph.node(n).outputs[0]][0];
  };
  CHECK(at_one("none") == Approx(0.8413447460685429).epsilon(1e-15));
  CHECK(at_one("tanh") == Approx(0.8411919906082768).epsilon(1e-14));
  CHECK(at_one("sigmoid") == Approx(0.8457957659328212).epsilon(1e-14));
}

TEST_CASE("sums, expansions, reshapes and transposes") {
  Bench bench;
  const auto a = bench.tensor("a", {2, 3, 5});
  SECTION("ReduceSum") {
    const auto axes = GENERATE(Integers{0}, Integers{1, 0}, Integers{-1}, Integers{0, 1, 2});
    const auto keep = GENERATE(0, 1);
    bench.check(
        bench.apply(OpType::kReduceSum, {a}, {{"axes", axes}, {"keepdims", std::int64_t{keep}}}));
  }
  SECTION("Expand") {
    const auto row = bench.tensor("row", {3, 1});
    bench.check(bench.apply(OpType::kExpand, {row}, {{"shape", Integers{2, 3, 5}}}));
  }
  SECTION("Reshape") {
    bench.check(bench.apply(OpType::kReshape, {a}, {{"shape", Integers{15, 2}}}));
  }
  SECTION("Transpose") {
    bench.check(bench.apply(OpType::kTranspose, {a}, {{"perm", Integers{2, 0, 1}}}));
  }
}

TEST_CASE("Conv: strides, pads, dilations, groups, depthwise, 1x1") {
  struct Case {
    Shape x, w;
    Integers stride, pad, dilation;
    std::int64_t group;
  };
  const auto c = GENERATE(Case{{2, 3, 5, 7}, {4, 3, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
                          Case{{1, 3, 7, 6}, {4, 3, 3, 2}, {2, 3}, {1, 0, 2, 1}, {1, 1}, 1},
                          Case{{1, 4, 5, 5}, {6, 2, 3, 3}, {1, 2}, {0, 0, 0, 0}, {1, 1}, 2},
                          Case{{2, 3, 5, 4}, {3, 1, 3, 3}, {2, 1}, {1, 1, 1, 1}, {1, 1}, 3},
                          Case{{1, 5, 3, 3}, {7, 5, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
                          Case{{1, 2, 7, 7}, {3, 2, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 1});
  Bench bench;
  const auto x = bench.tensor("x", c.x);
  const auto w = bench.tensor("w", c.w);
  const auto bias = bench.tensor("bias", {c.w[0]});
  const auto y = bench.apply(OpType::kConv, {x, w, bias},
                             {{"kernel_shape", Integers{static_cast<std::int64_t>(c.w[2]),
                                                        static_cast<std::int64_t>(c.w[3])}},
                              {"strides", c.stride},
                              {"pads", c.pad},
                              {"dilations", c.dilation},
                              {"group", c.group}});
  const auto training = bench.check(y);
  // Input and weight gradients are as many products as the forward pass.
  std::uint64_t macs[2] = {0, 0};
  for (const Node& node : training.graph.nodes()) {
    macs[node.phase == Phase::kForward ? 0 : 1] += rules_of(node.op).macs(training.graph, node);
  }
  CHECK(macs[1] == 2 * macs[0]);
}

TEST_CASE("pooling: overlapping windows, pads, whole images") {
  const auto type = GENERATE(OpType::kMaxPool, OpType::kAveragePool);
  struct Case {
    Integers kernel, stride, pad;
  };
  const auto c = GENERATE(Case{{3, 3}, {2, 2}, {1, 1, 1, 1}}, Case{{2, 3}, {1, 2}, {0, 1, 1, 0}},
                          Case{{5, 7}, {1, 1}, {0, 0, 0, 0}});
  Bench bench;
  const auto x = bench.tensor("x", {2, 3, 5, 7});
  bench.check(
      bench.apply(type, {x}, {{"kernel_shape", c.kernel}, {"strides", c.stride}, {"pads", c.pad}}));
}

TEST_CASE("normalisations") {
  Bench bench;
  SECTION("LayerNorm") {
    const auto x = bench.tensor("x", {2, 3, 7});
    const auto gamma = bench.tensor("gamma", {7});
    const auto beta = bench.tensor("beta", {7});
    bench.check(bench.apply(OpType::kLayerNorm, {x, gamma, beta}, {{"epsilon", 1e-3}}));
  }
  SECTION("BatchNorm, of the batch and frozen") {
    const auto training = GENERATE(0, 1);
    const auto x = bench.tensor("x", {3, 2, 3, 2});
    const auto gamma = bench.tensor("gamma", {2});
    const auto beta = bench.tensor("beta", {2});
    const auto mean = bench.tensor("mean", {2}, TensorKind::kInput);
    const auto variance = bench.tensor("variance", {2}, TensorKind::kInput);
    bench.start.resize(variance + 1);
    bench.check(bench.apply(OpType::kBatchNorm, {x, gamma, beta, mean, variance},
                            {{"training", std::int64_t{training}}, {"epsilon", 2.0}}));
  }
}

TEST_CASE("softmax, with a scale") {
  Bench bench;
  const auto x = bench.tensor("x", {2, 3, 5});
  bench.check(bench.apply(OpType::kSoftmax, {x}, {{"scale", 0.625}}));
}

TEST_CASE("cross entropy, mean and sum") {
  const auto reduction = GENERATE("mean", "sum");
  Bench bench;
  const auto x = bench.tensor("x", {3, 5});
  const auto labels = bench.tensor("labels", {3}, TensorKind::kInput);
  bench.network.graph.add(Node{"ce",
                               OpType::kSoftmaxCrossEntropy,
                               Phase::kForward,
                               {x, labels},
                               {},
                               {{"reduction", std::string(reduction)}}},
                          {{"loss", TensorKind::kLoss}, {"log_prob", TensorKind::kActivation}});
  const auto training = bench.finish();
  bench.start[labels][1] = 5;
  CHECK_THROWS_WITH(run_reference(training.graph, bench.start), Catch::Contains("sample 1"));
}

TEST_CASE("momentum and Adam by their definitions") {
  Graph graph;
  const auto add = [&](const char* name) {
    Tensor made;
    made.name = name;
    made.shape = {1};
    made.kind = TensorKind::kParameter;
    return graph.add_tensor(made);
  };
  const auto w = add("w");
  const auto g = add("g");
  const auto m = add("m");
  const auto v = add("v");
  graph.add({"momentum",
             OpType::kMomentum,
             Phase::kUpdate,
             {w, g, v},
             {},
             {{"lr", 0.5}, {"momentum", 0.75}}},
            {{"w1", TensorKind::kParameter}, {"v1", TensorKind::kState}});
  graph.add(
      {"adam",
       OpType::kAdam,
       Phase::kUpdate,
       {w, g, m, v},
       {},
       {{"lr", 0.5},
        {"beta1", 0.5},
        {"beta2", 0.75},
        {"epsilon", 0.25},
        {"step", std::int64_t{2}}}},
      {{"w2", TensorKind::kParameter}, {"m2", TensorKind::kState}, {"v2", TensorKind::kState}});
  const auto values = run_reference(graph, {{3}, {2}, {4}, {8}});
  // v1 = 0.75 * 8 + 2 = 8, w1 = 3 - 0.5 * 8.
  CHECK(values[*graph.find("v1")][0] == 8);
  CHECK(values[*graph.find("w1")][0] == -1);
  // m2 = 0.5 * 4 + 0.5 * 2 = 3, v2 = 0.75 * 8 + 0.25 * 4 = 7; corrections 1 - 0.5^2, 1 - 0.75^2.
  CHECK(values[*graph.find("m2")][0] == 3);
  CHECK(values[*graph.find("v2")][0] == 7);
  CHECK(values[*graph.find("w2")][0] == Approx(3 - 0.5 * 4 / (4 + 0.25)).epsilon(1e-15));
}

}  // namespace
}  // namespace etude
