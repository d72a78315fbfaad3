// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/paging.h"

#include <catch2/catch.hpp>

#include "models/base/pulp_map_regs.h"
#include "tests/support/plan_bench.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;
using test::PlanBench;
using Lines = std::vector<std::string>;

TEST_CASE("a storage goes out behind its window and comes in for its next reader", "[paging]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  bench.store(0, a);
  bench.load(1, a);
  bench.store(4, b);
  bench.load(4, b);
  bench.load(7, a);
  const TensorId tensor = bench.tensor_of(a);
  CHECK_FALSE(bench.plan(Placement::kL2, 64_B).fits);
  const std::vector<PagedStorage> paged{{{tensor}, {{tensor, true, 2, 3}, {tensor, false, 5, 6}}}};
  const MemoryPlan plan = bench.plan(Placement::kL2, 64_B, paged);
  REQUIRE(plan.fits);
  CHECK(plan.l2_at_once == 64_B);
  CHECK(plan.external_bytes == 64_B);
  CHECK(PlanBench::lines(bench.tape) == Lines{"store a 0", "load a 1", "out a 0+64", "store b 4",
                                              "load b 4", "in a 0+64", "load a 7"});
  CHECK(bench.run_by_addresses(plan) == bench.run_by_objects());
  SECTION("buffers count for the whole of their windows") {
    for (const PageWindow& wide :
         {PageWindow{tensor, true, 2, 4}, PageWindow{tensor, false, 4, 6}}) {
      auto wider = paged;
      wider[0].windows[wide.out ? 0 : 1] = wide;
      CHECK_FALSE(bench.plan(Placement::kL2, 64_B, wider).fits);
      CHECK(bench.plan(Placement::kL2, 128_B, wider).fits);
    }
  }
}

TEST_CASE("at a point between two slots, what goes out leaves its place to what comes in",
          "[paging]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  bench.store(0, a);
  bench.store(1, b);
  bench.load(2, a);
  bench.load(3, b);
  // a is away in slot 1, b in slot 2: at no slot do both stand in memory.
  const std::vector<PagedStorage> paged{
      {{bench.tensor_of(a)}, {{bench.tensor_of(a), true, 1, 0}, {bench.tensor_of(a), false, 2, 1}}},
      {{bench.tensor_of(b)},
       {{bench.tensor_of(b), true, 2, 1}, {bench.tensor_of(b), false, 3, 2}}}};
  const MemoryPlan plan = bench.plan(Placement::kL2, 64_B, paged);
  REQUIRE(plan.fits);
  CHECK(PlanBench::lines(bench.tape) == Lines{"store a 0", "out a 0+64", "store b 1", "out b 0+64",
                                              "in a 0+64", "load a 2", "in b 0+64", "load b 3"});
}

TEST_CASE("what is paged to flash has sectors of its own, erased before it goes out", "[paging]") {
  PlanBench bench;
  const auto a = bench.activation("a", 20'000_B), b = bench.activation("b", 64_B);
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  bench.store(0, a);
  bench.store(0, b);
  bench.load(1, a);
  bench.load(4, w);
  bench.load(7, b);
  bench.load(7, a);
  bench.store(7, w);
  const TensorId ta = bench.tensor_of(a), tb = bench.tensor_of(b), tw = bench.tensor_of(w);
  const std::vector<PagedStorage> paged{{{ta}, {{ta, true, 2, 3}, {ta, false, 5, 6}}, true},
                                        {{tb}, {{tb, true, 2, 3}, {tb, false, 5, 6}}, true},
                                        {{tw}, {{tw, false, 3, 3}}, false}};
  const MemoryPlan plan = bench.plan(Placement::kL2, 20'200_B, paged);
  REQUIRE(plan.fits);
  // Five sectors of 4,096 bytes and one; the parameter stays at home in HyperRAM.
  CHECK(plan.flash_bytes == 24'576_B);
  CHECK(plan.external_bytes == 64_B);
  CHECK(PlanBench::lines(bench.tape) ==
        Lines{"store a 0",    "store a 0",  "store a 0", "store b 0",     "load a 1",
              "load a 1",     "load a 1",   "in w 0+64", "erase a 20480", "out a 0+20000",
              "erase b 4096", "out b 0+64", "load w 4",  "in a 0+16384",  "in a 16384+3616",
              "in b 0+64",    "load b 7",   "load a 7",  "load a 7",      "load a 7",
              "store w 7",    "out w 0+64"});
  for (const PlanOp& op : bench.tape.ops) {
    if (const auto* erase = op.as<FlashErase>()) {
      CHECK((erase->first - Address{ETUDE_FLASH_BASE}).raw() % 4096 == 0);
      CHECK(op.accesses.at(0).address == erase->first.raw());
    }
  }
  CHECK(bench.run_by_addresses(plan) == bench.run_by_objects());
}

TEST_CASE("a page that no reader needs is left out, with the way out", "[paging]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B);
  bench.store(0, a);
  bench.load(1, a);  // later readers find it in L1
  const TensorId tensor = bench.tensor_of(a);
  REQUIRE(
      bench.plan(Placement::kL2, 64_B, {{{tensor}, {{tensor, true, 2, 3}, {tensor, false, 5, 6}}}})
          .fits);
  CHECK(PlanBench::lines(bench.tape) == Lines{"store a 0", "load a 1"});
}

TEST_CASE("a parameter of a window is at home in HyperRAM, and each change goes there",
          "[paging]") {
  PlanBench bench;
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  const auto x = bench.persistent("x", 64_B);
  bench.load(0, w);
  bench.load(1, x);
  bench.load(6, w);
  bench.store(6, w);
  const TensorId tensor = bench.tensor_of(w);
  const MemoryPlan plan = bench.plan(Placement::kL2, 128_B, {{{tensor}, {{tensor, false, 4, 5}}}});
  REQUIRE(plan.fits);
  CHECK(bench.tape.objects[plan.home.at(tensor)].external);
  CHECK(plan.home.at(bench.tensor_of(x)) == x);  // stays in L2
  CHECK(PlanBench::lines(bench.tape) == Lines{"in w 0+64", "load w 0", "load x 1", "in w 0+64",
                                              "load w 6", "store w 6", "out w 0+64"});
}

TEST_CASE("what was made again behind its way out is there, and is not fetched", "[paging]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), again = bench.activation("a again", 64_B);
  bench.store(4, again);  // the first store was for nobody
  bench.load(7, again);
  const TensorId first = bench.tensor_of(a), second = bench.tensor_of(again);
  REQUIRE(bench
              .plan(Placement::kL2, 64_B,
                    {{{first, second}, {{first, true, 1, 2}, {first, false, 5, 6}}}})
              .fits);
  CHECK(PlanBench::lines(bench.tape) == Lines{"store a again 4", "load a again 7"});
}

}  // namespace
}  // namespace etude::compiler
