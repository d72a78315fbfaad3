// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/operator_table.h"

#include <iterator>

#include "compiler/operators/kernel_args.h"

namespace etude::compiler {

namespace {

using enum Family;

constexpr OperatorRow unary(OpType type, etude_kernel kernel,
                            std::uint32_t activation = ETUDE_ACTIVATION_NONE) {
  return {type, kElementwise, Elements::kUnary, kernel, activation};
}
constexpr OperatorRow binary(OpType type, etude_kernel kernel) {
  return {type, kElementwise, Elements::kBinary, kernel};
}
constexpr OperatorRow result_grad(OpType type, etude_kernel kernel) {
  return {type, kElementwise, Elements::kResultGrad, kernel};
}

constexpr OperatorRow function(OpType type, etude_kernel kernel) {
  return {type, kElementwise, Elements::kFunction, kernel};
}
constexpr OperatorRow function_grad(OpType type, etude_kernel kernel) {
  return {type, kElementwise, Elements::kFunctionGrad, kernel};
}

constexpr OperatorRow kRows[] = {
    {OpType::kGemm, kGemm},
    unary(OpType::kRelu, ETUDE_KERNEL_RELU, ETUDE_ACTIVATION_RELU),
    result_grad(OpType::kReluGrad, ETUDE_KERNEL_RELU_GRAD),
    {OpType::kMseLoss, kMse},
    {OpType::kMseLossGrad, kWithLoss},
    {OpType::kReduceSum, kReduce},
    binary(OpType::kAdd, ETUDE_KERNEL_ADD),
    {OpType::kSgd, kUpdate},
    binary(OpType::kSub, ETUDE_KERNEL_SUB),
    binary(OpType::kMul, ETUDE_KERNEL_MUL),
    binary(OpType::kDiv, ETUDE_KERNEL_DIV),
    unary(OpType::kScale, ETUDE_KERNEL_SCALE),
    unary(OpType::kRelu6, ETUDE_KERNEL_RELU6, ETUDE_ACTIVATION_RELU6),
    result_grad(OpType::kRelu6Grad, ETUDE_KERNEL_RELU6_GRAD),
    unary(OpType::kSigmoid, ETUDE_KERNEL_SIGMOID),
    result_grad(OpType::kSigmoidGrad, ETUDE_KERNEL_SIGMOID_GRAD),
    unary(OpType::kTanh, ETUDE_KERNEL_TANH),
    result_grad(OpType::kTanhGrad, ETUDE_KERNEL_TANH_GRAD),
    {OpType::kGelu, kElementwise, Elements::kGelu, ETUDE_KERNEL_GELU},
    {OpType::kGeluGrad, kElementwise, Elements::kGeluGrad, ETUDE_KERNEL_GELU_GRAD},
    unary(OpType::kExpand, ETUDE_KERNEL_COPY),
    {OpType::kReshape, kCopy},
    {OpType::kTranspose, kCopy},
    {OpType::kConv, kConv},
    {OpType::kConvGradInput, kConvGradInput},
    {OpType::kConvGradWeight, kConvGradWeight},
    {OpType::kMaxPool, kPool},
    {OpType::kMaxPoolGrad, kPool},
    {OpType::kAveragePool, kPool},
    {OpType::kAveragePoolGrad, kPool},
    {OpType::kLayerNorm, kRowwise},
    {OpType::kLayerNormGrad, kRowwise},
    {OpType::kLayerNormAffineGrad, kLayerNormAffineGrad},
    {OpType::kBatchNorm, kBatchNorm},
    {OpType::kBatchNormGrad, kBatchNorm},
    {OpType::kBatchNormAffineGrad, kBatchNorm},
    {OpType::kBatchNormStatistics, kNormStatistics},
    {OpType::kSoftmax, kRowwise},
    {OpType::kSoftmaxGrad, kRowwise},
    {OpType::kSoftmaxCrossEntropy, kCrossEntropy},
    {OpType::kSoftmaxCrossEntropyGrad, kCrossEntropy},
    {OpType::kMomentum, kUpdate},
    {OpType::kAdam, kUpdate},
    {OpType::kBceLoss, kMse},
    {OpType::kBceLossGrad, kWithLoss},
    {OpType::kSlice, kMove},
    {OpType::kPad, kMove},
    {OpType::kConcat, kMove},
    {OpType::kGather, kGather},
    {OpType::kGatherGrad, kGather},
    {OpType::kLogSoftmax, kLogSoftmax},
    {OpType::kLogSoftmaxGrad, kLogSoftmax},
    {OpType::kRmsNorm, kRmsNorm},
    {OpType::kRmsNormGrad, kRmsNorm},
    {OpType::kRmsNormScaleGrad, kRmsNorm},
    function(OpType::kPiecewise, ETUDE_KERNEL_PIECEWISE),
    function_grad(OpType::kPiecewiseGrad, ETUDE_KERNEL_PIECEWISE_GRAD),
    function(OpType::kElu, ETUDE_KERNEL_ELU),
    function_grad(OpType::kEluGrad, ETUDE_KERNEL_ELU_GRAD),
    unary(OpType::kExp, ETUDE_KERNEL_EXPONENTIAL),
    unary(OpType::kLog, ETUDE_KERNEL_LOGARITHM),
    unary(OpType::kSoftplus, ETUDE_KERNEL_SOFTPLUS),
    unary(OpType::kErf, ETUDE_KERNEL_ERF),
    unary(OpType::kSqrt, ETUDE_KERNEL_SQUARE_ROOT),
    unary(OpType::kReciprocal, ETUDE_KERNEL_RECIPROCAL),
    function(OpType::kPower, ETUDE_KERNEL_POWER),
    unary(OpType::kSin, ETUDE_KERNEL_SINE),
    unary(OpType::kCos, ETUDE_KERNEL_COSINE),
    binary(OpType::kMax, ETUDE_KERNEL_MAXIMUM),
    binary(OpType::kMin, ETUDE_KERNEL_MINIMUM),
    {OpType::kMaxGrad, kElementwise, Elements::kMaximumGrad, ETUDE_KERNEL_MAXIMUM_GRAD},
};

/// Whether the kernel of a row reads its arguments as the row says.
constexpr bool fits(const OperatorRow& row) {
  switch (row.elements) {
    case Elements::kNone:
      return row.family != kElementwise && row.kernel == ETUDE_KERNELS;
    case Elements::kUnary:
      return takes<etude_unary_args>(row.kernel);
    case Elements::kBinary:
      return takes<etude_binary_args>(row.kernel);
    case Elements::kResultGrad:
      return takes<etude_result_grad_args>(row.kernel);
    case Elements::kGelu:
      return takes<etude_gelu_args>(row.kernel);
    case Elements::kGeluGrad:
      return takes<etude_gelu_grad_args>(row.kernel);
    case Elements::kFunction:
      return takes<etude_function_args>(row.kernel);
    case Elements::kFunctionGrad:
      return takes<etude_function_grad_args>(row.kernel);
    case Elements::kMaximumGrad:
      return takes<etude_maximum_grad_args>(row.kernel);
  }
  return false;
}

constexpr bool complete() {
  for (std::size_t i = 0; i < kOperators.size(); ++i) {
    if (kRows[i].type != kOperators[i].type || !fits(kRows[i])) {
      return false;
    }
  }
  return true;
}
static_assert(std::size(kRows) == kOperators.size() && complete(),
              "one row an operator, in the order of operator_list.h, with a kernel that fits");

}  // namespace

const OperatorRow& row_of(OpType type) { return kRows[static_cast<std::size_t>(type)]; }

}  // namespace etude::compiler
