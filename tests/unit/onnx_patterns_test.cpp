// SPDX-License-Identifier: Apache-2.0
// Operators that exporters write in parts: taken as one where they are it, else as they stand.
#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/onnx_import.h"

namespace etude {
namespace {

using namespace test;

std::string number(const std::string& name, float value) {
  return onnx_constant(name, {}, 1, std::string(reinterpret_cast<const char*>(&value), 4));
}

Graph read(const OnnxGraph& graph) {
  const TempFolder folder;
  const auto file = folder.path() / "model.onnx";
  std::ofstream(file, std::ios::binary) << graph.model();
  return read_onnx(file).network.graph;
}

std::size_t count(const Graph& graph, OpType op) {
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes(), [&](const Node& node) { return node.op == op; }));
}

/// Layer normalisation of x [2,3,4] as exporters wrote it up to opset 16.
OnnxGraph norm() {
  OnnxGraph graph;
  const std::string last = onnx_ints("axes", {-1});
  graph.imports = {{"", 13}};
  graph.nodes = {
      onnx_node("ReduceMean", "mean", {"x"}, {"m"}, {last}),
      onnx_node("Sub", "centre", {"x", "m"}, {"d"}),
      onnx_node("Cast", "cast", {"d"}, {"dc"}, {onnx_int("to", 1)}),
      onnx_node("Pow", "square", {"dc", "two"}, {"q"}),
      onnx_node("ReduceMean", "variance", {"q"}, {"v"}, {last}),
      onnx_node("Add", "more", {"v", "eps"}, {"ve"}),
      onnx_node("Sqrt", "root", {"ve"}, {"s"}),
      onnx_node("Div", "quotient", {"d", "s"}, {"n"}),
      onnx_node("Mul", "scale", {"n", "gamma"}, {"g"}),
      onnx_node("Add", "shift", {"g", "beta"}, {"y"}),
  };
  graph.constants = {number("two", 2), number("eps", 1e-5f), onnx_floats("gamma", {4}),
                     onnx_floats("beta", {4})};
  graph.inputs = {onnx_value("x", {2, 3, 4})};
  graph.outputs = {onnx_value("y", {2, 3, 4})};
  return graph;
}

TEST_CASE("a layer normalisation in parts is one operator with its weights") {
  const Graph made = read(norm());
  REQUIRE(made.nodes().size() == 1);
  CHECK(made.node(0).op == OpType::kLayerNorm);
  CHECK(made.node(0).real("epsilon") == 1e-5f);
  CHECK(made.tensor(made.node(0).inputs.at(1)).name == "gamma");
  CHECK(made.tensor(made.node(0).inputs.at(2)).trainable);
}

TEST_CASE("scale and bias of other shapes stay operators of their own") {
  OnnxGraph graph = norm();
  graph.constants[2] = onnx_floats("gamma", {3, 1});
  const Graph made = read(graph);
  CHECK(count(made, OpType::kLayerNorm) == 1);
  CHECK(made.nodes().size() == 3);
  CHECK(made.tensor(made.node(0).inputs.at(1)).constant);  // ones
  CHECK(made.find("gamma"));
}

TEST_CASE("what is no layer normalisation is not taken for one") {
  const auto unlike = [](const std::function<void(OnnxGraph&)>& change) {
    OnnxGraph graph = norm();
    change(graph);
    try {
      const Graph made = read(graph);
      CHECK(count(made, OpType::kLayerNorm) == 0);
    } catch (const UserError& told) {
      CHECK_THAT(told.what(), Catch::Contains("Sqrt"));  // where no kernel takes it alone
    }
  };
  unlike([](OnnxGraph& g) { g.constants[0] = number("two", 3); });
  unlike([](OnnxGraph& g) { g.constants[1] = number("eps", 0); });
  unlike([](OnnxGraph& g) {
    g.nodes[0] = onnx_node("ReduceMean", "mean", {"x"}, {"m"}, {onnx_ints("axes", {1})});
  });
  unlike([](OnnxGraph& g) {
    g.nodes[4] = onnx_node("ReduceMean", "variance", {"q"}, {"v"}, {onnx_ints("axes", {-1, -2})});
  });
  unlike([](OnnxGraph& g) { g.nodes[1] = onnx_node("Sub", "centre", {"m", "x"}, {"d"}); });
  unlike([](OnnxGraph& g) { g.nodes[7] = onnx_node("Div", "quotient", {"s", "d"}, {"n"}); });
  // The variance is read elsewhere, or is an output.
  unlike([](OnnxGraph& g) { g.nodes.back() = onnx_node("Add", "shift", {"g", "v"}, {"y"}); });
  unlike([](OnnxGraph& g) { g.outputs.push_back(onnx_value("v", {2, 3, 1})); });
}

/// GELU by erf of x, with the factors of the last products in an order.
OnnxGraph gelu(int order) {
  OnnxGraph graph;
  graph.nodes = {onnx_node("Div", "part", {"x", "root"}, {"a"}),
                 onnx_node("Erf", "erf", {"a"}, {"e"}),
                 onnx_node("Add", "one", {"unit", "e"}, {"p"})};
  if (order == 0) {
    graph.nodes.push_back(onnx_node("Mul", "m", {"x", "p"}, {"xp"}));
    graph.nodes.push_back(onnx_node("Mul", "h", {"xp", "half"}, {"y"}));
  } else if (order == 1) {
    graph.nodes.push_back(onnx_node("Mul", "m", {"half", "p"}, {"hp"}));
    graph.nodes.push_back(onnx_node("Mul", "h", {"hp", "x"}, {"y"}));
  } else {
    graph.nodes.push_back(onnx_node("Mul", "m", {"x", "half"}, {"hx"}));
    graph.nodes.push_back(onnx_node("Mul", "h", {"hx", "p"}, {"y"}));
  }
  graph.constants = {number("root", 1.4142135381698608f), number("unit", 1), number("half", 0.5f)};
  graph.inputs = {onnx_value("x", {2, 3})};
  graph.outputs = {onnx_value("y", {2, 3})};
  return graph;
}

TEST_CASE("a GELU by erf is one operator, whatever the order of its factors") {
  const int order = GENERATE(0, 1, 2);
  OnnxGraph graph = gelu(order);
  const Graph made = read(graph);
  REQUIRE(made.nodes().size() == 1);
  CHECK(made.node(0).text("approximate") == "none");
  // A product behind it is not its own.
  graph.nodes.push_back(onnx_node("Mul", "after", {"y", "three"}, {"z"}));
  graph.constants.push_back(number("three", 3));
  graph.outputs = {onnx_value("z", {2, 3})};
  const Graph scaled = read(graph);
  REQUIRE(scaled.nodes().size() == 2);
  CHECK(count(scaled, OpType::kScale) == 1);
}

TEST_CASE("other constants are no GELU") {
  const int wrong = GENERATE(0, 1, 2);
  OnnxGraph graph = gelu(0);
  graph.constants = {number("root", wrong == 0 ? 1.41422f : 1.4142135f),
                     number("unit", wrong == 1 ? 1.00001f : 1.0f),
                     number("half", wrong == 2 ? 0.50001f : 0.5f)};
  try {
    const Graph made = read(graph);
    CHECK(count(made, OpType::kGelu) == 0);
  } catch (const UserError& told) {
    CHECK_THAT(told.what(), Catch::Contains("Erf"));
  }
}

TEST_CASE("a softmax in parts is one operator") {
  const bool shifted = GENERATE(false, true);
  OnnxGraph graph;
  const std::string last = onnx_ints("axes", {1});
  const std::string from = shifted ? "d" : "x";
  if (shifted) {
    graph.nodes = {onnx_node("ReduceMax", "most", {"x"}, {"m"}, {last}),
                   onnx_node("Sub", "shift", {"x", "m"}, {"d"})};
  }
  graph.nodes.push_back(onnx_node("Exp", "exp", {from}, {"e"}));
  graph.nodes.push_back(onnx_node("ReduceSum", "sum", {"e", "axes"}, {"s"}));
  graph.nodes.push_back(onnx_node("Div", "part", {"e", "s"}, {"y"}));
  graph.constants = {onnx_integers("axes", {-1})};
  graph.inputs = {onnx_value("x", {2, 3})};
  graph.outputs = {onnx_value("y", {2, 3})};
  const Graph made = read(graph);
  REQUIRE(made.nodes().size() == 1);
  CHECK(made.node(0).op == OpType::kSoftmax);
}

}  // namespace
}  // namespace etude
