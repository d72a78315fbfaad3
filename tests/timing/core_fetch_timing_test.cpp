// SPDX-License-Identifier: Apache-2.0
// Cycles of code behind the instruction cache, L = latency of the memory behind it: a line that is
// nowhere answers L + 8 cycles after its fetch, the next fetch goes out one cycle later.
#include <catch2/catch.hpp>
#include <map>

#include "tests/support/core_bench.h"

using namespace etude;
using namespace etude::test;

namespace {

/// First EX cycle of each pc, by order of execution.
using Enters = std::multimap<std::uint32_t, std::uint64_t>;

Enters run(const std::vector<std::uint8_t>& code, unsigned latency, bool lockstep) {
  CoreBench bench("rv32imc_zfinx_zicsr_xcvmem_xcvhwlp");
  bench.load(0x80, code);
  bench.use_icache(latency);
  Enters enters;
  bench.core().set_retire_hook(
      [](void* context, const Core&, const Retired& retired) {
        static_cast<Enters*>(context)->emplace(retired.pc, retired.enter.raw());
      },
      &enters);
  bench.run(100000, lockstep);
  CHECK(bench.exit_status() == 0u);
  return enters;
}

std::uint64_t nth(const Enters& enters, std::uint32_t pc, unsigned n) {
  auto [from, to] = enters.equal_range(pc);
  while (n-- > 0) {
    ++from;
  }
  REQUIRE(from != to);
  return from->second;
}

const std::string kEnd = "\n lui tp, 0x1000f\n sw x0, 8(tp)\n9: j 9b\n";

}  // namespace

TEST_CASE("cold straight code costs L + 12 per line of 32-bit instructions", "[core][icache]") {
  // Line asked for in t, its first word there in t + L + 8, the next fetch in t + L + 9, then one
  // word per cycle: words 1, 2, 3 in L + 9, 10, 11, the next line in L + 12.
  const auto code = assemble_flat(".option norvc\n .rept 64\n addi a0,a0,1\n .endr" + kEnd,
                                  "rv32imc_zfinx_xcvmem");
  for (const unsigned latency : {5u, 10u, 20u}) {
    const Enters ahead = run(code, latency, false);
    for (std::uint32_t line = 2; line < 12; ++line) {
      CHECK(nth(ahead, 0x80 + 16 * line, 0) - nth(ahead, 0x70 + 16 * line, 0) == latency + 12);
    }
    CHECK(run(code, latency, true) == ahead);
  }
}

TEST_CASE("cold straight code costs L + 14 per line of compressed instructions", "[core][icache]") {
  // First word in R; the third word is used up when its second instruction, the sixth of the line,
  // goes to ID in R + 6: the next line is asked for then and there in R + 6 + L + 8.
  const auto code = assemble_flat(".rept 96\n c.addi a0,1\n .endr" + kEnd, "rv32imc_zfinx_xcvmem");
  for (const unsigned latency : {5u, 10u, 20u}) {
    const Enters ahead = run(code, latency, false);
    for (std::uint32_t line = 2; line < 10; ++line) {
      CHECK(nth(ahead, 0x80 + 16 * line, 0) - nth(ahead, 0x70 + 16 * line, 0) == latency + 14);
    }
    CHECK(run(code, latency, true) == ahead);
  }
}

TEST_CASE("hot code costs what an ideal memory costs", "[core][icache]") {
  // 14 addi, then addi and a taken branch: 15 + 3 cycles per pass, from the second pass on.
  const auto code = assemble_flat(
      ".option norvc\n li s0, 5\n nop\n nop\n nop\n1: .rept 14\n addi a0,a0,1\n .endr\n"
      " addi s0,s0,-1\n bnez s0, 1b" +
          kEnd,
      "rv32imc_zfinx_xcvmem");
  const Enters ahead = run(code, 10, false);
  for (unsigned pass = 1; pass < 4; ++pass) {
    CHECK(nth(ahead, 0x90, pass + 1) - nth(ahead, 0x90, pass) == 18);
  }
  CHECK(run(code, 10, true) == ahead);
}

TEST_CASE("a taken branch to a cold line costs the miss", "[core][icache]") {
  // Branch in EX in e, target asked for in e, there in e + L + 8, in ID one later, in EX one later.
  const auto code =
      assemble_flat(".option norvc\n beqz x0, 1f\n .rept 31\n nop\n .endr\n1: addi a0,a0,1" + kEnd,
                    "rv32imc_zfinx_xcvmem");
  const Enters ahead = run(code, 10, false);
  CHECK(nth(ahead, 0x100, 0) - nth(ahead, 0x80, 0) == 10 + 8 + 2);
  CHECK(run(code, 10, true) == ahead);
}

TEST_CASE("a line that the shared level has costs three cycles more", "[core][icache]") {
  // 48 lines of straight code pass three times: more than the 32 lines of the private level, fewer
  // than the shared one has. A private miss found there answers in t + 3 instead of t + 1, the next
  // fetch goes out in t + 4 instead of t + 1: a line of four words after a line that was there
  // takes 4 + 2, two such lines in a row 4 + 3, one that is there behind one that was not 4 + 1.
  const auto code = assemble_flat(
      ".option norvc\n li s0, 4\n nop\n nop\n nop\n1: .rept 190\n addi a0,a0,1\n .endr\n"
      " addi s0,s0,-1\n bnez s0, 1b" +
          kEnd,
      "rv32imc_zfinx_xcvmem");
  const Enters ahead = run(code, 10, false);
  std::map<std::uint64_t, unsigned> lines;
  for (std::uint32_t line = 1; line < 46; ++line) {
    ++lines[nth(ahead, 0x90 + 16 * line, 3) - nth(ahead, 0x80 + 16 * line, 3)];
  }
  CHECK(lines[6] > 0);
  CHECK(lines[7] > 0);
  CHECK(lines[5] > 0);
  CHECK(lines[4] + lines[5] + lines[6] + lines[7] >= 35);  // the others left the shared level too
  CHECK(run(code, 10, true) == ahead);
}
