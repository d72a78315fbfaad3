// SPDX-License-Identifier: Apache-2.0
// Attributes by name and type, element types, and what opsets make of an operator.
#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/attribute_table.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/onnx/translator.h"

namespace etude {
namespace {

using namespace test;
using onnxio::AttributeType;

OnnxModel read(const OnnxGraph& graph) {
  const TempFolder folder;
  const auto file = folder.path() / "model.onnx";
  std::ofstream(file, std::ios::binary) << graph.model();
  return read_onnx(file);
}

/// One node `it` from x to y; the shape of y is not looked at.
OnnxGraph one(const std::string& op, const std::vector<std::string>& attributes,
              const std::vector<std::int64_t>& shape, int opset,
              const std::vector<std::string>& more_inputs = {}) {
  OnnxGraph graph;
  graph.imports = {{"", opset}};
  std::vector<std::string> inputs{"x"};
  inputs.insert(inputs.end(), more_inputs.begin(), more_inputs.end());
  graph.nodes = {onnx_node(op, "it", inputs, {"y"}, attributes)};
  graph.inputs = {onnx_value("x", shape)};
  graph.outputs = {OnnxBytes().bytes(1, "y").str()};
  return graph;
}

Shape result(const OnnxGraph& graph) {
  const OnnxModel model = read(graph);
  return model.network.graph.tensor(model.outputs.at(0)).shape;
}

/// An attribute of that type, whatever it says.
std::string attribute(const std::string& name, AttributeType type) {
  switch (type) {
    case AttributeType::kInt:
      return onnx_int(name, 1);
    case AttributeType::kFloat:
      return onnx_float(name, 1);
    case AttributeType::kString:
      return onnx_string(name, "1");
    case AttributeType::kInts:
      return onnx_ints(name, {1});
    case AttributeType::kFloats:  // AttributeProto: floats 7, type 20
      return OnnxBytes().bytes(1, name).number(20, 6).str();
    case AttributeType::kTensor:
      return OnnxBytes().bytes(1, name).bytes(5, onnx_floats("", {1})).number(20, 4).str();
    case AttributeType::kGraph:
      return OnnxBytes().bytes(1, name).bytes(6, "").number(20, 5).str();
  }
  return "";
}

const std::vector<std::string> kAllOperators{"Gemm",
                                             "FusedMatMul",
                                             "MatMul",
                                             "Add",
                                             "Sum",
                                             "Sub",
                                             "Mul",
                                             "Div",
                                             "Conv",
                                             "ConvGrad",
                                             "ConvTranspose",
                                             "MaxPool",
                                             "AveragePool",
                                             "GlobalAveragePool",
                                             "BatchNormalization",
                                             "LayerNormalization",
                                             "LayerNormalizationGrad",
                                             "Softmax",
                                             "SoftmaxGrad",
                                             "SoftmaxGrad_13",
                                             "Clip",
                                             "Dropout",
                                             "Gelu",
                                             "GeluGrad",
                                             "QuickGelu",
                                             "QuickGeluGrad",
                                             "FastGelu",
                                             "Reshape",
                                             "Flatten",
                                             "Squeeze",
                                             "Unsqueeze",
                                             "Transpose",
                                             "Expand",
                                             "ReduceSum",
                                             "ReduceMean",
                                             "Constant",
                                             "Relu",
                                             "Sigmoid",
                                             "Tanh",
                                             "SoftmaxCrossEntropyLoss",
                                             "SoftmaxCrossEntropyLossGrad",
                                             "SGD"};

TEST_CASE("every attribute of every operator is refused in every type but its own") {
  const std::string op = GENERATE(from_range(kAllOperators));
  for (const auto& row : onnxio::attributes_of("", op)) {
    for (const AttributeType type :
         {AttributeType::kInt, AttributeType::kFloat, AttributeType::kString, AttributeType::kInts,
          AttributeType::kFloats, AttributeType::kTensor}) {
      const bool taken =
          type == row.type || (type == AttributeType::kInt && row.type == AttributeType::kInts);
      if (taken) {
        continue;
      }
      const std::string name(row.name);
      const auto opset = static_cast<int>(row.since > 7 ? row.since : 7);
      INFO(op << " " << name << " as " << name_of(type));
      CHECK_THROWS_WITH(read(one(op, {attribute(name, type)}, {2, 3}, opset)),
                        Catch::Contains("'it' (" + op + ")") && Catch::Contains("'" + name + "'") &&
                            Catch::Contains(std::string("of type ") + name_of(type)) &&
                            Catch::Contains(std::string(name_of(row.type)) + " is wanted"));
    }
  }
}

TEST_CASE("an attribute that the operator does not know is refused, with those that it does") {
  const std::string op = GENERATE(from_range(kAllOperators));
  INFO(op);
  CHECK_THROWS_WITH(read(one(op, {onnx_int("nobody_knows", 1)}, {2, 3}, 17)),
                    Catch::Contains("'it' (" + op + ")") && Catch::Contains("'nobody_knows'"));
}

TEST_CASE("a misspelt attribute is answered with the nearest name first, remarks are left alone") {
  CHECK_THROWS_WITH(read(one("ReduceMean", {onnx_int("keepdim", 0)}, {2, 3}, 17)),
                    Catch::Contains("it has keepdims, axes"));
  CHECK(result(one("Relu", {onnx_string("description", "the first")}, {2, 3}, 17)) == Shape{2, 3});
  CHECK_THROWS_WITH(
      read(one("ReduceMean", {onnx_int("keepdims", 0), onnx_int("keepdims", 1)}, {2, 3}, 17)),
      Catch::Contains("'keepdims' twice"));
}

TEST_CASE("one integer is a list of one where a list is declared") {
  for (const char* op : {"Squeeze", "Unsqueeze", "ReduceMean", "ReduceSum"}) {
    INFO(op);
    CHECK(result(one(op, {onnx_int("axes", 1)}, {2, 1, 3}, 11)) ==
          result(one(op, {onnx_ints("axes", {1})}, {2, 1, 3}, 11)));
  }
}

TEST_CASE("attributes are known in the opsets that have them") {
  const std::vector<std::int64_t> image{1, 2, 7, 7};
  const auto pool = [&](const std::string& op, const std::string& extra, int opset) {
    return one(op, {onnx_ints("kernel_shape", {2, 2}), extra}, image, opset);
  };
  CHECK_THROWS_WITH(read(pool("MaxPool", onnx_int("ceil_mode", 0), 9)),
                    Catch::Contains("from opset 10"));
  CHECK_NOTHROW(read(pool("MaxPool", onnx_int("ceil_mode", 0), 10)));
  CHECK_THROWS_WITH(read(pool("AveragePool", onnx_ints("dilations", {1, 1}), 18)),
                    Catch::Contains("from opset 19"));
  CHECK_THROWS_WITH(read(one("Clip", {onnx_float("min", 0)}, image, 11)),
                    Catch::Contains("up to opset 10"));
  CHECK_NOTHROW(read(one("Clip", {onnx_float("min", 0)}, image, 10)));
  CHECK_THROWS_WITH(read(one("Dropout", {onnx_float("ratio", 0.5f)}, image, 12)),
                    Catch::Contains("up to opset 11"));
}

TEST_CASE("opsets 7 to 24 are read, others are refused") {
  for (int opset = 7; opset <= 24; ++opset) {
    CHECK_NOTHROW(read(one("Relu", {}, {2, 3}, opset)));
  }
  for (const int opset : {1, 6, 25, 99}) {
    CHECK_THROWS_WITH(
        read(one("Relu", {}, {2, 3}, opset)),
        Catch::Contains("opset " + std::to_string(opset)) && Catch::Contains("7 to 24"));
  }
  OnnxGraph none = one("Relu", {}, {2, 3}, 17);
  none.imports.clear();
  CHECK_THROWS_WITH(read(none), Catch::Contains("imports no opset"));
}

TEST_CASE("up to opset 12 a softmax takes the extents from its axis on as one row") {
  const auto graph_of = [](const std::vector<std::string>& attributes, int opset) {
    const OnnxModel model = read(one("Softmax", attributes, {2, 3, 4}, opset));
    const Graph& graph = model.network.graph;
    for (const Node& node : graph.nodes()) {
      if (node.op == OpType::kSoftmax) {
        return graph.tensor(node.inputs[0]).shape;
      }
    }
    return Shape{};
  };
  CHECK(graph_of({}, 12) == Shape{2, 12});  // axis 1
  CHECK(graph_of({onnx_int("axis", 0)}, 12) == Shape{1, 24});
  CHECK(graph_of({onnx_int("axis", 2)}, 12) == Shape{2, 3, 4});
  CHECK(graph_of({onnx_int("axis", -1)}, 11) == Shape{2, 3, 4});
  CHECK(graph_of({}, 13) == Shape{2, 3, 4});
  CHECK(graph_of({onnx_int("axis", 1)}, 13) == Shape{2, 4, 3});  // between two transposes
  CHECK(result(one("Softmax", {}, {2, 3, 4}, 12)) == Shape{2, 3, 4});
}

TEST_CASE("axes stand in an attribute or in an input, not in both") {
  OnnxGraph graph = one("Squeeze", {}, {2, 1, 3}, 13, {"axes"});
  graph.constants = {onnx_integers("axes", {1})};
  CHECK(result(graph) == Shape{2, 3});
  graph.nodes = {onnx_node("Squeeze", "it", {"x", "axes"}, {"y"}, {onnx_ints("axes", {1})})};
  CHECK_THROWS_WITH(read(graph), Catch::Contains("as attribute and as input"));
  graph = one("Squeeze", {}, {2, 1, 3}, 13, {"axes"});
  graph.constants = {onnx_floats("axes", {1})};
  CHECK_THROWS_WITH(read(graph), Catch::Contains("type FLOAT") && Catch::Contains("INT64"));
}

TEST_CASE("a dropout is the identity, and counted where it would drop") {
  const auto graph_of = [](char training, float ratio) {
    OnnxGraph graph = one("Dropout", {}, {2, 3}, 13, {"ratio", "training"});
    graph.constants = {
        onnx_constant("ratio", {}, 1, std::string(reinterpret_cast<const char*>(&ratio), 4)),
        onnx_constant("training", {}, 9, std::string(1, training))};
    return graph;
  };
  CHECK(result(graph_of(0, 0.5f)) == Shape{2, 3});
  CHECK(result(graph_of(1, 0.0f)) == Shape{2, 3});
  CHECK(read(graph_of(0, 0.5f)).dropouts == 0);
  CHECK(read(graph_of(1, 0.0f)).dropouts == 0);
  CHECK(read(graph_of(1, 0.5f)).dropouts == 1);
}

TEST_CASE("ceil_mode adds a window where one begins on the image") {
  const auto pooled = [](std::int64_t extent, std::int64_t kernel, std::int64_t stride,
                         std::int64_t pad) {
    return result(
        one("MaxPool",
            {onnx_ints("kernel_shape", {kernel, kernel}), onnx_ints("strides", {stride, stride}),
             onnx_ints("pads", {pad, pad, pad, pad}), onnx_int("ceil_mode", 1)},
            {1, 1, extent, extent}, 17))[2];
  };
  CHECK(pooled(6, 2, 2, 0) == 3);  // nothing left over
  CHECK(pooled(7, 2, 2, 0) == 4);  // a window over the last pixel
  CHECK(pooled(8, 3, 2, 0) == 4);
  CHECK(pooled(5, 2, 3, 0) == 2);
  CHECK(pooled(5, 2, 3, 1) == 2);  // the third would begin at pixel 5, on the pads
}

TEST_CASE("element types are named in words") {
  struct Row {
    int type;
    const char* name;
  };
  for (const Row row :
       {Row{2, "UINT8"}, Row{8, "STRING"}, Row{9, "BOOL"}, Row{10, "FLOAT16"}, Row{11, "DOUBLE"},
        Row{16, "BFLOAT16"}, Row{17, "FLOAT8E4M3FN"}, Row{23, "FLOAT4E2M1"}, Row{99, "type 99"}}) {
    OnnxGraph graph = one("Relu", {}, {2, 3}, 17);
    graph.inputs = {onnx_value("x", {2, 3}, row.type)};
    CHECK_THROWS_WITH(read(graph), Catch::Contains("input 'x'") && Catch::Contains(row.name));
  }
  for (const Row row : {Row{6, "INT32"}, Row{7, "INT64"}}) {
    OnnxGraph graph = one("Relu", {}, {2, 3}, 17);
    graph.inputs = {onnx_value("x", {2, 3}, row.type)};
    CHECK_THROWS_WITH(read(graph), Catch::Contains("'it' (Relu)") && Catch::Contains(row.name));
    graph = one("Relu", {}, {2, 3}, 17);
    graph.outputs = {onnx_value("y", {2, 3}, row.type)};
    CHECK_THROWS_WITH(read(graph), Catch::Contains("output 'y'") && Catch::Contains(row.name));
    graph = one("Add", {}, {2, 3}, 17, {"c"});
    graph.constants = {onnx_constant("c", {1}, row.type, std::string(row.type == 6 ? 4 : 8, '\0'))};
    CHECK_THROWS_WITH(read(graph), Catch::Contains("'it' (Add)") && Catch::Contains(row.name));
  }
  OnnxGraph graph = one("Add", {}, {2}, 17, {"c"});
  const double values[] = {0.5, 0.1};
  graph.constants = {
      onnx_constant("c", {2}, 11, std::string(reinterpret_cast<const char*>(values), 16))};
  CHECK_THROWS_WITH(read(graph), Catch::Contains("'c'") && Catch::Contains("DOUBLE"));
}

}  // namespace
}  // namespace etude
