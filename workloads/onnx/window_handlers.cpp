// SPDX-License-Identifier: Apache-2.0
// Operators of the forward pass with windows that slide over images: convolution, pooling.
#include <algorithm>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

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

}  // namespace

Handler window_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Conv", conv},
      {"MaxPool", pool},
      {"AveragePool", pool},
      {"GlobalAveragePool", pool},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
