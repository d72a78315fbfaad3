// SPDX-License-Identifier: Apache-2.0
// Losses behind a network, losses of a graph's own, and what is left out of training.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "tests/support/gradient_check.h"
#include "workloads/reference/reference.h"
#include "workloads/training/loss.h"
#include "workloads/training/methods.h"
#include "workloads/training/training_graph.h"

namespace etude {
namespace {

/// x [3,4] w [4,`out`], w trained.
struct Layer {
  Network network;
  TensorId x, w;

  explicit Layer(std::uint64_t out) {
    x = tensor("x", {3, 4}, TensorKind::kInput);
    w = tensor("w", {4, out}, TensorKind::kParameter);
    network.inputs = {x};
    network.output = apply(OpType::kGemm, {x, w}, "y");
  }
  TensorId tensor(const std::string& name, Shape shape, TensorKind kind) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return network.graph.add_tensor(made);
  }
  TensorId apply(OpType type, std::vector<TensorId> inputs, const std::string& name,
                 Attributes attributes = {}, TensorKind kind = TensorKind::kActivation) {
    const NodeId made = network.graph.add(
        Node{name, type, Phase::kForward, std::move(inputs), {}, std::move(attributes)},
        {{name, kind}});
    return network.graph.node(made).outputs[0];
  }
};

StartValues drawn(const TrainingGraph& training) {
  StartValues start;
  draw_parameters(training.graph, 5, start);
  draw_inputs(training.graph, 7, 0, start);
  return start;
}

TEST_CASE("every loss that is added has the gradients of finite differences") {
  const LossKind kind = GENERATE(LossKind::kCrossEntropy, LossKind::kMse, LossKind::kBce);
  Layer layer(5);
  add_loss(layer.network, kind);
  const auto training = make_training_graph(layer.network, 0.1);
  test::check_gradients(training, drawn(training));
}

TEST_CASE("mse is the mean over all elements, bce that of logits with targets from 0 to 1") {
  const LossKind kind = GENERATE(LossKind::kMse, LossKind::kBce);
  Layer layer(5);
  add_loss(layer.network, kind);
  const auto training = make_training_graph(layer.network, 0.1);
  const StartValues start = drawn(training);
  const auto values = run_reference(training.graph, start);
  const TensorId target = *training.graph.find("target");
  CHECK(training.graph.tensor(target).shape == Shape{3, 5});
  double sum = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    const double y = values[*training.graph.find("y")][i];
    const double t = values[target][i];
    if (kind == LossKind::kBce) {
      CHECK((t >= 0 && t <= 1));
      const double p = 1 / (1 + std::exp(-y));
      sum -= t * std::log(p) + (1 - t) * std::log(1 - p);
    } else {
      sum += (y - t) * (y - t);
    }
  }
  CHECK(values[training.loss][0] == Approx(sum / 15).epsilon(1e-12));
}

TEST_CASE("a binary cross entropy stays exact where its logits are large") {
  Graph graph;
  for (const char* name : {"x", "t"}) {
    Tensor made;
    made.name = name;
    made.shape = {4};
    made.kind = TensorKind::kInput;
    graph.add_tensor(made);
  }
  graph.add(Node{"bce", OpType::kBceLoss, Phase::kForward, {0, 1}, {}, {}},
            {{"loss", TensorKind::kLoss}});
  const auto loss = [&](std::vector<float> x, std::vector<float> t) {
    return run_reference(graph, {std::move(x), std::move(t)})[2][0];
  };
  CHECK(loss({90, -90, 90, -90}, {1, 0, 1, 0}) == Approx(std::exp(-90.0)).epsilon(1e-9));
  CHECK(loss({90, -90, 90, -90}, {0, 1, 0, 1}) == Approx(90));
  CHECK(loss({0, 0, 0, 0}, {0, 1, 0.5, 0.25}) == Approx(std::log(2.0)));
}

TEST_CASE("losses that do not fit an output name the key") {
  Layer one(1);
  CHECK_THROWS_WITH(add_loss(one.network, LossKind::kCrossEntropy),
                    Catch::Contains("/train/loss") && Catch::Contains("[3,1]"));
  CHECK_NOTHROW(add_loss(one.network, LossKind::kMse));
}

TEST_CASE("a loss of plain operators trains as the built-in one") {
  const auto gradient_of = [](bool own) {
    Layer layer(5);
    const TensorId target = layer.tensor("target", {3, 5}, TensorKind::kInput);
    if (own) {
      const TensorId d = layer.apply(OpType::kSub, {layer.network.output, target}, "d");
      const TensorId q = layer.apply(OpType::kMul, {d, d}, "q");
      const TensorId sum =
          layer.apply(OpType::kReduceSum, {q}, "sum", {{"axes", std::vector<std::int64_t>{0, 1}}});
      layer.apply(OpType::kScale, {sum}, "loss", {{"factor", 1.0 / 15}}, TensorKind::kLoss);
    } else {
      layer.network.graph.add(
          Node{"mse", OpType::kMseLoss, Phase::kForward, {layer.network.output, target}, {}, {}},
          {{"loss", TensorKind::kLoss}});
    }
    const auto training = make_training_graph(layer.network, 0.1);
    const StartValues start = drawn(training);
    test::check_gradients(training, start);
    return run_reference(training.graph, start)[training.gradients.at(layer.w)];
  };
  const auto own = gradient_of(true);
  const auto built_in = gradient_of(false);
  REQUIRE(own.size() == built_in.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    CHECK(own[i] == Approx(built_in[i]).epsilon(1e-6));
  }
}

TEST_CASE("what is made of a loss node's result counts in its gradient") {
  Layer layer(5);
  Graph& graph = layer.network.graph;
  Tensor labels;
  labels.name = "labels";
  labels.shape = {3};
  labels.kind = TensorKind::kInput;
  labels.dtype = DType::kInt32;
  const TensorId classes = graph.add_tensor(labels);
  graph.add(Node{"ce",
                 OpType::kSoftmaxCrossEntropy,
                 Phase::kForward,
                 {layer.network.output, classes},
                 {},
                 {}},
            {{"part", TensorKind::kActivation}, {"log_prob", TensorKind::kActivation}});
  layer.apply(OpType::kScale, {*graph.find("part")}, "loss", {{"factor", 0.25}}, TensorKind::kLoss);
  const auto training = make_training_graph(layer.network, 0.1);
  test::check_gradients(training, drawn(training));
}

TEST_CASE("the last Softmax goes, whatever shape its result gets, unless something else reads it") {
  const bool reshaped = GENERATE(false, true);
  const bool read = GENERATE(false, true);
  Layer layer(5);
  const TensorId logits = layer.network.output;
  TensorId y = layer.apply(OpType::kSoftmax, {logits}, "p");
  if (read) {
    layer.apply(OpType::kRelu, {y}, "reader");
  }
  if (reshaped) {
    y = layer.apply(OpType::kReshape, {y}, "q", {{"shape", std::vector<std::int64_t>{3, 1, 5}}});
  }
  layer.network.output = y;
  CHECK(last_operator(layer.network) == OpType::kSoftmax);
  REQUIRE(drop_last_operator(layer.network));
  const Graph& graph = layer.network.graph;
  CHECK(graph.tensor(layer.network.output).shape == (reshaped ? Shape{3, 1, 5} : Shape{3, 5}));
  CHECK(graph.producer(*graph.find("p")).has_value() == read);
  CHECK(last_operator(layer.network) == OpType::kGemm);
  graph.validate();
}

TEST_CASE(
    "names and patterns freeze parameters; one that names none is answered with the nearest") {
  Network network = make_network("mlp", {6, 5, 4}, 2);
  const auto trained = [&] {
    std::vector<std::string> names;
    for (const Tensor& tensor : network.graph.tensors()) {
      if (tensor.trainable) {
        names.push_back(tensor.name);
      }
    }
    return names;
  };
  using Names = std::vector<std::string>;
  freeze(network, {});
  CHECK(trained() == Names{"fc0.weight", "fc0.bias", "fc1.weight", "fc1.bias"});
  freeze(network, {"fc0.bias"});
  CHECK(trained() == Names{"fc0.weight", "fc1.weight", "fc1.bias"});
  CHECK_THROWS_WITH(freeze(network, {"fc1.wieght"}),
                    Catch::Contains("/train/freeze") && Catch::Contains("'fc1.weight'"));
  CHECK_THROWS_WITH(freeze(network, {"conv*"}), Catch::Contains("'conv*' names no parameter"));
  freeze(network, {"fc?.weight"});
  CHECK(trained() == Names{"fc1.bias"});
  CHECK_THROWS_WITH(freeze(network, {"*"}), Catch::Contains("no parameter of mlp to train"));
}

TEST_CASE("a product and the sum with a bias behind it are one layer") {
  Layer layer(5);
  const TensorId bias = layer.tensor("b", {5}, TensorKind::kParameter);
  layer.network.output = layer.apply(OpType::kAdd, {bias, layer.network.output}, "z");
  find_blocks(layer.network);
  CHECK(layer.network.probe == std::vector<TensorId>{layer.w, bias});
  MethodOptions options;
  options.method = MethodOptions::Method::kLinearProbe;
  apply_method(layer.network, options);
  CHECK(layer.network.graph.tensor(bias).trainable);
}

TEST_CASE("constants are not counted and no archive holds them") {
  Layer layer(5);
  const TensorId c = layer.tensor("c", {5}, TensorKind::kParameter);
  layer.network.graph.tensor(c).constant = true;
  layer.network.graph.tensor(c).trainable = false;
  layer.network.output = layer.apply(OpType::kAdd, {layer.network.output, c}, "z");
  find_blocks(layer.network);
  CHECK(layer.network.probe == std::vector<TensorId>{layer.w});
  NpzArchive archive;
  archive["w"] = NpyArray::from_float32({4, 5}, std::vector<float>(20, 1.0f));
  StartValues start(layer.network.graph.tensors().size());
  CHECK_NOTHROW(take_parameters(layer.network.graph, archive, "w.npz", start));
  archive["c"] = NpyArray::from_float32({5}, std::vector<float>(5, 1.0f));
  CHECK_THROWS_WITH(take_parameters(layer.network.graph, archive, "w.npz", start),
                    Catch::Contains("'c'"));
}

}  // namespace
}  // namespace etude
