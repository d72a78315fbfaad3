// SPDX-License-Identifier: Apache-2.0
// Operators that ONNX holds in other forms than ours.
#include <algorithm>
#include <cmath>
#include <limits>

#include "workloads/onnx/exporter.h"
#include "workloads/ops/function_parameters.h"

namespace etude::onnxio {
void Exporter::own(const Node& node) {
  auto& made = emit(node, name_of(node.op), kOwn, names(node.inputs), names(node.outputs));
  for (const auto& [key, value] : node.attributes) {
    set(made, key, value);
  }
}

void Exporter::gemm(const Node& node) {
  if (shape(node.inputs[0]).size() == 2 && shape(node.inputs[1]).size() == 2) {
    plain(node, "Gemm", "", "transA transB");
    return;
  }
  const bool biased = node.inputs.size() == 3;
  const std::string result = name(node.outputs[0]);
  const std::string product = biased ? result + ".product" : result;
  copy(emit(node, "FusedMatMul", kMicrosoft, {name(node.inputs[0]), name(node.inputs[1])},
            {product}),
       node, "transA transB");
  if (biased) {
    emit(node, "Add", "", {product, name(node.inputs[2])}, {result});
  }
}

void Exporter::scaled(const Node& node, const std::string& x, double factor,
                      const std::string& result) {
  const std::string held = constant(result + ".factor", static_cast<float>(factor));
  emit(node, "Mul", "", {x, held}, {result});
}

void Exporter::softmax(const Node& node) {
  const double scale = node.real("scale", 1);
  const std::string result = name(node.outputs[0]);
  if (node.op == OpType::kSoftmax) {
    std::string x = name(node.inputs[0]);
    if (scale != 1) {
      scaled(node, x, scale, result + ".scaled");
      x = result + ".scaled";
    }
    set(emit(node, "Softmax", "", {x}, {result}), "axis", std::int64_t{-1});
    return;
  }
  const std::string unscaled = scale != 1 ? result + ".unscaled" : result;
  set(emit(node, "SoftmaxGrad", kMicrosoft, names(node.inputs), {unscaled}), "axis",
      std::int64_t{-1});
  if (scale != 1) {
    scaled(node, unscaled, scale, result);
  }
}

void Exporter::gelu(const Node& node) {
  const std::string form = node.text("approximate", "none");
  const std::string grad = node.op == OpType::kGeluGrad ? "Grad" : "";
  plain(node,
        (form == "none"   ? "Gelu"
         : form == "tanh" ? "FastGelu"
                          : "QuickGelu") +
            grad,
        kMicrosoft);
}

void Exporter::cross_entropy_grad(const Node& node) {
  std::vector<std::string> inputs = names(node.inputs);
  if (node.real("scale", 1) != 1) {
    inputs.insert(inputs.begin(), constant(name(node.outputs[0]) + ".scale",
                                           static_cast<float>(node.real("scale", 1))));
  }
  copy(emit(node, "SoftmaxCrossEntropyLossGrad", kMicrosoft, inputs, names(node.outputs)), node,
       "reduction");
}

void Exporter::conv_grad_input(const Node& node) {
  const auto kernel = node.integers("kernel_shape");
  const std::size_t axes = kernel.size();
  const auto stride = node.integers("strides", Integers(axes, 1));
  const auto pads = node.integers("pads", Integers(2 * axes, 0));
  const auto dilation = node.integers("dilations", Integers(axes, 1));
  Integers missing;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const auto outputs = static_cast<std::int64_t>(shape(node.inputs[0])[axis + 2]);
    const std::int64_t reached = (outputs - 1) * stride[axis] +
                                 (kernel[axis] - 1) * dilation[axis] + 1 - pads[axis] -
                                 pads[axis + axes];
    missing.push_back(static_cast<std::int64_t>(shape(node.outputs[0])[axis + 2]) - reached);
  }
  auto& made = emit(node, "ConvTranspose", "", names(node.inputs), names(node.outputs));
  copy(made, node, "kernel_shape strides pads dilations group");
  set(made, "output_padding", missing);
}

void Exporter::average_pool(const Node& node) {
  if (std::ranges::any_of(node.integers("dilations"), [](std::int64_t d) { return d != 1; })) {
    return own(node);  // ONNX has them from opset 19 on
  }
  plain(node, "AveragePool", "", "kernel_shape strides pads");
}

onnx::NodeProto& Exporter::with_integers(const Node& node, const std::string& key,
                                         const Integers& otherwise) {
  const std::string held =
      constant(name(node.outputs[0]) + "." + key, node.integers(key, otherwise));
  return emit(node, name_of(node.op), "", {name(node.inputs[0]), held}, names(node.outputs));
}

void Exporter::with_shape(const Node& node) { with_integers(node, "shape", {}); }

void Exporter::reduce_sum(const Node& node) {
  set(with_integers(node, "axes", {0}), "keepdims", node.integer("keepdims"));
}

void Exporter::sum(const Node& node) { plain(node, node.inputs.size() == 2 ? "Add" : "Sum"); }

void Exporter::scale(const Node& node) {
  scaled(node, name(node.inputs[0]), node.real("factor", 1), name(node.outputs[0]));
}

void Exporter::clip(const Node& node) { clip_to(node, 0, 6); }

void Exporter::clip_to(const Node& node, float least, float most) {
  const std::string result = name(node.outputs[0]);
  emit(node, "Clip", "",
       {name(node.inputs[0]), std::isinf(least) ? "" : constant(result + ".least", least),
        std::isinf(most) ? "" : constant(result + ".most", most)},
       names(node.outputs));
}

void Exporter::piecewise(const Node& node) {
  const std::vector<float> p = parameters_of(node);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const bool closed = node.integer("closed", 1) != 0;
  const bool plain_middle = p[4] == 1 && p[5] == 0;
  if (closed && plain_middle && p[2] == 0 && p[3] == 0) {
    clip_to(node, p[0], p[1]);
  } else if (!closed && plain_middle && p[0] == 0 && p[1] == kInfinity) {
    set(emit(node, "LeakyRelu", "", names(node.inputs), names(node.outputs)), "alpha",
        static_cast<double>(p[2]));
  } else if (!closed && plain_middle && p[0] == 0 && p[1] == 0 && p[2] == -1 && p[3] == 1) {
    emit(node, "Abs", "", names(node.inputs), names(node.outputs));
  } else if (!closed && p[0] == 0 && p[1] == 1 && p[2] == 0 && p[3] == 0) {
    auto& made = emit(node, "HardSigmoid", "", names(node.inputs), names(node.outputs));
    set(made, "alpha", static_cast<double>(p[4]));
    set(made, "beta", static_cast<double>(p[5]));
  } else {
    own(node);
  }
}

void Exporter::elu(const Node& node) {
  const double gamma = node.real("gamma", 1);
  if (static_cast<float>(node.real("rate", 1)) != 1) {
    return own(node);
  }
  plain(node, gamma == 1 ? "Elu" : "Selu", "", gamma == 1 ? "alpha" : "alpha gamma");
}

void Exporter::power(const Node& node) {
  emit(
      node, "Pow", "",
      {name(node.inputs[0]), constant(name(node.outputs[0]) + ".exponent", parameters_of(node)[0])},
      names(node.outputs));
}

void Exporter::batch_norm(const Node& node) {
  if (node.integer("training") != 0) {
    return own(node);  // ONNX would have the running statistics updated as well
  }
  plain(node, "BatchNormalization", "", "epsilon momentum");
}

void Exporter::log_softmax(const Node& node) {
  set(emit(node, "LogSoftmax", "", names(node.inputs), names(node.outputs)), "axis",
      std::int64_t{-1});
}

void Exporter::slice(const Node& node) {
  const std::string result = name(node.outputs[0]);
  const Integers starts = node.integers("starts"), steps = node.integers("steps");
  const Integers extents = node.integers("shape");
  Integers ends, axes;
  for (std::size_t d = 0; d < starts.size(); ++d) {
    const std::int64_t end = starts[d] + extents[d] * steps[d];
    ends.push_back(end < 0 ? std::numeric_limits<std::int64_t>::min() : end);
    axes.push_back(static_cast<std::int64_t>(d));
  }
  emit(
      node, "Slice", "",
      {name(node.inputs[0]), constant(result + ".starts", starts), constant(result + ".ends", ends),
       constant(result + ".axes", axes), constant(result + ".steps", steps)},
      {result});
}

void Exporter::pad(const Node& node) {
  const Integers starts = node.integers("starts"), steps = node.integers("steps");
  if (std::ranges::any_of(steps, [](std::int64_t step) { return step != 1; })) {
    return own(node);
  }
  const std::string result = name(node.outputs[0]);
  Integers pads = starts;
  for (std::size_t d = 0; d < starts.size(); ++d) {
    pads.push_back(node.integers("shape")[d] - starts[d] -
                   static_cast<std::int64_t>(shape(node.inputs[0])[d]));
  }
  emit(node, "Pad", "",
       {name(node.inputs[0]), constant(result + ".pads", pads),
        constant(result + ".value", static_cast<float>(node.real("value", 0)))},
       {result});
}

}  // namespace etude::onnxio
