// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/feeds/conv_feeds.h"

namespace etude::compiler {

/// A product of a convolution with its tiles.
struct ConvPlan {
  ConvProblem problem;
  ConvTiling tiling;
};

/// Extents, groups and resident operands of a Conv, ConvGradInput or ConvGradWeight.
ConvProblem conv_problem(LoweringContext& context, const Node& node);
/// Whether every output channel sees one input channel only, and the other way round.
bool is_depthwise(const ConvProblem& problem);

/// The cheaper of RedMulE and cores, with its cheapest tiles; `result` may stay in L1 if
/// `may_keep`. Throws NoRoom when it might fit an empty L1, else UserError.
ConvPlan plan_conv(LoweringContext& context, const Node& node, const ConvProblem& problem,
                   TensorId result, bool may_keep);

/// A depthwise convolution or a gradient of one, on the cores.
void lower_depthwise(LoweringContext& context, const Operator& op, const ConvProblem& problem);

}  // namespace etude::compiler
