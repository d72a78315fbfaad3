// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/graph/graph.h"

namespace etude::compiler {

/// Where a tensor's elements stand in the storage of another: element (i0, i1, ...) is
/// sum(strides[d] * i_d) elements behind the first of `base`. A tensor of its own has itself as
/// base.
struct TensorView {
  TensorId base{};
  std::vector<std::uint64_t> strides;  ///< elements, one per extent
};

/// A matrix of elements in the storage of `base`: `rows` of `cols` neighbours each, `pitch`
/// elements from row to row. `transposed`: the tensor's last two extents are [cols, rows].
struct MatrixView {
  TensorId base{};
  std::uint64_t offset = 0;  ///< elements
  std::uint32_t rows = 0, cols = 0;
  std::uint64_t pitch = 0;
  bool transposed = false;
};

/// The storage of every tensor of a step. Reshapes take over the storage of what they reshape;
/// transposes do where every reader (Gemm) can walk the other way, or where the maker (Gemm) can
/// write into the layout that the readers want; the others remain operators.
class StoragePlan {
 public:
  StoragePlan() = default;
  explicit StoragePlan(const Graph& graph);

  const TensorView& view(TensorId id) const { return views_.at(id); }
  TensorId base(TensorId id) const { return views_.at(id).base; }
  /// Whether the tensor is row major and dense in its base, from the first element on.
  bool contiguous(TensorId id) const { return contiguous_.at(id); }
  /// Adds a tensor, by the next number, that looks at `base` as the tensor `of` looks at its own.
  void append_copy(TensorId of, TensorId base);
  /// Adds a node, by the next number, that needs an operation as the node `of` does.
  void append_node(NodeId of) { free_.push_back(free_.at(of)); }
  /// Whether the node needs no operation: its result is another look at its input.
  bool free(NodeId node) const { return free_.at(node); }

  /// The tensor as one matrix of [product of leading extents, last extent], or as the transpose of
  /// a stored matrix if it has two extents; nothing if its strides do not allow it.
  const std::optional<MatrixView>& as_matrix(TensorId id) const { return matrices_.at(id); }
  /// The tensor as a stack of matrices of its last two extents, in the order of its leading extents
  /// broadcast to `leading`; nothing if neither of the last two extents is dense.
  std::optional<std::vector<MatrixView>> as_stack(TensorId id, const Shape& leading) const;

 private:
  std::optional<MatrixView> matrix_of(TensorId id) const;
  void place(const Graph& graph, NodeId node);
  bool pull_back(const Graph& graph, NodeId node);
  bool readers_accept(const Graph& graph, TensorId id) const;
  void own(TensorId id, const Shape& shape);
  void adopt(TensorId id, TensorView view);

  std::vector<TensorView> views_;
  std::vector<Shape> shapes_;
  std::vector<bool> contiguous_;
  std::vector<bool> free_;
  std::vector<std::optional<MatrixView>> matrices_;
};

/// Strides of a dense row-major tensor.
std::vector<std::uint64_t> dense_strides(const Shape& shape);
/// Strides after a reshape of a strided tensor; nothing if it would have to move elements.
std::optional<std::vector<std::uint64_t>> reshaped_strides(
    const Shape& from, const std::vector<std::uint64_t>& strides, const Shape& to);

}  // namespace etude::compiler
