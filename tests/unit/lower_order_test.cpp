// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <stdexcept>

#include "compiler/cost/cost_model.h"
#include "compiler/lower/lower.h"
#include "compiler/order/order.h"
#include "run/plan/start_images.h"
#include "tests/support/task_interpreter.h"

namespace etude::compiler {
namespace {

Access l1(bool write, std::uint32_t address, std::uint32_t rows, std::uint32_t row_bytes,
          std::uint32_t pitch) {
  return {write, Access::Space::kL1, 0, address, rows, row_bytes, pitch};
}

TEST_CASE("two accesses overlap when they share a byte, also between strided rows") {
  CHECK(overlaps(l1(false, 100, 1, 20, 20), l1(true, 119, 1, 4, 4)));
  CHECK_FALSE(overlaps(l1(false, 100, 1, 20, 20), l1(true, 120, 1, 4, 4)));
  // Columns 0..3 and 4..7 of one matrix with a pitch of 32 bytes.
  CHECK_FALSE(overlaps(l1(true, 0, 8, 16, 32), l1(true, 16, 8, 16, 32)));
  CHECK(overlaps(l1(true, 0, 8, 20, 32), l1(true, 16, 8, 16, 32)));
  // The right neighbour reaches into the next row.
  CHECK(overlaps(l1(true, 0, 8, 16, 32), l1(true, 20, 8, 16, 32)));
}

TEST_CASE("reads do not wait for reads; a write waits for both; a covering write hides the past") {
  static const CostModel cost{PlatformConfig{}};
  Tape sequence{cost};
  const L1Matrix a{Address{0x10004000}, 4, 8, 8}, b{Address{0x10005000}, 4, 8, 8},
      c{Address{0x10006000}, 4, 8, 8};
  sequence.fill(a, 1);     // 0
  sequence.relu_to(a, b);  // 1 reads a
  sequence.relu_to(a, c);  // 2 reads a
  sequence.fill(a, 2);     // 3 overwrites a
  sequence.relu_to(a, b);  // 4 reads a, writes b
  const auto before = find_dependences(sequence.ops);
  using List = std::vector<std::uint32_t>;
  const auto of = [&](std::size_t op) { return List(before[op].begin(), before[op].end()); };
  CHECK(of(1) == List{0});
  CHECK(of(2) == List{0});
  CHECK(of(3) == List{0, 1, 2});
  CHECK(of(4) == List{1, 3});
}

TEST_CASE("a transfer of the next tile runs under the computation of this one") {
  const CostModel cost{PlatformConfig{}};
  Tape sequence{cost};
  const L1Matrix one{Address{0x10004000}, 32, 32, 32}, two{Address{0x10006000}, 32, 32, 32};
  sequence.load({0, {}, 32}, one);
  sequence.relu(one);
  sequence.load({0, Bytes{4096}, 32}, two);
  sequence.relu(two);
  const auto schedule =
      schedule_operations(StepGraph(sequence.ops, find_dependences(sequence.ops)));
  CHECK(schedule.order == std::vector<std::uint32_t>{0, 2, 1, 3});
  CHECK(schedule.cycles < 2 * (cost.dma(1, Bytes{4096}, true) +
                               cost.kernel(ETUDE_KERNEL_RELU, {1, 1024, 1}) + Cycle{300}));
}

TEST_CASE("a task list without one of its waits is caught by the interpreter") {
  PlatformConfig platform;
  platform.cluster.redmule.format = RedmuleConfig::Format::kFp32;
  const auto training = make_training_graph(make_network("mlp", {40, 64, 40}, 24), 0.01);
  const Program program = lower_step(training, platform, {});
  StartValues start;
  draw_parameters(training.graph, 1, start);
  draw_inputs(training.graph, 1, 0, start);
  unsigned waits = 0, caught = 0;
  for (std::uint32_t i = 0; i < program.tasks.operations.size(); ++i) {
    etude_op op;
    const std::size_t at = ETUDE_TASK_FIRST_OP + i * sizeof op;
    std::memcpy(&op, program.tasks.bytes.data() + at, sizeof op);
    if (op.code != ETUDE_OP_WAIT) {
      continue;
    }
    ++waits;
    Program broken = program;
    op.arg[1] = 0;  // waits for nothing
    std::memcpy(broken.tasks.bytes.data() + at, &op, sizeof op);
    test::TaskInterpreter machine(platform);
    machine.write(run::initial_images(broken, start));
    try {
      machine.run(broken);
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  CHECK(waits > 10);
  CHECK(caught == waits);
}

}  // namespace
}  // namespace etude::compiler
