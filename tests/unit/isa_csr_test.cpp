// SPDX-License-Identifier: Apache-2.0
// Control and status registers, traps and interrupts of machine mode.
#include <catch2/catch.hpp>

#include "models/iss/isa/csr.h"
#include "models/iss/isa/decode.h"

using namespace etude;

namespace {

constexpr std::uint32_t kWrite = 1, kSet = 2, kClear = 3;

struct Hart {
  explicit Hart(const std::string& isa = "rv32imfc_zicsr", CsrMap map = CsrMap::kStandard)
      : state(parse_isa(isa), map, 3) {}

  // csrr{w,s,c} a0, csr, a1 with a1 = value; the old value is left in a0.
  CsrResult access(std::uint32_t op, std::uint32_t csr, std::uint32_t value) {
    state.r[11] = value;
    const std::uint32_t word = 0x73u | 10u << 7 | op << 12 | 11u << 15 | csr << 20;
    const CsrResult result = csr_access(decode(word, state.isa), state, inputs);
    ++inputs.retired;
    return result;
  }
  // csrrs a0, csr, x0
  CsrResult read(std::uint32_t csr) {
    const std::uint32_t word = 0x73u | 10u << 7 | kSet << 12 | csr << 20;
    const CsrResult result = csr_access(decode(word, state.isa), state, inputs);
    ++inputs.retired;
    return result;
  }
  std::uint32_t value(std::uint32_t csr) {
    REQUIRE(read(csr) == CsrResult::kOk);
    return state.x(10);
  }

  ArchState state;
  CsrInputs inputs;
};

}  // namespace

TEST_CASE("CSR instructions swap, set and clear") {
  Hart hart;
  CHECK(hart.access(kWrite, 0x340, 0xff00ff00) == CsrResult::kOk);
  CHECK(hart.state.x(10) == 0);
  CHECK(hart.access(kSet, 0x340, 0x0000000f) == CsrResult::kOk);
  CHECK(hart.state.x(10) == 0xff00ff00);
  CHECK(hart.access(kClear, 0x340, 0xff000000) == CsrResult::kOk);
  CHECK(hart.state.x(10) == 0xff00ff0f);
  CHECK(hart.value(0x340) == 0x0000ff0f);
  // csrrwi, csrrsi, csrrci a0, mscratch, 21
  for (const auto& [f3, expected] : {std::pair{5u, 21u}, {6u, 21u}, {7u, 0u}}) {
    const std::uint32_t word = 0x73u | 10u << 7 | f3 << 12 | 21u << 15 | 0x340u << 20;
    CHECK(csr_access(decode(word, hart.state.isa), hart.state, hart.inputs) == CsrResult::kOk);
    CHECK(hart.value(0x340) == expected);
  }
}

TEST_CASE(
    "a CSR that does not exist, or a write to a read-only one, is illegal and changes nothing") {
  Hart hart;
  hart.state.r[10] = 77;
  CHECK(hart.read(0x180) == CsrResult::kIllegal);  // satp: no supervisor mode
  CHECK(hart.read(0x306) == CsrResult::kIllegal);  // mcounteren: no user mode
  CHECK(hart.access(kWrite, 0xf14, 1) == CsrResult::kIllegal);
  CHECK(hart.access(kWrite, 0xc00, 0) == CsrResult::kIllegal);
  CHECK(hart.state.x(10) == 77);
  // Setting no bits through x0 only reads.
  CHECK(hart.value(0xf14) == 3);
  CHECK(hart.value(0xc00) == 0);
}

TEST_CASE("misa names the extensions, and machine mode is the only one") {
  CHECK(Hart("rv32imfc").value(0x301) == (1u << 30 | 1u << 8 | 1u << 12 | 1u << 5 | 1u << 2));
  CHECK(Hart("rv32i_zicsr_xcvmem").value(0x301) == (1u << 30 | 1u << 8 | 1u << 23));
  Hart hart;
  CHECK(hart.access(kWrite, 0x301, 0) == CsrResult::kOk);
  CHECK((hart.value(0x301) & 4) != 0);
  CHECK(hart.access(kWrite, 0x300, 0) == CsrResult::kOk);
  CHECK(hart.value(0x300) == 0x1800);
}

TEST_CASE("mstatus.FS gates the floating-point CSRs under F and is absent under Zfinx") {
  Hart hart;
  CHECK(hart.read(0x001) == CsrResult::kIllegal);
  CHECK(hart.access(kSet, 0x300, 1u << 13) == CsrResult::kOk);
  CHECK(hart.value(0x300) == 0x3800);
  CHECK(hart.access(kWrite, 0x003, 0xff) == CsrResult::kOk);
  CHECK(hart.value(0x001) == 31);
  CHECK(hart.value(0x002) == 7);
  CHECK(hart.value(0x300) == 0x80007800);  // dirty, and SD with it
  Hart zfinx("rv32im_zfinx");
  CHECK(zfinx.access(kWrite, 0x003, 0x65) == CsrResult::kOk);
  CHECK(zfinx.value(0x003) == 0x65);
  CHECK(zfinx.value(0x300) == 0x1800);
  CHECK(Hart("rv32im_zicsr").read(0x003) == CsrResult::kIllegal);
}

TEST_CASE("minstret reads what was written in the next instruction") {
  Hart hart;
  CHECK(hart.value(0xb02) == 0);
  CHECK(hart.value(0xb02) == 1);
  CHECK(hart.access(kWrite, 0xb02, 0) == CsrResult::kOk);
  CHECK(hart.value(0xb02) == 0);
  CHECK(hart.value(0xb02) == 1);
  // Both halves to all ones; a nop; then it has wrapped to 0.
  CHECK(hart.access(kWrite, 0xb02, 0xffffffff) == CsrResult::kOk);
  CHECK(hart.access(kWrite, 0xb82, 0xffffffff) == CsrResult::kOk);
  ++hart.inputs.retired;
  CHECK(hart.value(0xb02) == 0);
  CHECK(hart.value(0xb82) == 0);
}

TEST_CASE("mcycle follows the caller's clock, and mcountinhibit freezes it") {
  Hart hart;
  hart.inputs.cycle = 1000;
  CHECK(hart.value(0xb00) == 1000);
  CHECK(hart.value(0xc00) == 1000);
  CHECK(hart.access(kWrite, 0xb00, 5) == CsrResult::kOk);
  hart.inputs.cycle = 1010;
  CHECK(hart.value(0xb00) == 15);
  CHECK(hart.access(kWrite, 0x320, 1) == CsrResult::kOk);
  hart.inputs.cycle = 2000;
  CHECK(hart.value(0xb00) == 15);
  CHECK(hart.access(kWrite, 0x320, 0) == CsrResult::kOk);
  hart.inputs.cycle = 2007;
  CHECK(hart.value(0xb00) == 22);
  CHECK(hart.access(kWrite, 0xb80, 1) == CsrResult::kOk);
  CHECK(hart.value(0xc80) == 1);
}

TEST_CASE("mcountinhibit freezes minstret from the next instruction on") {
  Hart hart;
  hart.inputs.retired = 10;
  CHECK(hart.access(kWrite, 0x320, 4) == CsrResult::kOk);  // this one still counts: 11
  CHECK(hart.value(0xb02) == 11);
  CHECK(hart.value(0xb02) == 11);
  CHECK(hart.access(kWrite, 0x320, 0) == CsrResult::kOk);
  CHECK(hart.value(0xb02) == 12);
  CHECK(hart.value(0xb02) == 13);
}

TEST_CASE("triggers are hard-wired to none") {
  Hart hart;
  CHECK(hart.access(kWrite, 0x7a0, 0x80000000) == CsrResult::kOk);
  CHECK(hart.value(0x7a0) == 0);
  CHECK(hart.value(0x7a1) == 0);
}

TEST_CASE("hardware-loop CSRs are read-only, with a switch for PULP programs") {
  const std::string isa = "rv32im_zicsr_xcvhwlp";
  Hart bench(isa, CsrMap::kCoreBench);
  bench.state.set_loop(1, {0x100, 0x120, 7});
  CHECK(bench.value(0xcc4) == 0x100);
  CHECK(bench.value(0xcc5) == 0x120);
  CHECK(bench.value(0xcc6) == 7);
  CHECK(bench.value(0xcc2) == 0);
  CHECK(bench.access(kWrite, 0xcc1, 0) == CsrResult::kIllegal);
  CHECK(bench.read(0xcc3) == CsrResult::kIllegal);
  CHECK(bench.read(0x780) == CsrResult::kIllegal);

  Hart pulp(isa, CsrMap::kPulp);
  pulp.state.set_loop(0, {0x100, 0x120, 7});
  CHECK(pulp.access(kWrite, 0xcc1, 0) == CsrResult::kIgnoredWrite);
  CHECK(pulp.state.x(10) == 0x120);
  CHECK(pulp.value(0xcc1) == 0x120);
  CHECK(pulp.access(kWrite, 0xcc2, 0) == CsrResult::kIllegal);
  for (const std::uint32_t extra : {0x780u, 0x79fu, 0x7c0u, 0x7c6u, 0x7d2u}) {
    CHECK(pulp.access(kWrite, extra, extra + 1) == CsrResult::kOk);
    CHECK(pulp.value(extra) == extra + 1);
  }
  CHECK(Hart("rv32im_zicsr").read(0xcc0) == CsrResult::kIllegal);
}

TEST_CASE("a trap saves pc and interrupt enable, and mret restores them") {
  Hart hart;
  ArchState& s = hart.state;
  CHECK(hart.access(kWrite, 0x305, 0x80) == CsrResult::kOk);
  CHECK(hart.access(kWrite, 0x300, 8) == CsrResult::kOk);
  s.pc = 0x1234;
  enter_trap(s, Cause::kIllegal, 0xdeadbeef);
  CHECK(s.pc == 0x80);
  CHECK(hart.value(0x341) == 0x1234);
  CHECK(hart.value(0x342) == 2);
  CHECK(hart.value(0x343) == 0xdeadbeef);
  CHECK(hart.value(0x300) == 0x1880);  // MPIE, not MIE
  mret(s);
  CHECK(s.pc == 0x1234);
  CHECK(hart.value(0x300) == 0x1888);
}

TEST_CASE("interrupts are taken by priority, vectored when mtvec says so") {
  Hart hart;
  ArchState& s = hart.state;
  CHECK(hart.access(kWrite, 0x305, 0x101) == CsrResult::kOk);
  CHECK(hart.access(kWrite, 0x304, 0xffffffff) == CsrResult::kOk);
  CHECK(hart.value(0x304) == 0xffff0888);
  hart.inputs.mip = 1u << 7 | 1u << 3 | 1u << 11;
  CHECK(hart.value(0x344) == hart.inputs.mip);
  CHECK_FALSE(pending_interrupt(s, hart.inputs.mip));
  CHECK(hart.access(kWrite, 0x300, 8) == CsrResult::kOk);
  CHECK(pending_interrupt(s, hart.inputs.mip) == 11u);
  CHECK(pending_interrupt(s, 1u << 7 | 1u << 3) == 3u);
  CHECK(pending_interrupt(s, 1u << 7) == 7u);
  CHECK(pending_interrupt(s, 1u << 17 | 1u << 30 | 1u << 11) == 30u);
  s.pc = 0x2000;
  enter_interrupt(s, 7);
  CHECK(s.pc == 0x100 + 4 * 7);
  CHECK(hart.value(0x342) == 0x80000007);
  CHECK_FALSE(pending_interrupt(s, 1u << 7));
  s.pc = 0x3000;
  enter_trap(s, Cause::kEcallM, 0);
  CHECK(s.pc == 0x100);
}

TEST_CASE("mepc keeps what the instruction alignment allows") {
  Hart with_c("rv32ic_zicsr");
  CHECK(with_c.access(kWrite, 0x341, 0x1003) == CsrResult::kOk);
  CHECK(with_c.value(0x341) == 0x1002);
  Hart without("rv32i_zicsr");
  CHECK(without.access(kWrite, 0x341, 0x1003) == CsrResult::kOk);
  CHECK(without.value(0x341) == 0x1000);
}
