// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/bench.h"

#include <cstring>
#include <string>

#include "models/base/error.h"
#include "models/redmule/chain.h"
#include "models/redmule/redmule_regs.h"

namespace etude {
namespace {

/// splitmix64: a small generator whose whole state is one number.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// Fills `bytes` with numbers between -2 and 2 of the format: random sign and fraction, exponents
/// of the four binades below 2, now and then a zero.
void draw(std::uint8_t* bytes, std::size_t count, std::uint32_t format, bool fp32, Random& random) {
  if (fp32) {
    for (std::size_t i = 0; i + 4 <= count; i += 4) {
      const std::uint64_t r = random.next();
      const auto bits = static_cast<std::uint32_t>((r & 0x807fffffu) | (124 + (r >> 40 & 3)) << 23);
      std::memcpy(bytes + i, &bits, 4);
    }
    return;
  }
  for (std::size_t i = 0; i + 2 <= count; i += 2) {
    const std::uint64_t r = random.next();
    std::uint32_t bits = 0;
    switch (format) {
      case ETUDE_REDMULE_FMT_FP8:
      case ETUDE_REDMULE_FMT_FP8ALT: {
        const unsigned mantissa = format == ETUDE_REDMULE_FMT_FP8 ? 2 : 3;
        const std::uint32_t top = format == ETUDE_REDMULE_FMT_FP8 ? 12 : 4;
        const auto one = [&](std::uint64_t q) {
          return static_cast<std::uint32_t>((q & 1) << 7 | (top + (q >> 1 & 3)) << mantissa |
                                            (q >> 3 & ((1u << mantissa) - 1)));
        };
        bits = one(r) | one(r >> 16) << 8;
        break;
      }
      case ETUDE_REDMULE_FMT_FP16ALT:
        bits = static_cast<std::uint32_t>((r & 0x807fu) | (124 + (r >> 40 & 3)) << 7);
        break;
      default:
        bits = static_cast<std::uint32_t>((r & 0x83ffu) | (12 + (r >> 40 & 3)) << 10);
        break;
    }
    if (r >> 56 == 0) {
      bits = 0;
    }
    bytes[i] = static_cast<std::uint8_t>(bits);
    bytes[i + 1] = static_cast<std::uint8_t>(bits >> 8);
  }
}

struct Layout {
  std::uint64_t x, w, z, end;  // offsets from the base
};

}  // namespace

RedmuleBenchResult run_redmule_bench(Redmule& redmule, const RedmuleBenchJob& job,
                                     const RedmuleBenchProbe& probe, const RedmuleBenchGrant& grant,
                                     bool check) {
  const RedmuleConfig& config = redmule.config();
  const std::uint64_t element = config.element_bytes(), l = config.width, h = config.height;
  const bool fp32 = config.format == RedmuleConfig::Format::kFp32;
  const auto up = [](std::uint64_t bytes) { return (bytes + 63) / 64 * 64 + 256; };
  constexpr std::uint32_t kBase = 0x10000000u;
  Layout at{};
  at.x = 64;
  at.w = at.x + up(job.m * job.n * element);
  at.z = at.w + up((job.n + h) * job.k * element);
  at.end = at.z + up((job.m + l) * job.k * element);
  if (at.end > 0xe0000000u) {
    throw UserError("gemm", "the operands need " + std::to_string(at.end) + " bytes",
                    "the address space of the accelerator has 3.5 GiB");
  }
  std::vector<std::uint8_t> memory(at.end);
  Random random(job.seed);
  draw(memory.data(), memory.size() / 4 * 4, job.format, fp32, random);
  std::vector<std::uint8_t> expected;
  RedmuleJob reference;
  reference.m = job.m;
  reference.n = job.n;
  reference.k = job.k;
  reference.op = job.op;
  reference.format = fp32 ? ETUDE_REDMULE_FMT_FP32 : job.format;
  const std::uint64_t z_bytes = std::uint64_t{job.m} * job.k * element;
  if (check) {
    expected.assign(memory.begin() + static_cast<std::ptrdiff_t>(at.z),
                    memory.begin() + static_cast<std::ptrdiff_t>(at.z + z_bytes));
    const std::vector<std::uint8_t> y = expected;
    replay_chain(reference, config, {&memory[at.x], &memory[at.w], y.data()}, expected.data());
  }

  std::uint64_t now = redmule.next_activity() == kNever ? 0 : redmule.next_activity().raw();
  redmule.reg_write(ETUDE_REDMULE_SOFT_CLEAR, 0, Cycle{now});
  const RedmuleTally before = redmule.tally();
  const std::uint64_t estimated = redmule.estimated_jobs();
  const auto address = [&](std::uint64_t offset) {
    return static_cast<std::uint32_t>(kBase + offset);
  };
  const std::uint32_t registers[][2] = {
      {ETUDE_REDMULE_X_PTR, address(at.x)},
      {ETUDE_REDMULE_W_PTR, address(at.w)},
      {ETUDE_REDMULE_Z_PTR, address(at.z)},
      {ETUDE_REDMULE_MCFG0, job.k << 16 | job.m},
      {ETUDE_REDMULE_MCFG1, job.n},
      {ETUDE_REDMULE_ARITH,
       job.op << ETUDE_REDMULE_OP_SHIFT | reference.format << ETUDE_REDMULE_FMT_SHIFT}};
  for (const auto& [offset, value] : registers) {
    redmule.reg_write(offset, value, Cycle{++now});
  }
  now += 1 + job.gap;
  const std::uint64_t triggered = now;
  redmule.reg_write(ETUDE_REDMULE_TRIGGER, 0, Cycle{now});

  RedmuleBenchResult result;
  const RedmuleMemory view{memory.data(), kBase, static_cast<std::uint32_t>(memory.size())};
  const bool step = probe || grant || job.stall > 0.0;
  ++now;
  while (!redmule.hung()) {
    if (redmule.take_done_event(Cycle{now})) {
      result.finished = true;
      result.cycles = now - triggered;
      break;
    }
    if (!step) {
      now += redmule.advance_uncontended(Cycle{now}, ~std::uint64_t{0} - now, view).cycles;
      continue;
    }
    const WideRequest& request = redmule.request(Cycle{now});
    const bool served =
        grant ? grant(now - triggered) : !(job.stall > 0.0 && random.unit() < job.stall);
    const std::uint8_t* data = nullptr;
    if (request.valid) {
      const std::uint32_t offset = request.address - kBase;
      if (probe) {
        const std::uint64_t bases[] = {at.x, at.w, at.z, at.z};
        probe(now - triggered, request,
              static_cast<std::uint32_t>(offset - bases[static_cast<unsigned>(request.stream)]),
              served);
      }
      if (served && request.write) {
        for (std::uint32_t i = 0; i < request.bytes; ++i) {
          if ((request.byte_enable[i / 64] >> (i % 64) & 1u) != 0) {
            memory[offset + i] = request.data[i];
          }
        }
      }
      data = memory.data() + offset;
    }
    redmule.commit(Cycle{now}, served, data);
    ++now;
  }
  result.tally = redmule.tally();
  for (unsigned i = 0; i < 4; ++i) {
    result.tally.beats[i] -= before.beats[i];
  }
  // rows of Z may still wait for the port after the done event
  for (; redmule.busy() && !redmule.hung(); ++now) {
    const WideRequest& request = redmule.request(Cycle{now});
    if (request.valid && request.write) {
      for (std::uint32_t i = 0; i < request.bytes; ++i) {
        if ((request.byte_enable[i / 64] >> (i % 64) & 1u) != 0) {
          memory[request.address - kBase + i] = request.data[i];
        }
      }
    }
    redmule.commit(Cycle{now}, true, request.valid ? &memory[request.address - kBase] : nullptr);
  }
  result.tally.beats[3] = redmule.tally().beats[3] - before.beats[3];
  result.bit_exact =
      check && result.finished && std::memcmp(expected.data(), &memory[at.z], z_bytes) == 0;
  result.estimated = redmule.estimated_jobs() != estimated;
  result.errata = errata_of(reference, config, false, result.tally.refused > before.refused);
  result.warnings = redmule.take_warnings();
  return result;
}

}  // namespace etude
