// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/image_geometry.h"

#include <algorithm>
#include <stdexcept>

#include "models/base/error.h"
#include "workloads/ops/window.h"

namespace etude::compiler {

ImageGeometry geometry_of(const Graph& graph, const Node& node, const Shape& image) {
  const ops::Window w = ops::window_of(graph, node, image);
  const auto narrow = [](std::int64_t v) { return static_cast<std::uint32_t>(v); };
  ImageGeometry g;
  g.samples = static_cast<std::uint32_t>(image[0]);
  g.channels = static_cast<std::uint32_t>(image[1]);
  g.height = narrow(w.in[0]);
  g.width = narrow(w.in[1]);
  g.kernel_h = narrow(w.kernel[0]);
  g.kernel_w = narrow(w.kernel[1]);
  g.stride_h = narrow(w.stride[0]);
  g.stride_w = narrow(w.stride[1]);
  g.top = static_cast<std::int32_t>(w.pad[0]);
  g.left = static_cast<std::int32_t>(w.pad[1]);
  g.out_height = narrow(w.out[0]);
  g.out_width = narrow(w.out[1]);
  g.dilation_h = g.kernel_h > 1 ? narrow(w.dilation[0]) : 1;
  g.dilation_w = g.kernel_w > 1 ? narrow(w.dilation[1]) : 1;
  constexpr std::uint32_t kMost = 32767;  // half a word in the kernels' arguments
  if (std::max({g.kernel_h, g.kernel_w, g.stride_h, g.stride_w, g.height, g.width, g.dilation_h,
                g.dilation_w}) > kMost ||
      std::max(g.top, g.left) > static_cast<std::int32_t>(kMost)) {
    throw UserError("node '" + node.name + "'",
                    "a window or image of more than 32767 rows or columns is not available on "
                    "the simulated chip",
                    "use smaller ones");
  }
  return g;
}

std::optional<ImageGeometry> upright(const ImageGeometry& g) {
  if (g.height != 1 || g.width == 1 || g.kernel_h != 1 || g.top != 0 || g.out_height != 1) {
    return std::nullopt;
  }
  ImageGeometry turned = g;
  turned.height = g.width;
  turned.kernel_h = g.kernel_w;
  turned.stride_h = g.stride_w;
  turned.top = g.left;
  turned.out_height = g.out_width;
  turned.dilation_h = g.dilation_w;
  turned.width = turned.kernel_w = turned.stride_w = turned.out_width = turned.dilation_w = 1;
  turned.left = 0;
  return turned;
}

ImageRows rows_under(const ImageGeometry& g, const Strip& strip) {
  const auto begin =
      static_cast<std::int64_t>(strip.row) * g.stride_h - static_cast<std::int64_t>(g.top);
  const std::int64_t end = begin + static_cast<std::int64_t>(strip.rows - 1) * g.stride_h +
                           static_cast<std::int64_t>(g.reach_h());
  const auto height = static_cast<std::int64_t>(g.height);
  // A strip that sees only padding still gets a row, so that no buffer is empty.
  const std::int64_t first = std::clamp<std::int64_t>(begin, 0, height - 1);
  const std::int64_t last = std::clamp<std::int64_t>(end, first + 1, height);
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first)};
}

std::uint32_t most_rows_under(const ImageGeometry& g, std::uint32_t rows) {
  return std::min(g.height, (rows - 1) * g.stride_h + g.reach_h());
}

WindowView view_of(const ImageGeometry& g, std::uint32_t channels, const Strip& strip,
                   const ImageRows& there, std::uint32_t channel_pitch) {
  WindowView view;
  view.channels = channels;
  view.height = there.count;
  view.width = g.width;
  view.channel_pitch = channel_pitch;
  view.kernel = g.kernel_h << 16 | g.kernel_w;
  view.stride = g.stride_h << 16 | g.stride_w;
  const std::int32_t top = g.top + static_cast<std::int32_t>(there.first) -
                           static_cast<std::int32_t>(strip.row * g.stride_h);
  view.pad = static_cast<std::uint32_t>(top) << 16 | (static_cast<std::uint32_t>(g.left) & 0xFFFFu);
  view.out_height = strip.rows;
  view.out_width = g.out_width;
  view.dilation = g.dilation_h << 16 | g.dilation_w;
  return view;
}

etude_kernel dilated(etude_kernel number) {
  switch (number) {
    case ETUDE_KERNEL_IM2COL:
      return ETUDE_KERNEL_IM2COL_DILATED;
    case ETUDE_KERNEL_IM2ROW:
      return ETUDE_KERNEL_IM2ROW_DILATED;
    case ETUDE_KERNEL_COL2IM:
      return ETUDE_KERNEL_COL2IM_DILATED;
    case ETUDE_KERNEL_MAXPOOL:
      return ETUDE_KERNEL_MAXPOOL_DILATED;
    case ETUDE_KERNEL_MAXPOOL_GRAD:
      return ETUDE_KERNEL_MAXPOOL_GRAD_DILATED;
    case ETUDE_KERNEL_AVGPOOL:
      return ETUDE_KERNEL_AVGPOOL_DILATED;
    case ETUDE_KERNEL_AVGPOOL_GRAD:
      return ETUDE_KERNEL_AVGPOOL_GRAD_DILATED;
    case ETUDE_KERNEL_DEPTHWISE:
      return ETUDE_KERNEL_DEPTHWISE_DILATED;
    case ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT:
      return ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT_DILATED;
    case ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT:
      return ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT_DILATED;
    default:
      throw std::logic_error("a kernel without windows has no dilated form");
  }
}

}  // namespace etude::compiler
