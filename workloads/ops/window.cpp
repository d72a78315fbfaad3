// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/window.h"

#include <algorithm>

namespace etude::ops {

Window window_of(const Graph& graph, const Node& node, const Shape& image) {
  const auto kernel = node.integers("kernel_shape");
  const std::size_t axes = image.size() == 3 ? 1 : 2;
  const auto stride = node.integers("strides", std::vector<std::int64_t>(axes, 1));
  const auto pad = node.integers("pads", std::vector<std::int64_t>(2 * axes, 0));
  const auto dilation = node.integers("dilations", std::vector<std::int64_t>(axes, 1));
  if (image.size() != axes + 2 || kernel.size() != axes || stride.size() != axes ||
      pad.size() != 2 * axes || dilation.size() != axes) {
    shape_error(graph, node,
                "images have four extents, kernel_shape, strides and dilations two, pads four; "
                "signals have three, one and two");
  }
  Window window;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::size_t axis = i + 2 - axes;
    window.kernel[axis] = kernel[i];
    window.stride[axis] = stride[i];
    window.dilation[axis] = dilation[i];
    window.pad[axis] = pad[i];
    window.pad[axis + 2] = pad[i + axes];
    window.in[axis] = static_cast<std::int64_t>(image[i + 2]);
    constexpr std::int64_t kMost = 1 << 20;  // so that no product overflows
    if (std::max({kernel[i], stride[i], dilation[i], pad[i], pad[i + axes]}) > kMost) {
      shape_error(graph, node, "no attribute of the window is above " + std::to_string(kMost));
    }
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    const std::int64_t room = window.in[axis] + pad[i] + pad[i + axes] - reach;
    if (kernel[i] < 1 || stride[i] < 1 || dilation[i] < 1 || pad[i] < 0 || pad[i + axes] < 0 ||
        room < 0) {
      shape_error(graph, node, "kernel, strides and dilations are at least 1 and fit the image");
    }
    window.out[axis] = room / stride[i] + 1;
  }
  return window;
}

Shape windowed_shape(std::size_t rank, std::int64_t a, std::int64_t b, std::int64_t height,
                     std::int64_t width) {
  Shape shape;
  for (const std::int64_t extent : {a, b, height, width}) {
    shape.push_back(static_cast<std::uint64_t>(extent));
  }
  if (rank == 3) {
    shape.erase(shape.begin() + 2);
  }
  return shape;
}

}  // namespace etude::ops
