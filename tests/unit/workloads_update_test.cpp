// SPDX-License-Identifier: Apache-2.0
// Update rules as graphs: momentum, Adam, accumulation and loss scaling against their definitions.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "run/execute/update_check.h"
#include "workloads/networks/initial.h"
#include "workloads/reference/reference.h"
#include "workloads/training/training_graph.h"
#include "workloads/training/update.h"

namespace etude::run {
namespace {

using Rule = UpdateOptions::Rule;

UpdateOptions options_of(Rule rule, double lr = 0.25) {
  UpdateOptions options;
  options.rule = rule;
  options.lr = lr;
  return options;
}

Network small(unsigned batch) { return make_mlp("net", {5, 4, 3}, batch, false); }

/// Values of one input pattern per pass.
void inputs_of(const Graph& graph, unsigned pass, StartValues& values) {
  draw_inputs(graph, 3, pass, values);
}

/// Carries parameters and states over to the next pass, in float as memory has them.
void carry(const Graph& graph, const TensorValues& results, StartValues& values) {
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    if (const auto old = graph.tensor(id).alias_of) {
      values[*old].assign(results[id].begin(), results[id].end());
    }
  }
}

/// Weights and states after some passes, by the reference.
StartValues train(TrainingGraph training, const UpdateOptions& options, unsigned passes) {
  StartValues values;
  draw_parameters(training.graph, 1, values);
  for (unsigned pass = 0; pass < passes; ++pass) {
    inputs_of(training.graph, pass, values);
    set_rates(training.graph, options, pass);
    carry(training.graph, run_reference(training.graph, values), values);
  }
  return values;
}

std::vector<float> weight(const TrainingGraph& training, const StartValues& values) {
  return values[training.graph.find("fc0.weight").value()];
}

TEST_CASE("passes that accumulate are one pass with all their samples") {
  UpdateOptions one = options_of(Rule::kSgd);
  UpdateOptions four = one;
  four.accumulate = 4;
  const TrainingGraph large = make_training_graph(small(8), one);
  const TrainingGraph parts = make_training_graph(small(2), four);
  // The large batch: the four small ones behind each other.
  StartValues values;
  draw_parameters(large.graph, 1, values);
  for (TensorId input : large.inputs) {
    values.resize(large.graph.tensors().size());
    StartValues part;
    const TensorId same = parts.graph.find(large.graph.tensor(input).name).value();
    for (unsigned pass = 0; pass < 4; ++pass) {
      inputs_of(parts.graph, pass, part);
      values[input].insert(values[input].end(), part[same].begin(), part[same].end());
    }
  }
  const auto results = run_reference(large.graph, values);
  carry(large.graph, results, values);
  const auto wanted = weight(large, values);
  const auto found = weight(parts, train(parts, four, 4));
  const auto before = weight(parts, train(parts, four, 3));
  StartValues drawn;
  draw_parameters(parts.graph, 1, drawn);
  CHECK(before == weight(parts, drawn));  // nothing moves before the last pass
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(found[i] == Approx(wanted[i]).epsilon(1e-6));
  }
}

TEST_CASE("momentum over groups of passes carries over between them only") {
  UpdateOptions options = options_of(Rule::kMomentum);
  options.momentum = 0.5;
  options.accumulate = 2;
  const auto momentum = [&](unsigned pass) {
    return std::get<double>(update_rates(options, pass).at("momentum"));
  };
  const auto lr = [&](unsigned pass) {
    return std::get<double>(update_rates(options, pass).at("lr"));
  };
  CHECK(momentum(0) == 0.5);
  CHECK(momentum(1) == 1.0);
  CHECK(momentum(2) == 0.5);
  CHECK(lr(0) == 0.0);
  CHECK(lr(1) == 0.125);  // the mean of two
}

TEST_CASE("Adam's rates are its bias corrections") {
  // step 1: m / (1 - b1) = g and v / (1 - b2) = g^2, so that w moves by lr sign(g)
  const UpdateOptions options = options_of(Rule::kAdam, 0.125);
  const TrainingGraph training = make_training_graph(small(3), options);
  StartValues drawn;
  draw_parameters(training.graph, 1, drawn);
  const auto before = weight(training, drawn);
  const auto after = weight(training, train(training, options, 1));
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double moved = std::fabs(double{after[i]} - double{before[i]});
    CHECK((moved == Approx(0.125).epsilon(1e-4) || moved == 0.0));  // 0: behind a dead ReLU
  }
  const AdamRates rates = adam_rates(0.5, 0.9, 0.99, 1e-4, 2);
  CHECK(rates.lr == Approx(0.5 * std::sqrt(1 - 0.99 * 0.99) / (1 - 0.81)));
  CHECK(rates.epsilon == Approx(1e-4 * std::sqrt(1 - 0.99 * 0.99)));
}

TEST_CASE("a scaled loss scales gradients, and leaves the weights alone") {
  for (const Rule rule : {Rule::kSgd, Rule::kMomentum, Rule::kAdam}) {
    const UpdateOptions plain = options_of(rule);
    UpdateOptions scaled = plain;
    scaled.loss_scale = 256;
    const TrainingGraph first = make_training_graph(small(3), plain);
    const TrainingGraph second = make_training_graph(small(3), scaled);
    const auto wanted = weight(first, train(first, plain, 3));
    const auto found = weight(second, train(second, scaled, 3));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(found[i] == Approx(wanted[i]).epsilon(1e-6));
    }
    StartValues values;
    draw_parameters(second.graph, 1, values);
    inputs_of(second.graph, 0, values);
    const auto a = run_reference(second.graph, values);
    StartValues same;
    draw_parameters(first.graph, 1, same);
    inputs_of(first.graph, 0, same);
    const auto b = run_reference(first.graph, same);
    const TensorId bias = first.graph.find("fc1.bias.grad").value();
    CHECK(a[second.graph.find("fc1.bias.grad").value()][0] == 256 * b[bias][0]);
  }
}

TEST_CASE("what cannot be is refused") {
  UpdateOptions options = options_of(Rule::kAdam);
  options.accumulate = 2;
  CHECK_THROWS_AS(make_training_graph(small(2), options), UserError);
  Graph empty;
  CHECK_THROWS_AS(scale_loss_gradient(empty, 2), UserError);
  CHECK_NOTHROW(scale_loss_gradient(empty, 1));
}

TEST_CASE("every number that an update writes is checked") {
  const auto rule = GENERATE(Rule::kSgd, Rule::kMomentum, Rule::kAdam);
  const UpdateOptions options = options_of(rule);
  TrainingGraph training = make_training_graph(small(3), options);
  const Graph& graph = training.graph;
  StartValues before;
  draw_parameters(graph, 1, before);
  inputs_of(graph, 0, before);
  const auto results = run_reference(graph, before);
  StartValues after = before;
  carry(graph, results, after);
  const NodeId update = *graph.producer(graph.find("fc0.weight.updated").value());
  const Node& node = graph.node(update);
  const auto& exact = results[node.inputs[1]];
  const std::vector<float> gradient(exact.begin(), exact.end());
  // Rounded inputs of an exact rule: within what is allowed.
  CHECK(check_update(graph, node, before, gradient, after).value_or("") == "");
  for (std::size_t written = 0; written < node.inputs.size(); ++written) {
    if (written == 1) {
      continue;  // the gradient
    }
    StartValues wrong = after;
    float& value = wrong[node.inputs[written]][2];
    value += 1e-4f * std::max(std::fabs(value), 1e-3f);
    CHECK(check_update(graph, node, before, gradient, wrong));
  }
  CHECK(check_update(graph, node, before, gradient, before));  // an update that is left out
}

}  // namespace
}  // namespace etude::run
