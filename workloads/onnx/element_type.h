// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude::onnxio {

/// Numbers of TensorProto.DataType (onnx.proto) that the reader looks at.
enum ElementType : int {
  kUndefinedType = 0,
  kFloatType = 1,
  kInt32Type = 6,
  kInt64Type = 7,
  kBoolType = 9,
  kDoubleType = 11,
};

/// The name of an element type in onnx.proto ("INT32"); "UNDEFINED" of none, "type 99" of a number
/// that the standard does not have.
std::string element_type_name(int type);

}  // namespace etude::onnxio
