// SPDX-License-Identifier: Apache-2.0
// Operators of the forward pass: products, normalisation, activations, loss.
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

/// A stack of matrices times a vector: the matrix of one column.
void product_with_vector(Translator& to, const RawNode& node) {
  const TensorId vector = to.weight(node, 1);
  const Integers column{static_cast<std::int64_t>(to.shape(vector)[0]), 1};
  const TensorId matrix =
      to.add_between(node, OpType::kReshape, {vector}, {{"shape", column}}, ".column");
  const TensorId y =
      to.add_between(node, OpType::kGemm, {to.value(node, 0), matrix},
                     {{"transA", std::int64_t{0}}, {"transB", std::int64_t{0}}}, ".product");
  const Shape& shape = to.shape(y);
  to.add(node, OpType::kReshape, {y}, {{"shape", Integers(shape.begin(), shape.end() - 1)}},
         node.outputs.at(0));
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
  if (node.op == "MatMul" && to.shape(inputs[1]).size() == 1 && to.shape(inputs[0]).size() > 1) {
    return product_with_vector(to, node);
  }
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

void binary(Translator& to, const RawNode& node) {
  const bool product = node.op == "Mul";
  if (product || node.op == "Div") {
    for (std::size_t i = product ? 0 : 1; i < 2; ++i) {
      const auto factor = to.scalar(node, i);
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

/// Whether a statistic is something else, too: exporters store equal initializers once, and a
/// normalisation that is not trained yet has scale and variance 1, bias and mean 0.
bool is_weight_too(const Translator& to, const std::string& statistic) {
  return std::ranges::any_of(to.raw().nodes, [&](const RawNode& node) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == statistic && !(node.op == "BatchNormalization" && i >= 3)) {
        return true;
      }
    }
    return false;
  });
}

/// Mean (3) or variance (4), with numbers of its own where the file has them for a weight, too.
TensorId statistic(Translator& to, const RawNode& node, std::size_t input, bool moves) {
  const RawTensor* held = to.constant(node, input);
  if (held != nullptr && !held->integers && is_weight_too(to, node.inputs[input])) {
    if (moves) {
      to.reject(node, "moves the statistic '" + node.inputs[input] + "', which is a weight, too",
                "give it an initializer of its own");
    }
    return to.add_constant(node, input == 3 ? ".mean" : ".variance", held->shape, held->reals);
  }
  const TensorId found = to.value(node, input);
  to.graph().tensor(found).trainable = false;
  return found;
}

void batch_norm(Translator& to, const RawNode& node) {
  if (node.integer("spatial", 1) == 0) {
    to.reject(node, "has spatial 0", "statistics of channels (spatial 1) are supported");
  }
  // Before opset 14 it is the number of outputs that says whose statistics they are.
  const bool training =
      node.integer("training_mode", 0) != 0 || (to.raw().opset < 14 && node.outputs.size() > 1);
  const bool moves = training && (node.has_output(1) || node.has_output(2));
  std::vector<TensorId> inputs{to.value(node, 0), to.value(node, 1), to.value(node, 2)};
  inputs.push_back(statistic(to, node, 3, moves));
  inputs.push_back(statistic(to, node, 4, moves));
  const Attributes attributes{{"training", std::int64_t{training}},
                              {"epsilon", node.real("epsilon", 1e-5)},
                              {"momentum", node.real("momentum", 0.9)}};
  to.add(node, OpType::kBatchNorm, inputs, attributes, node.outputs.at(0));
  if (moves) {
    to.add_moving_statistics(node, {inputs[0], inputs[3], inputs[4]}, attributes);
  }
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

/// The cross entropy, if its input is a LogSoftmax: the logarithms of probabilities are logits too.
void likelihood(Translator& to, const RawNode& node) {
  to.is_log_softmax(node.inputs.at(0)) ? cross_entropy(to, node) : likelihood_of_any(to, node);
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
      {"BatchNormalization", batch_norm},
      {"NegativeLogLikelihoodLoss", likelihood},
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
