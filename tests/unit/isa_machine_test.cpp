// SPDX-License-Identifier: Apache-2.0
// Programs with a trap handler, as bare-metal software writes them: which exception, where, and
// what mtval says; self-modifying code; misaligned data.
#include <catch2/catch.hpp>

#include "tests/support/functional_hart.h"
#include "tests/support/toolchain.h"

using namespace etude;
using etude::test::FunctionalHart;
using etude::test::TempDir;

namespace {

constexpr std::uint32_t kBase = 0x80000000;

struct Trap {
  std::uint32_t cause;
  std::uint32_t address;  // mepc, as offset to `body`
  std::uint32_t value;    // mtval
  bool operator==(const Trap&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Trap& t) {
  return out << std::hex << "{" << t.cause << ", " << t.address << ", " << t.value << "}";
}

// The handler notes each trap at `log` (s0) and goes on after the instruction, or at t6 if set.
constexpr const char* kPrologue = R"(
  .option norvc
  .globl _start
_start:
  la t0, handler
  csrw mtvec, t0
  la s0, log
  li t6, 0
  la s1, body
  j body
  .balign 4
handler:
  csrr t0, mcause
  sw t0, 0(s0)
  csrr t1, mepc
  sub t0, t1, s1
  sw t0, 4(s0)
  csrr t0, mtval
  sw t0, 8(s0)
  addi s0, s0, 12
  beqz t6, 1f
  csrw mepc, t6
  li t6, 0
  mret
1: lhu t0, 0(t1)            # length of the instruction
  andi t0, t0, 3
  addi t0, t0, -3
  snez t0, t0
  slli t0, t0, 1
  sub t1, t1, t0
  addi t1, t1, 4
  csrw mepc, t1
  mret
  .balign 256
body:
)";
constexpr const char* kEpilogue = R"(
  li a7, 93
done:
  j done
  .bss
  .balign 8
log: .space 1024
data: .space 64
)";

struct Outcome {
  std::vector<Trap> traps;
  ArchState state;
};

Outcome run(const std::string& body, const std::string& isa, const std::string& march) {
  TempDir folder;
  test::assemble(folder, "p", kPrologue + body + kEpilogue, march, "0x80000000");
  FunctionalHart hart(parse_isa(isa), CsrMap::kStandard, kBase, 1u << 16);
  hart.load(kBase, test::read_bytes(folder / "p.bin"));
  hart.state.reset(kBase);
  hart.run(2000);
  Outcome outcome;
  outcome.state = hart.state;
  REQUIRE(hart.state.x(17) == 93);
  std::uint32_t log = 0;
  // `log` begins where s0 began: the number of traps follows from its end.
  const std::string address = test::capture("llvm-nm-19 " + (folder / "p.elf").string() +
                                            " | grep ' log$' | cut -d' ' -f1");
  log = static_cast<std::uint32_t>(std::stoul(address, nullptr, 16));
  for (; log < hart.state.x(8); log += 12) {
    outcome.traps.push_back({hart.word(log), hart.word(log + 4), hart.word(log + 8)});
  }
  return outcome;
}

}  // namespace

TEST_CASE("exceptions report cause, place and value, and execution goes on after them") {
  const Outcome outcome = run(R"(
  ecall                     # 0
  ebreak                    # 4
  .word 0x02051513          # 8: slli with a 6-bit shift amount
  csrw mhartid, a0          # c
  csrr a0, satp             # 10
  .word 0xc0001073          # 14: unimp
  .word 0x10200073          # 18: sret
  .half 0, 0x0001           # 1c: all zeros is illegal, then c.nop
  .half 0x9002, 0x0001      # 20: c.ebreak
  li a0, 1
)",
                              "rv32imc_zicsr", "rv32imc_zicsr");
  const std::vector<Trap> expected = {
      {11, 0x00, 0},
      {3, 0x04, kBase + 0x104},
      {2, 0x08, 0x02051513},
      {2, 0x0c, 0xf1451073},
      {2, 0x10, 0x18002573},
      {2, 0x14, 0xc0001073},
      {2, 0x18, 0x10200073},
      {2, 0x1c, 0},
      {3, 0x20, kBase + 0x120},
  };
  CHECK(outcome.traps == expected);
  CHECK(outcome.state.x(10) == 1);
}

TEST_CASE("floating point traps while mstatus.FS is off or the rounding mode is reserved") {
  const Outcome outcome = run(R"(
  fmv.w.x f0, a0            # 0
  la a1, data               # 4, 8
  fsw f0, 0(a1)             # c
  csrr a0, fcsr             # 10
  li t0, 0x2000
  csrs mstatus, t0
  fmv.w.x f0, zero          # now legal
  csrwi frm, 5
  fadd.s f1, f0, f0         # 20: dynamic rounding with a reserved mode
  fadd.s f1, f0, f0, rne
  csrr a0, mstatus
)",
                              "rv32imf", "rv32imf");
  REQUIRE(outcome.traps.size() == 4);
  const std::uint32_t places[4] = {0, 0x0c, 0x10, 0x24};
  for (unsigned n = 0; n < 4; ++n) {
    CHECK(outcome.traps[n].cause == 2);
    CHECK(outcome.traps[n].address == places[n]);
  }
  CHECK((outcome.state.x(10) >> 13 & 3) == 3);
}

TEST_CASE("a jump to a halfword traps without C, writes no link, and is fine with C") {
  const std::string body = R"(
  li s2, 0
  la t6, 2f
  la t0, 1f
  jalr s2, t0, 2            # 14
1: .half 0x0001             # c.nop
  .half 0xa019              # c.j 2f
  nop
2: mv a1, s2
)";
  const Outcome without = run(body, "rv32i_zicsr", "rv32i_zicsr");
  REQUIRE(without.traps.size() == 1);
  CHECK(without.traps[0] == Trap{0, 0x14, kBase + 0x100 + 0x1a});
  CHECK(without.state.x(11) == 0);
  const Outcome with = run(body, "rv32ic_zicsr", "rv32i_zicsr");
  CHECK(with.traps.empty());
  CHECK(with.state.x(11) == kBase + 0x100 + 0x18);
}

TEST_CASE("fence.i makes written instructions visible") {
  const Outcome outcome = run(R"(
  la a1, 1f
  la a2, 2f
  lw a3, 0(a2)
  call_twice:
1: li a0, 1
  addi a4, a4, 1
  add a5, a5, a0
  sw a3, 0(a1)
  fence.i
  li t0, 2
  blt a4, t0, call_twice
  j 3f
2: li a0, 16
3:
)",
                              "rv32i_zicsr_zifencei", "rv32i_zicsr_zifencei");
  CHECK(outcome.state.x(15) == 17);
}

TEST_CASE("misaligned data accesses work") {
  const Outcome outcome = run(R"(
  la a1, data
  li a2, 0x44332211
  sw a2, 1(a1)
  lw a3, 0(a1)
  lhu a4, 3(a1)
  sh a2, 7(a1)
  lw a5, 6(a1)
  lh a6, 4(a1)
)",
                              "rv32i_zicsr", "rv32i_zicsr");
  CHECK(outcome.traps.empty());
  CHECK(outcome.state.x(13) == 0x33221100);
  CHECK(outcome.state.x(14) == 0x4433);
  CHECK(outcome.state.x(15) == 0x00221100);
  CHECK(outcome.state.x(16) == 0x44);
}

TEST_CASE("fetching where nothing is mapped is a fetch fault") {
  const Outcome outcome = run(R"(
  la t6, 1f
  li t0, 0x40000000
  jr t0
1: nop
)",
                              "rv32i_zicsr", "rv32i_zicsr");
  REQUIRE(outcome.traps.size() == 1);
  CHECK(outcome.traps[0].cause == 1);
  CHECK(outcome.traps[0].value == 0x40000000);
}
