// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/gradient_check.h"
#include "workloads/networks/bert.h"
#include "workloads/networks/cct.h"
#include "workloads/networks/networks.h"
#include "workloads/training/counts.h"
#include "workloads/training/methods.h"

namespace etude {
namespace {

GraphCounts counts_of(const std::string& name) { return count(make_network(name, {}, 1).graph); }

TEST_CASE("the networks of MLPerf Tiny have their published parameters") {
  // With the running statistics, as Keras counts them.
  CHECK(counts_of("resnet8").parameters == 78666);
  CHECK(counts_of("ds_cnn").parameters == 24908);
  CHECK(counts_of("mobilenet_v1_025").parameters == 221794);
}

TEST_CASE("forward MACs of the convolutional networks, layer by layer") {
  // ResNet-8: 3x3 convolutions on 32x32, 16x16 and 8x8 pixels, 1x1 shortcuts, 640 of the
  // classifier.
  const std::uint64_t p = 1024;
  CHECK(counts_of("resnet8").forward_macs ==
        p * 9 * (3 * 16 + 2 * 16 * 16) + p / 4 * (9 * (16 * 32 + 32 * 32) + 16 * 32) +
            p / 16 * (9 * (32 * 64 + 64 * 64) + 32 * 64) + 640);
  // DS-CNN: 25x5 pixels; 10x4 filters, four units of 3x3 depthwise and 64x64 pointwise.
  CHECK(counts_of("ds_cnn").forward_macs == 125 * (40 * 64 + 4 * (9 * 64 + 64 * 64)) + 768);
}

TEST_CASE("CCT-7 by its extents") {
  // Tokenizer 3*9*256, positions 256*256; a block: 3 norms' halves 4*256, qkv and proj 4*256^2+256,
  // MLP 2*256*512 + 512 + 256; the end: norm 512, pooling 257, classifier 2570.
  const std::uint64_t block = 4 * 256 + 4 * 65536 + 256 + 2 * 131072 + 512 + 256;
  CHECK(counts_of("cct7").parameters == 6912 + 65536 + 7 * block + 512 + 257 + 2570);
}

void check_small(Network network) {
  const auto training = make_training_graph(std::move(network), 0.1);
  StartValues start;
  draw_parameters(training.graph, 5, start);
  draw_inputs(training.graph, 6, 0, start);
  test::check_gradients(training, start, 3);
}

TEST_CASE("a small BERT's and a small CCT's gradients equal finite differences") {
  check_small(make_bert("bert", bert_of_sizes({5, 6, 2, 7, 2, 3}), 2));
  CctSize size;
  size.image = 9;
  size.tokenizer = {6};
  size.heads = 3;
  size.hidden = 7;
  size.depth = 1;
  size.classes = 3;
  check_small(make_cct("cct", size, 2));
}

TEST_CASE("frozen batch normalisations use their statistics") {
  Network network = make_network("ds_cnn", {}, 1);
  MethodOptions options;
  options.method = MethodOptions::Method::kLinearProbe;
  apply_method(network, options);
  for (const Node& node : network.graph.nodes()) {
    if (node.op == OpType::kBatchNorm) {
      CHECK(node.integer("training") == 0);
    }
  }
  const auto counts = count(make_training_graph(std::move(network), 0.1).graph);
  CHECK(counts.trainable == 780);
  CHECK(counts.backward_macs == 768);
}

TEST_CASE("extents that do not fit are errors") {
  CHECK_THROWS_AS(make_network("bert", {64, 0}, 1), UserError);
  CHECK_THROWS_AS(make_network("bert", {64, 100, 3}, 1), UserError);
  CHECK_THROWS_AS(make_network("bert", {1, 1, 1, 1, 1, 1, 1}, 1), UserError);
  CHECK_THROWS_AS(make_network("cct2", {}, 0), UserError);
  CctSize size;
  CHECK_THROWS_AS(make_cct("cct", size, 1), UserError);
}

}  // namespace
}  // namespace etude
