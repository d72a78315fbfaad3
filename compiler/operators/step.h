// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/cost/cost_model.h"
#include "compiler/operators/grouping.h"
#include "compiler/operators/packed_weights.h"
#include "compiler/operators/storage.h"
#include "sim/config/platform_config.h"
#include "sim/config/workload_config.h"
#include "workloads/training/training_graph.h"

namespace etude::compiler {

/// A step that runs some of another step's operators again: its graph, storages and operators, and
/// for each tensor the one of the other step that it repeats (itself, if none).
struct StepCopy {
  TrainingGraph training;
  StoragePlan storage;
  std::vector<Operator> operators;
  std::vector<TensorId> origins;
};

/// What is to be lowered, and for what: the graph of a training step with the storage of its
/// tensors and its operators in their order, the platform, and what the user fixed. Nothing of it
/// changes while the step is lowered. Platform and tiling must outlive it.
class Step {
 public:
  /// Rewrites sums, finds storages and groups the nodes. `precision`: mixed_fp16 runs products on
  /// an fp16 RedMulE. `early_updates`: see group_operators(). Errors: UserError if an fp16 RedMulE
  /// is wanted and there is none; those of packed_tensors().
  Step(const TrainingGraph& training, const PlatformConfig& platform, const TilingConfig& tiling,
       TrainConfig::Precision precision, bool early_updates = false,
       const PackedWeights& packed = {});
  /// The step `plain` with operators that run again; `plain` must outlive it.
  Step(const Step& plain, StepCopy copy);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  const TrainingGraph training;
  const StoragePlan storage;
  const PlatformConfig& platform;
  const TilingConfig& tiling;
  const CostModel cost;
  const bool half;     ///< products are in FP16: train.precision mixed_fp16
  const bool redmule;  ///< matrix multiplications may use it
  const std::map<TensorId, PackedWeight> packed;  ///< weights that are decoded tile by tile
  const std::vector<Operator> operators;          ///< in an order that respects every dependence

  const Graph& graph() const { return training.graph; }
  const Tensor& tensor(TensorId id) const { return training.graph.tensor(id); }
  /// Product of the leading extents, and last extent, of a tensor.
  std::uint32_t rows(TensorId id) const;
  std::uint32_t cols(TensorId id) const;
  /// Whether a view is the whole storage, row by row.
  bool whole(const MatrixView& view) const;
  /// Operators from number `current` to the next one that reads the tensor's storage; a large
  /// number if none does.
  std::size_t next_use(TensorId id, std::size_t current) const;
  /// The tensor that a repeated one is a copy of; any other itself.
  TensorId origin(TensorId id) const { return origins_.empty() ? id : origins_.at(id); }
  /// The graph before operators were repeated: what is fused with what was decided there.
  const Graph& plain_graph() const { return plain_ != nullptr ? plain_->graph() : graph(); }
  /// The ReLU that makes an image and runs with the maxima over it (see grouping.h), if one does.
  std::optional<NodeId> pooled_relu(TensorId image) const;
  /// What the user should know of how the step is run.
  std::vector<std::string> warnings() const;

 private:
  std::vector<std::vector<std::uint32_t>> uses() const;

  const Step* const plain_ = nullptr;  ///< without what runs again; null: this one is it
  const std::vector<TensorId> origins_;
  const std::vector<std::vector<std::uint32_t>> uses_;  ///< operators that read a storage
};

}  // namespace etude::compiler
