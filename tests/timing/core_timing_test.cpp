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
      " lui tp, 0x1000f\n lui a0, 0x10000\n lui a1, 0x10001\n li t0, 5\n sw t0, 0(a0)\n li s2, "
      "0x40400000\n"
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

TEST_CASE("divisions by their divisor", "[core]") {
  check({
      {"li t2,1\n divu t1,t0,t2", 36, "1 + (3 + clz(1) = 34) + 1"},
      {"divu t1,t0,x0", 36, "35 by zero + 1"},
      {"li t2,-1\n remu t1,t0,t2", 5, "1 + (3 + clz(2^32 - 1) = 3) + 1"},
      {"li t2,-1\n rem t1,t0,t2", 36, "1 + (2 + clz(~-1 = 0) = 34) + 1"},
      {"li t2,-8\n div t1,t0,t2", 33, "1 + (2 + clz(~-8 = 7) = 31) + 1"},
  });
}

TEST_CASE("loads, stores and what waits for them", "[core]") {
  check({
      {"lw t1,0(a0)\n bnez t1,1f\n nop\n1:", 6, "load in 1, branch in 3, its target 3 later"},
      {"cv.lw t1,(a0),4\n add t2,a0,x0\n addi a0,a0,-4", 4,
       "the pointer is there at once: one per cycle + 1"},
      {"cv.lw t1,(a0),4\n add t2,t1,x0\n addi a0,a0,-4", 5, "the loaded value is not: a bubble"},
      {"lw x0,0(a0)\n add x0,t0,t0", 4, "x0 is compared as any register: a bubble"},
      {"lw x0,0(a0)\n sw x0,24(a0)", 3, "a store of it writes nothing, and x0 is not waited for"},
      {"sw t0,17(a0)\n nop", 4, "two accesses + 1 + 1"},
      {"lw t1,0(a0)\n sw t1,24(a0)", 4, "store data wait as any operand: a bubble"},
      {"la t1,1f\n sw t1,8(a0)\n lw t1,8(a0)\n jalr x0,0(t1)\n nop\n1:", 9,
       "load in 4, free in 5: rs1 out of WB in 6, the target 3 later"},
      {"la t1,1f\n sw t1,8(a0)\n lw t1,8(a0)\n nop\n jalr x0,0(t1)\n nop\n1:", 9,
       "the same with an instruction between"},
      {"la t1,1f\n nop\n nop\n jalr x0,0(t1)\n nop\n1:", 7,
       "rs1 is there: 2 + 2 nop + 2 for jalr + 1"},
  });
}

TEST_CASE("a post-increment access writes its pointer through the ALU port", "[core]") {
  check({
      {"lw t1,0(a0)\n addi t1,t0,1", 4, "1 load + 1 wait (same rd) + 1 addi + 1"},
      {"lw t1,0(a0)\n cv.lw t1,(a1),4", 3, "2 loads + 1: t1 goes through the load's port"},
      {"sw a1,64(a0)\n lw a1,64(a0)\n cv.lw t1,(a1),4", 5, "2 + 1 wait for the pointer + 1 + 1"},
      {"lw x0,0(a0)\n cv.sw t1,(a1),4", 3, "2 accesses + 1: nothing is written to x0"},
  });
}

TEST_CASE("jumps that wait, targets that cross a word, jalr on its own register", "[core]") {
  const std::string odd = ".option rvc\n c.nop\n .option norvc\n";
  const std::string behind = "\n j 1f\n nop\n1: add t1,t1,t1\n" + odd;
  check({
      {"mulh t2,t0,t0\n j 1f\n nop\n1: add t1,t1,t1", 8, "5 + 1 jump, target there + 1 + 1"},
      {(odd + "mulh t2,t0,t0" + behind).c_str(), 11,
       "c.nop + 5 + 1 jump + 1 (second word of the target) + 1 + c.nop + 1"},
      {(odd + "add t2,t0,t0" + behind).c_str(), 8,
       "c.nop + 1 + jump 2 + 1 (second word) + 1 + c.nop + 1"},
      {"auipc t1,0\n jalr x0,8(t1)", 5, "1 + 1 wait for t1 + jump 2 + 1"},
      {"auipc t1,0\n jalr t1,8(t1)", 6, "and 1: what is left of it in ID waits for it"},
      {"auipc t1,0\n mulh t2,t0,t0\n jalr t1,12(t1)", 8, "1 + 5 + 1: the target was there before"},
  });
}

TEST_CASE("hardware loops: one cycle of set-up, none at the end of the body", "[core]") {
  const std::string three = " .insn i 0x2b,4,x14,t1,4\n nop\n nop\n nop\n";  // cv.setup
  const std::string from_load = "li t1,2\n sw t1,20(a0)\n lw t1,20(a0)\n" + three;
  const std::string load_at_end =
      "li t1,3\n .insn i 0x2b,4,x14,t1,4\n add t2,t2,t2\n nop\n lw t2,0(a0)\n";
  const std::string plain = "li t1,3\n" + three, once = "li t1,1\n" + three;
  const std::string nested =
      "li t1,2\n .insn i 0x2b,4,x15,t1,9\n li t1,3\n" + three + " nop\n nop\n nop\n";
  check({
      {plain.c_str(), 12, "1 + 1 + 3 * 3 + 1"},
      {once.c_str(), 6, "1 + 1 + 3 + 1"},
      {from_load.c_str(), 12, "1 + 1 + 1, a bubble before the count, 1 + 2 * 3 + 1"},
      {load_at_end.c_str(), 14, "1 + 1 + 3 * 3 + 1, and a bubble in passes 2 and 3"},
      {nested.c_str(), 31, "1 + 1 + 2 * (1 + 1 + 3 * 3 + 3) + 1"},
      {"li t1,3\n .insn i 0x2b,4,x14,t1,3\n nop\n nop", 10,
       "a body of two costs a cycle more once: 1 + 1 + 3 * 2 + 1 + 1"},
  });
}

TEST_CASE("CSRs that flush and those that do not", "[core]") {
  check({
      {"csrw frm,x0", 5, "a write of frm: 4 + 1"},
      {"csrr t1,frm", 2, "a read does not flush"},
      {"csrw fflags,x0", 2, "nor does fflags"},
      {"csrr t1,mcycle", 5, "counters do"},
      {"csrr t1,mstatus", 5, "4 + 1"},
      {"csrr t1,mhartid", 2, "1 + 1"},
      {"csrw mscratch,t0", 2, "1 + 1"},
  });
}

TEST_CASE("floating-point order: latency 0 waits for what is under way", "[core]") {
  CoreConfig config;
  config.others_latency = 0;
  check({{"fadd.s s4,s2,s3\n fsgnj.s s5,s2,s2", 4, "returns in 2, so that it issues in 3; + 1"},
         {"fsgnj.s s5,s2,s2\n fsgnj.s s6,s5,s5", 3, "alone it is an ALU operation"}},
        config);
}

TEST_CASE("fdiv: what it keeps waiting, and its special operands", "[core]") {
  check({
      {"fdiv.s s4,s2,s3\n fadd.s s5,s2,s3", 9, "issue in 1, 7 for 1.5: the next one in 8; + 1"},
      {"fdiv.s s4,s2,s3\n nop\n nop\n nop", 5, "integer instructions overlap"},
      {"li s5,1\n fdiv.s s4,s2,s5\n add t1,s4,x0", 9,
       "1 + 5 out of range + 1 for the denormal divisor, consumer in 8; + 1"},
      {"li s5,1\n fdiv.s s4,s2,s5\n nop", 5, "a denormal divisor keeps EX one cycle more"},
  });
}

TEST_CASE("operand fields that nobody reads count against FP results", "[core]") {
  CoreConfig config;
  config.addmul_latency = 2;
  // The immediate of cv.setup, 20, stands where rs2 does: s4 is x20, s5 x21. 19 nops, one pass.
  const std::string loop = ",s2,s3\n .insn i 0x2b,4,x14,t1,20\n .rept 19\n nop\n .endr";
  const std::string named = "li t1,1\n fadd.s s4" + loop, other = "li t1,1\n fadd.s s5" + loop;
  check({{named.c_str(), 25, "issue in 2, return in 4, cv.setup in 5, 19, + 1"},
         {other.c_str(), 24, "cv.setup in 3, 19, the return in 4 takes a nop's port, + 1"}},
        config);
}

TEST_CASE("floating-point latency 2: what keeps the result from its port", "[core]") {
  CoreConfig config;
  config.addmul_latency = 2;
  check({{"fadd.s s4,s2,s3\n add t1,s4,x0", 5, "issue in 1, return in 3, consumer in 4; + 1"},
         {"fadd.s s4,s2,s3\n mulh t1,t0,t0", 7,
          "due in 3, but mulh is in EX from 2 to 6: returns behind it without a conflict"},
         {"fadd.s s4,s2,s3\n nop\n cv.lw t1,(a0),4\n addi a0,a0,-4", 5,
          "due in 3 under a post-increment, blocked in 4 by an ALU writer in the cycle of the "
          "response, returns in 5 beside the store"},
         {"fadd.s s4,s2,s3\n beqz x0,1f\n nop\n1:", 5, "branch in 2, its target in 5"},
         {"fadd.s s4,s2,s3\n beqz x0,1f\n csrr t1,mscratch\n1:", 6,
          "a CSR instruction in the shadow holds the target to 3 behind the return in 3"}},
        config);
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
