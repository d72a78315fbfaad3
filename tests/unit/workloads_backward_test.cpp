// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "workloads/reference/reference.h"
#include "workloads/training/backward.h"
#include "workloads/training/training_graph.h"

namespace etude {
namespace {

/// Every gradient of a trainable parameter against the central difference of the loss.
void check_gradients(const TrainingGraph& training, StartValues start) {
  const auto values = run_reference(training.graph, start);
  for (TensorId parameter : training.trained()) {
    const auto& gradient = values[training.gradients.at(parameter)];
    REQUIRE(gradient.size() == training.graph.tensor(parameter).elements());
    for (std::size_t i = 0; i < gradient.size(); i += 1 + gradient.size() / 7) {
      const float kept = start[parameter][i];
      const float step = 1.0f / 4096;  // exact in float for the sizes drawn here
      start[parameter][i] = kept + step;
      const double above = run_reference(training.graph, start)[training.loss][0];
      const float up = start[parameter][i];
      start[parameter][i] = kept - step;
      const double below = run_reference(training.graph, start)[training.loss][0];
      const double width = static_cast<double>(up) - start[parameter][i];
      start[parameter][i] = kept;
      INFO(training.graph.tensor(parameter).name << " element " << i);
      CHECK((above - below) / width == Approx(gradient[i]).margin(2e-6).epsilon(1e-3));
    }
  }
}

TEST_CASE("the gradients of MLPs equal finite differences") {
  const auto sizes = GENERATE(std::vector<unsigned>{4, 3}, std::vector<unsigned>{5, 7, 5},
                              std::vector<unsigned>{6, 9, 2, 8, 3});
  const auto batch = GENERATE(1u, 5u);
  const auto training = make_training_graph(make_network("mlp", sizes, batch), 0.1);
  StartValues start;
  draw_parameters(training.graph, 3, start);
  draw_inputs(training.graph, 4, 0, start);
  for (auto& values : start) {  // biases away from zero, so that ReLU's corner is not met
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = values[i] == 0 ? 0.0625f * static_cast<float>(1 + i % 3) : values[i];
    }
  }
  check_gradients(training, start);
}

TEST_CASE("a tensor with two readers gets the sum of both gradients") {
  Graph graph;
  const auto add = [&](const std::string& name, Shape shape, TensorKind kind) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return graph.add_tensor(made);
  };
  const auto x = add("x", {3, 4}, TensorKind::kInput);
  const auto t = add("t", {3, 4}, TensorKind::kInput);
  const auto w = add("w", {4, 4}, TensorKind::kParameter);
  const auto v = add("v", {4, 4}, TensorKind::kParameter);
  const auto out = [&](NodeId n) { return graph.node(n).outputs[0]; };
  const auto h = out(graph.add({"h", OpType::kGemm, Phase::kForward, {x, w}, {}, {}},
                               {{"h", TensorKind::kActivation}}));
  const auto g = out(
      graph.add({"g", OpType::kGemm, Phase::kForward, {h, v}, {}, {{"transB", std::int64_t{1}}}},
                {{"g", TensorKind::kActivation}}));
  const auto s = out(graph.add({"s", OpType::kAdd, Phase::kForward, {h, g}, {}, {}},
                               {{"s", TensorKind::kActivation}}));
  graph.add({"mse", OpType::kMseLoss, Phase::kForward, {s, t}, {}, {}},
            {{"loss", TensorKind::kLoss}});
  Network network{graph, {x, t}, s};
  const auto training = make_training_graph(network, 0.5);
  CHECK(training.graph.find("h.grad"));
  StartValues start;
  draw_parameters(training.graph, 1, start);
  draw_inputs(training.graph, 2, 0, start);
  check_gradients(training, start);
}

TEST_CASE("the update is w - lr * gradient and frozen parameters have none") {
  auto network = make_network("mlp", {3, 4, 2}, 2);
  network.graph.tensor(*network.graph.find("fc0.weight")).trainable = false;
  network.graph.tensor(*network.graph.find("fc0.bias")).trainable = false;
  const auto training = make_training_graph(network, 0.25);
  CHECK(training.trained().size() == 2);
  CHECK(!training.graph.find("fc0.weight.grad"));
  CHECK(!training.graph.find("fc0.out.grad"));  // nothing trainable before it
  StartValues start;
  draw_parameters(training.graph, 1, start);
  draw_inputs(training.graph, 2, 0, start);
  const auto values = run_reference(training.graph, start);
  const auto id = *training.graph.find("fc1.weight");
  const auto& updated = values[*training.graph.find("fc1.weight.updated")];
  const auto& gradient = values[training.gradients.at(id)];
  for (std::size_t i = 0; i < updated.size(); ++i) {
    CHECK(updated[i] == values[id][i] - 0.25 * gradient[i]);
  }
}

TEST_CASE("drawn parameters depend on seed and name only, and stay inside He's bound") {
  const auto network = make_network("mlp", {24, 4, 2}, 2);
  StartValues a, b, c;
  draw_parameters(network.graph, 7, a);
  draw_parameters(network.graph, 7, b);
  draw_parameters(network.graph, 8, c);
  const auto id = *network.graph.find("fc0.weight");
  CHECK(a == b);
  CHECK(a[id] != c[id]);
  for (float value : a[id]) {
    CHECK(std::fabs(value) <= 0.5f);  // sqrt(6 / 24)
  }
}

TEST_CASE("data that is not finite, misses or has another shape is an error that names its place") {
  const auto network = make_network("mlp", {2, 3}, 2);
  StartValues start;
  NpzArchive data;
  CHECK_THROWS_WITH(take_inputs(network.graph, data, "in.npz", 0, start),
                    Catch::Contains("in.npz"));
  data["x"] = NpyArray::from_float32({3, 2}, {1, 2, 3, 4, NAN, 6});
  data["y"] = NpyArray::from_float32({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_THROWS_WITH(take_inputs(network.graph, data, "in.npz", 0, start),
                    Catch::Contains("NaN") && Catch::Contains("'x'"));
  data["x"] = NpyArray::from_float32({3, 2}, {1, 2, 3, 4, 5, 6});
  take_inputs(network.graph, data, "in.npz", 1, start);  // samples 2 and, wrapped, 0
  CHECK(start[network.inputs[0]] == std::vector<float>{5, 6, 1, 2});
  data["x"] = NpyArray::from_float32({3, 1}, {1, 2, 3});
  CHECK_THROWS_WITH(take_inputs(network.graph, data, "in.npz", 0, start), Catch::Contains("[3,1]"));
  NpzArchive weights;
  CHECK_THROWS_AS(take_parameters(network.graph, weights, "w.npz", start), UserError);
  weights["fc7.weight"] = data["x"];
  CHECK_THROWS_WITH(take_parameters(network.graph, weights, "w.npz", start),
                    Catch::Contains("fc7.weight"));
}

}  // namespace
}  // namespace etude
