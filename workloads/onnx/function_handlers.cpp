// SPDX-License-Identifier: Apache-2.0
// Functions of one element, and Max and Min: those that have parameters here, or are made of
// several operators. Functions that ONNX holds as we do are in plain_handlers.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void neg(Translator& to, const RawNode& node) {
  to.add(node, OpType::kScale, {to.value(node, 0)}, {{"factor", -1.0}}, node.outputs.at(0));
}

void abs(Translator& to, const RawNode& node) {
  to.add(node, OpType::kPiecewise, {to.value(node, 0)}, absolute(), node.outputs.at(0));
}

/// alpha x where x <= 0. Its slope at 0 is alpha, as PyTorch has it.
void leaky_relu(Translator& to, const RawNode& node) {
  to.add(node, OpType::kPiecewise, {to.value(node, 0)},
         {{"low", 0.0}, {"below", node.real("alpha", 0.01)}, {"closed", std::int64_t{0}}},
         node.outputs.at(0));
}

/// alpha x + beta from 0 to 1, whose slope at both ends is 0.
Attributes hard_sigmoid_of(double alpha, double beta) {
  return {
      {"low", 0.0}, {"high", 1.0}, {"slope", alpha}, {"offset", beta}, {"closed", std::int64_t{0}}};
}

void hard_sigmoid(Translator& to, const RawNode& node) {
  to.add(node, OpType::kPiecewise, {to.value(node, 0)},
         hard_sigmoid_of(node.real("alpha", 0.2), node.real("beta", 0.5)), node.outputs.at(0));
}

void hard_swish(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const TensorId gate =
      to.add_between(node, OpType::kPiecewise, {x}, hard_sigmoid_of(1.0 / 6, 0.5), ".hard_sigmoid");
  to.add(node, OpType::kMul, {x, gate}, {}, node.outputs.at(0));
}

/// The end of a Clip, given as input `input` or up to opset 10 as attribute `key`.
double end_of(Translator& to, const RawNode& node, std::size_t input, const std::string& key,
              double otherwise) {
  if (!node.has_input(input)) {
    return node.real(key, otherwise);
  }
  const auto held = to.scalar(node, input);
  if (!held || std::isnan(*held)) {
    to.reject(node, "its input '" + node.inputs[input] + "', an end, is no constant number",
              "give constants, or Max and Min of computed ends");
  }
  return *held;
}

void clip(Translator& to, const RawNode& node) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  double least = end_of(to, node, 1, "min", -kInfinity);
  const double most = end_of(to, node, 2, "max", kInfinity);
  least = least <= -kLargest ? -kInfinity : least;
  const TensorId x = to.value(node, 0);
  if (least == 0 && (most == 6 || most >= kLargest)) {
    to.add(node, most == 6 ? OpType::kRelu6 : OpType::kRelu, {x}, {}, node.outputs.at(0));
    return;
  }
  // Ends in the wrong order make the upper one of everything, and no gradient.
  const bool swapped = least > most;
  to.add(node, OpType::kPiecewise, {x},
         {{"low", swapped ? most : least},
          {"high", most >= kLargest ? kInfinity : most},
          {"closed", std::int64_t{!swapped}}},
         node.outputs.at(0));
}

void elu(Translator& to, const RawNode& node) {
  Attributes attributes;
  if (node.op == "Selu") {  // ONNX's defaults, to the digits of FP32
    attributes = {{"alpha", node.real("alpha", 1.67326319217681884765625)},
                  {"gamma", node.real("gamma", 1.05070102214813232421875)}};
  } else {
    const double alpha = node.real("alpha", 1);
    if (node.op == "Celu" && !(alpha > 0)) {
      to.reject(node, "has alpha " + std::to_string(alpha), "numbers above 0 are supported");
    }
    attributes = {{"alpha", alpha}, {"rate", node.op == "Celu" ? 1 / alpha : 1.0}};
  }
  to.add(node, OpType::kElu, {to.value(node, 0)}, attributes, node.outputs.at(0));
}

/// x sigmoid(alpha x)
void swish(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const double alpha = node.real("alpha", 1);
  const TensorId steep =
      alpha == 1 ? x : to.add_between(node, OpType::kScale, {x}, {{"factor", alpha}}, ".scaled");
  const TensorId gate = to.add_between(node, OpType::kSigmoid, {steep}, {}, ".sigmoid");
  to.add(node, OpType::kMul, {x, gate}, {}, node.outputs.at(0));
}

/// x tanh(softplus(x))
void mish(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const TensorId softplus = to.add_between(node, OpType::kSoftplus, {x}, {}, ".softplus");
  const TensorId gate = to.add_between(node, OpType::kTanh, {softplus}, {}, ".tanh");
  to.add(node, OpType::kMul, {x, gate}, {}, node.outputs.at(0));
}

/// x / (1 + |x|)
void softsign(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const TensorId size = to.add_between(node, OpType::kPiecewise, {x}, absolute(), ".abs");
  const TensorId more =
      to.add_between(node, OpType::kPiecewise, {size}, {{"offset", 1.0}}, ".one_more");
  to.add(node, OpType::kDiv, {x, more}, {}, node.outputs.at(0));
}

/// max(x, 0) + slope min(x, 0): one of the terms is zero. The slope is trained.
void prelu(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const TensorId slope = to.weight(node, 1);
  const TensorId positive = to.add_between(node, OpType::kRelu, {x}, {}, ".positive");
  const TensorId negative =
      to.add_between(node, OpType::kPiecewise, {x}, {{"high", 0.0}}, ".negative");
  const TensorId leaked = to.add_between(node, OpType::kMul, {negative, slope}, {}, ".leaked");
  to.add(node, OpType::kAdd, {positive, leaked}, {}, node.outputs.at(0));
}

/// Of a constant exponent: small whole ones as products, others as functions of their own.
void pow(Translator& to, const RawNode& node) {
  const RawTensor* held = to.constant(node, 1);
  const bool one = held != nullptr && held->reals.size() + held->values.size() == 1;
  if (!one) {
    to.reject(node,
              "its exponent '" + (node.has_input(1) ? node.inputs[1] : "") +
                  (held != nullptr ? "' has several numbers" : "' is computed"),
              "a constant number is supported");
  }
  const TensorId x = to.value(node, 0);
  if (held->shape.size() > to.shape(x).size()) {
    to.reject(node, "its exponent has more extents than its base", "give a number");
  }
  const double exponent =
      held->integers ? static_cast<double>(held->values[0]) : static_cast<double>(held->reals[0]);
  const std::string& y = node.outputs.at(0);
  if (!std::isfinite(exponent)) {
    to.reject(node, "has the exponent " + std::to_string(exponent), "give a finite number");
  }
  if (exponent == 0) {  // one everywhere
    to.add(node, OpType::kPiecewise, {x}, {{"slope", 0.0}, {"offset", 1.0}}, y);
  } else if (exponent == 1) {
    to.add(node, OpType::kScale, {x}, {{"factor", 1.0}}, y);
  } else if (exponent == 2) {
    to.add(node, OpType::kMul, {x, x}, {}, y);
  } else if (exponent == 3 || exponent == 4) {
    const TensorId square = to.add_between(node, OpType::kMul, {x, x}, {}, ".square");
    to.add(node, OpType::kMul, {square, exponent == 3 ? x : square}, {}, y);
  } else if (exponent == 0.5) {
    to.add(node, OpType::kSqrt, {x}, {}, y);
  } else if (exponent == -1) {
    to.add(node, OpType::kReciprocal, {x}, {}, y);
  } else {
    to.add(node, OpType::kPower, {x}, {{"exponent", exponent}}, y);
  }
}

/// Of any number of inputs, two at a time.
void extreme(Translator& to, const RawNode& node) {
  const OpType type = node.op == "Max" ? OpType::kMax : OpType::kMin;
  const std::size_t count = node.inputs.size();
  TensorId so_far = count == 1 ? to.value(node, 0) : to.operand(node, 0);
  if (to.raw().opset < 8) {
    for (std::size_t i = 1; i < count; ++i) {
      if (to.shape(to.operand(node, i)) != to.shape(so_far)) {
        to.reject(node, "broadcasts, which " + node.op + " of opset 7 does not",
                  "give inputs of one shape");
      }
    }
  }
  if (count == 1) {
    to.add(node, OpType::kScale, {so_far}, {{"factor", 1.0}}, node.outputs.at(0));
  }
  for (std::size_t i = 1; i < count; ++i) {
    const std::vector<TensorId> both{so_far, to.operand(node, i)};
    so_far = i + 1 < count ? to.add_between(node, type, both, {}, "." + std::to_string(i))
                           : to.add(node, type, both, {}, node.outputs.at(0));
  }
}

const RawNode* maker_of(const Translator& to, const std::string& value) {
  for (const RawNode& node : to.raw().nodes) {
    if (std::ranges::count(node.outputs, value) > 0) {
      return &node;
    }
  }
  return nullptr;
}

/// Whether a Where is a softplus as PyTorch writes it: Where(beta x > threshold, x, softplus(beta
/// x) / beta), with a threshold above which both are one number in FP32.
bool is_softplus(const Translator& to, const RawNode& node) {
  const auto made_by = [&](const std::string& value, const std::string& op) -> const RawNode* {
    const RawNode* found = maker_of(to, value);
    return found != nullptr && found->op == op && found->domain.empty() ? found : nullptr;
  };
  if (node.inputs.size() != 3) {
    return false;
  }
  const RawNode* greater = made_by(node.inputs[0], "Greater");
  if (greater == nullptr || to.scalar(*greater, 1).value_or(0) < 16) {
    return false;
  }
  const std::string& x = node.inputs[1];
  const std::string& scaled = greater->inputs[0];
  const RawNode* divided = made_by(node.inputs[2], "Div");
  const RawNode* softplus =
      made_by(divided != nullptr ? divided->inputs[0] : node.inputs[2], "Softplus");
  if (softplus == nullptr || softplus->inputs[0] != scaled) {
    return false;
  }
  if (divided == nullptr) {
    return scaled == x;
  }
  const RawNode* product = made_by(scaled, "Mul");
  const auto beta = to.scalar(*divided, 1);
  return product != nullptr && product->inputs[0] == x && beta > 0 &&
         to.scalar(*product, 1) == beta;
}

/// Its result is known to a Where alone; others find no value of that name.
void greater(Translator&, const RawNode&) {}

}  // namespace

const Attributes& absolute() {
  static const Attributes found{
      {"low", 0.0}, {"high", 0.0}, {"below", -1.0}, {"above", 1.0}, {"closed", std::int64_t{0}}};
  return found;
}

bool add_softplus(Translator& to, const RawNode& node) {
  if (!is_softplus(to, node)) {
    return false;
  }
  const TensorId y = to.value(node, 2);
  const Shape& shape = to.shape(y);
  to.add(node, OpType::kReshape, {y},
         {{"shape", std::vector<std::int64_t>(shape.begin(), shape.end())}}, node.outputs.at(0));
  return true;
}

Handler function_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Neg", neg},
      {"Abs", abs},
      {"LeakyRelu", leaky_relu},
      {"HardSigmoid", hard_sigmoid},
      {"HardSwish", hard_swish},
      {"Clip", clip},
      {"Elu", elu},
      {"Selu", elu},
      {"Celu", elu},
      {"Swish", swish},
      {"Mish", mish},
      {"Softsign", softsign},
      {"PRelu", prelu},
      {"Pow", pow},
      {"Max", extreme},
      {"Min", extreme},
      {"Greater", greater},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
