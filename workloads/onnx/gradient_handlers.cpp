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
  const std::size_t rank = image.size();
  if ((rank != 3 && rank != 4) || filter.size() != rank ||
      node.text("auto_pad", "NOTSET") != "NOTSET") {
    to.reject(node, "works on data of shape " + to_string(image) + " or has auto_pad",
              "images and signals with explicit pads are supported");
  }
  const std::size_t axes = rank - 2;
  Attributes attributes{{"kernel_shape", Integers(filter.begin() + 2, filter.end())},
                        {"strides", node.integers("strides").value_or(Integers(axes, 1))},
                        {"pads", node.integers("pads").value_or(Integers(2 * axes, 0))},
                        {"dilations", node.integers("dilations").value_or(Integers(axes, 1))},
                        {"group", node.integer("group", 1)}};
  if (node.has_output(1)) {
    to.add(node, OpType::kConvGradWeight, {dy, x}, attributes, node.outputs[1]);
  }
  if (node.has_output(2)) {
    to.add(node, OpType::kReduceSum, {dy},
           {{"axes", rank == 3 ? Integers{0, 2} : Integers{0, 2, 3}}}, node.outputs[2]);
  }
  if (node.has_output(0)) {
    attributes["shape"] = Integers(image.begin(), image.end());
    to.add(node, OpType::kConvGradInput, {dy, w}, attributes, node.outputs[0]);
  }
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
      {"SoftmaxCrossEntropyLossGrad", cross_entropy_grad},
      {"SGD", sgd},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
