// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/report/facts.h"
#include "workloads/networks/initial.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// Compares every step of a simulated training run with a float64 execution of the same graph on
/// the weights that the step started from. Loss and gradients: max|error| <= 1e-5 * max|reference|
/// + 1e-7 * (largest |gradient| of the step), because some gradients are exactly zero by symmetry.
/// Update: new weight = old - lr * gradient within 1 ulp of the largest of the three (rounded once
/// or twice, both are right), so that a missing update fails; a weight that is not trained must not
/// change. Call begin_step, gradient (any number of pieces), end_step.
class NumericCheck {
 public:
  /// `lr`: the learning rate of the update. The graph must outlive the check.
  NumericCheck(const TrainingGraph& training, double lr);

  /// Inputs and parameters, by tensor, as the step finds them.
  void begin_step(unsigned step, StartValues start);
  /// A piece of a gradient, rows packed one behind the other. Offset and pitch in bytes of the
  /// dense tensor.
  void gradient(TensorId gradient, std::uint64_t offset, std::uint64_t pitch, std::uint32_t rows,
                const std::vector<std::uint8_t>& bytes);
  /// What the step left: its loss and the parameters by tensor.
  void end_step(double loss, const StartValues& parameters);

  /// The gradients of the last step, by tensor of the gradient.
  const std::map<TensorId, std::vector<float>>& gradients() const { return gradients_; }
  const CheckFacts& facts() const { return facts_; }

 private:
  void compare(const std::string& what, const std::vector<double>& reference,
               const std::vector<double>& simulated, double largest_gradient);
  void check_update(TensorId parameter, const std::vector<float>& now);
  void fail(const std::string& line);

  const TrainingGraph& training_;
  float lr_;
  unsigned step_{0};
  StartValues start_;
  std::map<TensorId, std::vector<float>> gradients_;
  std::uint64_t failed_{0};
  CheckFacts facts_;
};

/// Distance from a float of this magnitude to the next larger one.
double last_place(double magnitude);

}  // namespace etude
