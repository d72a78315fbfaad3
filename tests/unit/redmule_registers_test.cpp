// SPDX-License-Identifier: Apache-2.0
// RedMulE as software sees it: contexts, soft clear, queued jobs, degenerate jobs, errata.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "models/base/error.h"
#include "models/redmule/chain.h"
#include "models/redmule/redmule.h"
#include "models/redmule/redmule_regs.h"

namespace {

using namespace etude;

constexpr std::uint32_t kBase = 0x10000000u;

struct Bench {
  explicit Bench(const RedmuleConfig& config = {})
      : redmule(sc_core::sc_gen_unique_name("redmule"), config), memory(1u << 16) {
    std::mt19937 random(3);
    for (std::size_t i = 0; i < memory.size(); i += 2) {
      const auto half = static_cast<std::uint16_t>((random() & 0x83ffu) | 13u << 10);
      std::memcpy(&memory[i], &half, 2);
    }
    redmule.set_memory_window(Address{kBase}, Bytes{memory.size()});
  }
  void write(std::uint32_t offset, std::uint32_t value) {
    redmule.reg_write(offset, value, Cycle{now++});
  }
  std::uint32_t read(std::uint32_t offset) { return redmule.reg_read(offset, Cycle{now++}); }
  void program(const RedmuleJob& job) {
    write(ETUDE_REDMULE_X_PTR, job.x);
    write(ETUDE_REDMULE_W_PTR, job.w);
    write(ETUDE_REDMULE_Z_PTR, job.z);
    write(ETUDE_REDMULE_MCFG0, job.k << 16 | job.m);
    write(ETUDE_REDMULE_MCFG1, job.n);
    write(ETUDE_REDMULE_ARITH,
          job.op << ETUDE_REDMULE_OP_SHIFT | job.format << ETUDE_REDMULE_FMT_SHIFT);
  }
  void run(std::uint64_t cycles) {
    const RedmuleMemory view{memory.data(), kBase, static_cast<std::uint32_t>(memory.size())};
    for (std::uint64_t left = cycles; left > 0;) {
      const std::uint64_t taken = redmule.advance_uncontended(Cycle{now}, left, view).cycles;
      if (taken == 0) {
        break;
      }
      now += taken;
      left -= taken;
    }
  }
  std::vector<std::uint8_t> expected(const RedmuleJob& job) const {
    const std::uint8_t* z = &memory[job.z - kBase];
    std::vector<std::uint8_t> out(z, z + std::size_t{job.m} * job.k * 2);
    const std::vector<std::uint8_t> y = out;
    replay_chain(job, redmule.config(), {&memory[job.x - kBase], &memory[job.w - kBase], y.data()},
                 out.data());
    return out;
  }
  bool equal(const RedmuleJob& job, const std::vector<std::uint8_t>& z) const {
    return std::memcmp(z.data(), &memory[job.z - kBase], z.size()) == 0;
  }
  bool warned(const std::string& part) {
    for (std::string& text : redmule.take_warnings()) {
      warnings.push_back(std::move(text));
    }
    for (const std::string& text : warnings) {
      if (text.find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  std::vector<std::string> warnings;  ///< taken so far
  Redmule redmule;
  std::vector<std::uint8_t> memory;
  std::uint64_t now = 0;
};

RedmuleJob job_of(std::uint32_t m, std::uint32_t n, std::uint32_t k, std::uint32_t z = 0x8000) {
  return {.x = kBase + 0x100,
          .w = kBase + 0x4000,
          .z = kBase + z,
          .m = m,
          .n = n,
          .k = k,
          .op = ETUDE_REDMULE_OP_GEMM,
          .format = ETUDE_REDMULE_FMT_FP16};
}

TEST_CASE("A job from ACQUIRE to the done event", "[redmule]") {
  Bench bench;
  bench.write(ETUDE_REDMULE_SOFT_CLEAR, 0);
  CHECK(bench.read(ETUDE_REDMULE_ACQUIRE) == 0);
  CHECK(bench.read(ETUDE_REDMULE_ACQUIRE) == 0xfffffffeu);  // another core is programming
  const RedmuleJob job = job_of(24, 32, 32);
  const auto expected = bench.expected(job);
  bench.program(job);
  CHECK(bench.redmule.next_activity() == kNever);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  CHECK(bench.read(ETUDE_REDMULE_STATUS) == 1);
  CHECK(bench.redmule.busy());
  CHECK_FALSE(bench.redmule.take_done_event(Cycle{bench.now}));
  bench.run(10'000);
  CHECK(bench.redmule.take_done_event(Cycle{bench.now}));
  CHECK_FALSE(bench.redmule.take_done_event(Cycle{bench.now}));
  CHECK(bench.read(ETUDE_REDMULE_STATUS) == 0);
  CHECK(bench.read(ETUDE_REDMULE_RUNNING_JOB) == 1);
  CHECK(bench.read(ETUDE_REDMULE_FINISHED) == 1);
  CHECK(bench.read(ETUDE_REDMULE_FINISHED) == 0);
  CHECK(bench.equal(job, expected));
  CHECK(bench.redmule.errata_seen().empty());
  CHECK(bench.redmule.next_activity() == kNever);
}

TEST_CASE("Two jobs are queued, a third is refused", "[redmule]") {
  Bench bench;
  const RedmuleJob first = job_of(12, 16, 16, 0x8000), second = job_of(13, 20, 17, 0xc000);
  const auto z1 = bench.expected(first), z2 = bench.expected(second);
  CHECK(bench.read(ETUDE_REDMULE_ACQUIRE) == 0);
  bench.program(first);
  const auto begin = bench.now;
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  CHECK(bench.read(ETUDE_REDMULE_ACQUIRE) == 1);
  bench.program(second);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  CHECK(bench.read(ETUDE_REDMULE_ACQUIRE) == 0xffffffffu);
  CHECK(bench.read(ETUDE_REDMULE_STATUS) == 0x0101);
  bench.run(10'000);
  // a cycle belongs to one job: waiting behind the first is no cycle of the second
  CHECK(bench.redmule.tally().total() <= bench.now - begin);
  CHECK(bench.read(ETUDE_REDMULE_RUNNING_JOB) == 2);
  CHECK(bench.equal(first, z1));
  CHECK(bench.equal(second, z2));
  // the second job was triggered without a clear in between, and its 13 rows store 24
  CHECK(bench.redmule.errata_seen() == std::vector<int>{1, 6});
}

TEST_CASE("Soft clear drops a running job", "[redmule]") {
  Bench bench;
  const RedmuleJob job = job_of(24, 64, 32);
  bench.program(job);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  bench.run(300);
  CHECK(bench.redmule.busy());
  bench.write(ETUDE_REDMULE_SOFT_CLEAR, 0);
  CHECK_FALSE(bench.redmule.busy());
  CHECK(bench.redmule.next_activity() == kNever);
  CHECK(bench.read(ETUDE_REDMULE_STATUS) == 0);
  CHECK(bench.read(ETUDE_REDMULE_ARITH) == 0);
  bench.program(job);
  const auto expected = bench.expected(job);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  bench.run(10'000);
  CHECK(bench.equal(job, expected));
}

TEST_CASE("Jobs without elements hang until they are cleared, as the hardware", "[redmule]") {
  for (const auto& [m, n, k] : {std::array{0u, 8u, 8u}, {8u, 0u, 8u}, {8u, 8u, 0u}}) {
    Bench bench;
    bench.program(job_of(m, n, k));
    bench.write(ETUDE_REDMULE_TRIGGER, 0);
    bench.run(1'000);
    CHECK(bench.redmule.hung());
    CHECK(bench.redmule.busy());
    CHECK(bench.redmule.next_activity() == kNever);
    CHECK(bench.warned("never finishes"));
    CHECK(bench.warned("M=" + std::to_string(m)));
    bench.write(ETUDE_REDMULE_SOFT_CLEAR, 0);
    CHECK_FALSE(bench.redmule.busy());
  }
}

TEST_CASE("Odd jobs warn, wrap around and finish", "[redmule]") {
  const RedmuleJob good = job_of(12, 16, 16);
  std::vector<std::pair<RedmuleJob, std::string>> cases;
  cases.emplace_back(good, "pointer to X is zero");
  cases.back().first.x = 0;
  cases.emplace_back(good, "pointer to W is no multiple");
  cases.back().first.w += 1;
  cases.emplace_back(good, "Z is not inside the memory");
  cases.back().first.z = kBase + (1u << 16) - 64;
  cases.emplace_back(good, "N does not fit");
  cases.back().first.n = 0x10010;
  cases.emplace_back(good, "format 4");
  cases.back().first.format = 4;
  for (const auto& [job, text] : cases) {
    Bench bench;
    bench.program(job);
    bench.write(ETUDE_REDMULE_TRIGGER, 0);
    bench.run(100'000);
    INFO(text);
    CHECK(bench.redmule.take_done_event(Cycle{bench.now}));
    CHECK(bench.warned(text));
  }
  {
    Bench bench;  // everything at once is one warning, the erratum of 13 rows included
    RedmuleJob job = job_of(13, 16, 16);
    job.x = job.w = 0;
    job.z = 1;
    bench.program(job);
    bench.write(ETUDE_REDMULE_ARITH, 9u << ETUDE_REDMULE_OP_SHIFT | 1u << ETUDE_REDMULE_FMT_SHIFT);
    bench.write(ETUDE_REDMULE_TRIGGER, 0);
    bench.run(100'000);
    const std::vector<std::string> warnings = bench.redmule.take_warnings();
    REQUIRE(warnings.size() == 1);
    for (const char* part :
         {"operation 9 does not fit", "pointer to X and W is zero", "pointer to Z is no multiple",
          "X, W and Z are not inside the memory", "erratum 6", "M=13 N=16 K=16 op=1"}) {
      INFO(warnings[0]);
      CHECK(warnings[0].find(part) != std::string::npos);
    }
  }
  Bench bench;  // 65,536 columns need 17 bits: the excess lands in K and leaves M = 0
  bench.write(ETUDE_REDMULE_MCFG0, 16u << 16 | 0x10000u);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  CHECK(bench.redmule.hung());
}

TEST_CASE("Odd addresses of fp16 operands are realigned byte by byte", "[redmule]") {
  Bench bench;
  RedmuleJob job = job_of(12, 16, 16);
  job.x += 1;
  job.w += 2;
  job.z += 3;
  const auto expected = bench.expected(job);
  const std::uint8_t before = bench.memory[job.z - kBase - 1];
  bench.program(job);
  bench.write(ETUDE_REDMULE_TRIGGER, 0);
  bench.run(1'000);
  CHECK(bench.equal(job, expected));
  CHECK(bench.memory[job.z - kBase - 1] == before);
}

TEST_CASE("Errata: warned, refused or silent, always right data", "[redmule]") {
  // N = 3 with several tiles: the hardware hangs
  const RedmuleJob job = job_of(30, 3, 40);
  SECTION("warn") {
    Bench bench;
    const auto expected = bench.expected(job);
    bench.program(job);
    bench.write(ETUDE_REDMULE_TRIGGER, 0);
    bench.run(100'000);
    CHECK(bench.redmule.take_done_event(Cycle{bench.now}));
    CHECK(bench.equal(job, expected));
    CHECK(bench.redmule.errata_seen() == std::vector<int>{3, 6});
    CHECK(bench.warned("erratum 3"));
    CHECK(bench.warned("M=30 N=3 K=40"));
  }
  SECTION("error") {
    RedmuleConfig config;
    config.errata = RedmuleConfig::Errata::kError;
    Bench bench(config);
    bench.program(job);
    CHECK_THROWS_AS(bench.write(ETUDE_REDMULE_TRIGGER, 0), ProgramError);
  }
  SECTION("off") {
    RedmuleConfig config;
    config.errata = RedmuleConfig::Errata::kOff;
    Bench bench(config);
    const auto expected = bench.expected(job);
    bench.program(job);
    bench.write(ETUDE_REDMULE_TRIGGER, 0);
    bench.run(100'000);
    CHECK(bench.equal(job, expected));
    CHECK_FALSE(bench.warned("erratum"));
  }
}

TEST_CASE("The numbers of the errata", "[redmule]") {
  const RedmuleConfig config;
  const auto numbers = [&](std::uint32_t m, std::uint32_t n, std::uint32_t k,
                           std::uint32_t op = ETUDE_REDMULE_OP_GEMM) {
    RedmuleJob job = job_of(m, n, k);
    job.op = op;
    return errata_of(job, config);
  };
  CHECK(numbers(24, 32, 32).empty());
  CHECK(numbers(12, 16, 16, ETUDE_REDMULE_OP_MATMUL).empty());
  CHECK(numbers(24, 16, 16, ETUDE_REDMULE_OP_MATMUL) == std::vector<int>{2});
  CHECK(numbers(12, 4, 16).empty());  // one tile
  CHECK(numbers(12, 4, 17) == std::vector<int>{3});
  CHECK(numbers(24, 8, 16) == std::vector<int>{3});
  CHECK(numbers(24, 12, 16).empty());
  CHECK(numbers(8, 18, 32) == std::vector<int>{4, 6});
  CHECK(numbers(144, 9, 16) == std::vector<int>{5});
  CHECK(numbers(25, 16, 16) == std::vector<int>{6});
  RedmuleConfig wide;
  wide.height = 8;
  CHECK(errata_of(job_of(24, 32, 32), wide) == std::vector<int>{8});
  CHECK(errata_of(job_of(24, 32, 32), config, true, true) == std::vector<int>{1, 7});
  RedmuleConfig fp32;
  fp32.format = RedmuleConfig::Format::kFp32;
  CHECK(errata_of(job_of(25, 3, 40), fp32).empty());
}

TEST_CASE("Sizes of the array are checked", "[redmule]") {
  RedmuleConfig config;
  config.height = 0;
  CHECK_THROWS_AS(Redmule("bad_height", config), UserError);
  config.height = 32;  // 32 * (3 + 1) = 128 columns of 64
  CHECK_THROWS_AS(Redmule("bad_columns", config), UserError);
}

}  // namespace
