// SPDX-License-Identifier: Apache-2.0
// The stretches without contention change nothing: cycles, data, counters, order of accesses.
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

/// How a machine of the test is driven.
enum class Drive { kStepped, kAdvanced, kChunks, kMixed };

struct Outcome {
  std::vector<std::uint8_t> memory;
  std::vector<std::uint64_t> done;
  std::map<std::string, std::uint64_t> counters;
  bool operator==(const Outcome&) const = default;
};

void write_enabled(std::vector<std::uint8_t>& memory, const WideRequest& r) {
  for (std::uint32_t i = 0; i < r.bytes; ++i) {
    if ((r.byte_enable[i / 64] >> (i % 64) & 1u) != 0) {
      memory[(r.address - kBase + i) % memory.size()] = r.data[i];
    }
  }
}

Outcome drive(const RedmuleConfig& config, const std::vector<RedmuleJob>& jobs, Drive how,
              bool vectors) {
  Redmule redmule(sc_core::sc_gen_unique_name("redmule"), config);
  redmule.use_vectors(vectors);
  Outcome out;
  out.memory.resize(1u << 16);
  std::mt19937 random(11), chunk(5);
  for (std::size_t i = 0; i < out.memory.size(); i += 2) {
    const auto half = static_cast<std::uint16_t>((random() & 0x87ffu) | 0x3800u);
    std::memcpy(&out.memory[i], &half, 2);
  }
  const RedmuleMemory view{out.memory.data(), kBase, static_cast<std::uint32_t>(out.memory.size())};
  std::uint64_t now = 0;
  for (const RedmuleJob& job : jobs) {
    const auto write = [&](std::uint32_t offset, std::uint32_t value) {
      redmule.reg_write(offset, value, Cycle{now++});
    };
    write(ETUDE_REDMULE_SOFT_CLEAR, 0);
    write(ETUDE_REDMULE_X_PTR, job.x);
    write(ETUDE_REDMULE_W_PTR, job.w);
    write(ETUDE_REDMULE_Z_PTR, job.z);
    write(ETUDE_REDMULE_MCFG0, job.k << 16 | job.m);
    write(ETUDE_REDMULE_MCFG1, job.n);
    write(ETUDE_REDMULE_ARITH,
          job.op << ETUDE_REDMULE_OP_SHIFT | job.format << ETUDE_REDMULE_FMT_SHIFT);
    write(ETUDE_REDMULE_TRIGGER, 0);
    while (!redmule.take_done_event(Cycle{now})) {
      const bool advance = how == Drive::kAdvanced || how == Drive::kChunks ||
                           (how == Drive::kMixed && chunk() % 2 == 0);
      if (advance) {
        const std::uint64_t most = how == Drive::kAdvanced ? 1'000'000 : 1 + chunk() % 300;
        now += redmule.advance_uncontended(Cycle{now}, most, view).cycles;
        continue;
      }
      for (std::uint64_t i = 0; i < 50 && !redmule.take_done_event(Cycle{now}); ++i) {
        const WideRequest& r = redmule.request(Cycle{now});
        std::vector<std::uint8_t> data(r.bytes);
        if (r.valid && r.write) {
          write_enabled(out.memory, r);
        } else if (r.valid) {
          for (std::uint32_t b = 0; b < r.bytes; ++b) {
            data[b] = out.memory[(r.address - kBase + b) % out.memory.size()];
          }
        }
        redmule.commit(Cycle{now}, true, data.data());
        ++now;
        if (redmule.next_activity() == Cycle{now} && !redmule.busy()) {
          break;
        }
      }
    }
    out.done.push_back(now);
  }
  redmule.visit_counters([&](const Counter& c) { out.counters[c.name] = c.value; });
  return out;
}

std::vector<RedmuleJob> jobs(std::uint32_t format, std::uint32_t element) {
  std::vector<RedmuleJob> list;
  const std::uint32_t shapes[][3] = {{24, 32, 32}, {1, 1, 1},   {13, 17, 33}, {12, 9, 16},
                                     {5, 50, 20},  {30, 3, 40}, {37, 21, 16}, {24, 32, 32}};
  for (const auto& [m, n, k] : shapes) {
    RedmuleJob job{.x = kBase + 0x40,
                   .w = kBase + 0x40 + element * 2048,
                   .z = kBase + 0x40 + element * 5000,
                   .m = m,
                   .n = n,
                   .k = k,
                   .op = ETUDE_REDMULE_OP_GEMM,
                   .format = format};
    list.push_back(job);
  }
  list.push_back(list[0]);
  list.back().op = ETUDE_REDMULE_OP_MATMUL;
  list.push_back(list[2]);
  list.back().op = ETUDE_REDMULE_OP_ADDMAX;
  return list;
}

TEST_CASE("Advancing many cycles at once equals stepping", "[redmule]") {
  for (const std::uint32_t format : {0u, 1u, 2u, 3u, 4u}) {
    RedmuleConfig config;
    if (format == ETUDE_REDMULE_FMT_FP32) {
      config.format = RedmuleConfig::Format::kFp32;
    }
    const auto list = jobs(format, config.element_bytes());
    const Outcome stepped = drive(config, list, Drive::kStepped, true);
    INFO("format " << format);
    CHECK(stepped == drive(config, list, Drive::kAdvanced, true));
    CHECK(stepped == drive(config, list, Drive::kChunks, true));
    CHECK(stepped == drive(config, list, Drive::kMixed, true));
    CHECK(stepped == drive(config, list, Drive::kStepped, false));  // portable arithmetic
  }
}

TEST_CASE("So it does on other arrays", "[redmule]") {
  for (const auto& [h, l, p] :
       {std::array{4u, 8u, 3u}, {8u, 8u, 1u}, {3u, 5u, 2u}, {2u, 1u, 4u}, {1u, 5u, 2u}}) {
    RedmuleConfig config;
    config.height = h;
    config.width = l;
    config.pipe = p;
    const auto list = jobs(ETUDE_REDMULE_FMT_FP16, 2);
    INFO(h << " x " << l << " x " << p);
    const Outcome stepped = drive(config, list, Drive::kStepped, true);
    CHECK(stepped == drive(config, list, Drive::kMixed, true));
    CHECK(stepped == drive(config, list, Drive::kAdvanced, false));
  }
}

}  // namespace
