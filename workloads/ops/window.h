// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "workloads/ops/op_rules.h"

namespace etude::ops {

/// A window that slides over images [samples, channels, height, width]: attributes kernel_shape,
/// strides, pads (top, left, bottom, right) and dilations of a node. Signals [samples, channels,
/// length], whose attributes have half as many numbers, are images of height 1.
struct Window {
  std::int64_t kernel[2] = {1, 1};
  std::int64_t stride[2] = {1, 1};
  std::int64_t pad[4] = {0, 0, 0, 0};
  std::int64_t dilation[2] = {1, 1};
  std::int64_t in[2] = {1, 1};
  std::int64_t out[2] = {1, 1};

  /// The image row (axis 0) or column (1) under a tap; outside the image it is not valid.
  std::int64_t position(int axis, std::int64_t output, std::int64_t tap) const {
    return output * stride[axis] - pad[axis] + tap * dilation[axis];
  }
  bool inside(int axis, std::int64_t position) const {
    return position >= 0 && position < in[axis];
  }
};

/// The window of a node over images or signals of shape `image`. Errors: UserError when attributes
/// or shape do not fit.
Window window_of(const Graph& graph, const Node& node, const Shape& image);

/// {a, b, height, width} beside an image, {a, b, width} beside a signal of `rank` 3.
Shape windowed_shape(std::size_t rank, std::int64_t a, std::int64_t b, std::int64_t height,
                     std::int64_t width);

}  // namespace etude::ops
