// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/cost/cost_model.h"
#include "compiler/memory/l1_manager.h"
#include "compiler/operators/grouping.h"
#include "compiler/operators/storage.h"
#include "compiler/tape/op_sequence.h"
#include "program/program.h"
#include "sim/config/platform_config.h"
#include "sim/config/workload_config.h"

namespace etude {

/// What decides how operators share L1; lower_step() tries several and keeps the fastest program.
struct SharingChoice {
  double product = 0.6;             ///< part of L1 that a matrix multiplication better stays within
  double backward = 0.7;            ///< the same for both gradients of a linear layer
  std::uint32_t transfer = 8192;    ///< longest transfer in bytes: long ones hold up urgent ones
  std::uint32_t least_columns = 1;  ///< of a weight tile there: short rows cost the DMA more
  bool filters_in_turn = false;     ///< a large convolution makes some channels of all pixels, then
                                    ///< the next ones: its weights may come bit by bit
  std::size_t keep_for = 3;         ///< operators that a tensor may wait in L1 for its next reader
};

/// What all lowerings of one step share.
struct LoweringContext {
  const TrainingGraph& training;
  const StoragePlan& storage;
  const PlatformConfig& platform;
  const TilingConfig& tiling;
  CostModel cost;
  OpSequence sequence;
  L1Manager l1;
  std::vector<StoredObject> objects;
  std::map<TensorId, ObjectId> object_of;  ///< a storage's place in L2
  std::vector<Operator> operators;
  std::vector<Layer> layers;                     ///< by node, pages behind them
  std::uint32_t loss_cell = 0;                   ///< L1 address of the running loss
  std::size_t current = 0;                       ///< operator being lowered
  std::vector<std::vector<std::uint32_t>> uses;  ///< operators that read a storage, by tensor
  bool redmule = false;                          ///< matrix multiplications may use it
  bool half = false;                             ///< in FP16: train.precision mixed_fp16
  bool residents = true;                         ///< tensors may stay in L1
  SharingChoice sharing;
  /// Means, then reciprocal deviations, that a batch normalisation left in L2, by its input.
  std::map<TensorId, ObjectId> batch_statistics;

  const Graph& graph() const { return training.graph; }
  const Tensor& tensor(TensorId id) const { return training.graph.tensor(id); }
  /// The stored matrix of a contiguous tensor (one row if it has rank below 2), from an element on.
  StoredMatrix stored(TensorId id, std::uint32_t row = 0, std::uint32_t col = 0) const;
  /// The same of a view, from an element of it on.
  StoredMatrix stored(const MatrixView& view, std::uint32_t row = 0, std::uint32_t col = 0) const;
  /// The view in L1 (rows and columns as stored), if its storage stands there as a whole in a way
  /// that shows it; the storage then stays for this operator.
  std::optional<L1Matrix> resident(const MatrixView& view);
  /// Whether a view is the whole storage, row by row.
  bool whole(const MatrixView& view) const;
  /// Product of the leading extents, and last extent, of a tensor.
  std::uint32_t rows(TensorId id) const;
  std::uint32_t cols(TensorId id) const;
  /// Operators from now to the next one that reads the tensor's storage; a large number if none
  /// does.
  std::size_t next_use(TensorId id) const;
  /// Whether a tensor that is in L1 now should stay: it is read again soon.
  bool worth_keeping(TensorId id) const { return residents && next_use(id) <= sharing.keep_for; }
  /// Groups the nodes, in an order that respects every dependence, and notes who reads what.
  void set_operators(std::vector<Operator> ordered);
  void layer(NodeId node) { sequence.set_layer(node); }
};

/// Lowers one operator; throws NoRoom when L1 is too fragmented and UserError when it is too small.
void lower_gemm(LoweringContext& context, const Operator& op);
void lower_linear_backward(LoweringContext& context, const Operator& op);
void lower_mse(LoweringContext& context, const Operator& op);
/// Also the gradient of the loss, a node of its own.
void lower_cross_entropy(LoweringContext& context, const Operator& op);
void lower_elementwise(LoweringContext& context, const Operator& op);
/// Layer normalisation, softmax, and their gradients by the input.
void lower_rowwise(LoweringContext& context, const Operator& op);
void lower_layer_norm_affine_grad(LoweringContext& context, const Operator& op);
void lower_update(LoweringContext& context, const Operator& op);
void lower_reduce(LoweringContext& context, const Operator& op);
/// A transpose (or reshape of a transpose) that no reader can do without.
void lower_copy(LoweringContext& context, const Operator& op);

}  // namespace etude
