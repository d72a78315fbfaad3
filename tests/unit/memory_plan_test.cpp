// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/memory_plan.h"

#include <array>
#include <catch2/catch.hpp>
#include <tuple>

#include "models/base/pulp_map_regs.h"
#include "tests/support/plan_bench.h"

namespace etude::compiler {
namespace {

using namespace etude::literals;
using test::PlanBench;

constexpr Address kL2 = PlanBench::kL2;
constexpr Address kRam{ETUDE_HYPERRAM_BASE};

using Lines = std::vector<std::string>;

TEST_CASE("what is at home in L2 lies one behind the other, in whole beats", "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 100_B);
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  bench.load(0, x);
  bench.load(1, w);
  const MemoryPlan plan = bench.plan(Placement::kL2, 168_B);
  REQUIRE(plan.fits);
  CHECK(bench.at(x) == kL2);
  CHECK(bench.at(w) == kL2 + 104_B);  // 100 up to a multiple of 8
  CHECK(plan.l2_peak == 168_B);
  CHECK(plan.external_bytes == 0_B);
  CHECK(plan.home.at(bench.tensor_of(x)) == x);
  CHECK(plan.home.at(bench.tensor_of(w)) == w);
}

TEST_CASE("activations take turns in one place if their lives do not meet", "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  const bool meet = GENERATE(false, true);
  bench.store(0, a);
  if (meet) {
    bench.store(0, b);
    bench.load(1, a);
  } else {
    bench.load(1, a);
    bench.store(1, b);
  }
  bench.load(2, b);
  const Bytes need = meet ? 128_B : 64_B;
  const MemoryPlan plan = bench.plan(Placement::kL2, need);
  REQUIRE(plan.fits);
  CHECK(plan.l2_peak == need);
  CHECK(bench.at(a) == kL2);
  CHECK(bench.at(b) == (meet ? kL2 + 64_B : kL2));
}

TEST_CASE("an object lives from its first operation to its last, both included", "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  bench.store(0, a);
  bench.copy(1, a, b);  // one operation that touches both
  bench.load(2, b);
  CHECK_FALSE(bench.plan(Placement::kL2, 120_B).fits);
  CHECK(bench.plan(Placement::kL2, 128_B).fits);
}

TEST_CASE("with room to spare a place that was left rests", "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  const auto c = bench.activation("c", 64_B);
  for (const ObjectId object : {a, b, c}) {
    bench.store(object, object);
    bench.load(object, object);
  }
  const MemoryPlan plan = bench.plan(Placement::kL2, 128_B);
  REQUIRE(plan.fits);
  CHECK(bench.at(a) == kL2);
  CHECK(bench.at(b) == kL2 + 64_B);  // b's transfers need not wait for a's
  CHECK(bench.at(c) == kL2);         // and c's for a's only
  CHECK(plan.l2_at_once == 64_B);
  CHECK(plan.l2_peak == 128_B);  // where b ends
}

TEST_CASE("where resting places leave no room, they are packed", "[memory_plan]") {
  PlanBench bench;
  std::vector<ObjectId> quarters;
  for (const char* name : {"a", "b", "c", "d"}) {
    quarters.push_back(bench.activation(name, 32_B));
    bench.store(0, quarters.back());  // at 0, 32, 64 and 96
  }
  for (const int left : {1, 0, 2}) {
    bench.load(1, quarters[static_cast<std::size_t>(left)]);
  }
  const auto e = bench.activation("e", 32_B), f = bench.activation("f", 64_B);
  bench.store(2, e);
  bench.store(2, f);
  for (const ObjectId object : {e, f, quarters[3]}) {
    bench.load(3, object);
  }
  // Resting, e takes the place that was left first, b's, and leaves 32 on both sides.
  const MemoryPlan tight = bench.plan(Placement::kL2, 128_B);
  REQUIRE(tight.fits);
  CHECK(bench.at(e) == kL2);
  CHECK(bench.at(f) == kL2 + 32_B);
  CHECK(tight.l2_peak == 128_B);
  REQUIRE(bench.plan(Placement::kL2, 192_B).fits);
  CHECK(bench.at(e) == kL2 + 128_B);  // what was never used
}

TEST_CASE("where packing in the order of time leaves no room, the largest come first",
          "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 32_B), b = bench.activation("b", 32_B);
  const auto c = bench.activation("c", 64_B);
  bench.store(0, a);
  bench.store(1, b);
  bench.load(2, a);
  bench.store(3, c);  // b at 32 leaves 32 on both sides of it
  bench.load(4, b);
  bench.load(5, c);
  const MemoryPlan plan = bench.plan(Placement::kL2, 96_B);
  REQUIRE(plan.fits);
  CHECK(bench.at(c) == kL2);
  CHECK(bench.at(b) == kL2 + 64_B);  // beside c
  CHECK(bench.at(a) == kL2);         // beside b, before c
  CHECK(plan.l2_peak == 96_B);
}

TEST_CASE("placed by size, what one operation reads and what it writes stay apart",
          "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 32_B), b = bench.activation("b", 32_B);
  const auto c = bench.activation("c", 64_B), d = bench.activation("d", 16_B);
  const auto e = bench.activation("e", 16_B);
  bench.store(0, a);
  bench.store(1, b);
  bench.load(2, a);
  bench.store(2, d);
  bench.copy(3, d, c);  // in the order of time c finds 32 and 32, or 16 and 48
  bench.load(4, b);
  bench.copy(5, c, e);
  bench.load(6, e);
  REQUIRE(bench.plan(Placement::kL2, 112_B).fits);
  CHECK(bench.at(c) == kL2);
  CHECK(bench.at(b) == kL2 + 64_B);
  CHECK(bench.at(d) == kL2 + 96_B);  // c begins where d ends
  CHECK(bench.at(e) == kL2 + 64_B);  // c ends where e begins
  CHECK(bench.places_are_right(112_B));
}

TEST_CASE("what does not fit is named, with the bytes that are missing", "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 40_B);
  const auto a = bench.activation("a", 64_B), b = bench.activation("big", 80_B);
  bench.load(0, x);
  bench.store(0, a);
  bench.store(1, b);
  bench.load(2, a);
  bench.load(2, b);
  const MemoryPlan plan = bench.plan(Placement::kL2, 160_B);
  CHECK_FALSE(plan.fits);
  CHECK(plan.missing == 24_B);  // 40 + 64 + 80 = 184
  CHECK(plan.worst == "a");     // the largest first: a comes last
  CHECK(bench.plan(Placement::kL2, 184_B).fits);
}

TEST_CASE("operations get the addresses of what they touch", "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 64_B), a = bench.activation("a", 64_B);
  bench.load(0, x);
  bench.store(1, a, 16_B, 32_B);  // 32 bytes, 16 from its start
  bench.store(1, a, 0_B, 16_B);
  bench.load(2, a);
  REQUIRE(bench.plan(Placement::kL2, 128_B).fits);
  const auto& ops = bench.tape.ops;
  const Address there = kL2 + 64_B + 16_B;
  CHECK(ops[0].as<Transfer>()->l2 == kL2);
  CHECK(ops[1].as<Transfer>()->l2 == there);
  CHECK(ops[1].accesses[1].address == there.raw());
  CHECK(ops[1].accesses[0].address == ops[1].as<Transfer>()->l1.raw());  // L1 stays as it was
  CHECK(ops[2].as<Transfer>()->l2 == kL2 + 64_B);
}

TEST_CASE("use of L2 at each operation: what is at home, and what lives", "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 20_B);                                   // 24
  const auto w = bench.persistent("w", 40_B, TensorKind::kParameter);           // 40
  const auto a = bench.activation("a", 60_B), b = bench.activation("b", 10_B);  // 64, 16
  bench.load(0, x);
  bench.load(0, w);
  bench.store(0, a);
  bench.copy(1, a, b);
  bench.load(2, b);
  bench.load(2, x);
  const MemoryPlan plan = bench.plan(Placement::kL2, 1_KiB);
  REQUIRE(plan.fits);
  const auto used = [&](std::size_t op) { return bench.tape.ops[op].l2_used; };
  CHECK(used(0) == 64_B);  // 24 + 40
  CHECK(used(1) == 64_B);
  CHECK(used(2) == 128_B);  // and a: 64
  CHECK(used(3) == 144_B);  // and b: 16
  CHECK(used(4) == 80_B);   // without a
  CHECK(used(5) == 64_B);
  CHECK(plan.l2_at_once == 144_B);
  // Bytes without alignment of all but the parameter: x 20, a 60, b 10.
  CHECK(plan.activations_peak == 90_B);
}

TEST_CASE("an object that nothing touches takes no place, one without bytes neither",
          "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 16_B);
  bench.activation("never", 4096_B);
  bench.persistent("empty", 0_B);
  bench.load(0, x);
  const MemoryPlan plan = bench.plan(Placement::kL2, 16_B);
  CHECK(plan.fits);
  CHECK(plan.l2_peak == 16_B);
}

TEST_CASE("at home in HyperRAM: a copy in L2 from the first use to the last", "[memory_plan]") {
  PlanBench bench;
  const auto x = bench.persistent("x", 100_B);
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  const auto loss = bench.persistent("loss", 4_B, TensorKind::kLoss);
  bench.load(0, x);
  bench.load(1, w);
  bench.store(3, w);
  bench.load(4, w);
  bench.store(5, loss);
  const MemoryPlan plan = bench.plan(Placement::kExtmem, 256_B);
  REQUIRE(plan.fits);
  // Homes lie at multiples of 64 bytes, in the order of their tensors; the loss stays in L2.
  const ObjectId x_home = plan.home.at(bench.tensor_of(x));
  const ObjectId w_home = plan.home.at(bench.tensor_of(w));
  CHECK(bench.at(x_home) == kRam);
  CHECK(bench.at(w_home) == kRam + 128_B);
  CHECK(bench.tape.objects[w_home].external);
  CHECK(bench.tape.objects[w_home].parameter);
  CHECK(plan.home.at(bench.tensor_of(loss)) == loss);
  CHECK(plan.external_bytes == 192_B);  // 128 + 64
  // Fetched before the first stage that uses it, brought home behind the last that writes it.
  CHECK(PlanBench::lines(bench.tape) == Lines{"in x 0+100", "load x 0", "in w 0+64", "load w 1",
                                              "store w 3", "out w 0+64", "load w 4",
                                              "store loss 5"});
  CHECK(bench.tape.ops[0].stage == 0);
  CHECK(bench.tape.ops[5].stage == 3);
  // Each object's transfers count for a layer of their own.
  const Layer& layer = bench.tape.layers.at(bench.tape.ops[2].layer);
  CHECK(layer.name == "page w");
  CHECK(std::tuple(layer.op, layer.phase, layer.unit) == std::tuple("Page", "page", "dma"));
  CHECK(bench.tape.layers.at(bench.tape.ops[0].layer).name == "page x");
  // x lives in stage 0 alone, w from 1 to 4: 104 and 64 take turns. The loss is there all the time.
  CHECK(plan.l2_at_once == 112_B);
  // What is not a parameter: x at home (100), the loss (4), and x's copy (100).
  CHECK(plan.activations_peak == 204_B);
}

TEST_CASE("a parameter that is only read is not brought home", "[memory_plan]") {
  PlanBench bench;
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  bench.load(0, w);
  bench.load(2, w);
  REQUIRE(bench.plan(Placement::kExtmem, 64_B).fits);
  CHECK(PlanBench::lines(bench.tape) == Lines{"in w 0+64", "load w 0", "load w 2"});
}

TEST_CASE("pages travel in pieces of 16 KiB", "[memory_plan]") {
  PlanBench bench;
  const auto w = bench.persistent("w", Bytes{40000}, TensorKind::kParameter);
  bench.load(0, w, 0_B, 4_B);
  bench.store(0, w, 4_B, 4_B);
  REQUIRE(bench.plan(Placement::kExtmem, Bytes{40000}).fits);
  // 40000 = 2 * 16384 + 7232.
  CHECK(PlanBench::lines(bench.tape) == Lines{"in w 0+16384", "in w 16384+16384", "in w 32768+7232",
                                              "load w 0", "store w 0", "out w 0+16384",
                                              "out w 16384+16384", "out w 32768+7232"});
  const auto* second = bench.tape.ops[1].as<PageTransfer>();
  CHECK(second->from == kRam + 16_KiB);
  CHECK(second->to == kL2 + 16_KiB);
  const auto* last = bench.tape.ops[7].as<PageTransfer>();
  CHECK(last->from == kL2 + 32_KiB);
  CHECK(last->to == kRam + 32_KiB);
}

TEST_CASE("fetched again: a copy for each group of stages, three idle ones between at most",
          "[memory_plan]") {
  PlanBench bench;
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  const auto last = GENERATE(4u, 5u);
  bench.load(0, w);
  bench.load(1, w);
  bench.store(last, w);  // 1 + 3 = 4 is not too late
  const bool again = last > 4;
  SECTION("with twice the transfers") {
    const MemoryPlan plan = bench.plan(Placement::kExtmemTwice, 64_B);
    REQUIRE(plan.fits);
    const std::string store = "store w " + std::to_string(last);
    CHECK(PlanBench::lines(bench.tape) ==
          (again ? Lines{"in w 0+64", "load w 0", "load w 1", "in w 0+64", store, "out w 0+64"}
                 : Lines{"in w 0+64", "load w 0", "load w 1", store, "out w 0+64"}));
  }
  SECTION("where one copy stays from first to last otherwise") {
    REQUIRE(bench.plan(Placement::kExtmem, 64_B).fits);
    CHECK(PlanBench::lines(bench.tape).size() == 5);
  }
}

TEST_CASE("fetched again needs no room between its groups", "[memory_plan]") {
  PlanBench bench;
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  const auto a = bench.activation("a", 64_B);
  bench.load(0, w);
  bench.store(2, a);
  bench.load(3, a);
  bench.load(9, w);
  CHECK_FALSE(bench.plan(Placement::kExtmem, 64_B).fits);
  CHECK(bench.plan(Placement::kExtmemTwice, 64_B).fits);
}

TEST_CASE("stores that nobody loads are dropped, unless they are to stay", "[memory_plan]") {
  PlanBench bench;
  const auto read = bench.activation("read", 64_B), unread = bench.activation("unread", 64_B);
  const auto w = bench.persistent("w", 64_B, TensorKind::kParameter);
  bench.store(0, read);
  bench.store(0, unread);
  bench.store(1, unread, 8_B, 8_B);
  bench.load(2, read, 0_B, 8_B);
  bench.store(2, w);
  bench.written.fill({Address{0x10002000}, 2, 2, 2}, 0.0f);
  drop_unread_stores(bench.written);
  CHECK(PlanBench::lines(bench.written) ==
        Lines{"store read 0", "load read 2", "store w 2", "other"});
}

TEST_CASE("dropping is one look: what only a dropped operation read stays", "[memory_plan]") {
  PlanBench bench;
  const auto a = bench.activation("a", 64_B), b = bench.activation("b", 64_B);
  bench.store(0, a);
  bench.copy(1, a, b);  // b is never read
  drop_unread_stores(bench.written);
  CHECK(PlanBench::lines(bench.written) == Lines{"store a 0"});
}

TEST_CASE("random steps: places never meet while both live, and every load finds what was stored",
          "[memory_plan]") {
  const unsigned seed = GENERATE(range(0u, 150u));
  INFO("seed " << seed);
  PlanBench bench;
  bench.random(seed);
  const auto placement =
      std::array{Placement::kL2, Placement::kExtmem, Placement::kExtmemTwice}[seed % 3];
  const PlanBench::Reads meant = bench.run_by_objects();
  const auto checked = [&](Bytes size) {
    const MemoryPlan plan = bench.plan(placement, size);
    INFO(size.raw() << " bytes, " << bench.most_at_once().raw() << " at once");
    if (plan.fits) {
      CHECK(bench.places_are_right(size));
      CHECK(bench.most_at_once() == plan.l2_at_once);
      CHECK(plan.l2_at_once <= plan.l2_peak);
      CHECK(plan.l2_peak <= size);
      CHECK((bench.noted_uses() == bench.swept_uses()));
      CHECK((bench.run_by_addresses(plan) == meant));  // too long to be printed
    }
    return plan;
  };
  // With room for everything, resting places cost nothing: the peak is what lives at once.
  REQUIRE(bench.plan(placement, 1024_KiB).fits);
  const Bytes all = bench.sum_of_all(), at_once = bench.most_at_once();
  const MemoryPlan roomy = checked(all);
  CHECK(roomy.fits);
  CHECK(roomy.l2_at_once == at_once);
  CHECK_FALSE(checked(at_once - 8_B).fits);
  // In between, as little as it says that it needs.
  const MemoryPlan tight = checked(at_once);
  if (!tight.fits) {
    CHECK(at_once + tight.missing <= all);
    CHECK(checked(at_once + tight.missing).fits);
  }
}

}  // namespace
}  // namespace etude::compiler
