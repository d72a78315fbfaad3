// SPDX-License-Identifier: Apache-2.0
#include "tests/support/onnx_bytes.h"

#include <cstring>

namespace etude::test {

void OnnxBytes::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

OnnxBytes& OnnxBytes::number(unsigned field, std::uint64_t value) {
  varint(field << 3);
  varint(value);
  return *this;
}

OnnxBytes& OnnxBytes::bytes(unsigned field, const std::string& value) {
  varint(field << 3 | 2);
  varint(value.size());
  bytes_ += value;
  return *this;
}

// AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7).
std::string onnx_ints(const std::string& name, const std::vector<std::int64_t>& values) {
  OnnxBytes made;
  made.bytes(1, name);
  for (std::int64_t value : values) {
    made.number(8, static_cast<std::uint64_t>(value));
  }
  return made.number(20, 7).str();
}

std::string onnx_int(const std::string& name, std::int64_t value) {
  return OnnxBytes()
      .bytes(1, name)
      .number(3, static_cast<std::uint64_t>(value))
      .number(20, 2)
      .str();
}

std::string onnx_float(const std::string& name, float value) {
  char word[4];
  std::memcpy(word, &value, 4);
  // Field 2 of wire type 5 (32 bits).
  return OnnxBytes().bytes(1, name).str() + '\x15' + std::string(word, 4) +
         OnnxBytes().number(20, 1).str();
}

std::string onnx_string(const std::string& name, const std::string& value) {
  return OnnxBytes().bytes(1, name).bytes(4, value).number(20, 3).str();
}

// NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7.
std::string onnx_node(const std::string& op, const std::string& name,
                      const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs,
                      const std::vector<std::string>& attributes, const std::string& domain) {
  OnnxBytes made;
  for (const auto& input : inputs) {
    made.bytes(1, input);
  }
  for (const auto& output : outputs) {
    made.bytes(2, output);
  }
  made.bytes(3, name).bytes(4, op);
  for (const auto& attribute : attributes) {
    made.bytes(5, attribute);
  }
  return made.bytes(7, domain).str();
}

// TensorProto: dims 1, data_type 2, name 8, raw_data 9.
std::string onnx_constant(const std::string& name, const std::vector<std::int64_t>& shape, int type,
                          const std::string& raw) {
  OnnxBytes made;
  for (std::int64_t extent : shape) {
    made.number(1, static_cast<std::uint64_t>(extent));
  }
  return made.number(2, static_cast<std::uint64_t>(type)).bytes(8, name).bytes(9, raw).str();
}

std::string onnx_floats(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (std::int64_t extent : shape) {
    elements *= extent;
  }
  std::string raw;
  for (std::int64_t i = 0; i < elements; ++i) {
    const float value = static_cast<float>(i % 32) / 16 - 1;
    raw.append(reinterpret_cast<const char*>(&value), 4);
  }
  return onnx_constant(name, shape, 1, raw);
}

std::string onnx_integers(const std::string& name, const std::vector<std::int64_t>& values) {
  return onnx_constant(
      name, {static_cast<std::int64_t>(values.size())}, 7,
      std::string(reinterpret_cast<const char*>(values.data()), 8 * values.size()));
}

// external_data 13 (key 1, value 2), data_location 14 (1: external).
std::string onnx_external(const std::string& name, const std::vector<std::int64_t>& shape,
                          const std::vector<std::pair<std::string, std::string>>& entries) {
  OnnxBytes made;
  for (std::int64_t extent : shape) {
    made.number(1, static_cast<std::uint64_t>(extent));
  }
  made.number(2, 1).bytes(8, name);
  for (const auto& [key, value] : entries) {
    made.bytes(13, OnnxBytes().bytes(1, key).bytes(2, value).str());
  }
  return made.number(14, 1).str();
}

std::string onnx_symbolic(const std::string& name, const std::vector<std::string>& extents,
                          int type) {
  OnnxBytes shape;
  for (const std::string& extent : extents) {
    const bool number = !extent.empty() && extent.find_first_not_of("0123456789") == extent.npos;
    shape.bytes(1, extent.empty() ? ""
                   : number       ? OnnxBytes().number(1, std::stoull(extent)).str()
                                  : OnnxBytes().bytes(2, extent).str());
  }
  const std::string tensor =
      OnnxBytes().number(1, static_cast<std::uint64_t>(type)).bytes(2, shape.str()).str();
  return OnnxBytes().bytes(1, name).bytes(2, OnnxBytes().bytes(1, tensor).str()).str();
}

// ValueInfoProto: name 1, type 2; TypeProto.tensor_type 1: elem_type 1, shape 2; dim 1: dim_value
// 1, dim_param 2.
std::string onnx_value(const std::string& name, const std::vector<std::int64_t>& shape, int type) {
  OnnxBytes extents;
  for (std::int64_t extent : shape) {
    extents.bytes(1, extent < 0 ? OnnxBytes().bytes(2, "n").str()
                                : OnnxBytes().number(1, static_cast<std::uint64_t>(extent)).str());
  }
  const std::string tensor =
      OnnxBytes().number(1, static_cast<std::uint64_t>(type)).bytes(2, extents.str()).str();
  return OnnxBytes().bytes(1, name).bytes(2, OnnxBytes().bytes(1, tensor).str()).str();
}

// ModelProto: ir_version 1, graph 7, opset_import 8 (domain 1, version 2). GraphProto: node 1, name
// 2, initializer 5, input 11, output 12.
std::string OnnxGraph::model() const {
  OnnxBytes graph;
  for (const auto& node : nodes) {
    graph.bytes(1, node);
  }
  graph.bytes(2, "graph");
  for (const auto& constant : constants) {
    graph.bytes(5, constant);
  }
  for (const auto& input : inputs) {
    graph.bytes(11, input);
  }
  for (const auto& output : outputs) {
    graph.bytes(12, output);
  }
  OnnxBytes whole;
  whole.number(1, 8).bytes(7, graph.str());
  for (const auto& [domain, version] : imports) {
    whole.bytes(8,
                OnnxBytes().bytes(1, domain).number(2, static_cast<std::uint64_t>(version)).str());
  }
  return whole.str();
}

}  // namespace etude::test
