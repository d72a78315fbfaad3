// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etude::onnxio {

struct RawModel;

/// Types of AttributeProto that operators here declare.
enum class AttributeType { kInt, kFloat, kString, kInts, kFloats, kTensor, kGraph };
/// "INT", as onnx.proto calls it.
const char* name_of(AttributeType type);

/// An attribute as an operator declares it, in the opsets of the standard domain that have it.
struct AttributeRow {
  std::string_view name;
  AttributeType type;
  std::int64_t since = 0;
  std::int64_t until = 99;  ///< the last one
};

/// The attributes of an operator, all opsets together. The one list that nodes are read by: ONNX's
/// Operators.md and Changelog.md, ONNX Runtime's contrib and training operators for com.microsoft,
/// our own for ai.etude.
const std::vector<AttributeRow>& attributes_of(const std::string& domain, const std::string& op);

/// Holds every node's attributes to the table: a single INT becomes a list where INTS is declared.
/// Errors: UserError naming node, operator and attribute, when the operator has none of that name
/// in the model's opset, or its type is another one.
void check_attributes(RawModel& model);

}  // namespace etude::onnxio
