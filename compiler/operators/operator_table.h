// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/include/etude_kernels.h"
#include "workloads/graph/graph.h"

namespace etude::compiler {

/// What lowers an operator.
enum class Family {
  kNone,      ///< nothing yet: not available on the chip
  kWithLoss,  ///< its loss does, in the same pass
  kGemm,
  kMse,  ///< and the binary cross entropy, with their gradients
  kCrossEntropy,
  kReduce,
  kElementwise,
  kCopy,
  kConv,
  kConvGradWeight,
  kConvGradInput,
  kBatchNorm,
  kNormStatistics,
  kPool,
  kRowwise,
  kLayerNormAffineGrad,
  kUpdate,
  kMove,
  kGather,
  kLogSoftmax,
  kRmsNorm,
};

/// How the kernel of an elementwise operator takes its operands.
enum class Elements {
  kNone,          ///< not elementwise
  kUnary,         ///< y = f(x), with the attribute `factor` as scale
  kBinary,        ///< c = a op b; further operands one after the other
  kResultGrad,    ///< dx from dy and the result y
  kGelu,          ///< y = gelu(x), in the form that `approximate` names
  kGeluGrad,      ///< dx from dy and x, in that form
  kFunction,      ///< y = f(x) with parameters (workloads/ops/function_parameters.h)
  kFunctionGrad,  ///< dx from dy and x, with parameters
  kMaximumGrad,   ///< dx from dy and two tensors that were compared
};

/// One row an operator: all that lowering has to know of it beside its shapes and attributes.
struct OperatorRow {
  OpType type;
  Family family;
  Elements elements = Elements::kNone;
  etude_kernel kernel = ETUDE_KERNELS;
  /// ETUDE_ACTIVATION_* as which it runs with the convolution or normalisation before it.
  std::uint32_t activation = ETUDE_ACTIVATION_NONE;
};

/// The row of an operator.
const OperatorRow& row_of(OpType type);

}  // namespace etude::compiler
