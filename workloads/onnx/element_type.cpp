// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/element_type.h"

#include <array>
#include <cstddef>

namespace etude::onnxio {

std::string element_type_name(int type) {
  // In the order of onnx.proto, which grows at its end.
  constexpr std::array names{
      "UNDEFINED",      "FLOAT",    "UINT8",        "INT8",           "UINT16",
      "INT16",          "INT32",    "INT64",        "STRING",         "BOOL",
      "FLOAT16",        "DOUBLE",   "UINT32",       "UINT64",         "COMPLEX64",
      "COMPLEX128",     "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2",
      "FLOAT8E5M2FNUZ", "UINT4",    "INT4",         "FLOAT4E2M1",     "FLOAT8E8M0"};
  const auto number = static_cast<std::size_t>(type);
  return type >= 0 && number < names.size() ? names[number] : "type " + std::to_string(type);
}

}  // namespace etude::onnxio
