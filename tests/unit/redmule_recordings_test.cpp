// SPDX-License-Identifier: Apache-2.0
// Jobs that follow recordings of their shape, leave them when a request is refused and come back
// to them: in every cycle the same request, the same counters and, in the end, the same memory.
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "models/redmule/redmule.h"
#include "models/redmule/redmule_regs.h"

namespace {

using namespace etude;

constexpr std::uint32_t kBase = 0x10000000u;

/// RedMulE with a memory of its own.
struct Machine {
  explicit Machine(const RedmuleConfig& config, bool follows)
      : redmule(sc_core::sc_gen_unique_name("redmule"), config), memory(1u << 16) {
    redmule.follow_recordings(follows);
    std::mt19937 random(11);
    for (std::size_t i = 0; i < memory.size(); i += 2) {
      const auto half = static_cast<std::uint16_t>((random() & 0x87ffu) | 0x3800u);
      std::memcpy(&memory[i], &half, 2);
    }
  }

  void trigger(const RedmuleJob& job, std::uint64_t now) {
    const auto write = [&](std::uint32_t offset, std::uint32_t value) {
      redmule.reg_write(offset, value, Cycle{now});
    };
    write(ETUDE_REDMULE_X_PTR, job.x);
    write(ETUDE_REDMULE_W_PTR, job.w);
    write(ETUDE_REDMULE_Z_PTR, job.z);
    write(ETUDE_REDMULE_MCFG0, job.k << 16 | job.m);
    write(ETUDE_REDMULE_MCFG1, job.n);
    write(ETUDE_REDMULE_ARITH,
          job.op << ETUDE_REDMULE_OP_SHIFT | job.format << ETUDE_REDMULE_FMT_SHIFT);
    write(ETUDE_REDMULE_TRIGGER, 0);
  }

  void commit(const WideRequest& r, bool granted, std::uint64_t now) {
    std::vector<std::uint8_t> data(r.bytes);
    for (std::uint32_t i = 0; i < r.bytes && r.valid && granted; ++i) {
      std::uint8_t& byte = memory[(r.address - kBase + i) % memory.size()];
      if (!r.write) {
        data[i] = byte;
      } else if ((r.byte_enable[i / 64] >> (i % 64) & 1u) != 0) {
        byte = r.data[i];
      }
    }
    redmule.commit(Cycle{now}, granted, data.data());
  }

  std::map<std::string, std::uint64_t> counters() const {
    std::map<std::string, std::uint64_t> all;
    redmule.visit_counters([&](const Counter& c) { all[c.name] = c.value; });
    return all;
  }

  Redmule redmule;
  std::vector<std::uint8_t> memory;
};

/// Each shape several times, one job behind the other; of `of` requests one is refused on average,
/// in bursts.
void compare(const RedmuleConfig& config, unsigned seed, unsigned of) {
  Machine follows(config, true), steps(config, false);
  std::mt19937 random(seed);
  std::vector<RedmuleJob> jobs;
  for (int shape = 0; shape < 4; ++shape) {
    RedmuleJob job;
    job.x = kBase;
    job.w = kBase + 0x4000;
    job.z = kBase + 0x8000;
    job.m = 1 + random() % 40;
    job.n = 1 + random() % 60;
    job.k = 1 + random() % 48;
    job.op = random() % 2 == 0 ? ETUDE_REDMULE_OP_GEMM : ETUDE_REDMULE_OP_MATMUL;
    job.format = ETUDE_REDMULE_FMT_FP16;
    jobs.insert(jobs.end(), 4, job);
  }
  std::uint64_t now = 0;
  bool refusing = false;
  for (const RedmuleJob& job : jobs) {
    follows.trigger(job, now);
    steps.trigger(job, now);
    for (bool done = false; !done; ++now) {
      const WideRequest& mine = follows.redmule.request(Cycle{now});
      const WideRequest& wanted = steps.redmule.request(Cycle{now});
      REQUIRE(mine.valid == wanted.valid);
      REQUIRE((!mine.valid || (mine.address == wanted.address && mine.stream == wanted.stream)));
      refusing = refusing ? random() % 3 != 0 : random() % of == 0;
      follows.commit(mine, !refusing, now);
      steps.commit(wanted, !refusing, now);
      if (random() % 50 == 0) {
        REQUIRE(follows.counters() == steps.counters());
      }
      done = follows.redmule.take_done_event(Cycle{now});
      REQUIRE(done == steps.redmule.take_done_event(Cycle{now}));
      REQUIRE(now < 10'000'000);
    }
    REQUIRE(follows.memory == steps.memory);
    REQUIRE(follows.counters() == steps.counters());
  }
  CHECK(follows.counters().at("jobs") == jobs.size());
  CHECK(follows.redmule.estimated_jobs() == steps.redmule.estimated_jobs());
}

}  // namespace

TEST_CASE("Following recordings equals stepping, whatever is refused", "[redmule]") {
  for (const unsigned of : {3u, 20u, 300u, 1'000'000u}) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
      CAPTURE(of, seed);
      compare(RedmuleConfig{}, seed, of);
    }
  }
}

TEST_CASE("So it does on a small array", "[redmule]") {
  RedmuleConfig config;
  config.height = 2;
  config.width = 4;
  config.pipe = 1;
  compare(config, 9, 40);
}
