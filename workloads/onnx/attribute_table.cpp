// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/attribute_table.h"

#include <algorithm>
#include <map>
#include <utility>

#include "models/base/error.h"
#include "models/base/nearest_name.h"
#include "workloads/onnx/raw_model.h"

namespace etude::onnxio {

namespace {

using enum AttributeType;
using Rows = std::vector<AttributeRow>;
using Table = std::map<std::string, Rows>;

Rows together(Rows rows, const Rows& more) {
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

const Rows& convolution() {
  static const Rows rows{{"auto_pad", kString},   {"dilations", kInts}, {"group", kInt},
                         {"kernel_shape", kInts}, {"pads", kInts},      {"strides", kInts}};
  return rows;
}

const Rows& layer_norm() {
  static const Rows rows{{"axis", kInt}, {"epsilon", kFloat}, {"stash_type", kInt}};
  return rows;
}

/// Standard and com.microsoft operators: a graph may write either domain for either. Lists of axes
/// stand as attributes at any opset in the dialect of TrainDeeploy's graphs.
const Table& standard() {
  static const Rows none;
  static const Rows pool{{"auto_pad", kString},
                         {"kernel_shape", kInts},
                         {"pads", kInts},
                         {"strides", kInts},
                         {"ceil_mode", kInt, 10}};
  static const Rows product{{"alpha", kFloat}, {"transA", kInt}, {"transB", kInt}};
  static const Table table{
      {"Gemm", together(product, {{"beta", kFloat}})},
      {"FusedMatMul", together(product, {{"transBatchA", kInt}, {"transBatchB", kInt}})},
      {"Conv", convolution()},
      {"ConvGrad", convolution()},
      {"ConvTranspose",
       together(convolution(), {{"output_padding", kInts}, {"output_shape", kInts}})},
      {"MaxPool", together(pool, {{"storage_order", kInt, 8}, {"dilations", kInts, 10}})},
      {"AveragePool", together(pool, {{"count_include_pad", kInt, 7}, {"dilations", kInts, 19}})},
      {"Upsample", {{"mode", kString}, {"scales", kFloats, 0, 8}}},
      {"Resize",
       {{"mode", kString},
        {"coordinate_transformation_mode", kString, 11},
        {"nearest_mode", kString, 11},
        {"cubic_coeff_a", kFloat, 11},
        {"exclude_outside", kInt, 11},
        {"extrapolation_value", kFloat, 11},
        {"antialias", kInt, 18},
        {"axes", kInts, 18},
        {"keep_aspect_ratio_policy", kString, 18}}},
      {"BatchNormalization",
       {{"epsilon", kFloat},
        {"momentum", kFloat},
        {"spatial", kInt, 0, 8},
        {"training_mode", kInt, 14}}},
      {"LayerNormalization", layer_norm()},
      {"LayerNormalizationGrad", layer_norm()},
      {"Softmax", {{"axis", kInt}}},
      {"LogSoftmax", {{"axis", kInt}}},
      {"SoftmaxGrad", {{"axis", kInt}}},
      {"SoftmaxGrad_13", {{"axis", kInt}}},
      {"Clip", {{"min", kFloat, 0, 10}, {"max", kFloat, 0, 10}}},
      {"Dropout", {{"ratio", kFloat, 0, 11}, {"seed", kInt, 12}}},
      {"Gelu", {{"approximate", kString}}},
      {"GeluGrad", {{"approximate", kString}}},
      {"QuickGelu", {{"alpha", kFloat}}},
      {"QuickGeluGrad", {{"alpha", kFloat}}},
      {"Reshape", {{"allowzero", kInt, 14}}},
      {"Flatten", {{"axis", kInt}}},
      {"Squeeze", {{"axes", kInts}}},
      {"Unsqueeze", {{"axes", kInts}}},
      {"Transpose", {{"perm", kInts}}},
      {"ReduceSum", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 13}}},
      {"ReduceMean", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"Constant",
       {{"value", kTensor},
        {"value_float", kFloat, 12},
        {"value_floats", kFloats, 12},
        {"value_int", kInt, 12},
        {"value_ints", kInts, 12}}},
      {"SoftmaxCrossEntropyLoss", {{"ignore_index", kInt}, {"reduction", kString}}},
      {"NegativeLogLikelihoodLoss", {{"ignore_index", kInt}, {"reduction", kString}}},
      {"SoftmaxCrossEntropyLossGrad", {{"ignore_index", kInt}, {"reduction", kString}}},
      {"SGD", {{"lr", kFloat}}},
      {"Slice", {{"starts", kInts, 0, 9}, {"ends", kInts, 0, 9}, {"axes", kInts, 0, 9}}},
      {"Split", {{"axis", kInt}, {"split", kInts, 0, 12}, {"num_outputs", kInt, 18}}},
      {"Concat", {{"axis", kInt}}},
      {"Pad", {{"mode", kString}, {"pads", kInts, 0, 10}, {"value", kFloat, 0, 10}}},
      {"Gather", {{"axis", kInt}}},
      {"DepthToSpace", {{"blocksize", kInt}, {"mode", kString, 11}}},
      {"SpaceToDepth", {{"blocksize", kInt}}},
      {"Einsum", {{"equation", kString}}},
      {"GroupNormalization", {{"epsilon", kFloat}, {"num_groups", kInt}, {"stash_type", kInt, 21}}},
      {"InstanceNormalization", {{"epsilon", kFloat}}},
      {"RMSNormalization", layer_norm()},
      {"SimplifiedLayerNormalization", layer_norm()},
      {"LeakyRelu", {{"alpha", kFloat}}},
      {"HardSigmoid", {{"alpha", kFloat}, {"beta", kFloat}}},
      {"Elu", {{"alpha", kFloat}}},
      {"Selu", {{"alpha", kFloat}, {"gamma", kFloat}}},
      {"Celu", {{"alpha", kFloat}}},
      {"Swish", {{"alpha", kFloat}}},
      // Of constants, and Cast of data.
      {"Cast", {{"to", kInt}, {"saturate", kInt, 19}, {"round_mode", kString, 24}}},
      {"CastLike", {{"saturate", kInt, 19}, {"round_mode", kString, 24}}},
      {"Shape", {{"start", kInt, 15}, {"end", kInt, 15}}},
      {"ConstantOfShape", {{"value", kTensor}}},
      {"If", {{"then_branch", kGraph}, {"else_branch", kGraph}}},
      {"Trilu", {{"upper", kInt}}},
      {"Mod", {{"fmod", kInt}}},
      {"ReduceProd", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceMin", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceMax", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"Attention",
       {{"is_causal", kInt, 23},
        {"kv_num_heads", kInt, 23},
        {"q_num_heads", kInt, 23},
        {"qk_matmul_output_mode", kInt, 23},
        {"scale", kFloat, 23},
        {"softcap", kFloat, 23},
        {"softmax_precision", kInt, 23}}},
      {"ReduceL1", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceL2", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceLogSum", {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceLogSumExp",
       {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
      {"ReduceSumSquare",
       {{"axes", kInts}, {"keepdims", kInt}, {"noop_with_empty_axes", kInt, 18}}},
  };
  return table;
}

/// Ours, as onnx_export.cpp writes them.
const Table& own() {
  static const Rows window{
      {"kernel_shape", kInts}, {"strides", kInts}, {"pads", kInts}, {"dilations", kInts}};
  static const Rows grouped = together(window, {{"group", kInt}});
  static const Rows of_shape{{"shape", kInts}};
  static const Rows epsilon{{"epsilon", kFloat}};
  static const Rows form{{"approximate", kString}};
  static const Rows batch_norm{
      {"training", kInt}, {"epsilon", kFloat}, {"momentum", kFloat}, {"of_groups", kInt}};
  static const Rows scale{{"scale", kFloat}};
  static const Rows part{{"starts", kInts}, {"steps", kInts}, {"shape", kInts}};
  static const Rows pieces{
      {"low", kFloat}, {"high", kFloat}, {"below", kFloat}, {"above", kFloat}, {"slope", kFloat}};
  static const Rows elu{{"alpha", kFloat}, {"gamma", kFloat}, {"rate", kFloat}};
  static const Table table{
      {"Gemm", {{"transA", kInt}, {"transB", kInt}}},
      {"ReduceSum", {{"axes", kInts}, {"keepdims", kInt}}},
      {"Scale", {{"factor", kFloat}}},
      {"Gelu", form},
      {"GeluGrad", form},
      {"Expand", of_shape},
      {"Reshape", of_shape},
      {"Transpose", {{"perm", kInts}}},
      {"Conv", grouped},
      {"ConvGradInput", together(grouped, of_shape)},
      {"ConvGradWeight", grouped},
      {"MaxPool", window},
      {"MaxPoolGrad", window},
      {"AveragePool", window},
      {"AveragePoolGrad", together(window, of_shape)},
      {"LayerNormalization", epsilon},
      {"LayerNormalizationGrad", epsilon},
      {"LayerNormalizationAffineGrad", epsilon},
      {"BatchNormalization", batch_norm},
      {"BatchNormalizationGrad", batch_norm},
      {"BatchNormalizationAffineGrad", batch_norm},
      {"BatchNormalizationStatistics", batch_norm},
      {"Softmax", scale},
      {"SoftmaxGrad", scale},
      {"SoftmaxCrossEntropyLoss", {{"reduction", kString}}},
      {"SoftmaxCrossEntropyLossGrad", {{"reduction", kString}, {"scale", kFloat}}},
      {"Sgd", {{"lr", kFloat}}},
      {"Momentum", {{"lr", kFloat}, {"momentum", kFloat}}},
      {"Adam",
       {{"lr", kFloat}, {"beta1", kFloat}, {"beta2", kFloat}, {"epsilon", kFloat}, {"step", kInt}}},
      {"Slice", part},
      {"Pad", together(part, {{"value", kFloat}})},
      {"Concat", {{"axis", kInt}}},
      {"GatherGrad", {{"rows", kInt}}},
      {"RMSNormalization", epsilon},
      {"RMSNormalizationGrad", epsilon},
      {"RMSNormalizationScaleGrad", epsilon},
      {"Piecewise", together(pieces, {{"offset", kFloat}, {"closed", kInt}})},
      {"PiecewiseGrad", pieces},
      {"Elu", elu},
      {"EluGrad", elu},
      {"Power", {{"exponent", kFloat}}},
  };
  return table;
}

/// What exporters write on any node for people to read.
bool is_remark(const std::string& attribute) { return attribute == "description"; }

/// The type that a value has, and nothing for one that no operator here declares.
std::string type_of(const RawAttribute& value) {
  struct Visitor {
    std::string operator()(std::int64_t) const { return name_of(kInt); }
    std::string operator()(double) const { return name_of(kFloat); }
    std::string operator()(const std::string&) const { return name_of(kString); }
    std::string operator()(const std::vector<std::int64_t>&) const { return name_of(kInts); }
    std::string operator()(const std::vector<double>&) const { return name_of(kFloats); }
    std::string operator()(const RawTensor&) const { return name_of(kTensor); }
    std::string operator()(const RawGraph&) const { return name_of(kGraph); }
    std::string operator()(const OtherAttribute& other) const { return other.type; }
  };
  return std::visit(Visitor{}, value);
}

/// "axis, keepdims" of those in the model's opset, the nearest name first.
std::string known_names(const Rows& rows, std::int64_t opset, const std::string& given) {
  std::vector<std::string> names;
  for (const AttributeRow& row : rows) {
    if (opset >= row.since && opset <= row.until) {
      names.emplace_back(row.name);
    }
  }
  if (names.empty()) {
    return "it has none";
  }
  std::ranges::stable_sort(names, {},
                           [&](const std::string& name) { return edit_distance(name, given); });
  std::string list;
  for (const std::string& name : names) {
    list += (list.empty() ? "it has " : ", ") + name;
  }
  return list;
}

void check_attribute(const RawModel& model, const RawNode& node, const std::string& name,
                     RawAttribute& value) {
  const std::string where = model.where + ": " + node.label();
  const Rows& rows = attributes_of(node.domain, node.op);
  const auto row = std::ranges::find(rows, name, &AttributeRow::name);
  if (row == rows.end()) {
    throw UserError(where, "has the attribute '" + name + "', which " + node.op + " does not know",
                    known_names(rows, model.opset, name));
  }
  if (node.domain.empty() && (model.opset < row->since || model.opset > row->until)) {
    throw UserError(where,
                    "has the attribute '" + name + "', which " + node.op + " of opset " +
                        std::to_string(model.opset) + " does not know",
                    model.opset < row->since
                        ? "it is there from opset " + std::to_string(row->since) + " on"
                        : "it was there up to opset " + std::to_string(row->until));
  }
  if (row->type == kInts && std::holds_alternative<std::int64_t>(value)) {
    value = std::vector<std::int64_t>{std::get<std::int64_t>(value)};
  }
  const std::string found = type_of(value);
  if (found != name_of(row->type)) {
    throw UserError(where, "has the attribute '" + name + "' of type " + found,
                    std::string(name_of(row->type)) + " is wanted");
  }
}

}  // namespace

const char* name_of(AttributeType type) {
  switch (type) {
    case kInt:
      return "INT";
    case kFloat:
      return "FLOAT";
    case kString:
      return "STRING";
    case kInts:
      return "INTS";
    case kFloats:
      return "FLOATS";
    case kTensor:
      return "TENSOR";
    case kGraph:
      return "GRAPH";
  }
  return "";
}

const std::vector<AttributeRow>& attributes_of(const std::string& domain, const std::string& op) {
  static const Rows none;
  const Table& table = domain == "ai.etude" ? own() : standard();
  const auto found = table.find(op);
  return found == table.end() ? none : found->second;
}

void check_attributes(RawModel& model) {
  for (RawNode& node : model.nodes) {
    for (auto& [name, value] : node.attributes) {
      if (!is_remark(name)) {
        check_attribute(model, node, name, value);
      }
    }
  }
}

}  // namespace etude::onnxio
