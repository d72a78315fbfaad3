// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gradient_check.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace etude::test {

void check_gradients(const TrainingGraph& training, StartValues start, std::size_t samples) {
  const auto values = run_reference(training.graph, start);
  const auto loss_at = [&](TensorId parameter, std::size_t i, float value) {
    const float kept = start[parameter][i];
    start[parameter][i] = value;
    const double loss = run_reference(training.graph, start)[training.loss][0];
    start[parameter][i] = kept;
    return loss;
  };
  for (TensorId parameter : training.trained()) {
    const auto& gradient = values[training.gradients.at(parameter)];
    REQUIRE(gradient.size() == training.graph.tensor(parameter).elements());
    for (std::size_t i = 0; i < gradient.size(); i += 1 + gradient.size() / samples) {
      // Two step widths, combined so that the error of third order falls out.
      double slopes[2];
      for (int wide = 0; wide < 2; ++wide) {
        const float step = std::ldexp(1.0f, -10 + wide);
        const float up = start[parameter][i] + step;
        const float down = start[parameter][i] - step;
        slopes[wide] = (loss_at(parameter, i, up) - loss_at(parameter, i, down)) /
                       (static_cast<double>(up) - down);
      }
      const double slope = (4 * slopes[0] - slopes[1]) / 3;
      INFO(training.graph.tensor(parameter).name << " element " << i);
      CHECK(slope == Approx(gradient[i]).margin(1e-7).epsilon(1e-5));
    }
  }
}

}  // namespace etude::test
