// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/onnx_export.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/temp_folder.h"
#include "workloads/networks/cct.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/reference/reference.h"
#include "workloads/training/methods.h"

namespace etude {
namespace {

Network small_cct() {
  CctSize size;
  size.image = 9;
  size.tokenizer = {3, 6};
  size.hidden = 7;
  size.depth = 1;
  size.classes = 3;
  size.gelu_bias = true;
  return make_cct("small_cct", size, 2);
}

Network adapted_cct() {
  Network network = small_cct();
  MethodOptions lora;
  lora.method = MethodOptions::Method::kLora;
  lora.rank = 2;
  lora.alpha = 3;
  apply_method(network, lora);
  return network;
}

Network of_name(const std::string& name) {
  return name == "cct"    ? small_cct()
         : name == "lora" ? adapted_cct()
                          : make_network(name, {5, 6, 2, 7, 1, 5}, 2);
}

TEST_CASE("a training step that was written and read back gives the same digits") {
  const auto name = GENERATE("cct", "lora", "bert", "mlp", "ds_cnn", "resnet8");
  INFO(name);
  const auto training = make_training_graph(of_name(name), 0.25);
  StartValues start;
  draw_parameters(training.graph, 1, start);
  const test::TempFolder folder;
  const auto file = folder.path() / "step.onnx";
  write_onnx(file, training, start);
  OnnxModel model = read_onnx(file);
  REQUIRE(model.updates);
  StartValues again = model.start;
  const auto read = make_training_graph(std::move(model), 0);
  CHECK(read.graph.nodes().size() >= training.graph.nodes().size());
  CHECK(read.trained().size() == training.trained().size());
  draw_inputs(training.graph, 2, 0, start);
  draw_inputs(read.graph, 2, 0, again);
  const auto values = run_reference(training.graph, start);
  const auto back = run_reference(read.graph, again);
  CHECK(back[read.loss][0] == Approx(values[training.loss][0]).epsilon(1e-7));
  for (TensorId parameter : training.trained()) {
    const std::string updated = training.graph.tensor(parameter).name + ".updated";
    INFO(updated);
    const auto& expected = values[*training.graph.find(updated)];
    const auto& got = back[read.graph.find(updated).value()];
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); i += 1 + got.size() / 50) {
      CHECK(got[i] == Approx(expected[i]).epsilon(1e-7).margin(1e-9));
    }
  }
}

TEST_CASE("equal graphs give equal files, and a parameter without values is an error") {
  const auto training = make_training_graph(make_network("mlp", {4, 3}, 1), 0.5);
  StartValues start;
  const test::TempFolder folder;
  CHECK_THROWS_WITH(write_onnx(folder.path() / "a.onnx", training, start),
                    Catch::Contains("'fc0.weight'"));
  draw_parameters(training.graph, 1, start);
  write_onnx(folder.path() / "a.onnx", training, start);
  write_onnx(folder.path() / "b.onnx", training, start);
  std::ifstream a(folder.path() / "a.onnx"), b(folder.path() / "b.onnx");
  CHECK(std::string(std::istreambuf_iterator<char>(a), {}) ==
        std::string(std::istreambuf_iterator<char>(b), {}));
  CHECK_THROWS_AS(write_onnx(folder.path() / "none" / "a.onnx", training, start), UserError);
}

}  // namespace
}  // namespace etude
