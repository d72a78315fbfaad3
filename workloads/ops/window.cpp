// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/window.h"

#include <algorithm>

namespace etude::ops {

Window window_of(const Graph& graph, const Node& node, const Shape& image) {
  const auto kernel = node.integers("kernel_shape");
  const auto stride = node.integers("strides", {1, 1});
  const auto pad = node.integers("pads", {0, 0, 0, 0});
  const auto dilation = node.integers("dilations", {1, 1});
  if (image.size() != 4 || kernel.size() != 2 || stride.size() != 2 || pad.size() != 4 ||
      dilation.size() != 2) {
    shape_error(graph, node,
                "images have four extents, kernel_shape, strides and dilations two, pads four");
  }
  Window window;
  for (int axis = 0; axis < 2; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    window.kernel[axis] = kernel[i];
    window.stride[axis] = stride[i];
    window.dilation[axis] = dilation[i];
    window.pad[axis] = pad[i];
    window.pad[axis + 2] = pad[i + 2];
    window.in[axis] = static_cast<std::int64_t>(image[i + 2]);
    constexpr std::int64_t kMost = 1 << 20;  // so that no product overflows
    if (std::max({kernel[i], stride[i], dilation[i], pad[i], pad[i + 2]}) > kMost) {
      shape_error(graph, node, "no attribute of the window is above " + std::to_string(kMost));
    }
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    const std::int64_t room = window.in[axis] + pad[i] + pad[i + 2] - reach;
    if (kernel[i] < 1 || stride[i] < 1 || dilation[i] < 1 || pad[i] < 0 || pad[i + 2] < 0 ||
        room < 0) {
      shape_error(graph, node, "kernel, strides and dilations are at least 1 and fit the image");
    }
    window.out[axis] = room / stride[i] + 1;
  }
  return window;
}

}  // namespace etude::ops
