// SPDX-License-Identifier: Apache-2.0
#include "run/execute/chain_replay.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

using namespace etude;
using namespace etude::run;
using Catch::Matchers::Contains;

namespace {
constexpr unsigned kHeight = 4;

std::vector<std::uint8_t> bytes(const std::vector<float>& values) {
  std::vector<std::uint8_t> raw(4 * values.size());
  std::memcpy(raw.data(), values.data(), raw.size());
  return raw;
}

/// A program of RedMulE jobs 2x3x2, each followed by a wait for all so far where `wait` says so.
struct Bench {
  Program program;

  void job(std::uint32_t z, bool accumulate, bool wait, std::uint32_t x = 0x1000) {
    auto& operations = program.tasks.operations;
    operations.emplace_back().what =
        MatrixJob{Address{x}, Address{0x2000}, Address{z}, 2, 3, 2, accumulate, false};
    if (wait) {
      const auto so_far = static_cast<std::uint32_t>(count_of<MatrixJob>(program.tasks));
      operations.emplace_back().what = Wait{TaskUnit::kRedmule, so_far};
    }
  }
  const Program& finish() {
    program.tasks.operations.emplace_back();
    program.layers.push_back({"fc0", "Gemm", "forward", "redmule", 0});
    return program;
  }
};

const std::vector<float> kX{1, 2, 3, 4, 5, 6};
const std::vector<float> kW{1, 10, 100, 1000, 0.5f, 0.25f};
const std::vector<float> kZ{202.5f, 2010.75f, 507, 5041.5f};
}  // namespace

TEST_CASE("a job is compared when it is known to be done", "[check]") {
  Bench bench;
  bench.job(0x3000, false, true);
  ChainReplay replay(bench.finish(), RedmuleConfig{});
  const auto probes = replay.probes(100);
  REQUIRE(probes.size() == 3);
  CHECK(probes[0].op == 0);
  CHECK(probes[0].row_bytes.raw() == 24);
  CHECK(probes[2].address.raw() == 0x3000);
  CHECK(probes[2].op == 2);  // behind the wait, operation 1
  CHECK(probes[2].tag == 102);
  replay.take(0, 0, bytes(kX));
  replay.take(0, 1, bytes(kW));
  replay.take(0, 2, bytes(kZ));
  CHECK(replay.compared() == 1);
  CHECK(replay.failures().empty());
  std::vector<float> wrong = kZ;
  wrong[3] = std::nextafter(wrong[3], 0.0f);  // one bit
  replay.take(1, 0, bytes(kX));
  replay.take(1, 1, bytes(kW));
  replay.take(1, 2, bytes(wrong));
  REQUIRE(replay.failures().size() == 1);
  CHECK_THAT(replay.failures()[0],
             Contains("step 2: RedMulE job 0 of fc0") && Contains("element 3"));
}

TEST_CASE("a job that goes on where the one before it in the queue ended is replayed from it",
          "[check]") {
  Bench bench;
  bench.job(0x3000, false, false);
  bench.job(0x3000, true, true);
  ChainReplay replay(bench.finish(), RedmuleConfig{});
  CHECK(replay.replayable() == 1);  // the first result is overwritten in the queue
  const auto probes = replay.probes(0);
  REQUIRE(probes.size() == 5);  // X, W of both, Z of the second
  replay.take(0, 0, bytes(kX));
  replay.take(0, 1, bytes(kW));
  replay.take(0, 2, bytes(kX));
  replay.take(0, 3, bytes(kW));
  std::vector<float> twice = kZ;
  for (float& value : twice) {
    value *= 2;  // exact here
  }
  replay.take(0, 4, bytes(twice));
  CHECK(replay.compared() == 1);
  CHECK(replay.failures().empty());
}

TEST_CASE("a job that reads what the queue still writes is left out", "[check]") {
  Bench bench;
  bench.job(0x3000, false, false);
  bench.job(0x4000, false, true, 0x3000);
  ChainReplay replay(bench.finish(), RedmuleConfig{});
  CHECK(replay.replayable() == 1);
  CHECK(replay.probes(0).size() == 3);
}
