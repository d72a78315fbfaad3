// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/write_tape.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>

#include "compiler/operators/not_available.h"
#include "compiler/tape/fingerprint.h"
#include "kernels/include/etude_boot.h"
#include "models/base/pulp_map_regs.h"
#include "tests/support/small_graph.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;

/// A step, and what it is written with.
struct Writer {
  explicit Writer(TrainingGraph given, PlatformConfig on = {}) : platform(std::move(on)) {
    training = std::move(given);
  }
  explicit Writer(const test::SmallGraph& made) { training.graph = made.graph; }

  const Step& lowered() {
    if (!step) {
      step = std::make_unique<Step>(training, platform, tiling, TrainConfig::Precision::kFp32);
      tilings = std::make_unique<Tilings>(step->cost, platform.cluster.redmule);
    }
    return *step;
  }
  WrittenStep write(std::vector<std::uint32_t> order = {}) {
    if (order.empty()) {
      order.resize(lowered().operators.size());
      std::iota(order.begin(), order.end(), 0u);
    }
    return write_tape(lowered(), {std::move(order)}, sharing, *tilings);
  }

  TrainingGraph training;
  PlatformConfig platform;
  TilingConfig tiling;
  SharingChoice sharing;
  std::unique_ptr<Step> step;
  std::unique_ptr<Tilings> tilings;
};

TrainingGraph mlp(std::vector<unsigned> sizes, unsigned batch) {
  return make_training_graph(make_network("mlp", sizes, batch), 0.125);
}

PlatformConfig with_l1(Bytes size) {
  PlatformConfig platform;
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  platform.cluster.tcdm.size = size;
  return platform;
}

/// Loads of a tensor's storage.
std::size_t loads(const WrittenStep& written, TensorId tensor) {
  const ObjectId object = written.tape.object_of.at(tensor);
  return static_cast<std::size_t>(std::ranges::count_if(written.tape.ops, [&](const PlanOp& op) {
    const auto* t = op.as<Transfer>();
    return t != nullptr && t->to_l1 && op.accesses.at(1).object == object;
  }));
}

TEST_CASE("each storage of the step is an object with its tensor's name, bytes and kind",
          "[write_tape]") {
  Writer writer(mlp({6, 5, 4}, 3));
  const WrittenStep written = writer.write();
  const Step& step = writer.lowered();
  for (TensorId id = 0; id < step.graph().tensors().size(); ++id) {
    const Tensor& tensor = step.tensor(id);
    INFO(tensor.name);
    REQUIRE(written.tape.object_of.contains(id) == (step.storage.base(id) == id));
    if (step.storage.base(id) != id) {
      continue;
    }
    const StoredObject& object = written.tape.objects.at(written.tape.object_of.at(id));
    CHECK(object.name == tensor.name);
    CHECK(object.bytes == Bytes{tensor.bytes()});
    CHECK(object.type == tensor.dtype);
    CHECK(object.parameter == (tensor.kind == TensorKind::kParameter));
    CHECK(object.persistent ==
          (tensor.kind != TensorKind::kActivation && tensor.kind != TensorKind::kGradient));
    CHECK_FALSE(object.external);
    CHECK(object.address == Address{});  // the memory plan's part
  }
}

TEST_CASE("each node is a layer with its name, operator, phase and products", "[write_tape]") {
  Writer writer(mlp({6, 5, 4}, 3));
  const WrittenStep written = writer.write();
  const Graph& graph = writer.lowered().graph();
  REQUIRE(written.tape.layers.size() == graph.nodes().size());
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(n);
    const Layer& layer = written.tape.layers[n];
    CHECK(layer.name == node.name);
    CHECK(layer.op == name_of(node.op));
    CHECK(layer.phase == name_of(node.phase));
    CHECK(layer.macs == rules_of(node.op).macs(graph, node));
    CHECK((layer.unit == "cores" || layer.unit == "redmule"));
  }
}

TEST_CASE("the loss starts from zero, behind what the runtime has in L1", "[write_tape]") {
  Writer writer(mlp({6, 5, 4}, 3), with_l1(64_KiB));
  const WrittenStep written = writer.write();
  const Bytes runtime{ETUDE_L1_RESERVED(writer.platform.cluster.cores)};
  const Bytes reserved = (runtime + 7_B) / 8 * 8 + 8_B;
  CHECK(written.l1_reserved == reserved);
  const PlanOp& first = written.tape.ops.front();
  REQUIRE(first.as<KernelCall>() != nullptr);
  CHECK(first.as<KernelCall>()->kernel == ETUDE_KERNEL_FILL);
  REQUIRE(first.accesses.size() == 1);
  CHECK(Address{first.accesses[0].address} == Address{ETUDE_L1_BASE} + reserved - 8_B);
  CHECK(first.accesses[0].row_bytes == 4);
}

TEST_CASE("everything in L1 lies in a buffer of its stage, or is the loss", "[write_tape]") {
  const Bytes size = GENERATE(24_KiB, 40_KiB, 128_KiB);
  Writer writer(mlp({40, 64, 24, 40}, 24), with_l1(size));
  const WrittenStep written = writer.write();
  const Address begin{ETUDE_L1_BASE};
  const Address buffers = begin + written.l1_reserved;
  CHECK(written.l1_peak <= size - written.l1_reserved);
  for (const L1Block& block : written.l1_blocks) {
    CHECK(block.address >= buffers);
    CHECK(block.address + block.bytes <= begin + size);
  }
  for (const PlanOp& op : written.tape.ops) {
    for (const Access& access : op.accesses) {
      if (access.space != Access::Space::kL1 || Address{access.address} == buffers - 8_B) {
        continue;
      }
      const bool covered = std::ranges::any_of(written.l1_blocks, [&](const L1Block& block) {
        return block.first_stage <= op.stage && op.stage <= block.last_stage &&
               block.address <= Address{access.address} &&
               Address{access.end()} <= block.address + block.bytes;
      });
      INFO("stage " << op.stage << ", " << access.address << " to " << access.end());
      CHECK(covered);
    }
  }
}

TEST_CASE("a budget is the most that buffers take", "[write_tape]") {
  Writer writer(mlp({40, 64, 24, 40}, 24), with_l1(128_KiB));
  writer.tiling.l1_budget = 20_KiB;
  CHECK(writer.write().l1_peak <= 20_KiB);
  Writer free(mlp({40, 64, 24, 40}, 24), with_l1(128_KiB));
  CHECK(free.write().l1_peak > 20_KiB);
}

TEST_CASE("operators are written in the order of their schedule, each in its own stage",
          "[write_tape]") {
  test::SmallGraph made;
  for (const char* name : {"a", "b", "c"}) {
    const auto x = made.input(name, {4, 4});
    made.node(OpType::kTanh, std::string("t.") + name, {4, 4}, {x});
  }
  Writer writer(made);
  const WrittenStep written = writer.write({2, 0, 1});
  std::vector<std::uint32_t> stages;
  for (std::size_t i = 1; i < written.tape.ops.size(); ++i) {  // without the loss
    if (stages.empty() || stages.back() != written.tape.ops[i].stage) {
      stages.push_back(written.tape.ops[i].stage);
    }
  }
  CHECK(stages == std::vector<std::uint32_t>{2, 0, 1});
}

TEST_CASE("results that nobody loads are not stored", "[write_tape]") {
  test::SmallGraph made;
  const auto x = made.input("x", {4, 4});
  const auto y = made.node(OpType::kTanh, "y", {4, 4}, {x});
  made.node(OpType::kTanh, "z", {4, 4}, {y});  // takes y in L1
  Writer writer(made);
  const WrittenStep written = writer.write();
  for (const PlanOp& op : written.tape.ops) {
    if (const auto* t = op.as<Transfer>()) {
      CHECK(t->to_l1);
    }
  }
  CHECK(loads(written, x) == 1);
}

TEST_CASE("a tensor waits in L1 for its next reader, so many operators at most", "[write_tape]") {
  test::SmallGraph made;
  const auto x = made.input("x", {4, 4}), other = made.input("other", {4, 4});
  made.node(OpType::kTanh, "first", {4, 4}, {x});
  made.node(OpType::kTanh, "between", {4, 4}, {other});
  made.node(OpType::kTanh, "last", {4, 4}, {x});
  const std::size_t keep_for = GENERATE(0u, 1u, 2u, 3u);
  Writer writer(made);
  writer.sharing.keep_for = keep_for;
  // The next reader is two operators on.
  CHECK(loads(writer.write(), x) == (keep_for >= 2 ? 1u : 2u));
}

TEST_CASE("an updated parameter is not found in L1 as it was", "[write_tape]") {
  test::SmallGraph made;
  const auto w = made.parameter("w", {4, 4}), g = made.input("g", {4, 4});
  made.node(OpType::kTanh, "before", {4, 4}, {w});
  const auto updated = made.sgd("w.new", w, g);
  made.node(OpType::kTanh, "after", {4, 4}, {updated});
  Writer writer(made);
  const WrittenStep written = writer.write();
  // However often it is loaded: what follows the update reads what the update left.
  const ObjectId object = written.tape.object_of.at(w);
  bool stored = false;
  std::size_t loads_after = 0;
  for (const PlanOp& op : written.tape.ops) {
    const auto* t = op.as<Transfer>();
    if (t != nullptr && op.accesses.at(1).object == object) {
      stored = stored || !t->to_l1;
      loads_after += stored && t->to_l1 ? 1 : 0;
    }
  }
  CHECK(stored);
  CHECK(loads_after == 1);
}

TEST_CASE("an L1 that the runtime fills is refused, with the size that would do", "[write_tape]") {
  const Bytes runtime{ETUDE_L1_RESERVED(8u)};
  const Bytes before = (runtime + 7_B) / 8 * 8 + 8_B;
  Writer enough(mlp({1, 1}, 1), with_l1(before + 256_B));
  CHECK_NOTHROW(enough.write());
  Writer less(mlp({1, 1}, 1), with_l1(before + 255_B));
  CHECK_THROWS_WITH(
      less.write(),
      Catch::Contains("/platform/cluster/tcdm/size") &&
          Catch::Contains("the runtime alone needs " + std::to_string(before.raw())) &&
          Catch::Contains("at least " + std::to_string(before.raw() + 4096)));
}

TEST_CASE("an operator that does not fit alone is refused by its name", "[write_tape]") {
  const Bytes runtime{ETUDE_L1_RESERVED(8u)};
  Writer writer(mlp({40, 64}, 24), with_l1(runtime + 2_KiB));
  writer.tiling.operators["fc0"] = {24, 40, 64, TileConfig::Unit::kCores};
  CHECK_THROWS_WITH(writer.write(), Catch::Contains("operator 'fc0'"));
}

TEST_CASE("what cannot run on the chip is refused as such", "[write_tape]") {
  test::SmallGraph made;
  const auto x = made.input("x", {2, 3, 4, 4});
  made.node(OpType::kBatchNormStatistics, "stats", {3},
            {x, made.input("mean", {3}), made.input("variance", {3})});
  Writer writer(made);
  CHECK_THROWS_AS(writer.write(), NotAvailable);
}

TEST_CASE("the same step is the same tape, also with searches that know it already",
          "[write_tape]") {
  Writer writer(mlp({17, 33, 9}, 7), with_l1(32_KiB));
  const auto first = fingerprint(writer.write().tape);
  CHECK(fingerprint(writer.write().tape) == first);
  Writer fresh(mlp({17, 33, 9}, 7), with_l1(32_KiB));
  CHECK(fingerprint(fresh.write().tape) == first);
  fresh.sharing.transfer = 1_KiB;  // other pieces
  CHECK(fingerprint(fresh.write().tape) != first);
}

}  // namespace
}  // namespace etude::compiler
