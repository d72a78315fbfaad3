// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/storage.h"

#include <algorithm>
#include <numeric>

namespace etude::compiler {

namespace {

using Strides = std::vector<std::uint64_t>;

std::uint64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

/// Extents and strides without extents of one, and with neighbours merged that lie one behind the
/// other.
std::pair<Shape, Strides> merged(const Shape& shape, const Strides& strides) {
  Shape extents;
  Strides steps;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) {
      continue;
    }
    if (!extents.empty() && steps.back() == strides[d] * shape[d]) {
      extents.back() *= shape[d];
      steps.back() = strides[d];
    } else {
      extents.push_back(shape[d]);
      steps.push_back(strides[d]);
    }
  }
  return {extents, steps};
}

bool dense(const Shape& shape, const Strides& strides) {
  const auto [extents, steps] = merged(shape, strides);
  return extents.empty() || (extents.size() == 1 && steps[0] == 1);
}

std::vector<std::size_t> permutation(const Node& node, std::size_t rank) {
  std::vector<std::int64_t> otherwise(rank);
  std::iota(otherwise.rbegin(), otherwise.rend(), 0);
  const auto perm = node.integers("perm", otherwise);
  return {perm.begin(), perm.end()};
}

}  // namespace

std::vector<std::uint64_t> dense_strides(const Shape& shape) {
  Strides strides(shape.size());
  std::uint64_t step = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

std::optional<Strides> reshaped_strides(const Shape& from, const Strides& strides,
                                        const Shape& to) {
  const auto [extents, steps] = merged(from, strides);
  Strides result(to.size(), 0);
  std::size_t piece = extents.size();
  std::uint64_t left = 1;  // of the piece being divided
  std::uint64_t step = 1;
  for (std::size_t d = to.size(); d-- > 0;) {
    if (to[d] == 1) {
      result[d] = step * left;
      continue;
    }
    if (left == 1) {
      if (piece == 0) {
        return std::nullopt;
      }
      --piece;
      left = extents[piece];
      step = steps[piece];
    }
    if (left % to[d] != 0) {
      return std::nullopt;
    }
    result[d] = step;
    step *= to[d];
    left /= to[d];
  }
  return left == 1 && piece == 0 ? std::optional(result) : std::nullopt;
}

StoragePlan::StoragePlan(const Graph& graph)
    : views_(graph.tensors().size()),
      contiguous_(graph.tensors().size(), true),
      free_(graph.nodes().size(), false) {
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    shapes_.push_back(graph.tensor(id).shape);
    own(id, shapes_.back());
    if (const auto other = graph.tensor(id).alias_of) {
      views_[id].base = *other;
    }
  }
  for (NodeId node : graph.topological_order()) {
    const OpType op = graph.node(node).op;
    if (op == OpType::kReshape || op == OpType::kTranspose) {
      place(graph, node);
    }
  }
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    matrices_.push_back(matrix_of(id));
  }
}

void StoragePlan::own(TensorId id, const Shape& shape) {
  views_[id] = {id, dense_strides(shape)};
  contiguous_[id] = true;
}

void StoragePlan::adopt(TensorId id, TensorView view) {
  contiguous_[id] = dense(shapes_[id], view.strides);
  views_[id] = std::move(view);
}

void StoragePlan::place(const Graph& graph, NodeId number) {
  const Node& node = graph.node(number);
  const TensorId from = node.inputs[0];
  const TensorId to = node.outputs[0];
  const Tensor& result = graph.tensor(to);
  if (result.alias_of || result.kind == TensorKind::kLoss) {
    return;  // has a place of its own
  }
  std::optional<Strides> strides;
  if (node.op == OpType::kReshape) {
    strides = reshaped_strides(shapes_[from], views_[from].strides, shapes_[to]);
  } else {
    strides.emplace();
    for (std::size_t axis : permutation(node, shapes_[from].size())) {
      strides->push_back(views_[from].strides[axis]);
    }
  }
  if (strides) {
    adopt(to, {views_[from].base, *strides});
    if (contiguous_[to] || readers_accept(graph, to)) {
      free_[number] = true;
      return;
    }
    own(to, shapes_[to]);
  }
  free_[number] = pull_back(graph, number);
}

/// A strided tensor is read by Gemm, if one of its last two extents is dense, and looked at again
/// by transposes, which decide for themselves, and by reshapes that can.
bool StoragePlan::readers_accept(const Graph& graph, TensorId id) const {
  const Shape& shape = shapes_[id];
  const Strides& strides = views_[id].strides;
  for (NodeId reader : graph.consumers(id)) {
    const Node& node = graph.node(reader);
    if (node.op == OpType::kTranspose) {
      continue;
    }
    if (node.op == OpType::kReshape) {
      if (!reshaped_strides(shape, strides, shapes_[node.outputs[0]])) {
        return false;  // its elements must move, and a transpose is what moves them
      }
      continue;
    }
    const bool factor = node.op == OpType::kGemm && shape.size() >= 2 &&
                        (node.inputs.size() < 3 || node.inputs[2] != id);
    const std::size_t last = shape.size() - 1;
    if (!factor || (strides[last] != 1 && strides[last - 1] != 1 && shape[last] != 1 &&
                    shape[last - 1] != 1)) {
      return false;
    }
  }
  return true;
}

/// The result of a chain of reshapes and transposes behind a Gemm becomes the storage, and the Gemm
/// writes into it row by row. Every tensor of the chain has one reader.
bool StoragePlan::pull_back(const Graph& graph, NodeId number) {
  std::vector<NodeId> chain{number};
  TensorId first = graph.node(number).inputs[0];
  for (;;) {
    const auto maker = graph.producer(first);
    if (!maker || graph.consumers(first).size() != 1 || graph.tensor(first).alias_of ||
        graph.tensor(first).kind == TensorKind::kLoss) {
      return false;
    }
    if (graph.node(*maker).op == OpType::kGemm) {
      break;
    }
    if (!free_[*maker]) {
      return false;
    }
    chain.push_back(*maker);
    first = graph.node(*maker).inputs[0];
  }
  const TensorId last = graph.node(number).outputs[0];
  std::vector<Strides> found;  // of the input of each node of the chain
  Strides strides = dense_strides(shapes_[last]);
  for (NodeId link : chain) {
    const Node& node = graph.node(link);
    const Shape& from = shapes_[node.inputs[0]];
    const Shape& to = shapes_[node.outputs[0]];
    if (node.op == OpType::kReshape) {
      const auto back = reshaped_strides(to, strides, from);
      if (!back) {
        return false;
      }
      strides = *back;
    } else {
      Strides back(from.size());
      const auto perm = permutation(node, from.size());
      for (std::size_t d = 0; d < perm.size(); ++d) {
        back[perm[d]] = strides[d];
      }
      strides = back;
    }
    found.push_back(strides);
  }
  const Shape& made = shapes_[first];
  if (made.size() < 2 || (found.back().back() != 1 && made.back() != 1)) {
    return false;
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    adopt(graph.node(chain[i]).inputs[0], {last, found[i]});
  }
  own(last, shapes_[last]);
  return true;
}

void StoragePlan::append_copy(TensorId of, TensorId base) {
  views_.push_back({base, views_.at(of).strides});
  shapes_.push_back(Shape(shapes_.at(of)));
  contiguous_.push_back(contiguous_.at(of));
  matrices_.push_back(std::optional(matrices_.at(of)));
  if (matrices_.back()) {
    matrices_.back()->base = base;
  }
}

std::optional<MatrixView> StoragePlan::matrix_of(TensorId id) const {
  const Shape& shape = shapes_[id];
  const Strides& strides = views_[id].strides;
  if (shape.size() < 2) {
    const auto cols = static_cast<std::uint32_t>(elements(shape));
    return MatrixView{views_[id].base, 0, 1, cols, cols, false};
  }
  const Shape rows(shape.begin(), shape.end() - 1);
  const auto [extents, steps] = merged(rows, Strides(strides.begin(), strides.end() - 1));
  if (extents.size() > 1) {
    return std::nullopt;
  }
  const auto count = static_cast<std::uint32_t>(elements(rows));
  const auto cols = static_cast<std::uint32_t>(shape.back());
  const std::uint64_t row_step = extents.empty() ? cols : steps[0];
  if (strides.back() == 1 || cols == 1) {
    return MatrixView{views_[id].base, 0, count, cols, row_step, false};
  }
  if (row_step == 1 || count == 1) {
    return MatrixView{views_[id].base, 0, cols, count, strides.back(), true};
  }
  return std::nullopt;
}

std::optional<std::vector<MatrixView>> StoragePlan::as_stack(TensorId id,
                                                             const Shape& leading) const {
  const Shape& shape = shapes_[id];
  const Strides& strides = views_[id].strides;
  if (shape.size() < 2) {
    return std::nullopt;
  }
  const std::size_t axes = shape.size() - 2;
  const auto m = static_cast<std::uint32_t>(shape[axes]);
  const auto n = static_cast<std::uint32_t>(shape[axes + 1]);
  MatrixView matrix{views_[id].base, 0, m, n, strides[axes], false};
  if (m == 1 && (n == 1 || strides[axes + 1] == 1)) {
    matrix.pitch = n;
  } else if (strides[axes + 1] != 1 && n != 1) {
    if (strides[axes] != 1 && m != 1) {
      return std::nullopt;
    }
    matrix = {views_[id].base, 0, n, m, strides[axes + 1], true};
  }
  std::vector<MatrixView> stack;
  Shape at(leading.size(), 0);
  for (std::uint64_t i = elements(leading); i > 0; --i) {
    matrix.offset = 0;
    for (std::size_t d = 0; d < axes; ++d) {
      const std::size_t axis = leading.size() - axes + d;
      matrix.offset += shape[d] == 1 ? 0 : strides[d] * at[axis];
    }
    stack.push_back(matrix);
    for (std::size_t d = leading.size(); d > 0; --d) {
      if (++at[d - 1] < leading[d - 1]) {
        break;
      }
      at[d - 1] = 0;
    }
  }
  return stack;
}

}  // namespace etude::compiler
