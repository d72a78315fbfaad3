// SPDX-License-Identifier: Apache-2.0
// Constants that are computed while an ONNX graph is read, functions and branches.
#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/folding.h"
#include "workloads/onnx/onnx_import.h"

namespace etude {
namespace {

using namespace test;
using onnxio::integer_tensor;
using onnxio::RawNode;
using onnxio::RawTensor;

OnnxModel read(const std::string& bytes) {
  const TempFolder folder;
  const auto file = folder.path() / "model.onnx";
  std::ofstream(file, std::ios::binary) << bytes;
  return read_onnx(file);
}

RawTensor ints(std::vector<std::int64_t> values) {
  const std::uint64_t count = values.size();
  return integer_tensor({count}, std::move(values));
}

RawTensor ints32(std::vector<std::int64_t> values) {
  RawTensor made = ints(std::move(values));
  made.type = onnxio::kInt32Type;
  return made;
}

RawTensor reals(std::vector<float> values, int type = onnxio::kFloatType) {
  RawTensor made;
  made.shape = {values.size()};
  made.type = type;
  made.constant_node = true;
  made.reals = std::move(values);
  return made;
}

RawTensor computed(const std::string& op, const std::vector<RawTensor>& inputs,
                   std::map<std::string, onnxio::RawAttribute> attributes = {}) {
  RawNode node;
  node.op = op;
  node.inputs.assign(inputs.size(), "in");
  node.outputs = {"out"};
  node.attributes = std::move(attributes);
  std::vector<const RawTensor*> given;
  for (const RawTensor& input : inputs) {
    given.push_back(&input);
  }
  return onnxio::fold_of(op)({node, given, 20}).at(0);
}

std::string refusal(const std::string& op, const std::vector<RawTensor>& inputs,
                    std::map<std::string, onnxio::RawAttribute> attributes = {}) {
  try {
    computed(op, inputs, std::move(attributes));
  } catch (const onnxio::Refusal& told) {
    return told.what + "; " + told.allowed;
  }
  return "computed";
}

TEST_CASE("integers are computed as ONNX says, wherever 64 or 32 bits end") {
  using List = std::vector<std::int64_t>;
  CHECK(computed("Div", {ints({-7, 7, -6, INT64_MIN}), ints({2, -2, 4, -1})}).values ==
        List{-3, -3, -1, INT64_MIN});
  CHECK(computed("Mod", {ints({-7, 7, 7, -7}), ints({2, -2, 4, 4})}).values == List{1, -1, 3, 1});
  CHECK(computed("Mod", {ints({-7, 7}), ints({2, -2})}, {{"fmod", std::int64_t{1}}}).values ==
        List{-1, 1});
  CHECK(computed("Mul", {ints32({65536}), ints32({65536})}).values == List{0});
  CHECK(computed("Add", {ints32({INT32_MAX}), ints32({1})}).values == List{INT32_MIN});
  CHECK(computed("Add", {ints({INT64_MAX}), ints({1})}).values == List{INT64_MIN});
  CHECK(computed("Cast", {ints({(std::int64_t{1} << 32) + 5})}, {{"to", std::int64_t{6}}}).values ==
        List{5});
  CHECK(computed("Cast", {reals({-2.9f, 2.9f})}, {{"to", std::int64_t{7}}}).values == List{-2, 2});
  CHECK(computed("Pow", {ints({-2, 3}), ints({3, 4})}).values == List{-8, 81});
  CHECK(computed("Range",
                 {integer_tensor({}, {5}), integer_tensor({}, {-2}), integer_tensor({}, {-3})})
            .values == List{5, 2, -1});
}

TEST_CASE("FLOAT is computed in float32") {
  CHECK(computed("Div", {reals({1}), reals({3})}).reals[0] == 1.0f / 3.0f);
  CHECK(computed("Sqrt", {reals({8})}).reals[0] == std::sqrt(8.0f));
  CHECK(computed("Add", {reals({16777216}), reals({1})}).reals[0] == 16777216.0f);
  CHECK(computed("Cast", {ints({16777217})}, {{"to", std::int64_t{1}}}).reals[0] == 16777216.0f);
  CHECK(computed("Pow", {reals({8}), reals({0.5f})}).reals[0] == std::sqrt(8.0f));
}

TEST_CASE("what is too large, or has no value, is refused before it is made") {
  const RawTensor huge = ints({std::int64_t{1} << 40});
  const RawTensor one = ints({1});
  CHECK_THAT(refusal("Expand", {one, huge}), Catch::Contains("2^28"));
  CHECK_THAT(refusal("Tile", {one, huge}), Catch::Contains("2^28"));
  CHECK_THAT(refusal("ConstantOfShape", {huge}), Catch::Contains("2^28"));
  CHECK_THAT(refusal("ConstantOfShape", {ints({1 << 20, 1 << 20})}), Catch::Contains("2^22"));
  CHECK_THAT(refusal("Range", {integer_tensor({}, {0}), integer_tensor({}, {1LL << 40}),
                               integer_tensor({}, {1})}),
             Catch::Contains("2^28"));
  CHECK_THAT(
      refusal("Range", {integer_tensor({}, {0}), integer_tensor({}, {1}), integer_tensor({}, {0})}),
      Catch::Contains("step"));
  CHECK_THAT(refusal("Div", {one, ints({0})}), Catch::Contains("by 0"));
  CHECK_THAT(refusal("Mod", {one, ints({0})}), Catch::Contains("by 0"));
  CHECK_THAT(refusal("Gather", {ints({1, 2}), ints({2})}), Catch::Contains("element 2"));
  CHECK_THAT(refusal("Gather", {ints({1, 2}), ints({-3})}), Catch::Contains("element -3"));
  CHECK_THAT(refusal("Cast", {reals({3e20f})}, {{"to", std::int64_t{7}}}),
             Catch::Contains("none holds"));
  CHECK_THAT(refusal("Cast", {one}, {{"to", std::int64_t{10}}}), Catch::Contains("FLOAT16"));
  CHECK_THAT(refusal("Sqrt", {reals({2}, onnxio::kDoubleType)}), Catch::Contains("DOUBLE"));
  CHECK_THAT(refusal("Add", {one, reals({2})}), Catch::Contains("INT64 and FLOAT"));
  CHECK_THAT(refusal("Add", {ints({1, 2}), ints({1, 2, 3})}), Catch::Contains("[2] and [3]"));
  CHECK_THAT(refusal("Slice", {one, ints({0}), ints({1}), ints({0}), ints({0})}),
             Catch::Contains("step 0"));
  CHECK_THAT(refusal("Reshape", {one, ints({2})}), Catch::Contains("as many elements"));
}

/// x [2,3,4] reshaped by what nodes make of its shape.
OnnxGraph flattening() {
  OnnxGraph graph;
  graph.nodes = {
      onnx_node("Shape", "shape", {"x"}, {"s"}),
      onnx_node("Gather", "batch", {"s", "zero"}, {"b"}),
      onnx_node("Unsqueeze", "list", {"b", "axis"}, {"bs"}),
      onnx_node("Concat", "join", {"bs", "rest"}, {"to"}, {onnx_int("axis", 0)}),
      onnx_node("Reshape", "flat", {"x", "to"}, {"h"}),
      onnx_node("MatMul", "fc", {"h", "w"}, {"y"}),
  };
  graph.constants = {onnx_constant("zero", {}, 7, std::string(8, '\0')), onnx_integers("axis", {0}),
                     onnx_integers("rest", {-1}), onnx_floats("w", {12, 5})};
  graph.inputs = {onnx_value("x", {2, 3, 4})};
  graph.outputs = {onnx_value("y", {2, 5})};
  return graph;
}

TEST_CASE("the shape of data is a constant where it stands") {
  const OnnxModel model = read(flattening().model());
  const Graph& graph = model.network.graph;
  CHECK(graph.tensor(*graph.find("h")).shape == Shape{2, 12});
  CHECK(graph.nodes().size() == 2);
}

TEST_CASE("weights stay weights when they are transposed, reshaped or named again") {
  OnnxGraph graph;
  graph.nodes = {onnx_node("Identity", "name", {"w"}, {"again"}),
                 onnx_node("Transpose", "turn", {"again"}, {"wt"}, {onnx_ints("perm", {1, 0})}),
                 onnx_node("MatMul", "fc", {"x", "wt"}, {"y"})};
  graph.constants = {onnx_floats("w", {4, 3})};
  graph.inputs = {onnx_value("x", {2, 3})};
  graph.outputs = {onnx_value("y", {2, 4})};
  const OnnxModel model = read(graph.model());
  const Graph& made = model.network.graph;
  CHECK(made.tensor(*made.find("w")).trainable);
  CHECK_FALSE(made.find("again"));
  CHECK(model.shared_weights.at(0) == std::pair<std::string, std::string>("again", "w"));
  CHECK(make_training_graph(model, 0.1).graph.find("w.updated"));
}

TEST_CASE("constants that go on forever, or work on data, are errors that name their node") {
  OnnxGraph graph = flattening();
  graph.constants[2] = onnx_integers("rest", {std::int64_t{1} << 40});
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'flat' (Reshape)"));
  graph = flattening();
  graph.nodes[1] = onnx_node("ConstantOfShape", "fill", {"huge"}, {"b"});
  graph.constants.push_back(onnx_integers("huge", {1 << 20, 1 << 20}));
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'fill' (ConstantOfShape)"));
  graph = flattening();
  graph.nodes.push_back(onnx_node("Trilu", "cut", {"y"}, {"z"}));
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'cut' (Trilu)"));
  graph.nodes.back() = onnx_node("GRU", "rnn", {"y"}, {"z"}, {onnx_int("hidden_size", 3)});
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("GRU ('rnn')") &&
                                             Catch::Contains("recurrent layers are not supported"));
  graph.nodes.back() = onnx_node("Cast", "half", {"y"}, {"z"}, {onnx_int("to", 10)});
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("FLOAT16"));
}

TEST_CASE("a Dropout is the identity, and told where the file left it in training") {
  OnnxGraph graph = flattening();
  graph.nodes.push_back(onnx_node("Dropout", "drop", {"y", "ratio", "train"}, {"z"}));
  graph.constants.push_back(onnx_constant("ratio", {}, 1, std::string("\0\0\0\x3f", 4)));
  graph.constants.push_back(onnx_constant("train", {}, 9, std::string(1, '\1')));
  graph.outputs = {onnx_value("z", {2, 5})};
  CHECK(read(graph.model()).dropouts == 1);
  graph.constants.back() = onnx_constant("train", {}, 9, std::string(1, '\0'));
  CHECK(read(graph.model()).dropouts == 0);
}

/// GraphProto: node 1, initializer 5, output 12; attribute: name 1, g 6, type 20 (GRAPH 5).
std::string branch(const std::string& key, const std::vector<std::string>& nodes,
                   const std::string& output) {
  OnnxBytes graph;
  for (const std::string& node : nodes) {
    graph.bytes(1, node);
  }
  graph.bytes(12, onnx_symbolic(output, {}));
  return OnnxBytes().bytes(1, key).bytes(6, graph.str()).number(20, 5).str();
}

TEST_CASE("If with a constant condition is the branch that it takes") {
  OnnxGraph graph = flattening();
  graph.nodes.push_back(onnx_node("Equal", "question", {"b", "two"}, {"is"}));
  graph.nodes.push_back(
      onnx_node("If", "choice", {"is"}, {"z"},
                {branch("then_branch", {onnx_node("Relu", "r", {"y"}, {"inner"})}, "inner"),
                 branch("else_branch", {onnx_node("Tanh", "t", {"y"}, {"inner"})}, "inner")}));
  graph.outputs = {onnx_value("z", {2, 5})};
  for (const std::int64_t two : {2, 3}) {
    graph.constants.resize(4);
    graph.constants.push_back(
        onnx_constant("two", {}, 7, std::string(1, static_cast<char>(two)) + std::string(7, '\0')));
    const OnnxModel model = read(graph.model());
    const Graph& made = model.network.graph;
    const auto has = [&](OpType op) {
      return std::ranges::any_of(made.nodes(), [&](const Node& n) { return n.op == op; });
    };
    CHECK(has(OpType::kRelu) == (two == 2));
    CHECK(has(OpType::kTanh) == (two == 3));
  }
  graph.nodes[graph.nodes.size() - 2] = onnx_node("Relu", "question", {"y"}, {"is"});
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'choice' (If)"));
}

/// ModelProto.functions 25; FunctionProto: name 1, input 4, output 5, attribute 6, node 7,
/// opset_import 9, domain 10. AttributeProto.ref_attr_name 21.
std::string function(const std::vector<std::string>& nodes, int opset = 17) {
  OnnxBytes made;
  made.bytes(1, "twice").bytes(4, "a").bytes(5, "c").bytes(6, "alpha");
  for (const std::string& node : nodes) {
    made.bytes(7, node);
  }
  made.bytes(9, OnnxBytes().bytes(1, "").number(2, static_cast<std::uint64_t>(opset)).str());
  return OnnxBytes().bytes(25, made.bytes(10, "own").str()).str();
}

TEST_CASE("functions of the model stand where they are called") {
  OnnxGraph graph = flattening();
  graph.imports.emplace_back("own", 1);
  graph.nodes.push_back(onnx_node("twice", "first", {"y"}, {"m"}, {}, "own"));
  graph.nodes.push_back(onnx_node("twice", "second", {"m"}, {"z"}, {}, "own"));
  graph.outputs = {onnx_value("z", {2, 5})};
  const std::vector<std::string> body{onnx_node("Relu", "r", {"a"}, {"b"}),
                                      onnx_node("Tanh", "t", {"b"}, {"c"})};
  const OnnxModel model = read(graph.model() + function(body));
  const Graph& made = model.network.graph;
  CHECK(made.find("first/b"));
  CHECK(made.node(*made.producer(*made.find("z"))).name == "second/t");
  CHECK_THROWS_WITH(read(graph.model() + function(body, 16)), Catch::Contains("opset 16"));
  CHECK_THROWS_WITH(
      read(graph.model() + function({onnx_node("twice", "again", {"a"}, {"c"}, {}, "own")})),
      Catch::Contains("without end"));
  CHECK_THROWS_WITH(read(graph.model() + function(body) + function(body)),
                    Catch::Contains("two functions"));
}

}  // namespace
}  // namespace etude
