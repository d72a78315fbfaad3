// SPDX-License-Identifier: Apache-2.0
// ISA strings, the decode cache, addresses and increments, branches, jumps and hardware loops.
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/iss/isa/op_info.h"
#include "tests/support/corev_words.h"
#include "tests/support/functional_hart.h"

using namespace etude;
using etude::test::FunctionalHart;

namespace {

void put(std::vector<std::uint8_t>& bytes, std::uint32_t word) {
  for (unsigned k = 0; k < 4; ++k) {
    bytes.push_back(static_cast<std::uint8_t>(word >> (8 * k)));
  }
}

constexpr std::uint32_t kBase = 0x1000;

// A hart with `lines` at kBase, ready to run.
FunctionalHart hart_with(const std::vector<std::string>& lines) {
  FunctionalHart hart(test::corev_isa(), CsrMap::kStandard, kBase, 0x4000);
  std::vector<std::uint8_t> bytes;
  for (const std::uint32_t word : test::corev_words(lines)) {
    put(bytes, word);
  }
  hart.load(kBase, bytes);
  hart.state.reset(kBase);
  return hart;
}

}  // namespace

TEST_CASE("ISA strings are read as toolchains write them") {
  const IsaConfig isa = parse_isa("rv32imc_zfinx_zhinx_zicsr_zifencei_xcvmem_xcvhwlp");
  CHECK((isa.m && isa.c && isa.zfinx && isa.zhinx && isa.zicsr && isa.zifencei && isa.xcvmem &&
         isa.xcvhwlp));
  CHECK_FALSE((isa.f || isa.xcvmac || isa.xcvelw));
  CHECK(parse_isa("rv32imfc").zicsr);
  CHECK(parse_isa("rv32i_zhinx").zfinx);
  CHECK(parse_isa("rv32imczicsr").zicsr);
  CHECK(parse_isa("RV32IM").m);
}

TEST_CASE("an ISA string that makes no sense is a user's error") {
  for (const char* text : {"", "rv64imc", "rv32", "rv32imd", "rv32imc_zfoo", "rv32imc_",
                           "rv32imfc_zfinx", "rv32imc__zicsr", "rv32im_xcv"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_isa(text), UserError);
  }
  CHECK_THROWS_WITH(parse_isa("rv32imc_zfoo"), Catch::Contains("zfoo"));
}

TEST_CASE("an instruction outside the ISA string is illegal") {
  const struct {
    std::uint32_t word;
    const char* without;
    const char* with;
  } rows[] = {
      {0x02c58533, "rv32i", "rv32im"},             // mul
      {0x00c5f553, "rv32i", "rv32if"},             // fadd.s
      {0x04c5f553, "rv32i_zfinx", "rv32i_zhinx"},  // fadd.h
      {0x30002573, "rv32i", "rv32i_zicsr"},        // csrr a0, mstatus
      {0x0000100f, "rv32i", "rv32i_zifencei"},     // fence.i
      {0x00000505, "rv32i", "rv32ic"},             // c.addi a0, 1
      {0x0005a507, "rv32i_zfinx", "rv32if"},       // flw
      {0x0045a50b, "rv32i", "rv32i_xcvmem"},
      {0x90c5b52b, "rv32i_xcvmem", "rv32i_xcvmac"},
      {0x5005b52b, "rv32i_xcvmac", "rv32i_xcvalu"},
      {0x4205b52b, "rv32i_xcvalu", "rv32i_xcvbitmanip"},
      {0x00c5857b, "rv32i_xcvalu", "rv32i_xcvsimd"},
      {0x0035640b, "rv32i_xcvmem", "rv32i_xcvbi"},
      {0x0010442b, "rv32i_xcvmem", "rv32i_xcvhwlp"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.word);
    CHECK(decode(row.word, parse_isa(row.without)).op == Op::kIllegal);
    CHECK(decode(row.word, parse_isa(row.with)).op != Op::kIllegal);
  }
}

TEST_CASE("each legal instruction that executes has a function, and no other") {
  for (unsigned n = 0; n < kOps; ++n) {
    const TimingClass timing = isa::op_info(static_cast<Op>(n)).timing;
    const bool executes = timing <= TimingClass::kDiv || timing == TimingClass::kFpAddMul ||
                          timing == TimingClass::kFpOther || timing == TimingClass::kFpDivSqrt ||
                          timing == TimingClass::kHwLoop;
    CAPTURE(isa::op_info(static_cast<Op>(n)).mnemonic);
    CHECK((isa::handlers()[n] != nullptr) == executes);
  }
}

TEST_CASE("operands carry raw fields, register-file indices and flags") {
  const IsaConfig f = parse_isa("rv32imfc");
  const Instr fma = decode(0x68c5f543, f);  // fmadd.s fa0, fa1, fa2, fa3
  CHECK((fma.a == 32 + 11 && fma.b == 32 + 12 && fma.c == 32 + 13 && fma.d == 32 + 10));
  CHECK(fma.has(kReadsRs3));
  CHECK(fma.has(kDynamicRm));
  const Instr cvt = decode(0xc005f553, f);  // fcvt.w.s a0, fa1: the rs2 field names f0
  CHECK((cvt.a == 32 + 11 && cvt.b == 32 && cvt.d == 10 && !cvt.has(kReadsRs2)));
  CHECK(cvt.has(kFpRs1));
  const Instr nop = decode(0x00000013, f);
  CHECK((nop.d == kSinkReg && nop.rd == 0 && nop.has(kWritesRd)));
  const Instr zfinx = decode(0x68c5f543, parse_isa("rv32i_zfinx"));
  CHECK((zfinx.a == 11 && zfinx.c == 13 && zfinx.d == 10 && !zfinx.has(kFpRd)));
  const Instr mac = decode(0x90c5b52b, test::corev_isa());
  CHECK((mac.c == 10 && mac.has(kReadsRs3)));
  const Instr store = decode(0x24a5b62b, test::corev_isa());  // cv.sw a0, (a1), a2
  CHECK((store.a == 11 && store.b == 10 && store.c == 12 && store.bytes == 4));
  CHECK((store.has(kPostIncrement) && store.has(kIndexed) && !store.has(kWritesRd)));
  const Instr lhu = decode(0x0045d50b, test::corev_isa());
  CHECK((lhu.bytes == 2 && !lhu.has(kSignedLoad) && lhu.has(kPostIncrement)));
  const Instr c = decode(0x1234'0505, f);  // c.addi a0, 1
  CHECK((c.length == 2 && c.word == 0x0505 && c.op == Op::kAddi && c.has(kCompressed)));
}

TEST_CASE("post-increment and indexed accesses: address, data, write-back") {
  FunctionalHart hart =
      hart_with({"cv.lw a0, (a1), -4", "cv.lw a1, (a1), 8", "cv.lb a0, (a2), a3",
                 "cv.lhu a0, a3(a2)", "cv.sw a2, (a2), 12", "cv.sh a4, (a2), a3",
                 "cv.sb a4, a3(a2)", "cv.lw a0, (zero), 4", "cv.lbu a3, (a2), a3"});
  ArchState& s = hart.state;
  for (std::uint32_t n = 0; n < 64; ++n) {
    *hart.at(0x2000 + n, 1) = static_cast<std::uint8_t>(0xc0 + n);
  }
  s.r[11] = 0x2004;
  hart.step();
  CHECK((s.x(10) == 0xc7c6c5c4 && s.x(11) == 0x2000));
  hart.step();  // rd = rs1: the loaded value wins
  CHECK(s.x(11) == 0xc3c2c1c0);
  s.r[12] = 0x2010;
  s.r[13] = 3;
  hart.step();
  CHECK((s.x(10) == 0xffffffd0 && s.x(12) == 0x2013));
  hart.step();  // 0x2013 + 3, misaligned neighbours allowed
  CHECK((s.x(10) == 0xd7d6 && s.x(12) == 0x2013));
  s.r[12] = 0x2020;
  hart.step();  // stores the old base
  CHECK((hart.word(0x2020) == 0x2020 && s.x(12) == 0x202c));
  s.r[14] = 0x12345678;
  hart.step();
  CHECK((hart.word(0x202c) == 0xefee5678 && s.x(12) == 0x202f));
  hart.step();
  CHECK((*hart.at(0x2032, 1) == 0x78 && s.x(12) == 0x202f));
  // The base x0 is never written.
  const Instr* zero = hart.cache.at(s.pc);
  CHECK(effective_address(*zero, s) == 0);
  post_increment(*zero, s);
  CHECK(s.x(0) == 0);
  s.pc += 4;
  hart.step();  // the increment is the old value of a register that the load overwrites
  CHECK((s.x(13) == 0xef && s.x(12) == 0x2032));
}

TEST_CASE("immediate branches compare with a signed 5-bit value") {
  const IsaConfig isa = test::corev_isa();
  const auto words = test::corev_words({"cv.beqimm a0, -16, 8", "cv.bneimm a0, 15, 8"});
  ArchState s(isa, CsrMap::kStandard, 0);
  s.r[10] = 0xfffffff0;
  CHECK(branch_taken(decode(words[0], isa), s));
  CHECK(branch_taken(decode(words[1], isa), s));
  s.r[10] = 15;
  CHECK_FALSE(branch_taken(decode(words[0], isa), s));
  CHECK_FALSE(branch_taken(decode(words[1], isa), s));
}

TEST_CASE("jalr reads its base before it writes the link, and clears bit 0") {
  const IsaConfig isa = parse_isa("rv32i");
  ArchState s(isa, CsrMap::kStandard, 0);
  s.pc = 0x100;
  s.r[1] = 0x2001;
  const Instr jalr = decode(0x004080e7, isa);  // jalr ra, 4(ra)
  CHECK(jump_target(jalr, s) == 0x2004);
  CHECK(jump(jalr, s) == 0x2004);
  CHECK(s.x(1) == 0x104);
  CHECK(fetch_misaligned(s, 0x2002));
  CHECK_FALSE(fetch_misaligned(ArchState(parse_isa("rv32ic"), CsrMap::kStandard, 0), 0x2002));
}

TEST_CASE("a hardware loop runs its body count times and leaves count 0") {
  // cv.setupi 0, 5, end = pc + 4 * 4: .insn forms of the table
  FunctionalHart hart = hart_with({".word 0x402b | (12 << 7) | (4 << 15) | (5 << 20)",
                                   "addi a0, a0, 1", "addi a1, a1, 2", "addi a2, a2, 3", "nop"});
  for (unsigned n = 0; n < 1 + 5 * 3; ++n) {
    hart.step();
  }
  ArchState& s = hart.state;
  CHECK(s.pc == kBase + 16);
  CHECK((s.x(10) == 5 && s.x(11) == 10 && s.x(12) == 15));
  CHECK(s.loop[0].count == 0);
  CHECK(s.loop[0].start == kBase + 4);
  CHECK(s.loop[0].end == kBase + 16);
  hart.step();
  CHECK(s.pc == kBase + 20);
}

TEST_CASE("nested hardware loops set up by the long forms multiply") {
  // Outer loop 1: 3 passes of {setup inner; inner loop of 4 passes; addi a1}.
  FunctionalHart hart = hart_with({
      ".word 0x402b | (1 << 7) | (4 << 20)",               // cv.starti 1, pc + 16
      ".word 0x402b | (5 << 7) | (8 << 20)",               // cv.endi 1, pc + 32 = 0x1024
      ".word 0x402b | (9 << 7) | (3 << 20)",               // cv.counti 1, 3
      "nop",                                               //
      ".word 0x402b | (14 << 7) | (5 << 15) | (4 << 20)",  // 0x1010 cv.setup 0, t0, pc + 16
      "addi a0, a0, 1",
      "nop",
      "nop",             // 0x1014..0x101c, end 0x1020
      "addi a1, a1, 1",  // 0x1020, end of loop 1 at 0x1024
      "nop",
  });
  hart.state.r[5] = 4;
  // 4 to set up, 3 * (1 + 4 * 3 + 1) in the loops.
  hart.run(4 + 3 * 14);
  CHECK(hart.state.pc == kBase + 0x24);
  CHECK((hart.state.x(10) == 12 && hart.state.x(11) == 3));
  CHECK((hart.state.loop[0].count == 0 && hart.state.loop[1].count == 0));
}

TEST_CASE("register forms of the loop set-up drop the two low address bits") {
  FunctionalHart hart =
      hart_with({".word 0x402b | (2 << 7) | (10 << 15)", ".word 0x402b | (6 << 7) | (11 << 15)",
                 ".word 0x402b | (10 << 7) | (12 << 15)", "nop", "nop", "nop"});
  hart.state.r[10] = kBase + 15;
  hart.state.r[11] = kBase + 27;
  hart.state.r[12] = 1;
  hart.run(3);
  CHECK((hart.state.loop[0].start == kBase + 12 && hart.state.loop[0].end == kBase + 24));
  hart.run(3);
  CHECK((hart.state.pc == kBase + 24 && hart.state.loop[0].count == 0));
}

TEST_CASE("the decode cache follows memory after a flush and knows its borders") {
  std::vector<std::uint8_t> code;
  put(code, 0x00100513);  // li a0, 1
  put(code, 0x05050505);  // c.addi a0, 1 twice
  code.push_back(0x13);   // half of a 32-bit instruction
  code.push_back(0x05);
  DecodeCache cache(parse_isa("rv32ic"));
  CHECK(cache.at(0x8ffe) == nullptr);
  cache.map(Address{0x8ffe}, code);
  REQUIRE(cache.at(0x8ffe) != nullptr);
  CHECK(cache.at(0x8ffe)->imm == 1);  // crosses a page of 4 KiB
  CHECK(cache.at(0x8ffe) == cache.at(0x8ffe));
  CHECK(cache.at(0x9002)->length == 2);
  CHECK(cache.at(0x9004)->op == Op::kAddi);
  CHECK(cache.at(0x9006) == nullptr);
  CHECK(cache.at(0x9008) == nullptr);
  // follow() is at() by a shorter way: ahead, back, across the page and out of the area.
  for (const std::uint32_t from : {0x8ffeu, 0x9002u, 0x9004u}) {
    for (const std::uint32_t to : {0x8ffeu, 0x9002u, 0x9004u, 0x9006u, 0x9008u}) {
      CHECK(cache.follow(cache.at(from), from, to) == cache.at(to));
    }
  }
  code[3] = 0x00;
  code[2] = 0x20;  // li a0, 2
  CHECK(cache.at(0x8ffe)->imm == 1);
  cache.flush();
  CHECK(cache.at(0x8ffe)->imm == 2);
}
