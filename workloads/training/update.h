// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/training/backward.h"

namespace etude {

/// How gradients become new parameters.
struct UpdateOptions {
  enum class Rule {
    kSgd,       ///< w' = w - lr g
    kMomentum,  ///< v' = momentum v + g; w' = w - lr v'
    kAdam,      ///< Kingma and Ba, arXiv 1412.6980, with bias corrections
  };
  Rule rule = Rule::kSgd;
  double lr = 0.01;
  double momentum = 0.9;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  /// Passes (batches) whose mean gradient makes one update. Their sum stands in the optimiser's
  /// state, and the update divides by their number.
  unsigned accumulate = 1;
  /// Factor on the gradient of the loss, and so on every gradient and state behind it; updates
  /// divide by it. Powers of two change no digit.
  double loss_scale = 1;
};

/// Adds one update per trainable parameter with a gradient. The updated parameter is named
/// "<parameter>.updated" and takes over its storage; so are states ("<parameter>.velocity",
/// "<parameter>.first", "<parameter>.second"), which start at 0.
/// Errors: UserError for adam with accumulation, whose squares are of the mean gradient.
void add_updates(Graph& graph, const GradientMap& gradients, const UpdateOptions& options);

/// Puts a Scale node behind the gradient of the loss, unless the factor is 1.
/// Errors: UserError when the graph has no gradient of a loss.
void scale_loss_gradient(Graph& graph, double factor);

/// The numbers of an update node that change from pass to pass (counted from 0): an accumulating
/// update begins its sum in the first pass of a group and changes the parameter in the last; Adam
/// corrects its bias. Without either nothing changes.
void set_rates(Graph& graph, const UpdateOptions& options, unsigned pass);

/// The attributes of every update node in that pass.
Attributes update_rates(const UpdateOptions& options, unsigned pass);

/// Adam with the bias corrections of step number `step` (from 1), as the cores compute it:
/// w - lr m' / (sqrt(v') + epsilon).
struct AdamRates {
  float lr, epsilon;
};
AdamRates adam_rates(double lr, double beta1, double beta2, double epsilon, std::int64_t step);

}  // namespace etude
