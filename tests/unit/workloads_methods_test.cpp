// SPDX-License-Identifier: Apache-2.0
// Parameters and MACs of every training method against closed formulas.
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/gradient_check.h"
#include "workloads/networks/cct.h"
#include "workloads/networks/networks.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/training/counts.h"
#include "workloads/training/methods.h"

namespace etude {
namespace {

using Method = MethodOptions::Method;

TrainingGraph training_of(const std::string& network, const MethodOptions& options,
                          unsigned batch = 1) {
  Network made = make_network(network, {}, batch);
  apply_method(made, options);
  return make_training_graph(std::move(made), 0.01);
}

MethodOptions lora(unsigned k, unsigned rank, bool everywhere = true) {
  MethodOptions options;
  options.method = Method::kLora;
  options.k = k;
  options.rank = rank;
  options.adapters_in_all = everywhere;
  return options;
}

// CCT-2: 64 tokens of 128 features. One linear layer costs L, attention of one block backward A,
// the head Hd; an adapter of rank r costs u = 8192 r per product.
constexpr std::uint64_t kL = 64 * 128 * 128;
constexpr std::uint64_t kA = 8 * 64 * 64 * 64;
constexpr std::uint64_t kHead = 2 * 1280 + 4 * 8192;
constexpr std::uint64_t kForward = 35341568;

TEST_CASE("CCT-2 has the published parameters and forward MACs") {
  const auto counts = count(training_of("cct2", {}).graph);
  CHECK(counts.parameters == 283979);
  CHECK(counts.trainable == 283979);
  CHECK(counts.gradient_bytes == 4 * 283979);
  CHECK(counts.forward_macs == kForward);
  // FT2 + 3 L (q, k, v of block 0 hand on) + conv1 dW and dX + conv0 dW.
  CHECK(counts.backward_macs == 26249728 + 3 * kL + 2 * 18874368 + 1769472);
  CHECK(counts.backward_macs == 68913664);
}

TEST_CASE("CCT-2's MACs grow with the batch, its parameters do not") {
  const auto counts = count(training_of("cct2", {}, 3).graph);
  CHECK(counts.parameters == 283979);
  CHECK(counts.forward_macs == 3 * kForward);
  CHECK(counts.backward_macs == 3u * 68913664);
}

TEST_CASE("CCT-2: linear probe trains fc, whose gradient is 1,280 MACs") {
  MethodOptions options;
  options.method = Method::kLinearProbe;
  const auto counts = count(training_of("cct2", options).graph);
  CHECK(counts.trainable == 1290);
  CHECK(counts.forward_macs == kForward);
  CHECK(counts.backward_macs == 1280);
}

TEST_CASE("CCT-2: the last k blocks") {
  const unsigned k = GENERATE(1u, 2u);
  MethodOptions options;
  options.method = Method::kLastK;
  options.k = k;
  const auto counts = count(training_of("cct2", options).graph);
  // 6 dW and 6 dX per block; q, k, v of the lowest trained block hand nothing on.
  CHECK(counts.backward_macs == kHead + k * (12 * kL + kA) - 3 * kL);
  CHECK(counts.backward_macs == (k == 1 ? 11569664u : 26249728u));
  CHECK(counts.trainable == 98304 * k + 1419);
  CHECK(counts.gradient_bytes == 4 * counts.trainable);
  CHECK(counts.forward_macs == kForward);
}

TEST_CASE("CCT-2: LoRA of rank 1 to 32 on the last one and two blocks") {
  struct Row {
    unsigned rank;
    std::uint64_t forward, backward[2], trainable[2];
  };
  const auto row = GENERATE(Row{1, 35538176, {5450240, 14035456}, {2955, 4491}},
                            Row{2, 35734784, {5622272, 14404096}, {4491, 7563}},
                            Row{4, 36128000, {5966336, 15141376}, {7563, 13707}},
                            Row{8, 36914432, {6654464, 16615936}, {13707, 25995}},
                            Row{16, 38487296, {8030720, 19565056}, {25995, 50571}},
                            Row{32, 41633024, {10783232, 25463296}, {50571, 99723}});
  const unsigned k = GENERATE(1u, 2u);
  const auto counts = count(training_of("cct2", lora(k, row.rank)).graph);
  CHECK(counts.forward_macs == row.forward);
  CHECK(counts.backward_macs == row.backward[k - 1]);
  CHECK(counts.trainable == row.trainable[k - 1]);
  CHECK(counts.gradient_bytes == 4 * counts.trainable);
}

TEST_CASE("adapters in the trained blocks only leave the other block's forward pass alone") {
  const auto counts = count(training_of("cct2", lora(1, 4, false)).graph);
  CHECK(counts.forward_macs == kForward + 12 * 8192 * 4);
  CHECK(counts.backward_macs == 5966336);
  CHECK(counts.trainable == 7563);
  CHECK(count(training_of("cct2", lora(0, 4, false)).graph).trainable == 13707);
}

TEST_CASE("target layers get adapters, others do not") {
  MethodOptions options = lora(1, 4, false);
  options.layers = {"q", "v"};
  const auto training = training_of("cct2", options);
  CHECK(training.graph.find("blocks.1.q.lora_a"));
  CHECK(training.graph.find("blocks.1.v.lora_b"));
  CHECK_FALSE(training.graph.find("blocks.1.k.lora_a"));
  CHECK_FALSE(training.graph.find("blocks.0.q.lora_a"));
  CHECK(count(training.graph).trainable == 2 * 1024 + 1419);
}

TEST_CASE("Deep-AE: last k layers and LoRA on all of them") {
  const std::uint64_t last[] = {81920,  180224, 212992, 245760, 263168,
                                265216, 282624, 315392, 348160, 446464};
  for (unsigned k = 1; k <= 10; ++k) {
    MethodOptions options;
    options.method = Method::kLastK;
    options.k = k;
    CHECK(count(training_of("deep_ae", options).graph).backward_macs == last[k - 1]);
  }
  // Layer 4 has 8 outputs: rank 8 is the largest.
  for (unsigned rank : {1u, 2u, 4u, 8u}) {
    const auto counts = count(training_of("deep_ae", lora(0, rank)).graph);
    CHECK(counts.trainable == 3344 * rank);
    CHECK(counts.forward_macs == 264192 + 3344 * rank);
    CHECK(counts.backward_macs == 182272 + 6048 * rank);
  }
}

TEST_CASE("LoRA starts where the frozen network stands, and its gradients are right") {
  CctSize size;
  size.image = 8;
  size.tokenizer = {3, 6};
  size.heads = 2;
  size.hidden = 5;
  size.classes = 3;
  size.gelu_bias = true;
  Network plain = make_cct("small", size, 2);
  Network adapted = make_cct("small", size, 2);
  MethodOptions options = lora(2, 3);
  options.alpha = 1.5;
  apply_method(adapted, options);
  const auto training = make_training_graph(std::move(adapted), 0.1);
  const auto frozen = make_training_graph(std::move(plain), 0.1);
  StartValues start, other;
  draw_parameters(training.graph, 1, start);
  draw_inputs(training.graph, 2, 0, start);
  draw_parameters(frozen.graph, 1, other);
  draw_inputs(frozen.graph, 2, 0, other);
  CHECK(run_reference(training.graph, start)[training.loss] ==
        run_reference(frozen.graph, other)[frozen.loss]);
  for (TensorId id = 0; id < training.graph.tensors().size(); ++id) {
    const Tensor& tensor = training.graph.tensor(id);
    if (tensor.name.ends_with(".lora_b")) {  // at 0 the gradients of A would be 0
      for (std::size_t i = 0; i < start[id].size(); ++i) {
        start[id][i] = static_cast<float>(i % 7) / 16 - 0.1875f;
      }
    }
  }
  test::check_gradients(training, start, 4);
}

TEST_CASE("weights of elsewhere need no adapters: those stay as drawn") {
  const TrainingGraph training = training_of("cct2", lora(2, 4));
  const Graph& graph = training.graph;
  StartValues drawn, values;
  draw_parameters(graph, 1, drawn);
  draw_parameters(graph, 1, values);
  NpzArchive archive;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind == TensorKind::kParameter && !tensor.alias_of &&
        tensor.name.find(".lora_") == std::string::npos) {
      archive[tensor.name] =
          NpyArray::from_float32(tensor.shape, std::vector<float>(tensor.elements(), 0.5f));
    }
  }
  take_parameters(graph, archive, "file", values);
  const TensorId a = graph.find("blocks.1.q.lora_a").value();
  CHECK(values[a] == drawn[a]);
  CHECK(values[graph.find("blocks.1.q.weight").value()][7] == 0.5f);
  archive.erase("fc.bias");
  CHECK_THROWS_AS(take_parameters(graph, archive, "file", values), UserError);
}

TEST_CASE("methods that do not fit the network are errors") {
  CHECK_THROWS_WITH(training_of("cct2", lora(1, 0)), Catch::Contains("/train/rank"));
  CHECK_THROWS_WITH(training_of("cct2", lora(1, 129)), Catch::Contains("1 to 128"));
  CHECK_THROWS_WITH(training_of("cct2", lora(3, 4)), Catch::Contains("2 blocks"));
  MethodOptions options;
  options.method = Method::kLastK;
  CHECK_THROWS_WITH(training_of("cct2", options), Catch::Contains("/train/k"));
  options = lora(1, 4);
  options.layers = {"nonsense"};
  CHECK_THROWS_WITH(training_of("cct2", options), Catch::Contains("/train/layers"));
}

}  // namespace
}  // namespace etude
