// SPDX-License-Identifier: Apache-2.0
// Casts that leave FLOAT data as they are, and Where with a constant condition.
#include <cmath>
#include <map>

#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

void cast(Translator& to, const RawNode& node) {
  const bool like = node.op == "CastLike";
  int type = static_cast<int>(node.integer("to", 0));
  if (like) {
    const RawTensor* other = to.constant(node, 1);
    if (other == nullptr) {
      to.value(node, 1);  // refused unless it is FLOAT
    }
    type = other != nullptr ? other->type : static_cast<int>(kFloatType);
  }
  if (type != kFloatType) {
    to.reject(node, "makes " + element_type_name(type) + " of FLOAT data",
              "FLOAT data stay FLOAT; constants may be cast");
  }
  const TensorId x = to.value(node, 0);
  const Shape shape = to.shape(x);
  to.add(node, OpType::kReshape, {x},
         {{"shape", std::vector<std::int64_t>(shape.begin(), shape.end())}}, node.outputs.at(0));
}

/// Factors of 1 where the condition chooses an input, and 0 elsewhere.
std::vector<float> factors(const RawTensor& condition, bool chosen) {
  std::vector<float> made;
  for (std::int64_t each : condition.values) {
    made.push_back((each != 0) == chosen ? 1.0f : 0.0f);
  }
  return made;
}

/// With a constant condition: of data what it chooses, times 1 or 0, and of a single number a
/// constant that has it where it is chosen, which is exact for finite data.
void where(Translator& to, const RawNode& node) {
  const RawTensor* condition = to.constant(node, 0);
  if (condition == nullptr && add_softplus(to, node)) {
    return;
  }
  if (condition == nullptr || condition->type != kBoolType) {
    to.reject(node, "has a condition that is computed from data, or is no BOOL",
              "constant conditions, and that of a softplus as PyTorch has it, are supported");
  }
  std::vector<TensorId> terms;
  for (std::size_t input : {1, 2}) {
    std::vector<float> chosen = factors(*condition, input == 1);
    const std::string suffix = input == 1 ? ".chosen" : ".else";
    const RawTensor* held = to.constant(node, input);
    if (held != nullptr && held->reals.size() == 1) {
      for (float& factor : chosen) {
        factor = factor != 0 ? held->reals[0] : 0.0f;
      }
      if (to.softmax_reads(node)) {
        Translator::soften(chosen, condition->shape);
      }
      Shape shape = condition->shape;
      shape.insert(shape.begin(), held->shape.size() - std::min(held->shape.size(), shape.size()),
                   1);
      terms.push_back(to.add_constant(node, suffix, shape, std::move(chosen)));
      continue;
    }
    const TensorId x = to.value(node, input);
    const TensorId mask = to.add_constant(node, suffix + ".factor", condition->shape, chosen);
    terms.push_back(to.add_between(node, OpType::kMul, {x, mask}, {}, suffix));
  }
  to.add(node, OpType::kAdd, terms, {}, node.outputs.at(0));
}

}  // namespace

Handler choice_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"Cast", cast}, {"CastLike", cast}, {"Where", where}};
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
