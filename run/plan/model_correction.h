// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::run {

/// What is left over once operations are measured by themselves and replayed beside each other.
/// Fitted on other random steps of the cycle tier than results/model_accuracy has; result.json has
/// it.
struct ModelCorrection {
  /// Part of what a kernel takes longer with a cold I-cache, where its code has gone.
  double cold_share;
  /// Code that the kernels since its last run may have for all of it to be there still, in parts of
  /// the shared I-cache's lines; with twice as much it has gone.
  double kept_share;
  /// Cycles for each line of a kernel's code behind another kernel: it is in the shared I-cache,
  /// and in no private one.
  double private_line;
  /// Work of the controller, in parts of what the replay of task lists assumes: its own code is not
  /// always in the I-cache.
  double controller_work;
  /// Cycles of that work for each line of code that a cold kernel brings: it takes the place of the
  /// controller's.
  double controller_refetch;
  /// The same of its programming of a transfer, beside that: MCHAN, and iDMA, which has more
  /// registers.
  double mchan_work, idma_work;
  /// What kernels take longer beside RedMulE and the cluster DMA, in parts of what they would if
  /// their accesses came at random (BankContention).
  double kernel_held_up;
};
const ModelCorrection& model_correction();

/// How far the model tier was off on cycle runs that its correction was not fitted on, in parts of
/// the cycle tier's value: means of absolute errors, and the worst (results/model_accuracy).
struct ModelError {
  double cycles_mean, cycles_worst, energy_mean, energy_worst;
  unsigned points;
};
const ModelError& model_error();

}  // namespace etude::run
