// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "compiler/cost/cost_model.h"
#include "compiler/order/encode.h"
#include "compiler/order/l1_buffers.h"

namespace etude::compiler {
namespace {

constexpr Address kA{0x10004000}, kB{0x10004100};

TEST_CASE("a buffer is in use from its first operation to the last one of each unit", "[lower]") {
  const CostModel cost{PlatformConfig{}};
  Tape sequence{cost};
  const L1Matrix a{kA, 8, 8, 8}, b{kB, 8, 8, 8};
  sequence.fill(a, 1);                                     // cores
  sequence.load({0, {}, 8}, b);                            // DMA
  sequence.add(a, b, b);                                   // cores: both
  sequence.redmule(a, b, a, 8, false);                     // RedMulE: both
  sequence.store(b, {0, {}, 8});                           // DMA
  const std::vector<std::uint32_t> places{4, 0, 5, 7, 9};  // with waits between them
  const auto buffers = l1_buffers(
      sequence.ops, places,
      {{kA, Bytes{256}, 0, 0}, {kB, Bytes{256}, 0, 0}, {kB + Bytes{256}, Bytes{64}, 0, 0}});
  REQUIRE(buffers.size() == 2);  // the third is never touched
  CHECK(buffers[0].address == kB);
  CHECK(buffers[0].first_op == 0);
  CHECK(buffers[0].last_ops == std::vector<std::uint32_t>{5, 7, 9});  // cores, RedMulE, DMA
  CHECK(buffers[1].address == kA);
  CHECK(buffers[1].first_op == 4);
  CHECK(buffers[1].last_ops == std::vector<std::uint32_t>{5, 7});
}

TEST_CASE("two buffers that follow each other at one address are told apart by their stages",
          "[lower]") {
  const CostModel cost{PlatformConfig{}};
  Tape sequence{cost};
  const L1Matrix a{kA, 8, 8, 8};
  for (std::uint32_t stage = 0; stage < 4; ++stage) {
    sequence.set_stage(stage);
    sequence.fill(a, 1);
  }
  const auto buffers = l1_buffers(sequence.ops, {0, 1, 2, kNotInList},
                                  {{kA, Bytes{256}, 0, 1}, {kA, Bytes{256}, 2, 3}});
  REQUIRE(buffers.size() == 2);
  CHECK(buffers[0].last_ops == std::vector<std::uint32_t>{1});
  CHECK(buffers[1].first_op == 2);
  CHECK(buffers[1].last_ops == std::vector<std::uint32_t>{2});
}

TEST_CASE("residents that give way were last needed before the operator that takes their place",
          "[lower]") {
  L1Manager l1(kA, Bytes{1024}, {{0, 150}});
  l1.begin_operator(0);
  const Address kept = l1.take(Bytes{600});
  l1.keep(0, false, {kept, 1, 150, 150});
  l1.end_operator();
  l1.begin_operator(3);
  l1.take(Bytes{800});
  l1.end_operator();
  const auto blocks = l1.blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].first_stage == 0);
  CHECK(blocks[0].last_stage == 2);
  CHECK(blocks[1].first_stage == 3);
  CHECK(blocks[1].last_stage == 3);
}

}  // namespace
}  // namespace etude::compiler
