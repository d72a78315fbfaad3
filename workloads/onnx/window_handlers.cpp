// SPDX-License-Identifier: Apache-2.0
// Operators of the forward pass with windows that slide over images [samples, channels, height,
// width] or signals [samples, channels, length]: convolution, its transpose, pooling. Nearest
// upsampling by whole factors, which repeats pixels.
#include <algorithm>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

using Integers = std::vector<std::int64_t>;

constexpr const char* kShapes =
    "images [samples,channels,height,width] and signals [samples,channels,length] are supported";

/// Extents behind samples and channels: 2 of images, 1 of signals. Errors: UserError for others.
std::size_t axes_of(Translator& to, const RawNode& node, const Shape& x) {
  if (x.size() != 3 && x.size() != 4) {
    to.reject(node, "works on data of shape " + to_string(x), kShapes);
  }
  return x.size() - 2;
}

/// An attribute of a number an axis (of `each` of them). Errors: UserError for another count.
Integers numbers(Translator& to, const RawNode& node, const std::string& key, std::size_t axes,
                 std::int64_t otherwise, std::size_t each = 1) {
  const Integers given = node.integers(key).value_or(Integers(each * axes, otherwise));
  if (given.size() != each * axes) {
    to.reject(node, "has " + std::to_string(given.size()) + " " + key,
              std::to_string(each * axes) + " are wanted for " + std::to_string(axes) +
                  (axes == 1 ? " axis" : " axes"));
  }
  return given;
}

/// What slides over x, along each of its axes.
struct Slide {
  Integers extent, kernel, stride, dilation;
  Integers pads;     ///< begins, then ends
  Integers counted;  ///< ends of the padding that a mean may count

  std::size_t axes() const { return kernel.size(); }
  std::int64_t reach(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
  Attributes attributes() const {
    return {{"kernel_shape", kernel}, {"strides", stride}, {"pads", pads}, {"dilations", dilation}};
  }
};

/// ceil_mode: a window more where one begins on the image and hangs over its end, and none that
/// begins behind the image. What lies outside counts nothing, so that other pads at the end are the
/// same.
void round_up(Slide& w) {
  for (std::size_t axis = 0; axis < w.axes(); ++axis) {
    const std::int64_t end = w.extent[axis] + w.pads[axis];
    std::int64_t& pad = w.pads[axis + w.axes()];
    const std::int64_t room = end + pad - w.reach(axis), stride = w.stride[axis];
    if (stride < 1 || room < 0) {
      continue;  // refused where shapes are inferred
    }
    const std::int64_t rest = room % stride;
    if (rest == 0 && room >= end) {
      --pad;
    } else if (rest != 0 && room - rest + stride < end) {
      pad += stride - rest;
    }
  }
}

/// Shares `total` elements of padding out to both ends.
void pad_same(Slide& w, std::size_t axis, std::int64_t total, bool more_behind) {
  const std::int64_t smaller = total / 2;
  w.pads[axis] = more_behind ? smaller : total - smaller;
  w.pads[axis + w.axes()] = total - w.pads[axis];
}

/// "NOTSET", "VALID", "SAME_UPPER" or "SAME_LOWER". Errors: UserError for another one.
std::string auto_pad(Translator& to, const RawNode& node) {
  const std::string mode = node.text("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    to.reject(node, "has auto_pad '" + mode + "'",
              "NOTSET, VALID, SAME_UPPER and SAME_LOWER are supported");
  }
  return mode;
}

/// Kernel, strides and dilations of a node over x, and its pads as they are given.
Slide plain_slide(Translator& to, const RawNode& node, const Shape& x, const Integers& kernel) {
  const std::size_t axes = axes_of(to, node, x);
  if (kernel.size() != axes) {
    to.reject(node,
              "has a kernel of " + std::to_string(kernel.size()) + " extents on data of shape " +
                  to_string(x),
              kShapes);
  }
  Slide w{Integers(x.begin() + 2, x.end()),      kernel,
          numbers(to, node, "strides", axes, 1), numbers(to, node, "dilations", axes, 1),
          numbers(to, node, "pads", axes, 0, 2), {}};
  const std::string mode = auto_pad(to, node);
  if (mode != "NOTSET" && std::ranges::any_of(w.pads, [](std::int64_t pad) { return pad != 0; })) {
    to.reject(node, "has auto_pad '" + mode + "' and pads", "give one of them");
  }
  return w;
}

Slide slide(Translator& to, const RawNode& node, const Shape& x, const Integers& kernel) {
  Slide w = plain_slide(to, node, x, kernel);
  const std::string mode = auto_pad(to, node);
  if (mode.starts_with("SAME")) {
    for (std::size_t axis = 0; axis < w.axes(); ++axis) {
      const std::int64_t stride = std::max<std::int64_t>(1, w.stride[axis]);
      const std::int64_t steps = (w.extent[axis] + stride - 1) / stride;
      const std::int64_t total = (steps - 1) * stride + w.reach(axis) - w.extent[axis];
      pad_same(w, axis, std::max<std::int64_t>(0, total), mode == "SAME_UPPER");
    }
  }
  w.counted.assign(w.pads.begin() + static_cast<std::ptrdiff_t>(w.axes()), w.pads.end());
  if (mode == "NOTSET" && node.integer("ceil_mode", 0) != 0) {
    round_up(w);
  }
  return w;
}

/// The kernel that weights have. Errors: UserError when kernel_shape is another one.
Integers kernel_of(Translator& to, const RawNode& node, const Shape& weights) {
  Integers kernel;
  if (weights.size() > 2) {
    kernel.assign(weights.begin() + 2, weights.end());
  }
  if (const auto given = node.integers("kernel_shape"); given && *given != kernel) {
    to.reject(node, "has another kernel_shape than its weights " + to_string(weights),
              "leave it out, or let them agree");
  }
  return kernel;
}

void conv(Translator& to, const RawNode& node) {
  std::vector<TensorId> inputs{to.value(node, 0), to.weight(node, 1)};
  if (node.has_input(2)) {
    inputs.push_back(to.weight(node, 2));
  }
  const Integers kernel = kernel_of(to, node, to.shape(inputs[1]));
  Attributes attributes = slide(to, node, to.shape(inputs[0]), kernel).attributes();
  attributes["group"] = node.integer("group", 1);
  to.add(node, OpType::kConv, inputs, attributes, node.outputs.at(0));
}

/// A transposed convolution is the gradient of a convolution with respect to its image.
void conv_transpose(Translator& to, const RawNode& node) {
  std::vector<TensorId> inputs{to.value(node, 0), to.weight(node, 1)};
  if (node.has_input(2)) {
    inputs.push_back(to.weight(node, 2));
  }
  const Shape x = to.shape(inputs[0]), weights = to.shape(inputs[1]);
  Slide w = plain_slide(to, node, x, kernel_of(to, node, weights));
  const std::string mode = auto_pad(to, node);
  const Integers more = numbers(to, node, "output_padding", w.axes(), 0);
  auto wanted = node.integers("output_shape");
  if (wanted && wanted->size() == w.axes() + 2) {  // some exporters give samples and channels too
    wanted->erase(wanted->begin(), wanted->begin() + 2);
  }
  if (wanted && wanted->size() != w.axes()) {
    to.reject(node, "has an output_shape of " + std::to_string(wanted->size()) + " extents",
              "one an axis is wanted");
  }
  const std::int64_t group = node.integer("group", 1);
  Integers shape{static_cast<std::int64_t>(x[0]), static_cast<std::int64_t>(weights[1]) * group};
  for (std::size_t axis = 0; axis < w.axes(); ++axis) {
    const std::int64_t steps = (w.extent[axis] - 1) * w.stride[axis] + w.reach(axis);
    std::int64_t made = steps + more[axis] - w.pads[axis] - w.pads[axis + w.axes()];
    if (wanted || mode.starts_with("SAME")) {
      made = wanted ? (*wanted)[axis] : w.extent[axis] * w.stride[axis];
      pad_same(w, axis, std::max<std::int64_t>(0, steps + more[axis] - made), mode == "SAME_UPPER");
    }
    const std::int64_t behind = made - (steps - w.pads[axis] - w.pads[axis + w.axes()]);
    if (made < 1 || behind < 0 || behind >= w.stride[axis]) {
      to.reject(node,
                "makes " + std::to_string(made) + " of " + std::to_string(w.extent[axis]) +
                    " along an axis, " + std::to_string(behind) + " behind its last window",
                "from 0 to stride - 1 are supported there");
    }
    shape.push_back(made);
  }
  Attributes attributes = w.attributes();
  attributes["group"] = group;
  attributes["shape"] = shape;
  to.add(node, OpType::kConvGradInput, inputs, attributes, node.outputs.at(0));
}

/// By window along an axis: taps on the image over those that count with the padding.
struct Share {
  std::int64_t inside, counted;
};
std::vector<Share> shares_of(const Slide& w, std::size_t axis) {
  std::vector<Share> shares;
  const std::int64_t begin = -w.pads[axis], end = w.extent[axis] + w.pads[axis + w.axes()];
  for (std::int64_t first = begin; first + w.reach(axis) <= end; first += w.stride[axis]) {
    Share share{0, 0};
    for (std::int64_t tap = 0; tap < w.kernel[axis]; ++tap) {
      const std::int64_t position = first + tap * w.dilation[axis];
      share.inside += position >= 0 && position < w.extent[axis] ? 1 : 0;
      share.counted += position < w.extent[axis] + w.counted[axis] ? 1 : 0;
    }
    shares.push_back(share);
  }
  return shares;
}

/// What means over the pixels of the image are to be multiplied with where padding counts as zeros;
/// empty if there is none under any window.
std::vector<float> padded_shares(const Slide& w, Shape& shape) {
  std::vector<Share> all{{1, 1}};
  for (std::size_t axis = 0; axis < w.axes(); ++axis) {
    const auto shares = shares_of(w, axis);
    std::vector<Share> product;
    for (const Share& before : all) {
      for (const Share& share : shares) {
        product.push_back({before.inside * share.inside, before.counted * share.counted});
      }
    }
    all = std::move(product);
    shape.push_back(shares.size());
  }
  if (std::ranges::all_of(all, [](const Share& s) { return s.inside == s.counted; })) {
    return {};
  }
  std::vector<float> values;
  for (const Share& share : all) {
    values.push_back(
        static_cast<float>(static_cast<double>(share.inside) / static_cast<double>(share.counted)));
  }
  return values;
}

void pool(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const OpType type = node.op == "MaxPool" ? OpType::kMaxPool : OpType::kAveragePool;
  if (node.integer("storage_order", 0) != 0) {
    to.reject(node, "has storage_order 1", "0 is supported");
  }
  const Slide w = slide(to, node, to.shape(x), node.integers("kernel_shape").value_or(Integers{}));
  Shape extents;
  std::vector<float> shares;
  if (type == OpType::kAveragePool && node.integer("count_include_pad", 0) != 0 &&
      *std::ranges::min_element(w.stride) > 0) {
    shares = padded_shares(w, extents);
  }
  if (shares.empty()) {
    to.add(node, type, {x}, w.attributes(), node.outputs.at(0));
    return;
  }
  const TensorId mean = to.add_between(node, type, {x}, w.attributes(), ".mean");
  const TensorId factor = to.add_constant(node, ".shares", extents, std::move(shares));
  to.add(node, OpType::kMul, {mean, factor}, {}, node.outputs.at(0));
}

void global_pool(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const Shape image = to.shape(x);
  axes_of(to, node, image);
  to.add(node, node.op == "GlobalMaxPool" ? OpType::kMaxPool : OpType::kAveragePool, {x},
         {{"kernel_shape", Integers(image.begin() + 2, image.end())}}, node.outputs.at(0));
}

/// Factors of an upsampling along the axes of x. Errors: UserError when they are no constants.
std::vector<double> scales_of(Translator& to, const RawNode& node, const Shape& x) {
  std::vector<double> scales;
  const bool resize = node.op == "Resize" && to.raw().opset >= 11;
  const RawTensor* held = to.constant(node, resize ? 2 : 1);
  if (const auto found = node.attributes.find("scales"); found != node.attributes.end()) {
    scales = std::get<std::vector<double>>(found->second);
  } else if (held != nullptr && !held->reals.empty()) {
    scales.assign(held->reals.begin(), held->reals.end());
  } else if (const RawTensor* sizes = resize ? to.constant(node, 3) : nullptr) {
    for (std::size_t i = 0; i < std::min(sizes->values.size(), x.size()); ++i) {
      scales.push_back(static_cast<double>(sizes->values[i]) / static_cast<double>(x[i]));
    }
  }
  if (scales.size() != x.size()) {
    to.reject(node, "has no constant factor for every axis", "give scales or sizes as constants");
  }
  return scales;
}

/// Whether every pixel of the result is that pixel of x whose number is its own over the factor.
bool repeats(Translator& to, const RawNode& node) {
  if (node.op == "Upsample" || to.raw().opset < 11) {
    return true;  // coordinates are divided and rounded down
  }
  const std::string mode = node.text("coordinate_transformation_mode", "half_pixel");
  const std::string nearest = node.text("nearest_mode", "round_prefer_floor");
  if (mode == "asymmetric") {
    return nearest == "floor";
  }
  const bool centres = mode == "half_pixel" || mode == "pytorch_half_pixel";
  return centres && nearest.starts_with("round");  // less than half a pixel off
}

void upsample(Translator& to, const RawNode& node) {
  TensorId x = to.value(node, 0);
  const Shape image = to.shape(x);
  const std::size_t axes = axes_of(to, node, image);
  const std::string mode = node.text("mode", "nearest");
  if (mode != "nearest" || !repeats(to, node) || node.attributes.contains("axes")) {
    to.reject(node, "interpolates (mode '" + mode + "')",
              "nearest by whole factors is supported: asymmetric with floor, or half_pixel with "
              "round, and no axes");
  }
  const std::vector<double> scales = scales_of(to, node, image);
  Shape made = image;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const auto factor = static_cast<std::int64_t>(scales[i]);
    if (factor < 1 || factor > 1024 || static_cast<double>(factor) != scales[i] ||
        (i < 2 && factor != 1)) {
      to.reject(node, "resizes axis " + std::to_string(i) + " by " + std::to_string(scales[i]),
                "whole factors of height, width or length are supported");
    }
    made[i] *= static_cast<std::uint64_t>(factor);
  }
  // The last axis first: a row in front of an axis is repeated as one.
  const auto extent = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
  std::int64_t behind = 1;
  for (std::size_t i = image.size(); i-- > image.size() - axes;) {
    const std::int64_t factor = extent(made[i] / image[i]);
    if (factor > 1) {
      std::int64_t before = 1;
      for (std::size_t j = 0; j <= i; ++j) {
        before *= extent(image[j]);
      }
      const std::string axis = "." + std::to_string(i);
      x = to.add_between(node, OpType::kReshape, {x}, {{"shape", Integers{before, 1, behind}}},
                         axis + ".rows");
      x = to.add_between(node, OpType::kExpand, {x}, {{"shape", Integers{before, factor, behind}}},
                         axis + ".repeated");
    }
    behind *= extent(made[i]);
  }
  to.add(node, OpType::kReshape, {x}, {{"shape", Integers(made.begin(), made.end())}},
         node.outputs.at(0));
}

}  // namespace

Handler window_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Conv", conv},
      {"ConvTranspose", conv_transpose},
      {"MaxPool", pool},
      {"AveragePool", pool},
      {"GlobalAveragePool", global_pool},
      {"GlobalMaxPool", global_pool},
      {"Upsample", upsample},
      {"Resize", upsample},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
