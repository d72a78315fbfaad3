// SPDX-License-Identifier: Apache-2.0
// Steps that run operators again and page storages: not a bit of loss, gradients, weights and
// states differs from the step that keeps everything.
#include "compiler/schedule/scheduled_step.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <numeric>

#include "compiler/lower/lower.h"
#include "compiler/schedule/sqrt.h"
#include "models/base/error.h"
#include "tests/support/image_network.h"
#include "tests/support/lowered_step.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/random_schedule.h"
#include "tests/support/step_outcome.h"
#include "tests/support/temp_folder.h"
#include "workloads/networks/cct.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/training/methods.h"

namespace etude::compiler {
namespace {

using test::Bits;
using test::outcome;

std::size_t again(const Program& program) {
  return static_cast<std::size_t>(std::ranges::count(program.layers, "recompute", &Layer::phase));
}

/// Whether a policy's step leaves what the usual one does. Counts what it runs again and pages.
struct Comparison {
  const TrainingGraph training;
  PlatformConfig platform;
  LowerOptions options{};
  unsigned steps = 1;
  std::size_t ran_again = 0, paged = 0;

  std::map<std::string, Bits> usual() const {
    return outcome(training, platform, lower_step(training, platform, options), steps);
  }
  void check(const SchedulePolicy& policy, const std::map<std::string, Bits>& wanted) {
    const Program program = lower_step(training, platform, options, policy);
    ran_again += again(program);
    paged += count_of<PageTransfer>(program.tasks);
    const auto found = outcome(training, platform, program, steps);
    REQUIRE(found.size() == wanted.size());
    for (const auto& [name, values] : wanted) {
      INFO(name);
      CHECK((found.at(name) == values));  // too long to be printed
    }
  }
};

/// Two convolutions with normalisations whose statistics move, and a ReLU before a pooling.
TrainingGraph imported() {
  using namespace test;
  OnnxGraph graph;
  const auto norm = [&](const std::string& name, const std::string& from, std::int64_t channels) {
    graph.nodes.push_back(onnx_node(
        "BatchNormalization", name, {from, name + "g", name + "b", name + "m", name + "v"},
        {name + "y", name + "m1", name + "v1"}, {onnx_int("training_mode", 1)}));
    for (const char* part : {"g", "b", "m", "v"}) {
      graph.constants.push_back(onnx_floats(name + part, {channels}));
    }
    graph.nodes.push_back(onnx_node("Relu", name + "relu", {name + "y"}, {name + "r"}));
  };
  const std::vector<std::int64_t> pads{1, 1, 1, 1};
  graph.nodes.push_back(onnx_node("Conv", "c0", {"x", "w0"}, {"a0"}, {onnx_ints("pads", pads)}));
  norm("n0", "a0", 6);
  graph.nodes.push_back(onnx_node("Conv", "c1", {"n0r", "w1"}, {"a1"}, {onnx_ints("pads", pads)}));
  norm("n1", "a1", 8);
  graph.nodes.push_back(onnx_node("GlobalAveragePool", "pool", {"n1r"}, {"p"}));
  graph.nodes.push_back(onnx_node("Flatten", "flat", {"p"}, {"f"}));
  graph.nodes.push_back(onnx_node("Gemm", "fc", {"f", "w2"}, {"y"}));
  graph.constants.push_back(onnx_floats("w0", {6, 3, 3, 3}));
  graph.constants.push_back(onnx_floats("w1", {8, 6, 3, 3}));
  graph.constants.push_back(onnx_floats("w2", {8, 4}));
  graph.inputs = {onnx_value("x", {2, 3, 8, 8})};
  graph.outputs = {onnx_value("y", {2, 4})};
  const TempFolder folder;
  const auto file = folder.path() / "model.onnx";
  std::ofstream(file, std::ios::binary) << graph.model();
  return make_training_graph(read_onnx(file), 0.125);
}

TrainingGraph images() {
  test::ImageNetwork net({2, 3, 12, 12});
  net.conv(8, {3, 3}, {1, 1}, {1, 1, 1, 1}, true)
      .apply(OpType::kRelu)
      .max_pool({2, 2}, {2, 2}, {0, 0, 0, 0})
      .conv(8, {3, 3}, {1, 1}, {1, 1, 1, 1})
      .batch_norm(true, false)
      .apply(OpType::kRelu)
      .conv(12, {1, 1}, {1, 1}, {0, 0, 0, 0}, true)
      .apply(OpType::kRelu6)
      .average_pool({2, 2}, {2, 2}, {0, 0, 0, 0});
  return make_training_graph(net.finish(), 0.125);
}

TrainingGraph transformer(bool lora) {
  Network network = lora ? make_cct("small", {8, 3, {8, 16}, 2, 24, 2, 5}, 1)
                         : make_network("bert", {8, 16, 2, 24, 2, 3}, 2);
  if (lora) {
    MethodOptions method;
    method.method = MethodOptions::Method::kLora;
    method.rank = 2;
    apply_method(network, method);
  }
  UpdateOptions update;
  update.rule = lora ? UpdateOptions::Rule::kSgd : UpdateOptions::Rule::kMomentum;
  return make_training_graph(std::move(network), update);
}

TEST_CASE("random schedules of small networks leave the same bits", "[schedule]") {
  const auto network = GENERATE(0, 1, 2, 3, 4);
  const TrainingGraph training =
      network == 0   ? make_training_graph(make_network("mlp", {12, 20, 16, 20, 12}, 5), 0.125)
      : network == 1 ? images()
      : network == 2 ? transformer(true)
      : network == 3 ? transformer(false)
                     : imported();
  Comparison compare{training, test::platform_of(network % 2 == 0, 40)};
  compare.steps = 2;
  const auto home = GENERATE(WorkloadConfig::Home::kAuto, WorkloadConfig::Home::kExtmem);
  compare.options.home = home;
  const auto wanted = compare.usual();
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(network, static_cast<int>(home), seed);
    compare.check(test::RandomSchedule(seed, seed % 4 == 3 ? 0 : 8, seed % 4 == 2 ? 0 : 12),
                  wanted);
  }
  CHECK(compare.ran_again > 4);
  CHECK(compare.paged > 20);
}

TEST_CASE("schedules of the shipped networks leave the same bits", "[schedule]") {
  const auto* const name = GENERATE("cct2", "deep_ae", "resnet8", "bert");
  const unsigned batch = std::string(name) == "deep_ae" ? 24 : 1;
  Comparison compare{make_training_graph(make_network(name, {}, batch), 0.01),
                     test::platform_of(true, 256)};
  compare.platform.l2.size = Bytes{4u << 20};
  const auto wanted = compare.usual();
  INFO(name);
  compare.check(SqrtPolicy(), wanted);
  compare.check(test::RandomSchedule(1, 12, 12), wanted);
  // In an L2 of no byte more than the task list and what lives at once.
  const Program roomy = lower_step(compare.training, compare.platform, {}, SqrtPolicy());
  compare.platform.l2.size =
      roomy.memory.l2_fixed + Bytes{*std::ranges::max_element(roomy.l2_used)};
  CAPTURE(compare.platform.l2.size.raw());
  compare.check(SqrtPolicy(), wanted);
  CHECK(compare.ran_again > 0);
  CHECK(compare.paged > 0);
}

/// A perceptron as a step, and schedules of it.
struct Line {
  TrainingGraph training = make_training_graph(make_network("mlp", {12, 20, 16, 20, 12}, 5), 0.125);
  PlatformConfig platform = test::platform_of(true, 64);
  TilingConfig tiling;
  Step step{training, platform, tiling, TrainConfig::Precision::kFp32};

  Schedule with(std::vector<Recompute> again, std::vector<PageWindow> pages = {}) const {
    Schedule schedule;
    schedule.order.resize(step.operators.size());
    std::iota(schedule.order.begin(), schedule.order.end(), 0u);
    schedule.recomputes = std::move(again);
    schedule.pages = std::move(pages);
    return schedule;
  }
};

TEST_CASE("what runs again stands in front of its slot, and later readers read that",
          "[schedule]") {
  const Line line;
  const Slot last = static_cast<Slot>(line.step.operators.size() - 1);
  const Graph& plain = line.step.graph();
  const Operator& first = line.step.operators[0];
  const TensorId result = plain.node(first.relu.value_or(first.node)).outputs[0];
  const ScheduledStep made = carry_out(line.step, line.with({{0, last}}));
  REQUIRE(made.step->operators.size() == last + 2);
  const Operator& copy = made.step->operators[last];
  const Graph& graph = made.step->graph();
  CHECK(graph.node(copy.node).phase == Phase::kRecompute);
  CHECK(graph.node(copy.node).name == plain.node(first.node).name + ".recompute");
  CHECK(copy.nodes().size() == first.nodes().size());  // as it was fused
  const TensorId again = graph.node(copy.relu.value_or(copy.node)).outputs[0];
  CHECK(made.step->origin(again) == result);
  CHECK(graph.tensor(again).name == plain.tensor(result).name + ".recompute");
  for (std::size_t i = 0; i < made.step->operators.size(); ++i) {
    for (const NodeId member : made.step->operators[i].nodes()) {
      const auto& inputs = graph.node(member).inputs;
      CHECK(std::ranges::count(inputs, i > last ? result : again) == 0);
    }
  }
  CHECK(graph.consumers(result).size() + graph.consumers(again).size() ==
        plain.consumers(result).size());
}

TEST_CASE("a maximum reads what was made again of the convolution whose ReLU runs with it",
          "[schedule]") {
  const TrainingGraph training = images();
  const PlatformConfig platform = test::platform_of(true, 64);
  const TilingConfig tiling;
  const Step step(training, platform, tiling, TrainConfig::Precision::kFp32);
  const Graph& plain = step.graph();
  std::optional<Slot> conv, gradient;
  for (Slot slot = 0; slot < step.operators.size(); ++slot) {
    const Node& node = plain.node(step.operators[slot].node);
    conv = node.op == OpType::kConv && !conv ? slot : conv;
    gradient = node.op == OpType::kMaxPoolGrad ? slot : gradient;
  }
  REQUIRE((conv && gradient && *conv < *gradient));
  const auto source = [](const Step& of, Slot slot) {
    const Node& pool = of.graph().node(of.operators[slot].node);
    return of.graph().node(of.pooled_relu(pool.inputs[1]).value()).inputs[0];
  };
  const TensorId made = plain.node(step.operators[*conv].node).outputs[0];
  REQUIRE(source(step, *gradient) == made);
  Schedule schedule = Line{}.with({{*conv, *gradient}});
  const ScheduledStep carried = carry_out(step, schedule);
  const TensorId again = source(*carried.step, *gradient + 1);
  CHECK(again != made);
  CHECK(carried.step->origin(again) == made);
}

TEST_CASE("schedules that no step can follow are refused", "[schedule]") {
  const Line line;
  const auto slots = static_cast<Slot>(line.step.operators.size());
  const TensorId x = line.training.inputs[0];
  const TensorId made = line.step.graph().node(line.step.operators[1].node).outputs[0];
  const Slot updates = 2;  // the third layer
  const Slot limit = recompute_limit(line.step, updates);
  REQUIRE(limit + 1 < slots);
  struct Case {
    Schedule schedule;
    const char* says;
  };
  const Case cases[] = {
      {line.with({{0, slots}}), "runs slot 0 again"},
      {line.with({{2, 2}}), "slot 2"},
      {line.with({{slots - 2, slots - 1}}), "forward operators without a loss"},
      {line.with({{updates, limit + 1}}), "which updates what it reads"},
      {line.with({}, {{9999, true, 0, 1}}), "pages tensor 9999"},
      {line.with({}, {{x, false, 3, 1}}), "from slot 3 to slot 1"},
      {line.with({}, {{line.step.storage.base(made), false, 4, 5}}), "in that never went out"},
      {line.with({}, {{x, false, 1, slots}}), "the step has"}};
  for (const Case& c : cases) {
    CHECK_THROWS_WITH(carry_out(line.step, c.schedule), Catch::Contains(c.says));
  }
}

}  // namespace
}  // namespace etude::compiler
