// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/sum_cuts.h"

#include <algorithm>

#include "compiler/lower/write_tape.h"

namespace etude::compiler {
namespace {

/// Part of L1 that a product better stays within: the largest that lower_step() tries, since large
/// tiles are cut least.
constexpr double kProduct = 0.8;

/// Whether tiles decide bits of what an operator makes.
bool cuts_sums(const Step& step, const Operator& op) {
  if (op.loss) {
    return true;
  }
  const Node& node = step.graph().node(op.node);
  switch (node.op) {
    case OpType::kGemm:
    case OpType::kConv:
      return step.half;
    case OpType::kConvGradInput:
    case OpType::kBatchNorm:
    case OpType::kBatchNormGrad:
    case OpType::kBatchNormAffineGrad:
      return true;
    case OpType::kReduceSum:
      return sums_pixels(step.graph(), node);
    default:
      return false;
  }
}

}  // namespace

SumCuts sum_cuts(const Step& step, Tilings& tilings) {
  Schedule alone;
  for (std::uint32_t i = 0; i < step.operators.size(); ++i) {
    if (cuts_sums(step, step.operators[i])) {
      alone.order.push_back(i);
    }
  }
  if (alone.order.empty()) {
    return {};
  }
  SharingChoice sharing;
  sharing.residents = false;
  sharing.product = kProduct;
  return write_tape(step, alone, sharing, tilings).cuts;
}

}  // namespace etude::compiler
