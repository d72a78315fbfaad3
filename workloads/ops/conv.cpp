// SPDX-License-Identifier: Apache-2.0
// Conv(x, w[, bias]): x [N,C,H,W], w [O,C/group,kh,kw], bias [O]. Attributes group and a window's
// (window.h). ConvGradInput(dy, w): attribute shape of x. ConvGradWeight(dy, x).
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

  std::int64_t image() const { return window.in[0] * window.in[1]; }
  std::int64_t pixels() const { return window.out[0] * window.out[1]; }
  std::int64_t taps() const { return window.kernel[0] * window.kernel[1]; }
};

Convolution make(const Graph& graph, const Node& node, const Shape& image,
                 std::uint64_t out_channels) {
  Convolution conv;
  conv.window = window_of(graph, node, image);
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
  if (shape_of(0).size() != 4 || shape_of(1).size() != 4) {
    shape_error(graph, node, "images and weights have four extents");
  }
  if (node.op == OpType::kConv) {
    return make(graph, node, shape_of(0), shape_of(1)[0]);
  }
  if (node.op == OpType::kConvGradWeight) {
    return make(graph, node, shape_of(1), shape_of(0)[1]);
  }
  const auto shape = node.integers("shape");
  return make(graph, node, Shape(shape.begin(), shape.end()), shape_of(1)[0]);
}

Shape shape_of(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  return {static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b),
          static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(d)};
}

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, node.op == OpType::kConv ? 3 : 2);
  const Convolution c = convolution(graph, node);
  const Window& w = c.window;
  const Shape x = shape_of(c.samples, c.groups * c.in_channels, w.in[0], w.in[1]);
  const Shape weight = shape_of(c.groups * c.out_channels, c.in_channels, w.kernel[0], w.kernel[1]);
  const Shape y = shape_of(c.samples, c.groups * c.out_channels, w.out[0], w.out[1]);
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
    set_output(graph, node, 0, x, type);
  } else {
    if (first != y) {
      shape_error(graph, node, "the gradient must be " + to_string(y));
    }
    set_output(graph, node, 0, weight, type);
  }
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
  if (node.inputs.size() == 3 && builder.wants(node.inputs[2])) {
    builder.contribute(node.inputs[2], Node{"",
                                            OpType::kReduceSum,
                                            Phase::kBackward,
                                            {dy},
                                            {},
                                            {{"axes", std::vector<std::int64_t>{0, 2, 3}}}});
  }
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
    for (std::uint64_t i = 0; i < elements; ++i) {
      const auto plane = static_cast<std::int64_t>(i) / c.pixels();
      result[i] =
          values[node.inputs[2]][static_cast<std::size_t>(plane % (c.groups * c.out_channels))];
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
const OpRules kConvGradInputRules{infer, nullptr, evaluate, macs};
const OpRules kConvGradWeightRules{infer, nullptr, evaluate, macs};

}  // namespace etude::ops
