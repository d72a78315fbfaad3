// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/graph/graph.h"
#include "workloads/training/backward.h"

namespace etude::ops {

/// The shape that both broadcast to (aligned at the last extent, as in ONNX), if there is one.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// For every element of `to` in order: the element of a tensor of shape `from` that it reads.
std::vector<std::uint64_t> broadcast_offsets(const Shape& from, const Shape& to);

/// Contributes `gradient` to `tensor`, summed over the axes along which `tensor` was broadcast to
/// the gradient's shape. `name` prefixes the nodes in between.
void contribute_summed(GradientBuilder& builder, TensorId tensor, TensorId gradient,
                       const std::string& name);

/// A reshape to `shape` as a node of the backward pass.
Node reshape_node(TensorId input, const Shape& shape);

}  // namespace etude::ops
