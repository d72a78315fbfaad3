// SPDX-License-Identifier: Apache-2.0
// Conv(x, w[, bias]): x [N,C,H,W], w [O,C/group,kh,kw], bias [O], or x [N,C,L], w [O,C/group,k].
// Attributes group and a window's (window.h). ConvGradInput(dy, w[, bias]): attribute shape of x;
// in the forward pass it is the transposed convolution of dy, with a bias [C]. ConvGradWeight(dy,
// x).
#include "workloads/ops/broadcast.h"
#include "workloads/ops/op_rules.h"
#include "workloads/ops/window.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

/// Extents of a convolution, whichever of its tensors is the result.
struct Convolution {
  Window window;
  std::int64_t samples = 1, groups = 1, in_channels = 1, out_channels = 1;  ///< channels per group
  std::size_t rank = 4;                                                     ///< 3: signals

  std::int64_t image() const { return window.in[0] * window.in[1]; }
  std::int64_t pixels() const { return window.out[0] * window.out[1]; }
  std::int64_t taps() const { return window.kernel[0] * window.kernel[1]; }
};

Convolution make(const Graph& graph, const Node& node, const Shape& image,
                 std::uint64_t out_channels) {
  Convolution conv;
  conv.window = window_of(graph, node, image);
  conv.rank = image.size();
  conv.samples = static_cast<std::int64_t>(image[0]);
  conv.groups = node.integer("group", 1);
  const auto channels = static_cast<std::int64_t>(image[1]);
  const auto outputs = static_cast<std::int64_t>(out_channels);
  if (conv.groups < 1 || channels % conv.groups != 0 || outputs % conv.groups != 0) {
    shape_error(graph, node, "group divides the channels");
  }
  conv.in_channels = channels / conv.groups;
  conv.out_channels = outputs / conv.groups;
  return conv;
}

Convolution convolution(const Graph& graph, const Node& node) {
  const auto shape_of = [&](std::size_t i) -> const Shape& {
    return graph.tensor(node.inputs[i]).shape;
  };
  const std::size_t rank = shape_of(0).size();
  if ((rank != 3 && rank != 4) || shape_of(1).size() != rank) {
    shape_error(graph, node,
                "images and their weights have four extents, signals and theirs three");
  }
  if (node.op == OpType::kConv) {
    return make(graph, node, shape_of(0), shape_of(1)[0]);
  }
  if (node.op == OpType::kConvGradWeight) {
    return make(graph, node, shape_of(1), shape_of(0)[1]);
  }
  const auto shape = node.integers("shape");
  if (shape.size() != rank) {
    shape_error(graph, node, "shape has as many extents as they");
  }
  return make(graph, node, Shape(shape.begin(), shape.end()), shape_of(1)[0]);
}

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, node.op == OpType::kConvGradWeight ? 2 : 3);
  const Convolution c = convolution(graph, node);
  const Window& w = c.window;
  const Shape x = windowed_shape(c.rank, c.samples, c.groups * c.in_channels, w.in[0], w.in[1]);
  const Shape weight =
      windowed_shape(c.rank, c.groups * c.out_channels, c.in_channels, w.kernel[0], w.kernel[1]);
  const Shape y = windowed_shape(c.rank, c.samples, c.groups * c.out_channels, w.out[0], w.out[1]);
  const Shape& second = graph.tensor(node.inputs[1]).shape;
  const Shape& first = graph.tensor(node.inputs[0]).shape;
  const DType type = graph.tensor(node.inputs[0]).dtype;
  if (node.op == OpType::kConv) {
    if (second != weight) {
      shape_error(graph, node, "the weight must be " + to_string(weight));
    }
    if (node.inputs.size() == 3 && graph.tensor(node.inputs[2]).shape != Shape{weight[0]}) {
      shape_error(graph, node, "the bias must have one element per output channel");
    }
    set_output(graph, node, 0, y, type);
  } else if (node.op == OpType::kConvGradInput) {
    if (first != y || second != weight) {
      shape_error(graph, node, "they must be " + to_string(y) + " and " + to_string(weight));
    }
    if (node.inputs.size() == 3 && graph.tensor(node.inputs[2]).shape != Shape{x[1]}) {
      shape_error(graph, node, "the bias must have one element per channel of the result");
    }
    set_output(graph, node, 0, x, type);
  } else {
    if (first != y) {
      shape_error(graph, node, "the gradient must be " + to_string(y));
    }
    set_output(graph, node, 0, weight, type);
  }
}

/// The gradient of a bias [channels]: sums over samples and pixels.
void add_bias_gradient(GradientBuilder& builder, const Node& node, TensorId dy) {
  if (node.inputs.size() != 3 || !builder.wants(node.inputs[2])) {
    return;
  }
  std::vector<std::int64_t> axes{0, 2, 3};
  axes.resize(builder.graph().tensor(dy).shape.size() - 1);
  builder.contribute(
      node.inputs[2],
      Node{"", OpType::kReduceSum, Phase::kBackward, {dy}, {}, {{"axes", std::move(axes)}}});
}

/// Of the transposed convolution: what is a gradient there is a convolution here.
void transposed_gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  Attributes attributes = node.attributes;
  attributes.erase("shape");
  if (builder.wants(node.inputs[0])) {
    builder.contribute(
        node.inputs[0],
        Node{"", OpType::kConv, Phase::kBackward, {dy, node.inputs[1]}, {}, attributes});
  }
  if (builder.wants(node.inputs[1])) {
    builder.contribute(
        node.inputs[1],
        Node{"", OpType::kConvGradWeight, Phase::kBackward, {node.inputs[0], dy}, {}, attributes});
  }
  add_bias_gradient(builder, node, dy);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  if (builder.wants(node.inputs[0])) {
    const Shape& shape = builder.graph().tensor(node.inputs[0]).shape;
    Node made{"", OpType::kConvGradInput, Phase::kBackward, {dy, node.inputs[1]},
              {}, node.attributes};
    made.attributes["shape"] = std::vector<std::int64_t>(shape.begin(), shape.end());
    builder.contribute(node.inputs[0], std::move(made));
  }
  if (builder.wants(node.inputs[1])) {
    builder.contribute(node.inputs[1], Node{"",
                                            OpType::kConvGradWeight,
                                            Phase::kBackward,
                                            {dy, node.inputs[0]},
                                            {},
                                            node.attributes});
  }
  add_bias_gradient(builder, node, dy);
}

/// Calls visit(offset into y, offset into x, columns) for each run of one output row that a tap of
/// the window meets: x advances by the stride's columns, y by one.
template <typename Visit>
void for_rows(const Window& w, std::int64_t ky, std::int64_t kx, Visit visit) {
  std::int64_t first = 0;
  while (first < w.out[1] && w.position(1, first, kx) < 0) {
    ++first;
  }
  std::int64_t last = w.out[1];
  while (last > first && w.position(1, last - 1, kx) >= w.in[1]) {
    --last;
  }
  for (std::int64_t oy = 0; oy < w.out[0]; ++oy) {
    const std::int64_t y = w.position(0, oy, ky);
    if (w.inside(0, y)) {
      visit(oy * w.out[1] + first, y * w.in[1] + w.position(1, first, kx), last - first);
    }
  }
}

/// Calls visit(y plane, x plane, weight index, ky, kx) for all taps, channels ascending.
template <typename Visit>
void for_taps(const Convolution& c, Visit visit) {
  for (std::int64_t n = 0; n < c.samples; ++n) {
    for (std::int64_t o = 0; o < c.groups * c.out_channels; ++o) {
      const std::int64_t group = o / c.out_channels;
      for (std::int64_t i = 0; i < c.in_channels; ++i) {
        for (std::int64_t tap = 0; tap < c.taps(); ++tap) {
          visit((n * c.groups * c.out_channels + o) * c.pixels(),
                ((n * c.groups + group) * c.in_channels + i) * c.image(),
                (o * c.in_channels + i) * c.taps() + tap, tap / c.window.kernel[1],
                tap % c.window.kernel[1]);
        }
      }
    }
  }
}

void evaluate(const Graph& graph, const Node& node, TensorValues& values) {
  const Convolution c = convolution(graph, node);
  const auto elements = graph.tensor(node.outputs[0]).elements();
  std::vector<double> result(elements, 0.0);
  if (node.inputs.size() == 3) {
    const std::int64_t plane = node.op == OpType::kConv ? c.pixels() : c.image();
    const auto& bias = values[node.inputs[2]];
    for (std::uint64_t i = 0; i < elements; ++i) {
      result[i] =
          bias[static_cast<std::size_t>(static_cast<std::int64_t>(i) / plane) % bias.size()];
    }
  }
  const double* first = values[node.inputs[0]].data();
  const double* second = values[node.inputs[1]].data();
  const std::int64_t step = c.window.stride[1];
  for_taps(c, [&](std::int64_t y, std::int64_t x, std::int64_t weight, std::int64_t ky,
                  std::int64_t kx) {
    for_rows(c.window, ky, kx, [&](std::int64_t out, std::int64_t in, std::int64_t columns) {
      if (node.op == OpType::kConv) {
        for (std::int64_t i = 0; i < columns; ++i) {
          result[static_cast<std::size_t>(y + out + i)] +=
              second[weight] * first[x + in + i * step];
        }
      } else if (node.op == OpType::kConvGradInput) {
        for (std::int64_t i = 0; i < columns; ++i) {
          result[static_cast<std::size_t>(x + in + i * step)] +=
              second[weight] * first[y + out + i];
        }
      } else {
        double sum = result[static_cast<std::size_t>(weight)];
        for (std::int64_t i = 0; i < columns; ++i) {
          sum += first[y + out + i] * second[x + in + i * step];
        }
        result[static_cast<std::size_t>(weight)] = sum;
      }
    });
  });
  values[node.outputs[0]] = std::move(result);
}

std::uint64_t macs(const Graph& graph, const Node& node) {
  const Convolution c = convolution(graph, node);
  return static_cast<std::uint64_t>(c.samples * c.groups * c.out_channels * c.in_channels *
                                    c.taps() * c.pixels());
}

}  // namespace

const OpRules kConvRules{infer, gradient, evaluate, macs};
const OpRules kConvGradInputRules{infer, transposed_gradient, evaluate, macs};
const OpRules kConvGradWeightRules{infer, nullptr, evaluate, macs};

}  // namespace etude::ops
