// SPDX-License-Identifier: Apache-2.0
// From protobuf to plain structures.
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "models/base/error.h"
#include "workloads/onnx/external_data.h"
#include "workloads/onnx/function_calls.h"
#include "workloads/onnx/module_scope.h"
#include "workloads/onnx/raw_model.h"

namespace etude::onnxio {

namespace {

/// The opsets of the standard domain whose operators were compared with ours.
constexpr std::int64_t kOldestOpset = 7;
constexpr std::int64_t kNewestOpset = 24;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 28;

template <typename T>
std::vector<T> raw_elements(const std::string& bytes) {
  static_assert(std::endian::native == std::endian::little, "ONNX stores little endian");
  std::vector<T> elements(bytes.size() / sizeof(T));
  std::memcpy(elements.data(), bytes.data(), elements.size() * sizeof(T));
  return elements;
}

/// Bytes of the UTF-8 character that begins at `at`; 0 if there is none.
std::size_t utf8_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(at);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) {
      return 0;
    }
  }
  const unsigned second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

/// A name of the file for our one-line messages and for JSON: what is not UTF-8 becomes '?'.
std::string printable(std::string name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t length = utf8_length(name, at);
    if (length == 0 || static_cast<unsigned char>(name[at]) < ' ') {
      name[at] = '?';
    }
    at += std::max<std::size_t>(length, 1);
  }
  return name;
}

/// No extent, stride or axis is that large: cut, so that products of two cannot overflow.
std::int64_t bounded(std::int64_t value) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  return std::clamp(value, -kMost, kMost);
}

template <typename Values>
std::vector<std::int64_t> bounded(const Values& values) {
  std::vector<std::int64_t> made;
  for (std::int64_t value : values) {
    made.push_back(bounded(value));
  }
  return made;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : external_(file) {
    model_.where = file.string();
  }

  RawModel read(const std::string& bytes) {
    onnx::ModelProto proto;
    const google::protobuf::LogSilencer silent;  // the one line is ours
    if (!proto.ParseFromString(bytes)) {
      throw UserError(model_.where, "is no complete ONNX model",
                      "give an .onnx file that is not truncated");
    }
    if (!proto.has_graph() || proto.graph().node_size() == 0) {
      throw UserError(model_.where, "holds no graph with nodes", "give an ONNX model");
    }
    for (const auto& import : proto.opset_import()) {
      model_.microsoft = model_.microsoft || import.domain() == "com.microsoft";
      if (import.domain().empty() || import.domain() == "ai.onnx") {
        model_.opset = std::max<std::int64_t>(model_.opset, import.version());
      }
    }
    inline_functions(proto, model_.where);
    const onnx::GraphProto& graph = proto.graph();
    check_opset(graph);
    model_.name = printable(graph.name());
    model_.pytorch = proto.producer_name() == "pytorch";
    take_graph(graph, model_);
    model_.data_files.assign(external_.files().begin(), external_.files().end());
    return std::move(model_);
  }

 private:
  void take_graph(const onnx::GraphProto& graph, RawModel& into) {
    for (const auto& initializer : graph.initializer()) {
      const std::string name = printable(initializer.name());
      if (!into.constants.emplace(name, tensor(initializer, name)).second) {
        throw UserError(model_.where, "has two initializers '" + name + "'",
                        "every value has one name");
      }
    }
    if (graph.sparse_initializer_size() > 0) {
      throw UserError(model_.where, "has sparse initializers", "store them densely");
    }
    for (const auto& input : graph.input()) {
      if (!into.constants.contains(printable(input.name()))) {
        into.inputs.push_back(value(input));
      }
    }
    for (const auto& output : graph.output()) {
      into.outputs.push_back(value(output));
    }
    for (const auto& info : graph.value_info()) {
      into.declared[printable(info.name())] = value(info);
    }
    for (const auto& node : graph.node()) {
      into.nodes.push_back(node_of(node));
    }
  }

  /// A graph inside of a node.
  RawGraph inner_graph(const onnx::GraphProto& graph) {
    auto made = std::make_shared<RawModel>();
    made->where = model_.where;
    made->opset = model_.opset;
    take_graph(graph, *made);
    std::set<std::string> own;
    for (const auto& [name, constant] : made->constants) {
      own.insert(name);
    }
    for (const RawNode& node : made->nodes) {
      own.insert(node.outputs.begin(), node.outputs.end());
    }
    const auto take = [&](const std::string& name) {
      if (!name.empty() && own.insert(name).second) {
        made->inputs.push_back({name, std::nullopt, {}, {}, false});
      }
    };
    for (const RawNode& node : made->nodes) {
      std::ranges::for_each(node.inputs, take);
    }
    for (const RawValue& output : made->outputs) {
      take(output.name);
    }
    return made;
  }

  void check_opset(const onnx::GraphProto& graph) const {
    const bool standard = std::ranges::any_of(graph.node(), [](const onnx::NodeProto& node) {
      return node.domain().empty() || node.domain() == "ai.onnx";
    });
    if (standard && (model_.opset < kOldestOpset || model_.opset > kNewestOpset)) {
      throw UserError(model_.where,
                      model_.opset == 0 ? std::string("imports no opset of the standard domain")
                                        : "uses opset " + std::to_string(model_.opset),
                      "opsets " + std::to_string(kOldestOpset) + " to " +
                          std::to_string(kNewestOpset) + " are supported");
    }
  }

  /// Of one element. Errors: UserError for a type that is not supported.
  static std::size_t bytes_of(const onnx::TensorProto& proto, const std::string& where) {
    switch (proto.data_type()) {
      case onnx::TensorProto::DOUBLE:
      case onnx::TensorProto::INT64:
        return 8;
      case onnx::TensorProto::FLOAT:
      case onnx::TensorProto::INT32:
        return 4;
      case onnx::TensorProto::BOOL:
        return 1;
      default:
        throw UserError(
            where, "has the element type " + element_type_name(proto.data_type()),
            "FLOAT is supported, and DOUBLE where FLOAT holds every value; INT64, INT32 "
            "and BOOL for shapes, axes and switches");
    }
  }

  std::string external_data(const onnx::TensorProto& proto, const std::string& where,
                            std::uint64_t bytes) {
    if (proto.has_raw_data()) {
      throw UserError(where, "has data here and in another file", "give one of them");
    }
    std::vector<std::pair<std::string, std::string>> entries;
    for (const auto& entry : proto.external_data()) {
      entries.emplace_back(entry.key(), entry.value());
    }
    return external_.read(where, entries, bytes);
  }

  RawTensor tensor(const onnx::TensorProto& proto, const std::string& name) {
    const std::string where = model_.where + ": constant '" + name + "'";
    RawTensor made;
    made.type = proto.data_type();
    std::uint64_t elements = 1;
    for (std::int64_t extent : proto.dims()) {
      if (extent < 0 || static_cast<std::uint64_t>(extent) > kMostElements ||
          elements * static_cast<std::uint64_t>(extent) > kMostElements) {
        throw UserError(where, "has the extent " + std::to_string(extent),
                        "extents are positive and their product at most 2^28");
      }
      made.shape.push_back(static_cast<std::uint64_t>(extent));
      elements *= static_cast<std::uint64_t>(extent);
    }
    const std::size_t bytes = bytes_of(proto, where);
    const bool external = proto.data_location() == onnx::TensorProto::EXTERNAL;
    const std::string elsewhere = external ? external_data(proto, where, elements * bytes) : "";
    const std::string& raw = external ? elsewhere : proto.raw_data();
    const bool is_raw = external || proto.has_raw_data();
    std::size_t given = 0;
    switch (proto.data_type()) {
      case onnx::TensorProto::FLOAT:
        made.reals = is_raw
                         ? raw_elements<float>(raw)
                         : std::vector<float>(proto.float_data().begin(), proto.float_data().end());
        given = made.reals.size();
        break;
      case onnx::TensorProto::DOUBLE: {
        std::vector<double> wide(proto.double_data().begin(), proto.double_data().end());
        if (is_raw) {
          wide = raw_elements<double>(raw);
        }
        for (double element : wide) {
          made.reals.push_back(static_cast<float>(element));
          if (double{made.reals.back()} != element && element == element) {
            throw UserError(where, "has the type DOUBLE and values that FLOAT does not hold",
                            "export the model in float32");
          }
        }
        given = wide.size();
        break;
      }
      case onnx::TensorProto::INT64:
        made.integers = true;
        made.values = is_raw ? raw_elements<std::int64_t>(raw)
                             : std::vector<std::int64_t>(proto.int64_data().begin(),
                                                         proto.int64_data().end());
        given = made.values.size();
        break;
      case onnx::TensorProto::INT32: {
        made.integers = true;
        const auto narrow = is_raw ? raw_elements<std::int32_t>(raw)
                                   : std::vector<std::int32_t>(proto.int32_data().begin(),
                                                               proto.int32_data().end());
        made.values.assign(narrow.begin(), narrow.end());
        given = narrow.size();
        break;
      }
      case onnx::TensorProto::BOOL:
        made.integers = true;
        if (is_raw) {
          const auto narrow = raw_elements<std::uint8_t>(raw);
          made.values.assign(narrow.begin(), narrow.end());
        } else {
          made.values.assign(proto.int32_data().begin(), proto.int32_data().end());
        }
        std::ranges::for_each(made.values, [](std::int64_t& v) { v = v != 0; });
        given = made.values.size();
        break;
      default:
        break;  // refused by bytes_of()
    }
    if (given != elements || (is_raw && raw.size() != elements * bytes)) {
      throw UserError(where,
                      "holds " +
                          (is_raw ? std::to_string(raw.size()) + " bytes"
                                  : std::to_string(given) + " elements") +
                          " for shape " + to_string(made.shape),
                      "data and shape must agree");
    }
    return made;
  }

  RawValue value(const onnx::ValueInfoProto& proto) const {
    RawValue made;
    made.name = printable(proto.name());
    const auto& type = proto.type().tensor_type();
    if (!proto.has_type() || proto.type().has_tensor_type()) {
      made.type = type.elem_type();
    }
    made.shaped = type.has_shape();
    for (const auto& extent : type.shape().dim()) {
      made.shape.push_back(extent.dim_value() > 0
                               ? std::optional(static_cast<std::uint64_t>(extent.dim_value()))
                               : std::nullopt);
      made.symbols.push_back(printable(extent.dim_param()));
    }
    return made;
  }

  RawNode node_of(const onnx::NodeProto& proto) {
    RawNode node;
    node.op = printable(proto.op_type());
    node.domain = proto.domain() == "ai.onnx" ? "" : printable(proto.domain());
    std::ranges::transform(proto.input(), std::back_inserter(node.inputs), printable);
    std::ranges::transform(proto.output(), std::back_inserter(node.outputs), printable);
    node.name = !proto.name().empty()   ? printable(proto.name())
                : !node.outputs.empty() ? node.outputs[0]
                                        : node.op;
    node.scope = printable(module_scope(proto));
    for (const auto& attribute : proto.attribute()) {
      const std::string key = printable(attribute.name());
      if (!node.attributes.emplace(key, value_of(attribute, node)).second) {
        throw UserError(model_.where + ": " + node.label(), "has the attribute '" + key + "' twice",
                        "give it once");
      }
    }
    if (node.op == "If" && node.domain.empty()) {
      for (const char* branch : {"then_branch", "else_branch"}) {
        const auto found = node.attributes.find(branch);
        const auto* graph =
            found == node.attributes.end() ? nullptr : std::get_if<RawGraph>(&found->second);
        for (const RawValue& taken :
             graph != nullptr ? (*graph)->inputs : std::vector<RawValue>{}) {
          node.inputs.push_back(taken.name);
        }
      }
    }
    return node;
  }

  RawAttribute value_of(const onnx::AttributeProto& attribute, const RawNode& node) {
    const bool data = node.op == "Constant" && node.domain.empty();  // kept as they are
    switch (attribute.type()) {
      case onnx::AttributeProto::INT:
        return data ? attribute.i() : bounded(attribute.i());
      case onnx::AttributeProto::FLOAT:
        return double{attribute.f()};
      case onnx::AttributeProto::STRING:
        return printable(attribute.s());
      case onnx::AttributeProto::INTS:
        return data ? std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end())
                    : bounded(attribute.ints());
      case onnx::AttributeProto::FLOATS:
        return std::vector<double>(attribute.floats().begin(), attribute.floats().end());
      case onnx::AttributeProto::TENSOR:
        return tensor(attribute.t(), node.name);
      case onnx::AttributeProto::GRAPH:
        return inner_graph(attribute.g());
      default:
        return OtherAttribute{onnx::AttributeProto::AttributeType_Name(attribute.type())};
    }
  }

  RawModel model_;
  ExternalData external_;
};

}  // namespace

RawModel read_raw_model(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    throw UserError(file.string(), "cannot be read", "give the path of an ONNX file");
  }
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return Reader(file).read(bytes.str());
}

}  // namespace etude::onnxio
