// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/report/facts.h"
#include "workloads/networks/initial.h"
#include "workloads/ops/op_rules.h"
#include "workloads/reference/reference.h"
#include "workloads/training/training_graph.h"

namespace etude::run {

/// Compares every step of a simulated training run with a float64 execution of the same graph on
/// the weights that the step started from. Loss and gradients: max|error| <= 1e-5 * max|reference|
/// + 1e-7 * (largest |gradient| of the step), because some gradients are exactly zero by symmetry.
/// Where a gradient is further off, inputs of ReLU that are nearer to zero than FP32 can tell are
/// cut as the chip cut them (ties.h), and counted. Updates: update_check.h, so that a missing
/// update fails; a weight that is not trained must not change. Call begin_step, gradient (any
/// number of pieces), end_step.
class NumericCheck {
 public:
  /// `update`: what the updates' rates of each step follow from. `half`: products are in FP16,
  /// where single elements behind a kink may differ wholly; the yardstick is then the Euclidean
  /// norm: |error| <= 0.5 |reference| + 1e-4 sqrt(elements) * (largest |gradient|). What holds bit
  /// for bit is the replay of each product (chain_replay.h), and the updates as ever; the yardstick
  /// finds gradients that are missing, not finite or of the wrong sign, and its figures are
  /// reported.
  explicit NumericCheck(TrainingGraph training, const UpdateOptions& update = {},
                        bool half = false);

  /// Inputs and parameters, by tensor, as the step finds them.
  void begin_step(unsigned step, StartValues start);
  /// A piece of a gradient, rows packed one behind the other. Offset and pitch in bytes of the
  /// dense tensor.
  void gradient(TensorId gradient, std::uint64_t offset, std::uint64_t pitch, std::uint32_t rows,
                const std::vector<std::uint8_t>& bytes);
  /// What the step left: its loss and the parameters by tensor. Where some of it is not finite, and
  /// the float64 execution has numbers too large for the format as well, training has diverged:
  /// nothing is compared, and the step is counted.
  void end_step(double loss, const StartValues& parameters);

  /// The gradients of the last step, by tensor of the gradient; of an inference its logits.
  const std::map<TensorId, std::vector<float>>& gradients() const { return gradients_; }
  const CheckFacts& facts() const { return facts_; }

 private:
  void compare(const std::string& what, const std::vector<double>& reference,
               const std::vector<double>& simulated, double largest_gradient);
  void compare_norms(const std::string& what, const std::vector<double>& reference,
                     const std::vector<double>& simulated, double largest_gradient);
  bool left_range(double loss, const StartValues& parameters, const TensorValues& reference) const;
  double largest_gradient(const TensorValues& reference) const;
  /// Sum over the gradients of what their largest error is above what is allowed, in parts of it.
  double excess(const TensorValues& reference) const;
  void check_parameter(TensorId parameter, const StartValues& now);
  void fail(const std::string& line);

  TrainingGraph training_;
  UpdateOptions update_;
  bool half_;
  std::map<TensorId, NodeId> update_of_;  ///< by parameter
  std::map<TensorId, TensorId> moved_;    ///< statistics, and what a step leaves there
  unsigned step_{0};
  StartValues start_;
  std::map<TensorId, std::vector<float>> gradients_;
  std::uint64_t failed_{0};
  CheckFacts facts_;
};

}  // namespace etude::run
