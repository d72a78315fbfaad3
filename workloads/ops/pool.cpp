// SPDX-License-Identifier: Apache-2.0
// MaxPool, MaxPoolGrad(dy, x): the first maximum of a window in row order gets its dy.
// AveragePool, AveragePoolGrad(dy): attribute shape of x; what lies outside the image is not
// counted. Attributes: a window's (window.h). Images have four extents, signals three.
#include <limits>

#include "workloads/ops/op_rules.h"
#include "workloads/ops/window.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

Shape image_shape(const Graph& graph, const Node& node) {
  if (node.op == OpType::kAveragePoolGrad) {
    const auto shape = node.integers("shape");
    return Shape(shape.begin(), shape.end());
  }
  return graph.tensor(node.inputs.back()).shape;
}

/// Errors: UserError when a window has no tap on the image: it has neither maximum nor mean.
void expect_pixels(const Graph& graph, const Node& node, const Window& w) {
  for (int axis = 0; axis < 2; ++axis) {
    for (std::int64_t output = 0; output < w.out[axis]; ++output) {
      const std::int64_t first = w.position(axis, output, 0);
      const std::int64_t step = w.dilation[axis];
      const std::int64_t tap = first < 0 ? (step - 1 - first) / step : 0;
      if (tap >= w.kernel[axis] || first + tap * step >= w.in[axis]) {
        shape_error(graph, node, "every window covers a pixel of the image");
      }
    }
  }
}

void infer(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, node.op == OpType::kMaxPoolGrad ? 2 : 1);
  const Shape image = image_shape(graph, node);
  const Window w = window_of(graph, node, image);
  expect_pixels(graph, node, w);
  const Shape pooled = windowed_shape(image.size(), static_cast<std::int64_t>(image[0]),
                                      static_cast<std::int64_t>(image[1]), w.out[0], w.out[1]);
  const DType type = graph.tensor(node.inputs[0]).dtype;
  if (node.op == OpType::kMaxPool || node.op == OpType::kAveragePool) {
    set_output(graph, node, 0, pooled, type);
    return;
  }
  if (graph.tensor(node.inputs[0]).shape != pooled) {
    shape_error(graph, node, "the gradient must be " + to_string(pooled));
  }
  set_output(graph, node, 0, image, type);
}

void gradient(GradientBuilder& builder, NodeId id) {
  const Node node = builder.graph().node(id);
  if (!builder.wants(node.inputs[0])) {
    return;
  }
  const TensorId dy = builder.gradient_of(node.outputs[0]);
  if (node.op == OpType::kMaxPool) {
    builder.contribute(
        node.inputs[0],
        Node{
            "", OpType::kMaxPoolGrad, Phase::kBackward, {dy, node.inputs[0]}, {}, node.attributes});
    return;
  }
  const Shape& shape = builder.graph().tensor(node.inputs[0]).shape;
  Node made{"", OpType::kAveragePoolGrad, Phase::kBackward, {dy}, {}, node.attributes};
  made.attributes["shape"] = std::vector<std::int64_t>(shape.begin(), shape.end());
  builder.contribute(node.inputs[0], std::move(made));
}

/// Calls visit(output element, elements of the image under its window) in order.
template <typename Visit>
void for_windows(const Shape& image, const Window& w, Visit visit) {
  std::vector<std::uint64_t> under;
  std::uint64_t output = 0;
  const auto pixels = static_cast<std::uint64_t>(w.in[0] * w.in[1]);
  for (std::uint64_t plane = 0; plane < image[0] * image[1]; ++plane) {
    for (std::int64_t oy = 0; oy < w.out[0]; ++oy) {
      for (std::int64_t ox = 0; ox < w.out[1]; ++ox) {
        under.clear();
        for (std::int64_t tap = 0; tap < w.kernel[0] * w.kernel[1]; ++tap) {
          const std::int64_t y = w.position(0, oy, tap / w.kernel[1]);
          const std::int64_t x = w.position(1, ox, tap % w.kernel[1]);
          if (w.inside(0, y) && w.inside(1, x)) {
            under.push_back(plane * pixels + static_cast<std::uint64_t>(y * w.in[1] + x));
          }
        }
        visit(output++, under);
      }
    }
  }
}

std::optional<std::uint64_t> first_maximum(const std::vector<double>& x,
                                           const std::vector<std::uint64_t>& under) {
  std::optional<std::uint64_t> best;
  for (std::uint64_t element : under) {
    if (!best || x[element] > x[*best]) {
      best = element;
    }
  }
  return best;
}

/// `visit(result, out, under)` for each window: number of the output and the elements under it.
template <typename Visit>
void evaluate_windows(const Graph& graph, const Node& node, TensorValues& values, Visit&& visit) {
  const Shape image = image_shape(graph, node);
  std::vector<double> result(graph.tensor(node.outputs[0]).elements(), 0.0);
  for_windows(image, window_of(graph, node, image),
              [&](std::uint64_t out, const std::vector<std::uint64_t>& under) {
                visit(result, out, under);
              });
  values[node.outputs[0]] = std::move(result);
}

using Elements = std::vector<std::uint64_t>;

void evaluate_max(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  evaluate_windows(graph, node, values,
                   [&](std::vector<double>& y, std::uint64_t out, const Elements& under) {
                     if (const auto best = first_maximum(x, under)) {
                       y[out] = x[*best];
                     }
                   });
}

void evaluate_max_grad(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& dy = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  evaluate_windows(graph, node, values,
                   [&](std::vector<double>& dx, std::uint64_t out, const Elements& under) {
                     if (const auto best = first_maximum(x, under)) {
                       dx[*best] += dy[out];
                     }
                   });
}

void evaluate_average(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& x = values[node.inputs[0]];
  evaluate_windows(graph, node, values,
                   [&](std::vector<double>& y, std::uint64_t out, const Elements& under) {
                     for (std::uint64_t element : under) {
                       y[out] += x[element];
                     }
                     y[out] = under.empty() ? 0 : y[out] / static_cast<double>(under.size());
                   });
}

void evaluate_average_grad(const Graph& graph, const Node& node, TensorValues& values) {
  const auto& dy = values[node.inputs[0]];
  evaluate_windows(graph, node, values,
                   [&](std::vector<double>& dx, std::uint64_t out, const Elements& under) {
                     for (std::uint64_t element : under) {
                       dx[element] += dy[out] / static_cast<double>(under.size());
                     }
                   });
}

}  // namespace

const OpRules kMaxPoolRules{infer, gradient, evaluate_max, no_macs};
const OpRules kMaxPoolGradRules{infer, nullptr, evaluate_max_grad, no_macs};
const OpRules kAveragePoolRules{infer, gradient, evaluate_average, no_macs};
const OpRules kAveragePoolGradRules{infer, nullptr, evaluate_average_grad, no_macs};

}  // namespace etude::ops
