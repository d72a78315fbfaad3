// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lowered_step.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "run/plan/start_images.h"
#include "tests/support/task_interpreter.h"
#include "workloads/reference/reference.h"

namespace etude::test {

namespace {

double largest(const std::vector<double>& values) {
  double most = 0;
  for (double v : values) {
    most = std::max(most, std::fabs(v));
  }
  return most;
}

}  // namespace

Program check_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const compiler::LowerOptions& options, unsigned steps, StartValues start,
                   double tolerance) {
  const Program program = compiler::lower_step(training, platform, options);
  const Graph& graph = training.graph;
  complete_parameters(graph, 11, start);
  draw_inputs(graph, 12, 0, start);
  TaskInterpreter machine(platform);
  machine.write(run::initial_images(program, start));
  for (unsigned step = 0; step < steps; ++step) {
    draw_inputs(graph, 12, step, start);
    machine.write(run::input_images(program, start));
    machine.run(program);
    const TensorValues reference = run_reference(graph, start);
    double largest_gradient = 0;
    for (TensorId parameter : training.trained()) {
      largest_gradient =
          std::max(largest_gradient, largest(reference[training.gradients.at(parameter)]));
    }
    CHECK(machine.read(program.loss.address, 1)[0] ==
          Approx(reference[training.loss][0]).epsilon(tolerance));
    REQUIRE(program.parameters.size() >= training.trained().size());
    for (const TensorPlace& place : program.parameters) {
      const auto gradient = training.gradients.find(place.tensor);
      const auto after = machine.read(place.address, place.bytes.raw() / 4);
      auto& before = start[place.tensor];
      if (gradient == training.gradients.end()) {
        CHECK(after == before);
        continue;
      }
      const auto& want = reference[gradient->second];
      const auto& got = machine.gradients[gradient->second];
      const double allowed = tolerance * (largest(want) + 1e-2 * largest_gradient);
      REQUIRE(got.size() == want.size());
      double worst = 0;
      int wrong_weights = 0, counted_wrong = 0;
      const auto lr = static_cast<float>(
          graph.node(*graph.producer(*graph.find(place.name + ".updated"))).real("lr"));
      for (std::size_t i = 0; i < want.size(); ++i) {
        worst = std::isnan(got[i]) ? 1e30 : std::max(worst, std::fabs(got[i] - want[i]));
        wrong_weights += after[i] != std::fma(-lr, got[i], before[i]) ? 1 : 0;
        counted_wrong += machine.found[gradient->second][i] != 1 ? 1 : 0;
      }
      INFO(place.name);
      CHECK(worst <= allowed);
      CHECK(wrong_weights == 0);
      CHECK(counted_wrong == 0);
      before = after;
    }
  }
  return program;
}

}  // namespace etude::test
