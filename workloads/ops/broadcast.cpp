// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/broadcast.h"

#include <algorithm>

namespace etude::ops {

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::uint64_t left = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::uint64_t right = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (left != right && left != 1 && right != 1) {
      return std::nullopt;
    }
    result[result.size() - 1 - i] = left == 1 ? right : left;
  }
  return result;
}

std::vector<std::uint64_t> broadcast_offsets(const Shape& from, const Shape& to) {
  std::vector<std::uint64_t> strides(to.size(), 0);
  std::uint64_t stride = 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::uint64_t extent = from[from.size() - 1 - i];
    strides[to.size() - 1 - i] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  std::vector<std::uint64_t> offsets{0};
  for (std::size_t axis = 0; axis < to.size(); ++axis) {
    std::vector<std::uint64_t> next;
    next.reserve(offsets.size() * to[axis]);
    for (std::uint64_t offset : offsets) {
      for (std::uint64_t i = 0; i < to[axis]; ++i) {
        next.push_back(offset + i * strides[axis]);
      }
    }
    offsets = std::move(next);
  }
  return offsets;
}

Node reshape_node(TensorId input, const Shape& shape) {
  return Node{"",
              OpType::kReshape,
              Phase::kBackward,
              {input},
              {},
              {{"shape", std::vector<std::int64_t>(shape.begin(), shape.end())}}};
}

void contribute_summed(GradientBuilder& builder, TensorId tensor, TensorId gradient,
                       const std::string& name) {
  const Shape wanted = builder.graph().tensor(tensor).shape;
  const Shape given = builder.graph().tensor(gradient).shape;
  if (wanted == given) {
    if (builder.graph().tensor(tensor).trainable) {  // a parameter's gradient has a name of its own
      builder.contribute(tensor, reshape_node(gradient, wanted));
    } else {
      builder.pass(tensor, gradient);
    }
    return;
  }
  std::vector<std::int64_t> axes;
  Shape left;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::size_t missing = given.size() - wanted.size();
    const std::uint64_t extent = i < missing ? 1 : wanted[i - missing];
    if (extent == 1 && given[i] != 1) {
      axes.push_back(static_cast<std::int64_t>(i));
    } else {
      left.push_back(given[i]);
    }
  }
  Node sum{"", OpType::kReduceSum, Phase::kBackward, {gradient}, {}, {{"axes", axes}}};
  if (axes.empty()) {
    builder.contribute(tensor, reshape_node(gradient, wanted));
  } else if (left == wanted) {
    builder.contribute(tensor, std::move(sum));
  } else {
    builder.contribute(tensor, reshape_node(builder.emit(name + ".sum", std::move(sum)), wanted));
  }
}

}  // namespace etude::ops
