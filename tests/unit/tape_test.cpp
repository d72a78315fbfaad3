// SPDX-License-Identifier: Apache-2.0
#include "compiler/tape/tape.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <stdexcept>
#include <tuple>

#include "compiler/cost/cost_model.h"
#include "tests/support/kernel_host.h"

namespace etude::compiler {
namespace {

constexpr Address kL1{0x10004000};

Tape tape_with(std::uint32_t longest = 8192) {
  static const CostModel cost{PlatformConfig{}};
  return Tape(cost, Bytes{longest});
}

const Transfer& transfer(const Tape& tape, std::size_t i) { return *tape.ops.at(i).as<Transfer>(); }

TEST_CASE("a matrix knows its bytes from the type of its elements", "[tape]") {
  const L1Matrix words{kL1, 3, 5, 7};
  CHECK(words.elements() == 15);             // 3 * 5
  CHECK(words.row_bytes() == 20);            // 5 elements of 4 bytes
  CHECK(words.pitch_bytes() == 28);          // 7 of 4
  CHECK(words.at(2, 1) == kL1 + Bytes{60});  // (2 * 7 + 1) * 4
  const L1Matrix halves{kL1, 3, 5, 7, DType::kFloat16};
  CHECK(halves.row_bytes() == 10);            // 5 of 2
  CHECK(halves.pitch_bytes() == 14);          // 7 of 2
  CHECK(halves.at(2, 1) == kL1 + Bytes{30});  // (2 * 7 + 1) * 2
  const L1Matrix piece = halves.slice(1, 2, 2, 3);
  CHECK(piece.address == kL1 + Bytes{18});  // (7 + 2) * 2
  CHECK(std::tuple(piece.rows, piece.cols, piece.pitch) == std::tuple(2u, 3u, 7u));
  CHECK(piece.type == DType::kFloat16);
}

TEST_CASE("a stored matrix moves by elements of its type", "[tape]") {
  const StoredMatrix words{4, Bytes{8}, 16};
  CHECK(words.behind(10).offset == Bytes{48});  // 8 + 10 * 4
  const StoredMatrix halves{4, Bytes{8}, 16, DType::kFloat16};
  const StoredMatrix moved = halves.behind(10);
  CHECK(moved.offset == Bytes{28});  // 8 + 10 * 2
  CHECK(std::tuple(moved.object, moved.pitch) == std::tuple(4u, 16u));
  CHECK(moved.type == DType::kFloat16);
  CHECK(bytes_for(3, DType::kInt32) == Bytes{12});
  CHECK(elements_in(Bytes{15}) == 3);                   // 15 / 4, whole ones
  CHECK(elements_in(Bytes{15}, DType::kFloat16) == 7);  // 15 / 2
}

TEST_CASE("a matrix that is dense on both sides is one row", "[tape]") {
  Tape tape = tape_with();
  tape.load({3, Bytes{40}, 16}, {kL1, 8, 16, 16});
  REQUIRE(tape.ops.size() == 1);
  const Transfer& made = transfer(tape, 0);
  CHECK(made.to_l1);
  CHECK(made.rows == 1);
  CHECK(made.row_bytes == 512);  // 8 * 16 * 4
  CHECK(made.l1 == kL1);
  CHECK(made.l2 == Address{40});
  const std::vector<Access>& accesses = tape.ops[0].accesses;
  REQUIRE(accesses.size() == 2);
  CHECK(accesses[0].write);
  CHECK(accesses[0].space == Access::Space::kL1);
  CHECK(std::tuple(accesses[0].address, accesses[0].rows, accesses[0].row_bytes) ==
        std::tuple(kL1.raw(), 1u, 512u));
  CHECK_FALSE(accesses[1].write);
  CHECK(accesses[1].space == Access::Space::kL2);
  CHECK(accesses[1].object == 3);
  CHECK(std::tuple(accesses[1].address, accesses[1].rows, accesses[1].row_bytes) ==
        std::tuple(40u, 1u, 512u));
}

TEST_CASE("a store reads L1 and writes the object", "[tape]") {
  Tape tape = tape_with();
  tape.store({kL1, 4, 6, 6}, {2, {}, 10});
  REQUIRE(tape.ops.size() == 1);
  const Transfer& made = transfer(tape, 0);
  CHECK_FALSE(made.to_l1);
  CHECK(made.rows == 4);
  CHECK(made.row_bytes == 24);  // 6 * 4
  CHECK(made.l1_pitch == 24);   // dense in L1
  CHECK(made.l2_pitch == 40);   // 10 * 4
  CHECK_FALSE(tape.ops[0].accesses[0].write);
  CHECK(tape.ops[0].accesses[1].write);
}

TEST_CASE("a long row is cut at the longest transfer", "[tape]") {
  Tape tape = tape_with(256);  // 64 floats
  tape.load({0, {}, 150}, {kL1, 1, 150, 150});
  REQUIRE(tape.ops.size() == 3);  // 64 + 64 + 22
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(transfer(tape, i).rows == 1);
    CHECK(transfer(tape, i).row_bytes == (i < 2 ? 256 : 88));  // 22 * 4
    CHECK(transfer(tape, i).l1 == kL1 + Bytes{256 * i});
    CHECK(transfer(tape, i).l2 == Address{256 * i});
  }
}

TEST_CASE("the longest transfer is in bytes: twice as many halves as words", "[tape]") {
  Tape tape = tape_with(256);
  tape.load({0, {}, 150, DType::kFloat16}, {kL1, 1, 150, 150, DType::kFloat16});
  REQUIRE(tape.ops.size() == 2);              // 128 + 22
  CHECK(transfer(tape, 0).row_bytes == 256);  // 128 * 2
  CHECK(transfer(tape, 1).row_bytes == 44);   // 22 * 2
  CHECK(transfer(tape, 1).l1 == kL1 + Bytes{256});
}

TEST_CASE("strided rows go in groups that the longest transfer holds", "[tape]") {
  Tape tape = tape_with(256);  // 64 floats: 3 rows of 20
  tape.load({0, Bytes{12}, 50}, {kL1, 8, 20, 20});
  REQUIRE(tape.ops.size() == 3);  // 3 + 3 + 2 rows
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(transfer(tape, i).rows == (i < 2 ? 3 : 2));
    CHECK(transfer(tape, i).row_bytes == 80);              // 20 * 4
    CHECK(transfer(tape, i).l1 == kL1 + Bytes{240 * i});   // 3 rows of 80
    CHECK(transfer(tape, i).l2 == Address{12 + 600 * i});  // 3 rows of 200
    CHECK(transfer(tape, i).l1_pitch == 80);
    CHECK(transfer(tape, i).l2_pitch == 200);
  }
}

TEST_CASE("pieces of long rows are dense on both sides", "[tape]") {
  Tape tape = tape_with(256);  // 64 floats
  tape.load({0, {}, 120}, {kL1, 2, 100, 100});
  REQUIRE(tape.ops.size() == 4);  // 64 + 36 of each row
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t bytes = i % 2 == 0 ? 256 : 144;  // 36 * 4
    CHECK(transfer(tape, i).row_bytes == bytes);
    CHECK(transfer(tape, i).l1_pitch == bytes);
    CHECK(transfer(tape, i).l2_pitch == bytes);
  }
  CHECK(transfer(tape, 2).l1 == kL1 + Bytes{400});  // 100 * 4
  CHECK(transfer(tape, 2).l2 == Address{480});      // 120 * 4
}

TEST_CASE("a row alone has no stride", "[tape]") {
  Tape tape = tape_with();
  tape.load({0, {}, 50}, {kL1, 1, 20, 33});  // both pitches differ from the columns: of no meaning
  REQUIRE(tape.ops.size() == 1);
  CHECK(transfer(tape, 0).l1_pitch == 80);
  CHECK(transfer(tape, 0).l2_pitch == 80);
}

TEST_CASE("a transfer is strided on one side only", "[tape]") {
  Tape tape = tape_with();
  CHECK_THROWS_AS(tape.load({0, {}, 50}, {kL1, 2, 20, 33}), std::logic_error);
  CHECK_THROWS_AS(tape.store({kL1, 2, 20, 33}, {0, {}, 50}), std::logic_error);
  CHECK(tape.ops.empty());
}

TEST_CASE("a transfer between elements of different types is refused", "[tape]") {
  Tape tape = tape_with();
  const L1Matrix words{kL1, 2, 4, 4}, halves{kL1, 2, 4, 4, DType::kFloat16};
  const StoredMatrix stored_words{0, {}, 4}, stored_halves{0, {}, 4, DType::kFloat16};
  const StoredMatrix integers{0, {}, 4, DType::kInt32};
  CHECK_THROWS_AS(tape.load(stored_halves, words), std::logic_error);
  CHECK_THROWS_AS(tape.load(stored_words, halves), std::logic_error);
  CHECK_THROWS_AS(tape.store(halves, stored_words), std::logic_error);
  CHECK_THROWS_AS(tape.load(integers, words), std::logic_error);  // as long, but not the same
  CHECK(tape.ops.empty());
  tape.load(stored_halves, halves);
  REQUIRE(tape.ops.size() == 1);
  CHECK(transfer(tape, 0).row_bytes == 16);  // 2 * 4 halves
}

TEST_CASE("transfers of random matrices move every element once, to its place", "[tape]") {
  test::Numbers numbers(5);
  unsigned wrong = 0, too_long = 0, undeclared = 0;
  for (unsigned trial = 0; trial < 400; ++trial) {
    const DType type = numbers.below(2) == 0 ? DType::kFloat32 : DType::kFloat16;
    const std::uint32_t size = bytes_of(type);
    const std::uint32_t longest = 64 + 8 * numbers.below(40);
    const std::uint32_t rows = 1 + numbers.below(9), cols = 1 + numbers.below(120);
    const bool strided_l1 = numbers.below(2) == 0, strided_l2 = !strided_l1;
    const L1Matrix l1{kL1 + Bytes{8} * numbers.below(9), rows, cols,
                      cols + (strided_l1 ? numbers.below(9) : 0), type};
    const StoredMatrix l2{7, Bytes{4} * numbers.below(9),
                          cols + (strided_l2 ? numbers.below(9) : 0), type};
    Tape tape = tape_with(longest);
    const bool to_l1 = numbers.below(2) == 0;
    to_l1 ? tape.load(l2, l1) : tape.store(l1, l2);
    std::map<std::uint32_t, std::uint32_t> moved;  // L1 address of a byte -> offset in the object
    for (std::size_t i = 0; i < tape.ops.size(); ++i) {
      const Transfer& t = transfer(tape, i);
      too_long += t.bytes() > longest ? 1 : 0;
      const Access& at_l1 = tape.ops[i].accesses.at(0);
      const Access& at_l2 = tape.ops[i].accesses.at(1);
      undeclared += t.to_l1 != to_l1 || at_l1.write != to_l1 || at_l2.write == to_l1 ? 1 : 0;
      undeclared += at_l1.address != t.l1.raw() || at_l1.pitch != t.l1_pitch ||
                            at_l1.rows != t.rows || at_l1.row_bytes != t.row_bytes
                        ? 1
                        : 0;
      undeclared += at_l2.address != t.l2.raw() || at_l2.pitch != t.l2_pitch ||
                            at_l2.rows != t.rows || at_l2.row_bytes != t.row_bytes ||
                            at_l2.object != 7
                        ? 1
                        : 0;
      wrong += t.l1_pitch != t.row_bytes && t.l2_pitch != t.row_bytes ? 1 : 0;
      for (std::uint32_t r = 0; r < t.rows; ++r) {
        for (std::uint32_t b = 0; b < t.row_bytes; ++b) {
          wrong +=
              moved.emplace(t.l1.raw() + r * t.l1_pitch + b, t.l2.raw() + r * t.l2_pitch + b).second
                  ? 0
                  : 1;
        }
      }
    }
    wrong += moved.size() != std::size_t{rows} * cols * size ? 1 : 0;
    for (std::uint32_t r = 0; r < rows; ++r) {
      for (std::uint32_t b = 0; b < cols * size; ++b) {
        const auto found = moved.find(l1.address.raw() + r * l1.pitch * size + b);
        wrong += found == moved.end() || found->second != l2.offset.raw() + r * l2.pitch * size + b
                     ? 1
                     : 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(too_long == 0);
  CHECK(undeclared == 0);
}

TEST_CASE("a transfer costs its start, its beats and its pieces", "[tape]") {
  PlatformConfig platform;
  platform.cluster.dma.engine = DmaConfig::Engine::kMchan;
  platform.l2.latency = Cycle{12};
  const CostModel cost(platform);
  Tape tape{cost};
  tape.load({0, {}, 100}, {kL1, 4, 75, 75});
  // 14 + 12 to start; per row of 300 bytes 38 beats of 8 bytes and 2 pieces of 256 at 2 cycles.
  CHECK(tape.ops[0].cycles == Cycle{26 + 4 * (38 + 2 * 2)});
  tape.store({kL1, 4, 75, 75}, {0, {}, 100});
  CHECK(tape.ops[1].cycles == Cycle{26 + 4 * (38 + 2 * 3)});  // outwards 3 cycles a piece
  tape.load({0, {}, 100, DType::kFloat16}, {kL1, 4, 75, 75, DType::kFloat16});
  CHECK(tape.ops[2].cycles == Cycle{26 + 4 * (19 + 2)});  // 150 bytes: 19 beats, one piece
  platform.cluster.dma.engine = DmaConfig::Engine::kIdma;
  const CostModel other_cost(platform);
  Tape other{other_cost};
  other.load({0, {}, 100}, {kL1, 4, 75, 75});
  CHECK(other.ops[0].cycles == Cycle{11 + 12 + 4 * 38});  // no pieces
}

TEST_CASE("a page keeps its offset in both objects", "[tape]") {
  Tape tape = tape_with();
  tape.page(4, true, 9, Bytes{4096}, Bytes{512});
  REQUIRE(tape.ops.size() == 1);
  const auto* page = tape.ops[0].as<PageTransfer>();
  REQUIRE(page != nullptr);
  CHECK(page->bytes == 512);
  CHECK(page->from == Address{4096});
  CHECK(page->to == Address{4096});
  const std::vector<Access>& accesses = tape.ops[0].accesses;
  REQUIRE(accesses.size() == 2);
  for (const Access& access : accesses) {
    CHECK(access.space == (access.write ? Access::Space::kL2 : Access::Space::kExternal));
    CHECK(access.object == (access.write ? 9 : 4));
    CHECK(std::tuple(access.address, access.rows, access.row_bytes) == std::tuple(4096u, 1u, 512u));
  }
  CHECK(accesses[0].write != accesses[1].write);
}

TEST_CASE("a RedMulE job takes its precision from its matrices", "[tape]") {
  Tape tape = tape_with();
  const L1Matrix x{kL1, 10, 16, 16}, w{kL1 + Bytes{0x1000}, 16, 12, 12},
      z{kL1 + Bytes{0x2000}, 10, 12, 12};
  tape.redmule(x, w, z, 12, false);
  const auto* job = tape.ops.at(0).as<MatrixJob>();
  REQUIRE(job != nullptr);
  CHECK(std::tuple(job->m, job->n, job->k) == std::tuple(10u, 16u, 12u));
  CHECK_FALSE(job->half);
  CHECK_FALSE(job->accumulate);
  const std::vector<Access>& accesses = tape.ops[0].accesses;
  REQUIRE(accesses.size() == 3);
  CHECK(accesses[0].row_bytes == 64);  // 16 * 4
  CHECK(accesses[1].row_bytes == 48);  // 12 * 4
  CHECK(accesses[2].rows == 12);       // those that the array writes
  CHECK(accesses[2].write);
  const auto half = [](L1Matrix m) {
    m.type = DType::kFloat16;
    return m;
  };
  tape.redmule(half(x), half(w), half(z), 12, true);
  CHECK(tape.ops.at(1).as<MatrixJob>()->half);
  CHECK(tape.ops[1].as<MatrixJob>()->accumulate);
  CHECK(tape.ops[1].accesses[0].row_bytes == 32);  // 16 * 2
  CHECK(tape.ops[1].accesses[1].row_bytes == 24);  // 12 * 2
  CHECK(tape.ops[1].accesses[2].pitch == 24);
  CHECK_THROWS_AS(tape.redmule(half(x), w, z, 12, false), std::logic_error);
  CHECK_THROWS_AS(tape.redmule(x, w, half(z), 12, false), std::logic_error);
  L1Matrix integers = x;
  integers.type = DType::kInt32;
  CHECK_THROWS_AS(tape.redmule(integers, integers, integers, 12, false), std::logic_error);
  CHECK(tape.ops.size() == 2);
}

TEST_CASE("the part of a job in which the port takes all banks is its beats in its cycles",
          "[tape]") {
  PlatformConfig platform;
  const RedmuleConfig& array = platform.cluster.redmule;
  const CostModel cost(platform);
  Tape tape{cost};
  const std::uint32_t n = array.height, k = array.columns(), m = array.width;  // one tile
  tape.redmule({kL1, m, n, n}, {kL1 + Bytes{0x1000}, n, k, k}, {kL1 + Bytes{0x2000}, m, k, k}, m,
               false);
  // X: m rows of ceil(n / columns) beats; W: n rows; Z in and out: m rows each.
  const double beats = m * ((n + k - 1) / k) + n + 2 * m;
  CHECK(tape.ops[0].cycles == cost.redmule(m, n, k));
  CHECK(tape.ops[0].port_share == Approx(beats / static_cast<double>(cost.redmule(m, n, k).raw())));
}

TEST_CASE("a conversion has the extents of its FP32 matrix", "[tape]") {
  Tape tape = tape_with();
  const L1Matrix words{kL1, 3, 5, 7}, halves{kL1 + Bytes{0x1000}, 16, 16, 16, DType::kFloat16};
  tape.convert(words, halves);
  tape.convert(halves, words);
  CHECK(tape.ops[0].as<KernelCall>()->kernel == ETUDE_KERNEL_FP32_TO_FP16);
  CHECK(tape.ops[1].as<KernelCall>()->kernel == ETUDE_KERNEL_FP16_TO_FP32);
  for (const PlanOp& op : tape.ops) {
    for (const Access& access : op.accesses) {
      const bool half = Address{access.address} != kL1;
      CHECK(access.rows == 3);
      CHECK(access.row_bytes == (half ? 10 : 20));  // 5 elements
      CHECK(access.pitch == (half ? 32 : 28));      // 16 halves, 7 words
    }
  }
  CHECK(tape.ops[0].accesses[1].write);
  CHECK(Address{tape.ops[0].accesses[1].address} == kL1 + Bytes{0x1000});
  CHECK_THROWS_AS(tape.convert(words, words), std::logic_error);
  CHECK_THROWS_AS(tape.convert(halves, halves), std::logic_error);
}

TEST_CASE("a matrix of any type is cleared in whole words", "[tape]") {
  Tape tape = tape_with();
  tape.clear({kL1, 3, 5, 5, DType::kFloat16});
  REQUIRE(tape.ops[0].accesses.size() == 1);
  CHECK(tape.ops[0].accesses[0].row_bytes == 32);  // 15 halves: 30 bytes, 8 words
  tape.clear({kL1, 3, 5, 5});
  CHECK(tape.ops[1].accesses[0].row_bytes == 60);  // 15 words
  CHECK_THROWS_AS(tape.clear({kL1, 3, 5, 6, DType::kFloat16}), std::logic_error);
}

TEST_CASE("an operation counts for the layer and the stage that were set", "[tape]") {
  Tape tape = tape_with();
  tape.set_layer(3);
  tape.set_stage(5);
  tape.fill({kL1, 1, 1, 1}, 0);
  tape.set_layer(4);
  tape.load({0, {}, 1}, {kL1, 1, 1, 1});
  CHECK(std::tuple(tape.ops[0].layer, tape.ops[0].stage) == std::tuple(3u, 5u));
  CHECK(std::tuple(tape.ops[1].layer, tape.ops[1].stage) == std::tuple(4u, 5u));
}

TEST_CASE("a probe is no operation, but reads its piece", "[tape]") {
  Tape tape = tape_with();
  tape.probe({8, {kL1, 2, 3, 3}, Bytes{12}, Bytes{24}});
  REQUIRE(tape.probes.size() == 1);
  CHECK(tape.ops[0].probe == 0);
  CHECK_FALSE(tape.ops[0].posted());
  REQUIRE(tape.ops[0].accesses.size() == 1);
  CHECK_FALSE(tape.ops[0].accesses[0].write);
  CHECK(tape.ops[0].accesses[0].row_bytes == 12);  // 3 * 4
}

TEST_CASE("rates that the host renews are named by their argument", "[tape]") {
  Tape tape = tape_with();
  const L1Matrix m{kL1, 2, 3, 3};
  tape.momentum(m, m, m, 0.5f, 0.25f);
  tape.adam(m, m, m, m, adam_rates(0.1f, 0.9, 0.999, 1e-8, 1), 0.9f, 0.999f);
  const auto value = [&](std::size_t op, RateArgument::Rate rate) {
    for (const RateArgument& argument : tape.ops[op].rates) {
      if (argument.rate == rate) {
        return tape.ops[op].as<KernelCall>()->args[argument.argument];
      }
    }
    return 0u;
  };
  using Rate = RateArgument::Rate;
  CHECK(value(0, Rate::kLearningRate) == test::bits_of(0.5f));
  CHECK(value(0, Rate::kMomentum) == test::bits_of(0.25f));
  const AdamRates rates = adam_rates(0.1f, 0.9, 0.999, 1e-8, 1);
  CHECK(value(1, Rate::kAdamLearningRate) == test::bits_of(rates.lr));
  CHECK(value(1, Rate::kAdamEpsilon) == test::bits_of(rates.epsilon));
}

TEST_CASE("a kernel costs what its extents cost on the cores", "[tape]") {
  PlatformConfig platform;
  platform.cluster.cores = 4;
  const CostModel cost(platform);
  Tape tape{cost};
  const L1Matrix m{kL1, 8, 25, 25}, wide{kL1, 8, 25, 26};
  tape.copy(m, m);  // without gaps one row
  CHECK(tape.ops[0].cycles == cost.kernel(ETUDE_KERNEL_COPY, {1, 200, 1}));
  tape.copy(m, wide);
  CHECK(tape.ops[1].cycles == cost.kernel(ETUDE_KERNEL_COPY, {8, 25, 1}));
  tape.fill(m, 0);
  CHECK(tape.ops[2].cycles == cost.kernel(ETUDE_KERNEL_FILL, {1, 200, 1}));
  tape.softmax(m, m, 1);  // always whole rows
  CHECK(tape.ops[3].cycles == cost.kernel(ETUDE_KERNEL_SOFTMAX, {8, 25, 1}));
  tape.gemm({kL1, 5, 7, 7}, {kL1, 7, 3, 3}, {kL1, 5, 3, 3}, 7, {}, 0);
  CHECK(tape.ops[4].cycles == cost.kernel(ETUDE_KERNEL_GEMM, {5, 3, 7}));
}

}  // namespace
}  // namespace etude::compiler
