// SPDX-License-Identifier: Apache-2.0
// Networks of counted operators against closed forms.
#include <catch2/catch.hpp>
#include <numeric>

#include "models/base/error.h"
#include "workloads/counted/counted_step.h"
#include "workloads/networks/networks.h"
#include "workloads/training/counts.h"
#include "workloads/training/flops.h"
#include "workloads/training/training_graph.h"

namespace etude {
namespace {
using Kind = CountedLayer::Kind;

CountedNetwork corrected(const std::string& name, unsigned batch = 1) {
  return make_counted_network(name, batch, CountedGraph::kCorrected);
}

std::uint64_t flop_of(const CountedNetwork& network, std::initializer_list<Kind> kinds) {
  std::uint64_t sum = 0;
  for (const CountedLayer& layer : network.layers) {
    sum += std::ranges::find(kinds, layer.kind) != kinds.end() ? layer.flop : 0;
  }
  return sum;
}

TEST_CASE("published graphs have the published number of slots", "[counted]") {
  const std::pair<const char*, std::size_t> slots[] = {
      {"transformer_1", 19},   {"vgg16", 81},      {"resnet18", 127},
      {"resnet18_cifar", 133}, {"bert_base", 195}, {"resnet50", 335}};
  for (const auto& [name, count] : slots) {
    CAPTURE(name);
    const auto step = training_step(make_counted_network(name, 1, CountedGraph::kPublished));
    CHECK(step.slots.size() == count);
    CHECK(step.tensors.size() == count);
  }
}

TEST_CASE("corrected counts are those of the literature", "[counted]") {
  // Multiply-adds of torchvision's models at 224x224.
  CHECK(flop_of(corrected("resnet18"), {Kind::kConv}) / 2 == 1'813'561'344);
  CHECK(flop_of(corrected("resnet50"), {Kind::kConv}) / 2 == 4'087'136'256);
  CHECK(flop_of(corrected("vgg16"), {Kind::kConv}) / 2 == 15'346'630'656);
  // A block of BERT-base on n tokens: 12 n w^2 multiply-adds in its products of weights, 2 n^2 w in
  // its attention.
  const std::uint64_t n = 512, w = 768, heads = 12;
  const auto bert = corrected("bert_base");
  const std::uint64_t linear =
      flop_of(bert, {Kind::kProjections, Kind::kLinear, Kind::kLinearRelu});
  const std::uint64_t biases = 12 * n * (w + 4 * w + w), relu = 12 * n * 4 * w;
  CHECK(linear == 12 * 2 * (12 * n * w * w) + biases + relu);
  CHECK(flop_of(bert, {Kind::kScores, Kind::kMix}) == 12 * (2 * 2 * n * n * w + 7 * n * n * heads));
}

TEST_CASE("a batch multiplies what a corrected network computes", "[counted]") {
  for (const std::string& name : counted_networks()) {
    CAPTURE(name);
    const auto one = training_step(corrected(name)), four = training_step(corrected(name, 4));
    REQUIRE(one.slots.size() == four.slots.size());
    for (std::size_t i = 0; i < one.slots.size(); ++i) {
      CHECK(four.slots[i].flop == 4 * one.slots[i].flop);
    }
  }
}

TEST_CASE("gradients of results that are read twice are summed", "[counted]") {
  const auto network = corrected("resnet18_cifar");
  const auto step = training_step(network);
  // The first block reads layer 2 twice: its operator's gradient reads two gradients.
  const auto slot = std::ranges::find(step.slots, "BatchNorm2d2.grad", &CountedSlot::name);
  REQUIRE(slot != step.slots.end());
  const auto gradients = std::ranges::count_if(
      slot->inputs, [&](std::uint32_t i) { return !step.slots[step.tensors[i].producer].forward; });
  CHECK(gradients == 2);
  CHECK(slot->flop == 2 * network.layers[2].flop + network.layers[2].elements());
  // Nothing reads the gradient of the input: the first convolution makes that of its weights alone.
  const CountedSlot& last = step.slots.back();
  CHECK(last.name == "Conv2dLayer1.grad");
  CHECK(last.outputs.empty());
  CHECK(last.flop == network.layers[1].flop);
  // Every other gradient is read, and every gradient that is read was made before.
  for (const CountedTensor& tensor : step.tensors) {
    CAPTURE(tensor.name);
    if (!step.slots[tensor.producer].forward) {
      CHECK_FALSE(tensor.uses.empty());
    }
    for (const std::uint32_t use : tensor.uses) {
      CHECK(use > tensor.producer);
    }
  }
}

TEST_CASE("published counts keep their faults", "[counted]") {
  const auto published = make_counted_network("resnet18_cifar", 1, CountedGraph::kPublished);
  // A stride of 2: four products for each that is needed, and a bias.
  const CountedLayer& strided = published.layers[23];
  CHECK(strided.flop == 2 * (9 * 16 * 32) * (32 * 32) + strided.elements());
  CHECK(corrected("resnet18_cifar").layers[23].flop == 2 * (9 * 16 * 32) * (16 * 16));
  // One row of a linear layer, whatever the rows are.
  const auto bert = make_counted_network("bert_base", 1, CountedGraph::kPublished);
  CHECK(bert.layers[4].flop == 2 * (768 * 768 + 768) + 768);
}

TEST_CASE("unknown networks and batches are refused", "[counted]") {
  CHECK_THROWS_AS(make_counted_network("resnet", 1, CountedGraph::kPublished), UserError);
  CHECK_THROWS_AS(make_counted_network("vgg16", 0, CountedGraph::kPublished), UserError);
}

TEST_CASE("operations of compiled steps are two for each multiply-accumulate", "[counted]") {
  for (const char* name : {"deep_ae", "resnet8", "cct2"}) {
    CAPTURE(name);
    const auto training = make_training_graph(make_network(name, {}, 2), 0.1);
    std::uint64_t products = 0, others = 0;
    for (const Node& node : training.graph.nodes()) {
      const bool macs = node.op == OpType::kGemm || node.op == OpType::kConv ||
                        node.op == OpType::kConvGradInput || node.op == OpType::kConvGradWeight;
      (macs ? products : others) += flops(training.graph, node);
    }
    CHECK(products == 2 * count(training.graph).total_macs());
    CHECK(others > 0);
    CHECK(others < products);
  }
}

}  // namespace
}  // namespace etude
