// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compiler/operators/not_available.h"
#include "compiler/operators/packed_weights.h"
#include "compiler/schedule/policy.h"
#include "program/program.h"
#include "sim/config/platform_config.h"
#include "sim/config/workload_config.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {

class WrittenSteps;

/// What the user fixed about how a step is run.
struct LowerOptions {
  ScheduleConfig schedule;
  WorkloadConfig::Home home = WorkloadConfig::Home::kAuto;
  TilingConfig tiling;
  /// mixed_fp16: an fp16 RedMulE multiplies matrices that the cores convert; everything else,
  /// sums and weights first of all, stays in FP32.
  TrainConfig::Precision precision = TrainConfig::Precision::kFp32;
  /// Bytes of L2 behind the task list that objects may take; nothing: what L2 leaves.
  std::optional<Bytes> budget = {};
  /// Where what was written is kept for another lowering of the same step; null: it is not. Used
  /// for the policy `keep` alone.
  WrittenSteps* written = nullptr;
  /// Home kL2: what is at home in L2 is none of these objects, and part of l2_fixed.
  bool home_apart = false;
  /// Frozen weights that stand packed and are decoded tile by tile.
  PackedWeights packed = {};
  /// They are at home in HyperRAM and come packed into L2 for their uses; else they stay in L2.
  bool packed_extmem = false;
};

/// Turns a training graph into a program for a platform: tiles, memory plan, task list.
/// Errors: UserError when a tile, the activations or the parameters do not fit, naming what and by
/// how many bytes; NotAvailable.
Program lower_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const LowerOptions& options);
/// The same with a policy of one's own, whatever the options name.
Program lower_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const LowerOptions& options, const SchedulePolicy& policy);

}  // namespace etude::compiler
