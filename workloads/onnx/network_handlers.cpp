// SPDX-License-Identifier: Apache-2.0
// Operators of the forward pass: products, convolution, pooling, normalisation, activations, loss.
#include <algorithm>
#include <cmath>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

/// Whether a bias is a vector of one number a column, with extents of one before it at most.
bool is_row(const Shape& shape, std::uint64_t columns) {
  return !shape.empty() && shape.back() == columns &&
         std::all_of(shape.begin(), shape.end() - 1, [](std::uint64_t e) { return e == 1; });
}

void gemm(Translator& to, const RawNode& node) {
  const bool plain = node.op == "Gemm";
  const double alpha = node.real("alpha", 1);
  const double beta = node.real("beta", 1);
  const Attributes attributes{{"transA", node.integer("transA", 0)},
                              {"transB", node.integer("transB", 0)}};
  if (node.integer("transBatchA", 0) != 0 || node.integer("transBatchB", 0) != 0) {
    to.reject(node, "transposes the stacks of matrices", "transBatchA and transBatchB are 0");
  }
  std::vector<TensorId> inputs{to.value(node, 0), to.weight(node, 1)};
  const bool biased = plain && node.has_input(2) && beta != 0;
  TensorId bias = biased ? to.weight(node, 2) : 0;
  if (biased && beta != 1) {
    bias = to.add_between(node, OpType::kScale, {bias}, {{"factor", beta}}, ".bias");
  }
  const Shape& b = to.shape(inputs[1]);
  const std::size_t columns = node.integer("transB", 0) != 0 ? 2 : 1;
  if (biased && alpha == 1 && b.size() >= 2 && is_row(to.shape(bias), b[b.size() - columns])) {
    inputs.push_back(bias);
    to.add(node, OpType::kGemm, inputs, attributes, node.outputs.at(0));
    return;
  }
  // Steps of their own: the product, its scale, and a bias that is a number, a column or a matrix.
  const bool last = alpha == 1 && !biased;
  const TensorId product =
      last ? to.add(node, OpType::kGemm, inputs, attributes, node.outputs.at(0))
           : to.add_between(node, OpType::kGemm, inputs, attributes, ".product");
  const TensorId scaled =
      alpha == 1 ? product
      : biased   ? to.add_between(node, OpType::kScale, {product}, {{"factor", alpha}}, ".scaled")
                 : to.add(node, OpType::kScale, {product}, {{"factor", alpha}}, node.outputs.at(0));
  if (biased) {
    to.add(node, OpType::kAdd, {scaled, bias}, {}, node.outputs.at(0));
  }
}

/// The value of a constant of one element.
std::optional<double> scalar(Translator& to, const RawNode& node, std::size_t input) {
  const RawTensor* held = to.constant(node, input);
  return held != nullptr && held->reals.size() == 1 && held->shape.size() <= 1
             ? std::optional<double>(held->reals[0])
             : std::nullopt;
}

void binary(Translator& to, const RawNode& node) {
  const bool product = node.op == "Mul";
  if (product || node.op == "Div") {
    for (std::size_t i = product ? 0 : 1; i < 2; ++i) {
      const auto factor = scalar(to, node, i);
      const TensorId other = factor && !to.constant(node, 1 - i) ? to.value(node, 1 - i) : 0;
      if (factor && !to.constant(node, 1 - i) && !to.shape(other).empty()) {
        to.add(node, OpType::kScale, {other}, {{"factor", product ? *factor : 1 / *factor}},
               node.outputs.at(0));
        return;
      }
    }
  }
  if (node.op == "Sum" && to.raw().opset < 8) {
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (to.shape(to.value(node, i)) != to.shape(to.value(node, 0))) {
        to.reject(node, "broadcasts, which Sum of opset 7 does not", "give inputs of one shape");
      }
    }
  }
  const OpType type = product            ? OpType::kMul
                      : node.op == "Div" ? OpType::kDiv
                      : node.op == "Sub" ? OpType::kSub
                                         : OpType::kAdd;
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(to.operand(node, i));
  }
  to.add(node, type, inputs, {}, node.outputs.at(0));
}

/// Of a constant whole exponent, as products.
void pow(Translator& to, const RawNode& node) {
  const RawTensor* held = to.constant(node, 1);
  std::optional<double> exponent = scalar(to, node, 1);
  if (held != nullptr && held->values.size() == 1) {
    exponent = static_cast<double>(held->values[0]);
  }
  if (exponent != 1 && exponent != 2 && exponent != 3) {
    to.reject(node, "has an exponent that is computed, or other than 1, 2 and 3",
              "those three are supported");
  }
  const TensorId x = to.value(node, 0);
  if (exponent == 1) {
    to.add(node, OpType::kScale, {x}, {{"factor", 1.0}}, node.outputs.at(0));
    return;
  }
  if (exponent == 2) {
    to.add(node, OpType::kMul, {x, x}, {}, node.outputs.at(0));
    return;
  }
  const TensorId square = to.add_between(node, OpType::kMul, {x, x}, {}, ".square");
  to.add(node, OpType::kMul, {square, x}, {}, node.outputs.at(0));
}

/// ceil_mode: a window more where one begins on the image and hangs over its end, and none that
/// begins behind the image. What lies outside counts nothing, so that other pads at the end are the
/// same.
void round_up(const Shape& x, const Integers& kernel, const Integers& stride,
              const Integers& dilation, Integers& pads) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t end = static_cast<std::int64_t>(x[axis + 2]) + pads[axis];
    const std::int64_t reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const std::int64_t room = end + pads[axis + 2] - reach;
    if (stride[axis] < 1 || room < 0) {
      continue;  // refused where shapes are inferred
    }
    const std::int64_t rest = room % stride[axis];
    if (rest == 0 && room >= end) {
      --pads[axis + 2];
    } else if (rest != 0 && room - rest + stride[axis] < end) {
      pads[axis + 2] += stride[axis] - rest;
    }
  }
}

/// kernel_shape, strides, pads and dilations of a sliding window over x.
Attributes window(Translator& to, const RawNode& node, const Shape& x, const Integers& kernel) {
  const Integers stride = node.integers("strides").value_or(Integers{1, 1});
  const Integers dilation = node.integers("dilations").value_or(Integers{1, 1});
  Integers pads = node.integers("pads").value_or(Integers{0, 0, 0, 0});
  if (x.size() != 4 || kernel.size() != 2) {
    to.reject(node, "works on data of shape " + to_string(x),
              "images [samples,channels,height,width] are supported");
  }
  if (stride.size() != 2 || dilation.size() != 2 || pads.size() != 4) {
    to.reject(node,
              "has " + std::to_string(stride.size()) + " strides, " +
                  std::to_string(dilation.size()) + " dilations and " +
                  std::to_string(pads.size()) + " pads",
              "images have two strides, two dilations and four pads");
  }
  if (node.integer("storage_order", 0) != 0) {
    to.reject(node, "has storage_order 1", "0 is supported");
  }
  const std::string mode = node.text("auto_pad", "NOTSET");
  if (mode != "NOTSET" && std::ranges::count(pads, 0) != std::ssize(pads)) {
    to.reject(node, "has auto_pad '" + mode + "' and pads", "give one of them");
  }
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    pads.assign(4, 0);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const auto extent = static_cast<std::int64_t>(x[axis + 2]);
      const std::int64_t steps = (extent + stride[axis] - 1) / stride[axis];
      const std::int64_t reach = (kernel[axis] - 1) * dilation[axis] + 1;
      const std::int64_t total =
          std::max<std::int64_t>(0, (steps - 1) * stride[axis] + reach - extent);
      const std::int64_t smaller = total / 2;
      pads[axis] = mode == "SAME_UPPER" ? smaller : total - smaller;
      pads[axis + 2] = total - pads[axis];
    }
  } else if (mode == "VALID") {
    pads.assign(4, 0);
  } else if (mode != "NOTSET") {
    to.reject(node, "has auto_pad '" + mode + "'",
              "NOTSET, VALID, SAME_UPPER and SAME_LOWER are supported");
  } else if (node.integer("ceil_mode", 0) != 0) {
    round_up(x, kernel, stride, dilation, pads);
  }
  return {{"kernel_shape", kernel}, {"strides", stride}, {"pads", pads}, {"dilations", dilation}};
}

void conv(Translator& to, const RawNode& node) {
  std::vector<TensorId> inputs{to.value(node, 0), to.weight(node, 1)};
  if (node.has_input(2)) {
    inputs.push_back(to.weight(node, 2));
  }
  const Shape& w = to.shape(inputs[1]);
  Integers kernel;
  if (w.size() > 2) {
    kernel.assign(w.begin() + 2, w.end());
  }
  if (const auto given = node.integers("kernel_shape"); given && *given != kernel) {
    to.reject(node, "has another kernel_shape than its weights " + to_string(w),
              "leave it out, or let them agree");
  }
  Attributes attributes = window(to, node, to.shape(inputs[0]), kernel);
  attributes["group"] = node.integer("group", 1);
  to.add(node, OpType::kConv, inputs, attributes, node.outputs.at(0));
}

void pool(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape image = to.shape(x);
  if (node.op == "GlobalAveragePool") {
    if (image.size() != 4) {
      to.reject(node, "works on data of shape " + to_string(image), "images are supported");
    }
    to.add(node, OpType::kAveragePool, {x},
           {{"kernel_shape",
             Integers{static_cast<std::int64_t>(image[2]), static_cast<std::int64_t>(image[3])}}},
           node.outputs.at(0));
    return;
  }
  const Attributes attributes =
      window(to, node, image, node.integers("kernel_shape").value_or(Integers{}));
  if (node.op == "AveragePool" && node.integer("count_include_pad", 0) != 0 &&
      std::get<Integers>(attributes.at("pads")) != Integers{0, 0, 0, 0}) {
    to.reject(node, "counts padding", "count_include_pad is 0");
  }
  to.add(node, node.op == "MaxPool" ? OpType::kMaxPool : OpType::kAveragePool, {x}, attributes,
         node.outputs.at(0));
}

void batch_norm(Translator& to, const RawNode& node) {
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < 5; ++i) {
    inputs.push_back(to.value(node, i));
  }
  for (std::size_t i = 3; i < 5; ++i) {
    to.graph().tensor(inputs[i]).trainable = false;
  }
  if (node.integer("spatial", 1) == 0) {
    to.reject(node, "has spatial 0", "statistics of channels (spatial 1) are supported");
  }
  // Before opset 14 it is the number of outputs that says whose statistics they are.
  const bool training =
      node.integer("training_mode", 0) != 0 || (to.raw().opset < 14 && node.outputs.size() > 1);
  const Attributes attributes{{"training", std::int64_t{training}},
                              {"epsilon", node.real("epsilon", 1e-5)},
                              {"momentum", node.real("momentum", 0.9)}};
  to.add(node, OpType::kBatchNorm, inputs, attributes, node.outputs.at(0));
  if (training && (node.has_output(1) || node.has_output(2))) {
    to.add_moving_statistics(node, {inputs[0], inputs[3], inputs[4]}, attributes);
  }
}

/// Errors: UserError when attribute axis is not the last one, which it is without.
void expect_last_axis(Translator& to, const RawNode& node, TensorId x) {
  const std::int64_t axis = node.integer("axis", -1);
  const auto rank = static_cast<std::int64_t>(to.shape(x).size());
  if (axis != -1 && axis != rank - 1) {
    to.reject(node, "has axis " + std::to_string(axis) + " of " + std::to_string(rank),
              "the last axis is supported");
  }
}

void layer_norm(Translator& to, const RawNode& node) {
  // ONNX Runtime's tools write it at any opset, into files that import their domain.
  if (node.domain.empty() && to.raw().opset < 17 && !to.raw().microsoft) {
    to.reject(node, "is no operator of opset " + std::to_string(to.raw().opset),
              "it is there from opset 17 on");
  }
  std::vector<TensorId> inputs{to.value(node, 0), to.value(node, 1)};
  if (node.has_input(2)) {
    inputs.push_back(to.value(node, 2));
  }
  expect_last_axis(to, node, inputs[0]);
  if (node.integer("stash_type", 1) != 1) {
    to.reject(node, "has stash_type " + std::to_string(node.integer("stash_type", 1)),
              "1 (FLOAT) is supported");
  }
  to.add(node, OpType::kLayerNorm, inputs, {{"epsilon", node.real("epsilon", 1e-5)}},
         node.outputs.at(0));
}

/// The matrix of ONNX's older Softmax: extents before `axis` are rows, those from it on columns.
/// The shape itself where that is the last axis.
Shape flattened(Translator& to, const RawNode& node, const Shape& shape, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis < -rank || axis >= rank) {
    to.reject(node, "axis " + std::to_string(axis) + " does not exist",
              "axes are from " + std::to_string(-rank) + " to " + std::to_string(rank - 1));
  }
  axis = axis < 0 ? axis + rank : axis;
  if (axis == rank - 1) {
    return shape;
  }
  Shape made{1, 1};
  for (std::int64_t i = 0; i < rank; ++i) {
    made[i < axis ? 0 : 1] *= shape[static_cast<std::size_t>(i)];
  }
  return made;
}

void softmax(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  if (to.raw().opset >= 13) {
    expect_last_axis(to, node, x);
    to.add(node, OpType::kSoftmax, {x}, {}, node.outputs.at(0));
    return;
  }
  // Up to opset 12 the extents from axis on are one row.
  const auto rows = flattened(to, node, to.shape(x), node.integer("axis", 1));
  if (rows == to.shape(x)) {
    to.add(node, OpType::kSoftmax, {x}, {}, node.outputs.at(0));
    return;
  }
  const Shape shape = to.shape(x);
  const Integers extents(rows.begin(), rows.end());
  const TensorId flat = to.add_between(node, OpType::kReshape, {x}, {{"shape", extents}}, ".rows");
  const TensorId y = to.add_between(node, OpType::kSoftmax, {flat}, {}, ".softmax");
  to.add(node, OpType::kReshape, {y}, {{"shape", Integers(shape.begin(), shape.end())}},
         node.outputs.at(0));
}

void clip(Translator& to, const RawNode& node) {
  const double least =
      node.has_input(1) ? scalar(to, node, 1).value_or(NAN) : node.real("min", -INFINITY);
  const double most =
      node.has_input(2) ? scalar(to, node, 2).value_or(NAN) : node.real("max", INFINITY);
  if (least != 0 || (most != 6 && most < 3e38)) {
    to.reject(node, "clips to " + std::to_string(least) + " and " + std::to_string(most),
              "0 and 6 (ReLU6) or 0 without upper end (ReLU) are supported");
  }
  to.add(node, most == 6 ? OpType::kRelu6 : OpType::kRelu, {to.value(node, 0)}, {},
         node.outputs.at(0));
}

void gelu(Translator& to, const RawNode& node) {
  const std::string form = gelu_form(to, node);
  TensorId x = to.value(node, 0);
  if (node.has_input(1)) {  // BiasGelu, FastGelu
    x = to.add_between(node, OpType::kAdd, {x, to.value(node, 1)}, {}, ".biased");
  }
  to.add(node, OpType::kGelu, {x}, {{"approximate", form}}, node.outputs.at(0));
}

void cross_entropy(Translator& to, const RawNode& node) {
  if (node.has_input(2) || node.integer("ignore_index", -1) >= 0) {
    to.reject(node, "has weights of classes or an ignored class", "neither is supported");
  }
  // The dialect of the training graphs has one output, the log-probabilities; the standard's first
  // output is the loss.
  const auto declared = to.raw().declared.find(node.outputs.at(0));
  const bool dialect = node.outputs.size() == 1 &&
                       (to.read_as_log_prob(node.outputs[0]) ||
                        (declared != to.raw().declared.end() && !declared->second.shape.empty()));
  const std::string loss = dialect ? "" : node.outputs[0];
  const std::string log_prob = dialect              ? node.outputs[0]
                               : node.has_output(1) ? node.outputs[1]
                                                    : "";
  to.add_many(node, OpType::kSoftmaxCrossEntropy, {to.value(node, 0), to.labels(node, 1)},
              {{"reduction", node.text("reduction", "mean")}},
              {{loss, TensorKind::kLoss}, {log_prob, TensorKind::kActivation}});
}

/// The cross entropy, if its input is a LogSoftmax.
void likelihood(Translator& to, const RawNode& node) {
  if (!to.is_log_softmax(node.inputs.at(0))) {
    to.reject(node, "its input is no LogSoftmax", "put one before it");
  }
  cross_entropy(to, node);
}

void log_softmax(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape& shape = to.shape(x);
  const std::int64_t axis = node.integer("axis", to.raw().opset < 13 ? 1 : -1);
  if (axis != -1 && axis != static_cast<std::int64_t>(shape.size()) - 1) {
    to.reject(node, "has axis " + std::to_string(axis) + " of " + std::to_string(shape.size()),
              "the last axis is supported");
  }
  to.add_log_softmax(node);
}

}  // namespace

std::string gelu_form(Translator& to, const RawNode& node) {
  if (node.op.starts_with("Fast")) {
    return "tanh";
  }
  if (node.op.starts_with("Quick")) {
    const double alpha = node.real("alpha", 1.702);
    if (std::fabs(alpha - 1.702) > 1e-6) {
      to.reject(node, "has alpha " + std::to_string(alpha), "1.702 is supported");
    }
    return "sigmoid";
  }
  const std::string form = node.text("approximate", "none");
  if (form != "none" && form != "tanh") {
    to.reject(node, "has approximate '" + form + "'", "none and tanh are supported");
  }
  return form;
}

Handler network_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Gemm", gemm},
      {"MatMul", gemm},
      {"FusedMatMul", gemm},
      {"Add", binary},
      {"Sum", binary},
      {"Sub", binary},
      {"Mul", binary},
      {"Div", binary},
      {"Pow", pow},
      {"Conv", conv},
      {"MaxPool", pool},
      {"AveragePool", pool},
      {"GlobalAveragePool", pool},
      {"BatchNormalization", batch_norm},
      {"LayerNormalization", layer_norm},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
      {"NegativeLogLikelihoodLoss", likelihood},
      {"Clip", clip},
      {"Gelu", gelu},
      {"BiasGelu", gelu},
      {"FastGelu", gelu},
      {"QuickGelu", gelu},
      {"SoftmaxCrossEntropyLoss", cross_entropy},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
