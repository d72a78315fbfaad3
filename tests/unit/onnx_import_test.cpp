// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/onnx_import.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/reference/reference.h"

namespace etude {
namespace {

using namespace test;

OnnxModel read(const std::string& bytes) {
  const TempFolder folder;
  const auto file = folder.path() / "model.onnx";
  std::ofstream(file, std::ios::binary) << bytes;
  return read_onnx(file);
}

/// x [2,3] times w [3,4]: a graph that each test spoils in its own way.
OnnxGraph product() {
  OnnxGraph graph;
  graph.nodes = {onnx_node("MatMul", "fc", {"x", "w"}, {"y"})};
  graph.constants = {onnx_floats("w", {3, 4})};
  graph.inputs = {onnx_value("x", {2, 3})};
  graph.outputs = {onnx_value("y", {2, 4})};
  return graph;
}

TEST_CASE("a small inference graph keeps its names, and is trained with a cross-entropy loss") {
  const OnnxModel model = read(product().model());
  CHECK_FALSE(model.updates);
  CHECK(model.network.graph.tensor(model.outputs.at(0)).name == "y");
  CHECK(model.network.graph.tensor(model.outputs[0]).shape == Shape{2, 4});
  const auto training = make_training_graph(model, 0.5);
  CHECK(training.graph.find("w.updated"));
  CHECK(training.graph.tensor(training.inputs.at(1)).name == "labels");
}

TEST_CASE("a symbolic number of samples becomes the batch") {
  OnnxGraph graph = product();
  graph.inputs = {onnx_value("x", {-1, 3})};
  graph.outputs = {onnx_value("y", {-1, 4})};
  CHECK(read(graph.model()).network.graph.tensor(0).shape == Shape{1, 3});
  const TempFolder folder;
  std::ofstream(folder.path() / "model.onnx", std::ios::binary) << graph.model();
  CHECK(read_onnx(folder.path() / "model.onnx", {.batch = 5}).network.graph.tensor(0).shape ==
        Shape{5, 3});
}

TEST_CASE(
    "a training graph in TrainDeeploy's dialect: unordered, log_prob first, SGD without domain") {
  OnnxGraph graph;
  graph.imports = {{"", 19}, {"", 19}, {"", 12}, {"com.microsoft", 1}, {"ai.onnx.training", 1}};
  graph.nodes = {
      onnx_node("SGD", "update", {"w", "dw"}, {"w_new"}, {onnx_float("lr", 0.5f)}),
      onnx_node("Gemm", "backward", {"dz", "h"}, {"dw"},
                {onnx_int("transA", 1), onnx_float("beta", 0)}),
      onnx_node("SoftmaxCrossEntropyLossGrad", "loss_grad", {"log_prob", "labels"}, {"dz"},
                {onnx_string("reduction", "mean")}, "com.microsoft"),
      onnx_node("SoftmaxCrossEntropyLoss", "loss", {"z", "labels"}, {"log_prob"},
                {onnx_string("reduction", "mean")}),
      onnx_node("Gemm", "fc", {"h", "w"}, {"z"}, {onnx_int("transB", 1)}),
      onnx_node("Squeeze", "squeeze", {"x"}, {"h"}, {onnx_ints("axes", {1})}),
  };
  graph.constants = {onnx_floats("w", {4, 3}), onnx_floats("unused", {7})};
  graph.inputs = {onnx_value("x", {2, 1, 3}), onnx_value("labels", {2}, 7)};
  graph.outputs = {onnx_value("w_new", {4, 3})};
  const OnnxModel model = read(graph.model());
  REQUIRE(model.updates);
  StartValues start = model.start;
  const auto training = make_training_graph(model, 0);
  CHECK(training.graph.node(*training.graph.producer(*training.graph.find("z"))).phase ==
        Phase::kForward);
  CHECK(training.graph.node(*training.graph.producer(*training.graph.find("dw"))).phase ==
        Phase::kBackward);
  CHECK_FALSE(training.graph.find("unused"));
  // The same step by our own backward pass.
  OnnxGraph plain = graph;
  plain.nodes.erase(plain.nodes.begin(), plain.nodes.begin() + 4);
  plain.inputs.pop_back();
  plain.outputs = {onnx_value("z", {2, 4})};
  OnnxModel other = read(plain.model());
  StartValues other_start = other.start;
  const auto own = make_training_graph(std::move(other), 0.5);
  draw_inputs(training.graph, 3, 0, start);
  draw_inputs(own.graph, 3, 0, other_start);
  const auto values = run_reference(training.graph, start);
  const auto expected = run_reference(own.graph, other_start);
  CHECK(values[*training.graph.find("w_new")] == expected[*own.graph.find("w.updated")]);
  CHECK(values[training.loss] == expected[own.loss]);
}

TEST_CASE("unsupported operators are one error that lists them all with their nodes") {
  OnnxGraph graph = product();
  graph.nodes.push_back(onnx_node("Loop", "first", {"y"}, {"a"}));
  graph.nodes.push_back(onnx_node("Relu", "fine", {"a"}, {"b"}));
  graph.nodes.push_back(onnx_node("Attention", "second", {"b"}, {"c"}, {}, "com.microsoft"));
  CHECK_THROWS_WITH(read(graph.model()),
                    Catch::Contains("2 nodes") && Catch::Contains("Loop ('first')") &&
                        Catch::Contains("com.microsoft.Attention ('second')") &&
                        !Catch::Contains("fine"));
}

TEST_CASE("files that are broken are errors of one line") {
  const auto rejected = [](const std::string& bytes, const std::string& text) {
    try {
      read(bytes);
      FAIL("read " << text);
    } catch (const UserError& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find(text) != std::string::npos);
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  };
  const std::string whole = product().model();
  rejected("", "no graph");
  rejected("nonsense that is no protobuf", "no complete ONNX model");
  for (std::size_t cut : {whole.size() - 1, whole.size() / 2, std::size_t{9}}) {
    rejected(whole.substr(0, cut), "model.onnx");
  }
  OnnxGraph graph = product();
  graph.imports = {{"", 99}};
  rejected(graph.model(), "opset 99");
  graph = product();
  graph.nodes = {onnx_node("Add", "one", {"x", "b"}, {"a"}),
                 onnx_node("Relu", "two", {"a"}, {"b"})};
  rejected(graph.model(), "waits for its own result");
  graph = product();
  graph.nodes.push_back(onnx_node("Two\nlines", "it\tself", {"x"}, {"z"}));
  rejected(graph.model(), "Two?lines ('it?self')");
  graph = product();
  graph.constants.clear();
  rejected(graph.model(), "nothing gives its input 'w'");
  graph = product();
  graph.constants = {onnx_floats("w", {5, 4})};
  rejected(graph.model(), "inner extents");
  graph.constants = {onnx_constant("w", {3, 4}, 1, std::string(44, 'x'))};
  rejected(graph.model(), "44 bytes");
  graph.constants = {onnx_constant("w", {-3, 4}, 1, "")};
  rejected(graph.model(), "extent -3");
  graph.constants = {onnx_constant("w", {3, 4}, 16, std::string(24, 'x'))};
  rejected(graph.model(), "element type BFLOAT16");
  graph = product();
  graph.outputs = {onnx_value("y", {4, 2})};
  rejected(graph.model(), "another shape");
  graph.outputs = {onnx_value("z", {2, 4})};
  rejected(graph.model(), "graph output 'z'");
  graph = product();
  graph.nodes.push_back(onnx_node("Relu", "again", {"x"}, {"y"}));
  rejected(graph.model(), "exists already");
  CHECK_THROWS_WITH(read_onnx("no/such/file.onnx"), Catch::Contains("cannot be read"));
}

TEST_CASE("attributes that change the meaning are errors that name the node") {
  const auto rejected = [](const std::string& op, const std::vector<std::string>& attributes,
                           const std::string& text) {
    OnnxGraph graph;
    graph.nodes = {onnx_node(op, "it", {"x"}, {"y"}, attributes)};
    graph.inputs = {onnx_value("x", {1, 2, 6, 6})};
    graph.outputs = {onnx_value("y", {})};
    INFO(op);
    CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'it'") && Catch::Contains(text));
  };
  rejected("Softmax", {onnx_int("axis", 4)}, "axis 4");
  rejected("MaxPool", {onnx_ints("kernel_shape", {2, 2}), onnx_int("storage_order", 1)},
           "storage_order");
  rejected("MaxPool", {onnx_ints("kernel_shape", {2})}, "images");
  rejected("Gelu", {onnx_string("approximate", "cubic")}, "cubic");
  rejected("ReduceMean", {onnx_ints("axes", {1, -3})}, "axis 1 twice");
  rejected("Squeeze", {onnx_ints("axes", {7})}, "axis 7");
  rejected("Reshape", {}, "no shape");
  rejected("SGD", {}, "lr");
  rejected("MaxPool", {onnx_ints("kernel_shape", {INT64_MAX, 2})}, "no attribute");
}

TEST_CASE("nodes without outputs or with too few inputs are errors that name them") {
  const auto rejected = [](const std::string& node, const std::string& text) {
    OnnxGraph graph;
    graph.nodes = {node, onnx_node("Relu", "other", {"x"}, {"y"})};
    graph.inputs = {onnx_value("x", {2, 3})};
    graph.outputs = {onnx_value("y", {2, 3})};
    CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'it'") && Catch::Contains(text));
  };
  rejected(onnx_node("Relu", "it", {"x"}, {}), "has no outputs");
  rejected(onnx_node("Sgd", "it", {"x"}, {"z"}, {}, "ai.etude"), "input 1 is missing");
}

TEST_CASE("names that are not UTF-8 are shown with question marks, others as they are") {
  OnnxGraph graph;
  graph.nodes = {onnx_node("Relu", "n\xc3\xa4me", {"x"}, {"a\xff\xc3z"}),
                 onnx_node("Relu", "\xed\xa0\x80\xf0\x90\x8d\x88", {"a\xff\xc3z"}, {"y"})};
  graph.inputs = {onnx_value("x", {2, 3})};
  graph.outputs = {onnx_value("y", {2, 3})};
  const OnnxModel model = read(graph.model());
  CHECK(model.network.graph.find("a??z"));
  CHECK(model.network.graph.node(0).name == "n\xc3\xa4me");
  CHECK(model.network.graph.node(1).name == "???\xf0\x90\x8d\x88");  // a surrogate, and U+10348
}

TEST_CASE("operators that ONNX holds as we do are read by their rows, with as many inputs") {
  const std::string op = GENERATE("Relu", "Sigmoid", "Tanh", "Exp", "Log", "Erf", "Sqrt",
                                  "Reciprocal", "Softplus", "Sin", "Cos");
  OnnxGraph graph = product();
  graph.nodes.push_back(onnx_node(op, "act", {"y"}, {"z"}));
  graph.outputs = {onnx_value("z", {2, 4})};
  const OnnxModel model = read(graph.model());
  const Graph& made = model.network.graph;
  CHECK(name_of(made.node(*made.producer(*made.find("z"))).op) == op);
  graph.nodes.back() = onnx_node(op, "act", {"y", "y"}, {"z"});
  CHECK_THROWS_WITH(read(graph.model()), Catch::Contains("'act'"));
}

TEST_CASE("a convolutional graph: auto_pad, clip as ReLU6, pools, flatten, scalars") {
  OnnxGraph graph;
  graph.imports = {{"", 10}};  // the last with ends of Clip as attributes
  graph.nodes = {
      onnx_node("Conv", "conv", {"x", "w"}, {"a"},
                {onnx_string("auto_pad", "SAME_UPPER"), onnx_ints("strides", {2, 2})}),
      onnx_node("Clip", "clip", {"a"}, {"b"}, {onnx_float("min", 0), onnx_float("max", 6)}),
      onnx_node("Mul", "half", {"b", "factor"}, {"c"}),
      onnx_node("GlobalAveragePool", "pool", {"c"}, {"d"}),
      onnx_node("Flatten", "flatten", {"d"}, {"e"}),
      onnx_node("ReduceMean", "mean", {"e"}, {"y"}, {onnx_ints("axes", {1})}),
  };
  graph.constants = {onnx_floats("w", {4, 2, 3, 3}),
                     onnx_constant("factor", {}, 1, std::string("\0\0\0\x3f", 4))};
  graph.inputs = {onnx_value("x", {1, 2, 7, 6})};
  graph.outputs = {onnx_value("y", {1, 1})};
  const OnnxModel model = read(graph.model());
  const Graph& made = model.network.graph;
  CHECK(made.tensor(*made.find("a")).shape == Shape{1, 4, 4, 3});
  CHECK(made.node(*made.producer(*made.find("b"))).op == OpType::kRelu6);
  CHECK(made.node(*made.producer(*made.find("c"))).real("factor") == 0.5);
  CHECK(made.tensor(*made.find("e")).shape == Shape{1, 4});
}

}  // namespace
}  // namespace etude
