// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/function_parameters.h"

#include <limits>
#include <stdexcept>

namespace etude {

std::vector<float> parameters_of(const Node& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto held = [&](const char* key, double otherwise) {
    return static_cast<float>(node.real(key, otherwise));
  };
  const bool elu = node.op == OpType::kElu || node.op == OpType::kEluGrad;
  if (node.op == OpType::kPower) {
    return {held("exponent", 1)};
  }
  if (elu) {
    const float gamma = held("gamma", 1);
    const float rate = held("rate", 1);
    const double scale = static_cast<double>(gamma) * held("alpha", 1);
    return {gamma, static_cast<float>(node.op == OpType::kElu ? scale : scale * rate), rate};
  }
  if (node.op != OpType::kPiecewise && node.op != OpType::kPiecewiseGrad) {
    throw std::logic_error("an operator without parameters");
  }
  std::vector<float> made{held("low", -kInfinity), held("high", kInfinity), held("below", 0),
                          held("above", 0), held("slope", 1)};
  if (node.op == OpType::kPiecewise) {
    made.push_back(held("offset", 0));
  }
  return made;
}

}  // namespace etude
