// SPDX-License-Identifier: Apache-2.0
// Cycles of short sequences between two marker stores, each derived beside it. The END store adds
// one cycle of its own to what the sequence needs.
#include <catch2/catch.hpp>

#include "tests/support/core_bench.h"

using namespace etude;
using namespace etude::test;

namespace {

struct Case {
  const char* lines;
  std::uint64_t cycles;
  const char* derivation;
};

const std::string kMarch = "rv32imc_zfinx_zicsr_zifencei_xcvmem";

/// Grants of the marker stores at 0(tp) and 4(tp), START and END in turn, of all cases in a row.
void check(const std::vector<Case>& cases, const CoreConfig& config = {}) {
  std::string source =
      " lui tp, 0x1000f\n lui a0, 0x10000\n li t0, 5\n sw t0, 0(a0)\n li s2, 0x40400000\n"
      " li s3, 0x40000000\n";
  for (const Case& one : cases) {
    source += ".option norvc\n.balign 16\n .rept 7\n nop\n .endr\n sw x0, 0(tp)\n";
    source += one.lines;
    source += "\n .option norvc\n sw x0, 4(tp)\n";
  }
  source += " sw x0, 8(tp)\n9: j 9b\n";
  CoreBench bench("rv32imc_zfinx_xfvec_zicsr_zifencei_xcvmem_xcvhwlp", config);
  bench.load(0x80, assemble_flat(source, kMarch));
  std::vector<std::uint64_t> markers;
  bench.core().set_retire_hook(
      [](void* context, const Core& core, const Retired& retired) {
        const Instr& instr = *retired.instr;
        if (instr.timing == TimingClass::kStore && instr.a == 4) {
          static_cast<std::vector<std::uint64_t>*>(context)->push_back(retired.leave.raw());
        }
      },
      &markers);
  bench.run(100000, false);
  REQUIRE(bench.exit_status() == 0u);
  REQUIRE(markers.size() == 2 * cases.size() + 1);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i].lines << ": " << cases[i].derivation);
    CHECK(markers[2 * i + 1] - markers[2 * i] == cases[i].cycles);
  }
}

}  // namespace

TEST_CASE("integer sequences", "[core]") {
  check({
      {"add t1,t1,t1", 2, "1 add + 1 END"},
      {"mulh t1,t0,t0\n add t1,t1,t1", 7, "5 mulh + 1 add, result there at once + 1"},
      {"li t2,3\n divu t1,t0,t2\n add t1,t1,t1", 36, "1 + (3 + clz(3) = 33) + 1 + 1"},
      {"li t2,-3\n div t1,t0,t2", 34, "1 + (2 + clz(~-3 = 2) = 32) + 1"},
      {"lw t1,0(a0)\n add t1,t1,t1", 4, "1 load + 1 bubble + 1 + 1"},
      {"lw t1,0(a0)\n nop\n add t1,t1,t1", 4, "the bubble is filled by the nop"},
      {"lw t1,0(a0)\n li t1,1", 4, "an ALU writer of the same rd behind a load waits too"},
      {"lw t1,0(a0)\n lw t1,4(a0)", 3, "a load behind it does not"},
      {"lw t1,1(a0)\n nop", 4, "2 accesses + 1 + 1"},
      {"lh t1,1(a0)\n nop", 3, "bytes 1 and 2 are in one word: 1 access"},
      {"j 1f\n nop\n1:", 3, "2 for jal + 1"},
      {"mulh t1,t0,t0\n j 1f\n nop\n1:", 7,
       "5 + 1: the jump's second cycle passes under mulh, + 1"},
      {"beqz x0,1f\n nop\n1:", 4, "3 for a taken branch + 1"},
      {"bnez x0,1f\n1:", 2, "1 for one that is not taken + 1"},
      {"beqz x0,1f\n .option push\n .option rvc\n c.nop\n .option pop\n1: nop\n .option push\n"
       " .option rvc\n c.nop\n .option pop",
       7, "3 + 1: the 32-bit target at pc % 4 = 2 needs a second fetch; nop, c.nop, + 1"},
      {"la t1,1f\n jalr x0,0(t1)\n nop\n1:", 6,
       "auipc, addi; rs1 in EX: 1 more than jalr's 2; + END"},
      {"csrr t1,mscratch", 2, "1 + 1"},
      {"csrr t1,mepc", 5, "4: flushes the pipeline + 1"},
      {"fence", 5, "4: fetches again + 1"},
  });
}

TEST_CASE("floating-point latency 1: pipelined, one bubble to a consumer", "[core]") {
  check({
      {"fadd.s s4,s2,s3\n fadd.s s5,s2,s3\n fadd.s s6,s2,s3", 4, "one per cycle + 1"},
      {"fadd.s s4,s2,s3\n fadd.s s5,s4,s3", 4, "issue, bubble, issue + 1"},
      {"fadd.s s4,s2,s3\n li s4,1", 4, "an integer writer of the same register waits too"},
      {"fadd.s s4,s2,s3\n fadd.s s4,s2,s3", 3, "an FP writer does not"},
      {"fadd.s s4,s2,s3\n csrr t1,mscratch", 5, "CSR: return (issue + 1) + 2 = 3 after issue"},
      {"fdiv.s s4,s2,s3\n add t1,s4,x0", 9, "3 / 2 = 1.5: 6 + ceil(1 / 2) = 7, + 1 + 1"},
      {"fdiv.s s4,s3,s2\n add t1,s4,x0", 21, "2 / 3 is inexact: 19, + 1 + 1"},
      {"fsqrt.s s4,x0\n add t1,s4,x0", 5, "zero is special: 3, + 1 + 1"},
  });
}

TEST_CASE("packed binary16 passes the pipeline as any FP operation", "[core]") {
  const std::string add = ".insn r 0x33,2,0x41,", mac = ".insn r 0x33,6,0x48,";
  const std::string stream = mac + "s4,s2,s3\n" + mac + "s5,s2,s3\n" + mac + "s6,s2,s3";
  const std::string chain = mac + "s4,s2,s3\n" + mac + "s4,s2,s3\n" + mac + "s4,s2,s3";
  const std::string use = add + "s4,s2,s3\n" + add + "s5,s4,s3";
  const std::string load = "lw t1,0(a0)\n" + mac + "s4,s2,t1";
  const std::vector<Case> pipelined = {
      {stream.c_str(), 4, "one per cycle + 1"},
      {chain.c_str(), 6, "each waits for the sum before: issue, bubble; + 1"},
      {use.c_str(), 4, "issue, bubble, issue + 1"},
      {load.c_str(), 4, "1 load + 1 bubble + 1 + 1"},
  };
  check(pipelined);
  CoreConfig slow;
  slow.addmul_latency = 2;
  check({{stream.c_str(), 8, "one at a time: 3 + 3 + 1, + 1"}}, slow);
}

TEST_CASE("floating-point latency 2: one at a time, returns through the ALU port", "[core]") {
  CoreConfig config;
  config.addmul_latency = 2;
  check(
      {
          {"fadd.s s4,s2,s3\n fadd.s s5,s2,s3", 5, "issue in 0, the next after the return: 3; + 1"},
          {"fadd.s s4,s2,s3\n nop\n nop\n nop", 6,
           "the return in 2 takes the second nop's port: + 1"},
          {"fadd.s s4,s2,s3\n lw t1,0(a0)\n lw t2,0(a0)\n nop", 5, "loads do not write there"},
      },
      config);
}

TEST_CASE("waits for grants and late responses", "[core]") {
  // Isolated load with its response 4 cycles after the grant: next e = grant + 4 + 1.
  CoreBench bench("rv32imc_zfinx");
  bench.load(0x80, assemble_flat(" lui tp,0x1000f\n lui a0,0x10000\n .balign 16\n nop\n nop\n nop\n"
                                 " sw x0,0(tp)\n lw t1,0(a0)\n add t1,t1,t1\n sw x0,4(tp)\n"
                                 " sw x0,8(tp)\n1: j 1b\n",
                                 kMarch));
  bench.grant_delay = [](const DataAccess& access) { return access.write ? 0u : 3u; };
  bench.latency = [](const DataAccess& access) { return access.write ? 1u : 4u; };
  bench.run(1000, false);
  // START in 0, load asked for in 1 and granted in 1 + 3, add in EX in 4 + 4 + 1, END behind it.
  CHECK(bench.marker_cycles() == 1 + 3 + 4 + 1 + 1);
  CHECK(bench.core().stall_cycles(StallReason::kTcdmConflict) == 3);
}
