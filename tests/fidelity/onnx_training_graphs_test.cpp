// SPDX-License-Identifier: Apache-2.0
// TrainDeeploy's own graphs through the float64 reference, against the results that came with them.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/support/shared_data.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/reference/reference.h"
#include "workloads/training/counts.h"
#include "workloads/training/methods.h"

namespace etude {
namespace {

double largest(const std::vector<double>& values) {
  double found = 0;
  for (double value : values) {
    found = std::max(found, std::fabs(value));
  }
  return found;
}

double ulp(double value) {
  const auto at = static_cast<float>(value);
  return static_cast<double>(std::nextafter(at, std::numeric_limits<float>::infinity())) - at;
}

struct Expected {
  const char* name;
  std::uint64_t outputs, trainable, forward_macs, backward_macs;
};

TEST_CASE("training graphs of TrainDeeploy give the updated parameters that they give as written") {
  // Parameters and MACs: the rows LP and LoRA1 (rank 4) of the networks' reference table.
  const auto expected = GENERATE(Expected{"CCT2_LP", 2, 1290, 35341568, 1280},
                                 Expected{"CCT2_LoRA1", 16, 7563, 36128000, 5966336});
  const std::string folder = std::string("data/") + expected.name;
  const auto file = test::shared_file(folder + "/network.onnx");
  const OnnxModel model = read_onnx(file);
  REQUIRE(model.updates);
  StartValues start = model.start;
  const auto outputs = model.outputs;
  const TrainingGraph training = make_training_graph(model, 0);
  const auto counts = count(training.graph);
  CHECK(counts.trainable == expected.trainable);
  CHECK(counts.forward_macs == expected.forward_macs);
  CHECK(counts.backward_macs == expected.backward_macs);
  take_inputs(training.graph, read_npz(test::shared_file(folder + "/inputs.npz")), "inputs.npz", 0,
              start);
  const auto values = run_reference(training.graph, start);
  const auto reference = read_npz(test::shared_file(folder + "/outputs_as_written.npz"));
  REQUIRE(outputs.size() == expected.outputs);
  double worst = 0;
  for (TensorId output : outputs) {
    const Tensor& tensor = training.graph.tensor(output);
    INFO(tensor.name);
    const auto wanted = reference.at(tensor.name).as_float64();
    CHECK(reference.at(tensor.name).shape == tensor.shape);
    REQUIRE(wanted.size() == values[output].size());
    std::vector<double> update = wanted;
    std::vector<double> error = wanted;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      update[i] -= values[tensor.alias_of.value()][i];
      error[i] -= values[output][i];
    }
    CHECK(largest(error) <= 1e-2 * largest(update) + 2 * ulp(largest(wanted)));
    // The graph's own rounding to float is all that is left: an error in a gradient is not.
    CHECK(largest(error) <= 1e-5 * largest(update) + ulp(largest(wanted)));
    // A softmax does not see a constant added to all its inputs: that bias has no gradient.
    const bool unseen = tensor.name == "classifier_attention_pool_bias_updated";
    CHECK((largest(update) > 0) == !unseen);
    worst = std::max(worst, largest(error) / largest(wanted));
  }
  CHECK(worst < 1e-7);
}

TEST_CASE("the inference graph gives the output that came with it, and can be trained") {
  const auto file = test::shared_file("data/CCT_1_16_16_8/network.onnx");
  OnnxModel model = read_onnx(file);
  CHECK_FALSE(model.updates);
  StartValues start = model.start;
  take_inputs(model.network.graph, read_npz(test::shared_file("data/CCT_1_16_16_8/inputs.npz")),
              "inputs.npz", 0, start);
  const auto values = run_reference(model.network.graph, start);
  const auto wanted =
      read_npz(test::shared_file("data/CCT_1_16_16_8/outputs.npz")).at("output").as_float64();
  REQUIRE(values[model.outputs.at(0)].size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(values[model.outputs[0]][i] ==
          Approx(wanted[i]).margin(1e-7 * largest(wanted)).epsilon(1e-5));
  }
  // One transformer block of 6 matrices; behind it attention pooling and classifier with bias.
  REQUIRE(model.network.blocks.size() == 1);
  CHECK(model.network.blocks[0].matrices.size() == 6);
  OnnxModel adapted = model;
  MethodOptions lora;
  lora.method = MethodOptions::Method::kLora;
  lora.rank = 2;
  apply_method(adapted.network, lora);
  // Adapters on four 8x8 matrices, 8x16 and 16x8; head 8 + 80 + 10.
  CHECK(count(adapted.network.graph).trainable == 2 * (4 * 16 + 2 * 24) + 98);
  const TrainingGraph training = make_training_graph(std::move(model), 0.01);
  draw_inputs(training.graph, 1, 0, start);
  const auto step = run_reference(training.graph, start);
  CHECK(step[training.loss][0] > 0);
  for (TensorId parameter : training.trained()) {
    INFO(training.graph.tensor(parameter).name);
    CHECK(step[training.gradients.at(parameter)].size() ==
          training.graph.tensor(parameter).elements());
  }
  // Filter, embedding, one shared norm (2), 7 matrices, head, 4 biases.
  CHECK(training.trained().size() == 16);
}

}  // namespace
}  // namespace etude
