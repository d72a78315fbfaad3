// SPDX-License-Identifier: Apache-2.0
// The one list of operators. A row gives the enumerator, the name, the rules' name (kXRules of
// workloads/ops/op_rules.h) and the form in ONNX files; docs/extend.md says what else an operator
// needs.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace etude {

/// How an ONNX file holds an operator.
enum class OnnxForm {
  kOwn,        ///< in the domain ai.etude, with our name and attributes
  kStandard,   ///< one standard node with the same inputs and results
  kMicrosoft,  ///< the same in com.microsoft
  kWritten,    ///< constants or other nodes besides: onnx_export.cpp has a writer for the name
};

// X(enumerator, name in result.json and in ai.etude, form, ONNX name, attributes that go along)
#define ETUDE_OPERATORS(X)                                                                    \
  X(Gemm, "Gemm", kWritten, "Gemm", "")                                                       \
  X(Relu, "Relu", kStandard, "Relu", "")                                                      \
  X(ReluGrad, "ReluGrad", kMicrosoft, "ReluGrad", "")                                         \
  X(MseLoss, "MseLoss", kOwn, "", "")                                                         \
  X(MseLossGrad, "MseLossGrad", kOwn, "", "")                                                 \
  X(ReduceSum, "ReduceSum", kWritten, "ReduceSum", "")                                        \
  X(Add, "Add", kWritten, "Add", "")                                                          \
  X(Sgd, "Sgd", kOwn, "", "")                                                                 \
  X(Sub, "Sub", kStandard, "Sub", "")                                                         \
  X(Mul, "Mul", kStandard, "Mul", "")                                                         \
  X(Div, "Div", kStandard, "Div", "")                                                         \
  X(Scale, "Scale", kWritten, "Mul", "")                                                      \
  X(Relu6, "Relu6", kWritten, "Clip", "")                                                     \
  X(Relu6Grad, "Relu6Grad", kOwn, "", "")                                                     \
  X(Sigmoid, "Sigmoid", kStandard, "Sigmoid", "")                                             \
  X(SigmoidGrad, "SigmoidGrad", kMicrosoft, "SigmoidGrad", "")                                \
  X(Tanh, "Tanh", kStandard, "Tanh", "")                                                      \
  X(TanhGrad, "TanhGrad", kMicrosoft, "TanhGrad", "")                                         \
  X(Gelu, "Gelu", kWritten, "Gelu", "")                                                       \
  X(GeluGrad, "GeluGrad", kWritten, "GeluGrad", "")                                           \
  X(Expand, "Expand", kWritten, "Expand", "")                                                 \
  X(Reshape, "Reshape", kWritten, "Reshape", "")                                              \
  X(Transpose, "Transpose", kStandard, "Transpose", "perm")                                   \
  X(Conv, "Conv", kStandard, "Conv", "kernel_shape strides pads dilations group")             \
  X(ConvGradInput, "ConvGradInput", kWritten, "ConvTranspose", "")                            \
  X(ConvGradWeight, "ConvGradWeight", kOwn, "", "")                                           \
  X(MaxPool, "MaxPool", kStandard, "MaxPool", "kernel_shape strides pads dilations")          \
  X(MaxPoolGrad, "MaxPoolGrad", kOwn, "", "")                                                 \
  X(AveragePool, "AveragePool", kWritten, "AveragePool", "")                                  \
  X(AveragePoolGrad, "AveragePoolGrad", kOwn, "", "")                                         \
  X(LayerNorm, "LayerNormalization", kStandard, "LayerNormalization", "epsilon")              \
  X(LayerNormGrad, "LayerNormalizationGrad", kMicrosoft, "LayerNormalizationGrad", "epsilon") \
  X(LayerNormAffineGrad, "LayerNormalizationAffineGrad", kOwn, "", "")                        \
  X(BatchNorm, "BatchNormalization", kWritten, "BatchNormalization", "")                      \
  X(BatchNormGrad, "BatchNormalizationGrad", kOwn, "", "")                                    \
  X(BatchNormAffineGrad, "BatchNormalizationAffineGrad", kOwn, "", "")                        \
  X(BatchNormStatistics, "BatchNormalizationStatistics", kOwn, "", "")                        \
  X(Softmax, "Softmax", kWritten, "Softmax", "")                                              \
  X(SoftmaxGrad, "SoftmaxGrad", kWritten, "SoftmaxGrad", "")                                  \
  X(SoftmaxCrossEntropy, "SoftmaxCrossEntropyLoss", kStandard, "SoftmaxCrossEntropyLoss",     \
    "reduction")                                                                              \
  X(SoftmaxCrossEntropyGrad, "SoftmaxCrossEntropyLossGrad", kWritten,                         \
    "SoftmaxCrossEntropyLossGrad", "")                                                        \
  X(Momentum, "Momentum", kOwn, "", "")                                                       \
  X(Adam, "Adam", kOwn, "", "")                                                               \
  X(BceLoss, "BceLoss", kOwn, "", "")                                                         \
  X(BceLossGrad, "BceLossGrad", kOwn, "", "")                                                 \
  X(Slice, "Slice", kWritten, "Slice", "")                                                    \
  X(Pad, "Pad", kWritten, "Pad", "")                                                          \
  X(Concat, "Concat", kStandard, "Concat", "axis")                                            \
  X(Gather, "Gather", kStandard, "Gather", "")                                                \
  X(GatherGrad, "GatherGrad", kOwn, "", "")                                                   \
  X(LogSoftmax, "LogSoftmax", kWritten, "LogSoftmax", "")                                     \
  X(LogSoftmaxGrad, "LogSoftmaxGrad", kOwn, "", "")                                           \
  X(RmsNorm, "RMSNormalization", kOwn, "", "")                                                \
  X(RmsNormGrad, "RMSNormalizationGrad", kOwn, "", "")                                        \
  X(RmsNormScaleGrad, "RMSNormalizationScaleGrad", kOwn, "", "")                              \
  X(Piecewise, "Piecewise", kWritten, "LeakyRelu", "")                                        \
  X(PiecewiseGrad, "PiecewiseGrad", kOwn, "", "")                                             \
  X(Elu, "Elu", kWritten, "Elu", "")                                                          \
  X(EluGrad, "EluGrad", kOwn, "", "")                                                         \
  X(Exp, "Exp", kStandard, "Exp", "")                                                         \
  X(Log, "Log", kStandard, "Log", "")                                                         \
  X(Softplus, "Softplus", kStandard, "Softplus", "")                                          \
  X(Erf, "Erf", kStandard, "Erf", "")                                                         \
  X(Sqrt, "Sqrt", kStandard, "Sqrt", "")                                                      \
  X(Reciprocal, "Reciprocal", kStandard, "Reciprocal", "")                                    \
  X(Power, "Power", kWritten, "Pow", "")                                                      \
  X(Sin, "Sin", kStandard, "Sin", "")                                                         \
  X(Cos, "Cos", kStandard, "Cos", "")                                                         \
  X(Max, "Max", kStandard, "Max", "")                                                         \
  X(Min, "Min", kStandard, "Min", "")                                                         \
  X(MaxGrad, "MaxGrad", kOwn, "", "")

#define ETUDE_ENUMERATOR(op, ...) k##op,
/// Operators. docs/workloads.md defines each; rules_of() in workloads/ops/op_rules.h implements it.
enum class OpType { ETUDE_OPERATORS(ETUDE_ENUMERATOR) };
#undef ETUDE_ENUMERATOR

/// What an operator is called and how ONNX files hold it.
struct OperatorNames {
  OpType type;
  const char* name;
  OnnxForm form;
  std::string_view onnx;
  std::string_view onnx_attributes;  ///< separated by blanks
};

#define ETUDE_NAMES(op, name, form, onnx, attributes) \
  OperatorNames{OpType::k##op, name, OnnxForm::form, onnx, attributes},
/// All operators in the order of OpType.
inline constexpr std::array kOperators{ETUDE_OPERATORS(ETUDE_NAMES)};
#undef ETUDE_NAMES

/// The names of an operator.
constexpr const OperatorNames& names_of(OpType type) {
  return kOperators[static_cast<std::size_t>(type)];
}

}  // namespace etude
