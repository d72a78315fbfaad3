// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etude::test {

/// The bytes of ONNX messages, written field by field after onnx.proto, so that tests can also make
/// models that no exporter would write.
class OnnxBytes {
 public:
  OnnxBytes& number(unsigned field, std::uint64_t value);
  OnnxBytes& bytes(unsigned field, const std::string& value);
  const std::string& str() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

/// An attribute of integers, one integer, or a string.
std::string onnx_ints(const std::string& name, const std::vector<std::int64_t>& values);
std::string onnx_int(const std::string& name, std::int64_t value);
std::string onnx_float(const std::string& name, float value);
std::string onnx_string(const std::string& name, const std::string& value);
/// A node with attributes made by the functions above.
std::string onnx_node(const std::string& op, const std::string& name,
                      const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs,
                      const std::vector<std::string>& attributes = {},
                      const std::string& domain = "");
/// An initializer; `type` 1 (float) or 7 (int64), `raw` its little-endian bytes.
std::string onnx_constant(const std::string& name, const std::vector<std::int64_t>& shape, int type,
                          const std::string& raw);
/// Floats counting up in steps of 1/16 from -1, and integers as they are.
std::string onnx_floats(const std::string& name, const std::vector<std::int64_t>& shape);
std::string onnx_integers(const std::string& name, const std::vector<std::int64_t>& values);
/// An initializer of floats whose data lie in another file: keys and values of external_data.
std::string onnx_external(const std::string& name, const std::vector<std::int64_t>& shape,
                          const std::vector<std::pair<std::string, std::string>>& entries);
/// A declared input or output whose extents are numbers or symbols ("" without a name).
std::string onnx_symbolic(const std::string& name, const std::vector<std::string>& extents,
                          int type = 1);
/// A declared input or output.
std::string onnx_value(const std::string& name, const std::vector<std::int64_t>& shape,
                       int type = 1);

/// A whole model. Imports: (domain, version) pairs.
struct OnnxGraph {
  std::vector<std::string> nodes, constants, inputs, outputs;
  std::vector<std::pair<std::string, int>> imports{{"", 17}};
  std::string model() const;
};

}  // namespace etude::test
