// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/include/etude_kernels.h"
#include "workloads/graph/graph.h"

namespace etude::compiler {

/// Images [samples, channels, height, width] under the windows of a convolution or a pooling.
struct ImageGeometry {
  std::uint32_t samples = 1, channels = 1, height = 1, width = 1;
  std::uint32_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  std::int32_t top = 0, left = 0;  ///< padding
  std::uint32_t out_height = 1, out_width = 1;
  std::uint32_t dilation_h = 1, dilation_w = 1;  ///< between taps; 1 where there is one only

  /// Rows from the first to the last one that a window covers.
  std::uint32_t reach_h() const { return (kernel_h - 1) * dilation_h + 1; }
  std::uint32_t image() const { return height * width; }
  std::uint32_t pixels() const { return out_height * out_width; }
  std::uint32_t taps() const { return kernel_h * kernel_w; }
  /// Whether the columns of an image are the image itself.
  bool pointwise() const {
    return taps() == 1 && stride_h == 1 && stride_w == 1 && top == 0 && left == 0 &&
           out_height == height && out_width == width;
  }
};

/// The geometry of a node with a window's attributes over images of shape `image`.
/// A signal is an image of height 1. Errors: UserError for extents beyond half a word.
ImageGeometry geometry_of(const Graph& graph, const Node& node, const Shape& image);

/// The same elements as images of width 1, whose windows can be cut into strips; nothing for images
/// of more than one row.
std::optional<ImageGeometry> upright(const ImageGeometry& geometry);

/// Rows of output pixels of some samples that are worked on together; several samples only if all
/// their rows are in it.
struct Strip {
  std::uint32_t sample = 0, samples = 1, row = 0, rows = 1;
  std::uint32_t pixels(const ImageGeometry& g) const { return samples * rows * g.out_width; }
  friend bool operator==(const Strip&, const Strip&) = default;
};

/// Image rows that a strip's windows touch.
struct ImageRows {
  std::uint32_t first = 0, count = 0;
};
ImageRows rows_under(const ImageGeometry& g, const Strip& strip);
/// The most image rows that a strip of `rows` output rows touches.
std::uint32_t most_rows_under(const ImageGeometry& g, std::uint32_t rows);

/// `channels` images that a window kernel walks: the image rows that are there (`rows`) and the
/// output rows that are made.
struct WindowView {
  std::uint32_t channels = 1, height = 1, width = 1, channel_pitch = 1;  ///< elements
  std::uint32_t kernel = 0, stride = 0, pad = 0;                         ///< packed for the kernels
  std::uint32_t out_height = 1, out_width = 1;
  std::uint32_t dilation = 1u << 16 | 1u;  ///< packed
};
/// The view of a strip of `channels` channels whose image begins with image row `first` of `count`.
WindowView view_of(const ImageGeometry& g, std::uint32_t channels, const Strip& strip,
                   const ImageRows& there, std::uint32_t channel_pitch);

/// The kernel with which the taps of windows may stand apart.
etude_kernel dilated(etude_kernel number);

}  // namespace etude::compiler
