// SPDX-License-Identifier: Apache-2.0
// Eight cores run the same random program on the same data, racing for banks, cache lines and FPUs:
// what each load finds depends on every cycle before it. Both engines end in the same cycle with
// the same books.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/support/program.h"
#include "tests/support/random_program.h"
#include "tests/support/toolchain.h"

using namespace etude::test;

namespace {

/// The program, started hart by hart; hart 0 ends the run when it is through.
std::string source(unsigned seed) {
  std::mt19937 random(seed);
  const auto bytes = random_program(random, 60 + seed * 40, 8);
  std::string text =
      ".option norvc\n.option norelax\n.globl _start\n_start:\n csrr t0,mhartid\n andi t0,t0,31\n"
      "1: addi t0,t0,-1\n bgez t0,1b\n";
  // Without the last two words: the exit of the core bench.
  for (std::size_t at = 0; at + 8 < bytes.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, &bytes[at], sizeof word);
    text += " .word " + std::to_string(word) + "\n";
  }
  return text +
         " csrr t0,mhartid\n andi t0,t0,31\n bnez t0,2f\n li t1,1000\n3: addi t1,t1,-1\n"
         " bnez t1,3b\n li t0,0x1A1040A0\n li t1,0x80000000\n sw t1,0(t0)\n2: j 2b\n";
}

}  // namespace

TEST_CASE("lockstep and fast engine are equal on random programs of eight racing cores",
          "[core][engine]") {
  const TempDir folder;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const auto elf = assemble(folder, "race" + std::to_string(seed), source(seed),
                              "rv32imc_zfinx_zicsr_xcvmem", "0x1C000080");
    std::string answers[2];
    for (const std::string engine : {"fast", "lockstep"}) {
      const ProgramRun run = run_etude_sim(
          "elf " + elf.string() + " --json --max-cycles 1000000 --engine " + engine +
          " --set /platform/cluster/fpu/addmul_latency=" + std::to_string(seed % 3) +
          " --set /platform/cluster/fpu/private=" + (seed % 2 == 0 ? "false" : "true"));
      CAPTURE(seed, engine, run.text);
      REQUIRE(run.status == 0);
      // What follows is about the simulator, not the simulated.
      answers[engine == "fast"] = run.text.substr(0, run.text.find("\"stepped_cycles\""));
    }
    CHECK(answers[0] == answers[1]);
    CHECK(answers[0].find("\"cycles\":") != std::string::npos);
  }
}
