// SPDX-License-Identifier: Apache-2.0
// Random transfers of the cluster DMA: one at a time or several, alone or beside cores that load
// from L1, waited for by an event or by looking. In the end a core waits for as many turns as the
// sum of what was moved says: both engines end in the same cycle with the same books only if every
// byte is where it belongs.
#include <catch2/catch.hpp>
#include <random>

#include "tests/support/program.h"
#include "tests/support/toolchain.h"

using namespace etude::test;

namespace {

constexpr unsigned kPrograms = 10;

class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::string source() {
    line(".globl _start\n_start:\n csrr t0, mhartid\n andi t0, t0, 31\n beqz t0, 3f");
    if (below(2) == 0) {  // the others ask for banks meanwhile, the sooner the lower
      line(" li a0, 0x10000000\n1: lw t1, 0(a0)\n slli t2, t0, " + number(below(6)));
      line("2: addi t2, t2, -1\n bgtz t2, 2b\n j 1b");
    } else {
      line("1: wfi\n j 1b");
    }
    line("3:\n li s0, 0x10204000\n li t1, 0x100\n sw t1, 0(s0)\n li s1, 0x10204400");
    line(" li a0, 0x10001000\n li a1, 0x1C020000\n li a2, 4096\n li a3, 0x9E3779B1");
    line("1: sw a3, 0(a0)\n add a3, a3, a2\n sw a3, 0(a1)\n addi a0, a0, 4\n addi a1, a1, 4");
    line(" addi a2, a2, -1\n bnez a2, 1b");
    for (unsigned group = 4 + below(8); group > 0; --group) {
      const unsigned count = below(3) == 0 ? 2 + below(6) : 1;
      for (unsigned i = 0; i < count; ++i) {
        transfer(i + 1 == count);
      }
      if (below(3) == 0) {
        line("1: lw t1, 4(s1)\n andi t1, t1, -1\n slli t1, t1, 16\n bnez t1, 1b");
      } else {
        line(" cv.elw t1, 0x3c(s0)");
      }
      line(" li t1, -1\n sw t1, 4(s1)");
    }
    line(" li a0, 0x10001000\n li a1, 0x1C020000\n li a2, 4096\n li a3, 0");
    line("1: lw t1, 0(a0)\n lw t2, 0(a1)\n slli t3, a3, 5\n add a3, a3, t3\n xor a3, a3, t1");
    line(" sub a3, a3, t2\n addi a0, a0, 4\n addi a1, a1, 4\n addi a2, a2, -1\n bnez a2, 1b");
    line(" srli a3, a3, 20\n1: addi a3, a3, -1\n bgez a3, 1b");
    line(" li a1, 0x1A1040A0\n li a2, 0x80000000\n sw a2, 0(a1)\n2: j 2b");
    return text_;
  }

 private:
  unsigned below(unsigned n) { return random_() % n; }
  static std::string number(unsigned n) { return std::to_string(n); }
  void line(const std::string& text) { text_ += text + "\n"; }
  void store(unsigned value) { line(" li t1, " + number(value) + "\n sw t1, 0(s1)"); }

  /// `last`: of its group, which ends with an event.
  void transfer(bool last) {
    const unsigned bytes = 1 + (below(3) == 0 ? below(40) : below(2000));
    const bool ext_2d = below(4) == 0, l1_2d = below(4) == 0;
    line(" lw t0, 0(s1)");
    store(bytes | below(2) << 17 | 1u << 18 | (ext_2d ? 1u << 19 : 0) | (last ? 1u << 20 : 0) |
          (l1_2d ? 1u << 23 : 0));
    store(0x10001000 + below(2000));
    store(0x1C020000 + below(2000));
    for (const bool strided : {ext_2d, l1_2d}) {
      if (strided) {
        const unsigned row = 1 + below(100);
        // Rows of at most 2001 bytes at their strides stay within 16 KiB of the start.
        store(row);
        store(row + below(std::max(1u, 6 * row)));
      }
    }
  }

  std::mt19937 random_;
  std::string text_;
};

}  // namespace

TEST_CASE("lockstep and fast engine are equal on random transfers", "[dma][engine]") {
  const TempDir folder;
  for (unsigned seed = 1; seed <= kPrograms; ++seed) {
    const auto elf = assemble(folder, "move" + std::to_string(seed), Writer(seed).source(),
                              "rv32imc_zicsr_xcvelw", "0x1C008080");
    std::string answers[2];
    for (const std::string engine : {"fast", "lockstep"}) {
      const ProgramRun run =
          run_etude_sim("elf " + elf.string() + " --json --max-cycles 1000000 --engine " + engine +
                        " --set /platform/cluster/corev_cluster=true" +
                        " --set /platform/cluster/dma/burst=" + (seed % 3 == 0 ? "64" : "256"));
      CAPTURE(seed, engine, run.text);
      REQUIRE(run.status == 0);
      answers[engine == "fast"] = run.text.substr(0, run.text.find("\"stepped_cycles\""));
    }
    CHECK(answers[0] == answers[1]);
    CHECK(answers[0].find("\"dma.transfers\":") != std::string::npos);
  }
}
