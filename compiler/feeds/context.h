// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>

#include "compiler/memory/l1_manager.h"
#include "compiler/operators/step.h"
#include "compiler/tape/tape.h"
#include "compiler/tiling/tilings.h"

namespace etude::compiler {

/// What decides how operators share L1; lower_step() tries several and keeps the fastest program.
struct SharingChoice {
  double product = 0.6;             ///< part of L1 that a matrix multiplication better stays within
  double backward = 0.7;            ///< the same for both gradients of a linear layer
  Bytes transfer{8192};             ///< longest transfer: long ones hold up urgent ones
  std::uint32_t least_columns = 1;  ///< of a weight tile there: short rows cost the DMA more
  bool filters_in_turn = false;     ///< a large convolution makes some channels of all pixels, then
                                    ///< the next ones: its weights may come bit by bit
  std::size_t keep_for = 3;         ///< operators that a tensor may wait in L1 for its next reader
  bool residents = true;            ///< operators leave tensors in L1 for those behind them
  auto operator<=>(const SharingChoice&) const = default;
};

/// Where sums are cut whose bits depend on that, by node of the step without what runs again. k:
/// pixels of a strip of an image's gradient, those of a piece of channels (samples times pixels),
/// columns of the last layer and its loss (m: rows, where those are cut, too). unit: of a product
/// in mixed precision, which the array computes in FP16.
using SumCuts = std::map<NodeId, TileConfig>;

/// Where the lowering of a step stands: what is lowered, what is written, what L1 holds.
struct LoweringContext {
  const Step& step;
  const SharingChoice sharing;
  Tape tape;
  L1Manager l1;
  Tilings& tilings;
  const Address loss_cell;  ///< of the running loss, in L1
  std::size_t current = 0;  ///< operator being lowered
  bool residents = true;    ///< tensors may stay in L1
  /// Means, then reciprocal deviations, that a batch normalisation left in L2, by its input (of an
  /// operator that runs again: by what that is a copy of).
  std::map<TensorId, ObjectId> batch_statistics;
  const SumCuts* fixed_cuts = nullptr;  ///< to be used; null: none is fixed
  SumCuts cuts = {};                    ///< that were used

  /// Where the sums of a node must be cut; zeros and kAuto: anywhere.
  TileConfig fixed_cut(const Node& node) const;
  /// Notes where they were.
  void cut_at(const Node& node, const TileConfig& where);

  const Graph& graph() const { return step.graph(); }
  const Tensor& tensor(TensorId id) const { return step.tensor(id); }
  std::uint32_t rows(TensorId id) const { return step.rows(id); }
  std::uint32_t cols(TensorId id) const { return step.cols(id); }
  Bytes bytes(TensorId id) const { return Bytes{tensor(id).bytes()}; }
  /// The stored matrix of a contiguous tensor (one row if it has rank below 2), from an element on.
  StoredMatrix stored(TensorId id, std::uint32_t row = 0, std::uint32_t col = 0) const;
  /// The same of a view, from an element of it on.
  StoredMatrix stored(const MatrixView& view, std::uint32_t row = 0, std::uint32_t col = 0) const;
  /// The view in L1 (rows and columns as stored), if its storage stands there as a whole in a way
  /// that shows it; the storage then stays for this operator.
  std::optional<L1Matrix> resident(const MatrixView& view);
  /// Operators from now to the next one that reads the tensor's storage; a large number if none
  /// does.
  std::size_t next_use(TensorId id) const { return step.next_use(id, current); }
  /// Whether a tensor that is in L1 now should stay: it is read again soon.
  bool worth_keeping(TensorId id) const { return residents && next_use(id) <= sharing.keep_for; }
  /// Bytes of the largest tensor that an operator may keep: a quarter of L1.
  Bytes most_kept() const { return l1.capacity() / 4; }
  /// A part of all of L1 that operators may use.
  Bytes part_of_l1(double share) const {
    return Bytes{static_cast<std::uint64_t>(share * static_cast<double>(l1.capacity().raw()))};
  }
  /// How a storage is packed, if it is.
  const PackedObjects* packed(TensorId base) const {
    const auto found = tape.packed_of.find(base);
    return found == tape.packed_of.end() ? nullptr : &found->second;
  }
  void layer(NodeId node) { tape.set_layer(node); }

 private:
  NodeId plain(const Node& node) const;
};

}  // namespace etude::compiler
