// SPDX-License-Identifier: Apache-2.0
// Convolution and pooling, lowered and executed by the host interpreter, against the float64
// reference.
#include <catch2/catch.hpp>

#include "compiler/operators/grouping.h"
#include "tests/support/image_network.h"
#include "tests/support/lowered_step.h"

namespace etude::compiler {
namespace {

using test::ImageNetwork;

struct Layer {
  Shape image;
  std::uint64_t outputs;
  std::vector<std::int64_t> kernel, strides, pads;
  std::int64_t groups = 1;
};

std::string text(const Layer& l) {
  return to_string(l.image) + " to " + std::to_string(l.outputs) + ", kernel " +
         std::to_string(l.kernel[0]) + "x" + std::to_string(l.kernel[1]) + ", strides " +
         std::to_string(l.strides[0]) + "x" + std::to_string(l.strides[1]) + ", groups " +
         std::to_string(l.groups);
}

const std::vector<Layer> kLayers{
    {{1, 1, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{1, 3, 32, 32}, 20, {3, 3}, {1, 1}, {1, 1, 1, 1}},
    {{2, 5, 9, 7}, 13, {3, 3}, {2, 2}, {1, 1, 1, 1}},
    {{3, 20, 6, 5}, 17, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{5, 8, 4, 4}, 24, {3, 3}, {1, 1}, {1, 1, 1, 1}},
    {{1, 16, 8, 8}, 12, {1, 1}, {2, 2}, {0, 0, 0, 0}},
    {{2, 1, 13, 10}, 9, {10, 4}, {2, 2}, {4, 1, 5, 1}},
    {{1, 6, 7, 8}, 9, {3, 2}, {1, 2}, {0, 1, 2, 0}, 3},
};

TEST_CASE("a convolution forward, with bias and activation, on both units, whatever the L1") {
  const bool redmule = GENERATE(false, true);
  const unsigned l1 = GENERATE(24u, 256u);
  const int activation = GENERATE(0, 1, 2);
  for (const Layer& l : kLayers) {
    INFO("redmule " << redmule << ", " << l1 << " KiB, activation " << activation << ", "
                    << text(l));
    ImageNetwork net(l.image);
    net.conv(l.outputs, l.kernel, l.strides, l.pads, activation != 1, true, l.groups);
    if (activation > 0) {
      net.apply(activation == 1 ? OpType::kRelu : OpType::kRelu6);
    }
    net.add_parameter();
    test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(redmule, l1), {});
  }
}

TEST_CASE("a convolution forward in mixed precision, outside the array's errata") {
  auto platform = test::platform_of(true, GENERATE(32u, 256u));
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp16;
  platform.cluster.redmule.errata = RedmuleConfig::Errata::kError;
  LowerOptions options;
  options.precision = TrainConfig::Precision::kMixedFp16;
  for (const Layer& l : kLayers) {
    INFO(text(l));
    ImageNetwork net(l.image);
    net.conv(l.outputs, l.kernel, l.strides, l.pads, true, true, l.groups);
    net.add_parameter();
    const TrainingGraph training = make_training_graph(net.finish(), 0.125);
    options.tiling.operators.clear();
    for (const Node& node : training.graph.nodes()) {
      if (node.op == OpType::kConv || node.op == OpType::kConvGradInput ||
          node.op == OpType::kConvGradWeight) {
        options.tiling.operators[node.name].unit = TileConfig::Unit::kRedmule;
      }
    }
    const Program program = test::check_step(training, platform, options, 1, {}, 1e-2);
    CHECK(count_of<MatrixJob>(program.tasks) > 0);
  }
}

TEST_CASE("pooling forward, whatever the L1") {
  const unsigned l1 = GENERATE(16u, 256u);
  const bool average = GENERATE(false, true);
  for (const Layer& l : {Layer{{1, 3, 32, 32}, 3, {3, 3}, {2, 2}, {1, 1, 1, 1}},
                         Layer{{2, 5, 9, 7}, 5, {2, 2}, {2, 2}, {0, 0, 1, 1}},
                         Layer{{3, 17, 4, 4}, 17, {4, 4}, {1, 1}, {0, 0, 0, 0}},
                         Layer{{1, 2, 60, 40}, 2, {3, 5}, {1, 2}, {1, 2, 1, 2}}}) {
    INFO(l1 << " KiB, average " << average << ", " << text(l));
    ImageNetwork net(l.image);
    average ? net.average_pool(l.kernel, l.strides, l.pads)
            : net.max_pool(l.kernel, l.strides, l.pads);
    net.add_parameter();
    test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(true, l1), {});
  }
}

TEST_CASE("convolutions train: weights, biases and what lies before them, whatever the L1") {
  const bool redmule = GENERATE(false, true);
  const unsigned l1 = GENERATE(24u, 256u);
  for (const Layer& l : kLayers) {
    INFO("redmule " << redmule << ", " << l1 << " KiB, " << text(l));
    ImageNetwork net(l.image);
    net.add_parameter().conv(l.outputs, l.kernel, l.strides, l.pads, true, false, l.groups);
    net.apply(OpType::kRelu);
    test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(redmule, l1), {});
  }
}

TEST_CASE("gradients pass through pooling, whatever the L1") {
  const unsigned l1 = GENERATE(24u, 256u);
  const bool average = GENERATE(false, true);
  for (const Layer& l : {Layer{{1, 3, 20, 18}, 3, {3, 3}, {2, 2}, {1, 1, 1, 1}},
                         Layer{{2, 5, 9, 7}, 5, {2, 2}, {2, 2}, {0, 0, 1, 1}},
                         Layer{{3, 17, 4, 4}, 17, {4, 4}, {1, 1}, {0, 0, 0, 0}},
                         Layer{{1, 2, 24, 30}, 2, {3, 5}, {1, 2}, {1, 2, 1, 2}}}) {
    INFO(l1 << " KiB, average " << average << ", " << text(l));
    ImageNetwork net(l.image);
    net.add_parameter().apply(OpType::kRelu);  // its gradient is taken in the same pass
    average ? net.average_pool(l.kernel, l.strides, l.pads)
            : net.max_pool(l.kernel, l.strides, l.pads);
    test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(true, l1), {});
  }
}

TEST_CASE("a ReLU between a convolution and a maximum runs with the maximum") {
  const unsigned l1 = GENERATE(24u, 256u);
  const bool frozen = GENERATE(false, true);
  const bool small = GENERATE(false, true);
  INFO(l1 << " KiB, frozen " << frozen << ", small windows " << small);
  ImageNetwork net({2, 3, 14, 13});
  net.conv(10, {3, 3}, {1, 1}, {1, 1, 1, 1}, true, frozen).apply(OpType::kRelu);
  small ? net.max_pool({3, 3}, {2, 2}, {1, 1, 1, 1}) : net.max_pool({4, 5}, {3, 2}, {1, 0, 0, 2});
  net.add_parameter();
  const auto training = make_training_graph(net.finish(), 0.125);
  test::check_step(training, test::platform_of(true, l1), {}, 2);
  CHECK(pooled_relu(training.graph, *training.graph.find("layer1")).has_value());
}

TEST_CASE("depthwise convolutions train, whatever the L1") {
  const unsigned l1 = GENERATE(16u, 24u, 256u);
  const bool bias = GENERATE(false, true);
  for (const Layer& l : {Layer{{1, 3, 40, 30}, 3, {3, 3}, {1, 1}, {1, 1, 1, 1}},
                         Layer{{2, 20, 9, 7}, 20, {3, 3}, {2, 2}, {0, 0, 1, 1}},
                         Layer{{3, 17, 4, 4}, 17, {2, 3}, {1, 2}, {1, 2, 0, 1}},
                         Layer{{1, 8, 35, 33}, 8, {3, 3}, {2, 2}, {1, 1, 1, 1}},
                         Layer{{2, 4, 5, 5}, 4, {5, 5}, {3, 3}, {2, 2, 2, 2}}}) {
    INFO(l1 << " KiB, bias " << bias << ", " << text(l));
    ImageNetwork net(l.image);
    net.add_parameter().conv(l.outputs, l.kernel, l.strides, l.pads, bias, false,
                             static_cast<std::int64_t>(l.outputs));
    if (bias) {
      net.apply(OpType::kRelu6);
    }
    test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(true, l1), {});
  }
}

TEST_CASE("batch normalisation trains, with the batch's statistics or given ones") {
  const unsigned l1 = GENERATE(16u, 64u, 256u);
  const bool training = GENERATE(false, true);
  const bool frozen = GENERATE(false, true);
  for (const Shape& image : {Shape{1, 3, 20, 18}, Shape{3, 17, 4, 5}, Shape{2, 8, 1, 1},
                             Shape{5, 40, 6, 6}, Shape{2, 2, 31, 33}}) {
    for (const bool relu : {false, true}) {
      INFO(l1 << " KiB, training " << training << ", frozen " << frozen << ", relu " << relu << ", "
              << to_string(image));
      ImageNetwork net(image);
      net.add_parameter().batch_norm(training, frozen);
      if (relu) {
        net.apply(OpType::kRelu);
      }
      test::check_step(make_training_graph(net.finish(), 0.125), test::platform_of(true, l1), {});
    }
  }
}

TEST_CASE("a result of a convolution stays in L1 for the layers behind it") {
  const bool redmule = GENERATE(false, true);
  ImageNetwork net({2, 4, 6, 6});
  net.conv(16, {3, 3}, {1, 1}, {1, 1, 1, 1}, false, true)
      .apply(OpType::kRelu)
      .conv(12, {1, 1}, {1, 1}, {0, 0, 0, 0}, true, true)
      .conv(8, {3, 3}, {2, 2}, {1, 1, 1, 1}, false, true)
      .max_pool({2, 2}, {1, 1}, {0, 0, 0, 0})
      .average_pool({2, 2}, {1, 1}, {0, 0, 0, 0})
      .add_parameter();
  const Program program = test::check_step(make_training_graph(net.finish(), 0.125),
                                           test::platform_of(redmule, 256), {}, 2);
  // Nothing between the convolutions goes to L2: input, weights, parameter, target, loss do.
  CHECK(program.tasks.operations.size() < 100);
}

}  // namespace
}  // namespace etude::compiler
