// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "workloads/graph/graph.h"
#include "workloads/onnx/attribute_table.h"
#include "workloads/onnx/element_type.h"

namespace etude::onnxio {

/// A constant of an ONNX file.
struct RawTensor {
  Shape shape;
  int type = kFloatType;             ///< ElementType of the file
  bool constant_node = false;        ///< made by a Constant node, no initializer
  bool integers = false;             ///< of an integer type or BOOL, else a float type
  std::vector<float> reals;          ///< elements when not `integers`
  std::vector<std::int64_t> values;  ///< elements when `integers`
};

/// The value of an attribute of a type that no operator here declares.
struct OtherAttribute {
  std::string type;  ///< its name in onnx.proto
};

struct RawModel;

/// A graph inside of a node, as a branch of If: its inputs are the values that it takes from
/// around it.
using RawGraph = std::shared_ptr<const RawModel>;

using RawAttribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                                  std::vector<double>, RawTensor, RawGraph, OtherAttribute>;

/// One node as the file has it.
struct RawNode {
  std::string op;
  std::string domain;               ///< "" for the standard one
  std::string name;                 ///< its first output where the file gives none
  std::string scope;                ///< the path of modules that PyTorch's exporter notes beside it
  std::vector<std::string> inputs;  ///< of If also what its branches take from around them
  std::vector<std::string> outputs;
  std::map<std::string, RawAttribute> attributes;

  std::string label() const { return "node '" + name + "' (" + op + ")"; }
  bool has_input(std::size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
  bool has_output(std::size_t i) const { return i < outputs.size() && !outputs[i].empty(); }
  /// The attribute `key`, or `otherwise` when it is absent. Errors: std::logic_error when the
  /// operator declares it (attribute_table.h) with another type.
  std::int64_t integer(const std::string& key, std::int64_t otherwise) const;
  double real(const std::string& key, double otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(const std::string& key) const;
};

/// A declared value of the graph: an input or an output.
struct RawValue {
  std::string name;
  std::optional<int> type;  ///< ElementType; nothing for what is no tensor, as a sequence
  std::vector<std::optional<std::uint64_t>> shape;  ///< an extent without number is symbolic
  std::vector<std::string> symbols;  ///< beside `shape`: the names of symbolic extents
  bool shaped = false;
};

/// The content of an ONNX file, free of protobuf.
struct RawModel {
  std::string where;  ///< the file, for messages
  std::string name;
  std::int64_t opset = 0;  ///< the highest import of the standard domain
  bool pytorch = false;    ///< written by PyTorch's exporters
  bool microsoft = false;  ///< imports com.microsoft, as ONNX Runtime's tools write
  std::vector<RawNode> nodes;
  std::map<std::string, RawTensor> constants;
  std::vector<RawValue> inputs;  ///< without those that have a constant
  std::vector<RawValue> outputs;
  std::map<std::string, RawValue> declared;
  std::vector<std::filesystem::path> data_files;  ///< external data, in the order of their names
};

/// Reads an ONNX file. Errors: UserError naming the file when it cannot be read, is truncated, has
/// no graph, an opset that is not supported, an attribute twice, or constants that are broken, have
/// a type that is not supported, or data in another file that cannot be taken (external_data.h).
RawModel read_raw_model(const std::filesystem::path& file);

/// Takes Constant nodes as constants. Errors: UserError naming a node without a value.
void take_constant_nodes(RawModel& model);

/// Positions of the nodes so that each stands behind the makers of its inputs.
/// Errors: UserError naming a node on a cycle, an input that nothing makes, or a second maker.
std::vector<std::size_t> sorted_nodes(const RawModel& model);

}  // namespace etude::onnxio
