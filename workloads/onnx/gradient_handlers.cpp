// SPDX-License-Identifier: Apache-2.0
// Operators of the backward pass and the update, as com.microsoft and TrainDeeploy's exporter have
// them: the gradient of the result comes first.
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

void gelu_grad(Translator& to, const RawNode& node) {
  to.add(node, OpType::kGeluGrad, {to.value(node, 0), to.value(node, 1)},
         {{"approximate", gelu_form(to, node)}}, node.outputs.at(0));
}

void softmax_grad(Translator& to, const RawNode& node) {
  const TensorId y = to.value(node, 1);
  const auto rank = static_cast<std::int64_t>(to.shape(y).size());
  // Without an axis that of com.microsoft is 1, that of exporters' own dialects the last one.
  const bool last = node.op == "SoftmaxGrad_13" || rank == 2;
  if (!last && !node.attributes.contains("axis")) {
    to.reject(node, "has no axis", "give it: -1 is supported");
  }
  const std::int64_t axis = node.integer("axis", -1);
  if (axis != -1 && axis != rank - 1) {
    to.reject(node, "has axis " + std::to_string(axis) + " of " + std::to_string(rank),
              "the last axis is supported");
  }
  to.add(node, OpType::kSoftmaxGrad, {to.value(node, 0), y}, {}, node.outputs.at(0));
}

void layer_norm_grad(Translator& to, const RawNode& node) {
  const TensorId dy = to.value(node, 0);
  const TensorId x = to.value(node, 1);
  const auto rank = static_cast<std::int64_t>(to.shape(x).size());
  const std::int64_t axis = node.integer("axis", -1);
  if (axis != -1 && axis != rank - 1) {
    to.reject(node, "has axis " + std::to_string(axis) + " of " + std::to_string(rank),
              "the last axis is supported");
  }
  const Attributes attributes{{"epsilon", node.real("epsilon", 1e-5)}};
  if (node.has_output(0)) {
    to.add(node, OpType::kLayerNormGrad, {dy, x, to.value(node, 2)}, attributes, node.outputs[0]);
  }
  if (node.has_output(1) || node.has_output(2)) {
    to.add_many(node, OpType::kLayerNormAffineGrad, {dy, x}, attributes,
                {{node.has_output(1) ? node.outputs[1] : "", TensorKind::kGradient},
                 {node.has_output(2) ? node.outputs[2] : "", TensorKind::kGradient}});
  }
}

void conv_grad(Translator& to, const RawNode& node) {
  const TensorId dy = to.value(node, 0);
  const TensorId x = to.value(node, 1);
  const TensorId w = to.value(node, 2);
  const Shape image = to.shape(x);
  const Shape filter = to.shape(w);
  if (image.size() != 4 || filter.size() != 4 || node.text("auto_pad", "NOTSET") != "NOTSET") {
    to.reject(node, "works on data of shape " + to_string(image) + " or has auto_pad",
              "images with explicit pads are supported");
  }
  Attributes attributes{{"kernel_shape", Integers{static_cast<std::int64_t>(filter[2]),
                                                  static_cast<std::int64_t>(filter[3])}},
                        {"strides", node.integers("strides").value_or(Integers{1, 1})},
                        {"pads", node.integers("pads").value_or(Integers{0, 0, 0, 0})},
                        {"dilations", node.integers("dilations").value_or(Integers{1, 1})},
                        {"group", node.integer("group", 1)}};
  if (node.has_output(1)) {
    to.add(node, OpType::kConvGradWeight, {dy, x}, attributes, node.outputs[1]);
  }
  if (node.has_output(2)) {
    to.add(node, OpType::kReduceSum, {dy}, {{"axes", Integers{0, 2, 3}}}, node.outputs[2]);
  }
  if (node.has_output(0)) {
    attributes["shape"] = Integers(image.begin(), image.end());
    to.add(node, OpType::kConvGradInput, {dy, w}, attributes, node.outputs[0]);
  }
}

/// A transposed convolution is the gradient of a convolution with respect to its image.
void conv_transpose(Translator& to, const RawNode& node) {
  const TensorId dy = to.value(node, 0);
  const TensorId w = to.value(node, 1);
  const Shape gradient = to.shape(dy);
  const Shape filter = to.shape(w);
  const Integers stride = node.integers("strides").value_or(Integers{1, 1});
  const Integers pads = node.integers("pads").value_or(Integers{0, 0, 0, 0});
  const Integers dilation = node.integers("dilations").value_or(Integers{1, 1});
  const Integers missing = node.integers("output_padding").value_or(Integers{0, 0});
  if (gradient.size() != 4 || filter.size() != 4 || node.has_input(2) || stride.size() != 2 ||
      pads.size() != 4 || dilation.size() != 2 || missing.size() != 2 ||
      node.text("auto_pad", "NOTSET") != "NOTSET" || node.integers("output_shape")) {
    to.reject(node, "has a bias, auto_pad, output_shape or no image",
              "it is supported as the gradient of a convolution");
  }
  const std::int64_t group = node.integer("group", 1);
  Integers image{static_cast<std::int64_t>(gradient[0]),
                 static_cast<std::int64_t>(filter[1]) * group};
  Integers kernel;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    kernel.push_back(static_cast<std::int64_t>(filter[axis + 2]));
    image.push_back((static_cast<std::int64_t>(gradient[axis + 2]) - 1) * stride[axis] +
                    (kernel[axis] - 1) * dilation[axis] + 1 - pads[axis] - pads[axis + 2] +
                    missing[axis]);
  }
  to.add(node, OpType::kConvGradInput, {dy, w},
         {{"kernel_shape", kernel},
          {"strides", stride},
          {"pads", pads},
          {"dilations", dilation},
          {"group", group},
          {"shape", image}},
         node.outputs.at(0));
}

void cross_entropy_grad(Translator& to, const RawNode& node) {
  if (node.inputs.size() > 3 || node.integer("ignore_index", -1) >= 0) {
    to.reject(node, "has weights of classes or an ignored class", "neither is supported");
  }
  // Two inputs: (log_prob, labels); three: the gradient of the loss, a constant, before them.
  double scale = 1;
  const std::size_t first = node.inputs.size() == 3 ? 1 : 0;
  if (first == 1) {
    const RawTensor* given = to.constant(node, 0);
    if (given == nullptr || given->reals.size() != 1) {
      to.reject(node, "the gradient of its loss is computed by the graph",
                "it must be a constant of one element");
    }
    scale = given->reals[0];
  }
  to.add(node, OpType::kSoftmaxCrossEntropyGrad,
         {to.value(node, first), to.labels(node, first + 1)},
         {{"reduction", node.text("reduction", "mean")}, {"scale", scale}}, node.outputs.at(0));
}

void sgd(Translator& to, const RawNode& node) {
  if (!node.attributes.contains("lr")) {
    to.reject(node, "has no attribute lr", "give the learning rate there");
  }
  to.add_update(node, to.value(node, 0), to.value(node, 1));
}

}  // namespace

Handler gradient_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"GeluGrad", gelu_grad},
      {"FastGeluGrad", gelu_grad},
      {"QuickGeluGrad", gelu_grad},
      {"SoftmaxGrad", softmax_grad},
      {"SoftmaxGrad_13", softmax_grad},
      {"LayerNormalizationGrad", layer_norm_grad},
      {"ConvGrad", conv_grad},
      {"ConvTranspose", conv_transpose},
      {"SoftmaxCrossEntropyLossGrad", cross_entropy_grad},
      {"SGD", sgd},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
