// SPDX-License-Identifier: Apache-2.0
// Values and fflags of every RV32IMFC, Zfinx and Zhinx instruction against qemu-riscv32: the same
// program runs there and on the functional hart, and writes each result to standard output.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/functional_hart.h"
#include "tests/support/skip.h"
#include "tests/support/toolchain.h"

using namespace etude;
using etude::test::FunctionalHart;
using etude::test::TempDir;

namespace {

constexpr std::uint32_t kBase = 0x10000;
constexpr std::size_t kMemory = 32u << 20;

// A row of the operand table: rs1, rs2, rs3 and the flags that are up before.
struct Row {
  std::uint32_t a, b, c, flags;
};

// Random 32-bit numbers from a fixed seed.
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : generator_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(generator_()); }

 private:
  std::mt19937 generator_;
};

// Assembly of a program that executes blocks of one instruction each on every row of a table.
class Program {
 public:
  explicit Program(const std::vector<Row>& rows) : rows_(rows) {}

  // `body` reads a0, a1, a2 (fa0.. are the caller's business) and leaves its results in a3 and a4.
  void block(const std::string& body) {
    text_ << "  la s1, table\n  li s2, " << rows_.size() << "\n1:\n"
          << "  lw a0, 0(s1)\n  lw a1, 4(s1)\n  lw a2, 8(s1)\n  lw a5, 12(s1)\n"
          << body << "  sw a3, 0(s0)\n  sw a4, 4(s0)\n  addi s0, s0, 8\n  addi s1, s1, 16\n"
          << "  addi s2, s2, -1\n  bnez s2, 1b\n";
    names_.push_back(body);
  }

  std::string source() const {
    std::ostringstream all;
    all << "  .globl _start\n_start:\n  la s0, results\n"
        << text_.str() << "  la a1, results\n  sub a2, s0, a1\n  li a0, 1\n  li a7, 64\n  ecall\n"
        << "  li a0, 0\n  li a7, 93\n  ecall\n  .balign 8\ntable:\n";
    for (const Row& row : rows_) {
      all << "  .word " << row.a << ',' << row.b << ',' << row.c << ',' << row.flags << '\n';
    }
    all << "  .bss\n  .balign 8\nscratch:\n  .space 128\nresults:\n  .space "
        << 8 * rows_.size() * names_.size() << '\n';
    return all.str();
  }

  // Runs it on both and compares each result.
  void check(const std::string& march, const std::string& cpu) const {
    test::need_program("qemu-riscv32");
    TempDir folder;
    const auto elf = test::assemble(folder, "program", source(), march, "0x10000");
    const std::string expected = test::capture("qemu-riscv32 -cpu " + cpu + " " + elf.string());

    FunctionalHart hart(parse_isa(march), CsrMap::kStandard, kBase, kMemory);
    hart.load(kBase, test::read_bytes(folder / "program.bin"));
    hart.state.reset(kBase);
    hart.state.fs = 3;
    std::string ours;
    hart.on_ecall = [&ours](FunctionalHart& h) {
      if (h.state.x(17) == 93) {
        return false;
      }
      const std::uint32_t size = h.state.x(12);
      ours.append(reinterpret_cast<const char*>(h.at(h.state.x(11), size)), size);
      return true;
    };
    REQUIRE_FALSE(hart.run(200'000'000));
    REQUIRE(expected.size() == 8 * rows_.size() * names_.size());
    REQUIRE(ours.size() == expected.size());
    unsigned different = 0;
    for (std::size_t n = 0; n < names_.size() * rows_.size(); ++n) {
      std::uint32_t theirs[2];
      std::uint32_t mine[2];
      std::memcpy(theirs, expected.data() + 8 * n, 8);
      std::memcpy(mine, ours.data() + 8 * n, 8);
      if (std::memcmp(theirs, mine, 8) != 0 && ++different <= 20) {
        const Row& row = rows_[n % rows_.size()];
        UNSCOPED_INFO(names_[n / rows_.size()]
                      << std::hex << "  on " << row.a << ' ' << row.b << ' ' << row.c << ' '
                      << row.flags << ": " << mine[0] << '/' << mine[1] << ", qemu " << theirs[0]
                      << '/' << theirs[1]);
      }
    }
    CHECK(different == 0);
  }

 private:
  std::vector<Row> rows_;
  std::ostringstream text_;
  std::vector<std::string> names_;
};

std::vector<Row> integer_rows() {
  const std::vector<std::uint32_t> corners = {
      0,          1,          2,          31,         32,         33,         0x7fffffff,
      0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 0x55555555, 0x0000ffff, 0x00010000};
  std::vector<Row> rows;
  for (const std::uint32_t a : corners) {
    for (const std::uint32_t b : corners) {
      rows.push_back({a, b, a ^ b, 0});
    }
  }
  Draw draw(1);
  for (unsigned n = 0; n < 400; ++n) {
    const std::uint32_t small = 32 - draw() % 32;
    rows.push_back({draw(), draw() >> (32 - small), draw(), 0});
  }
  return rows;
}

std::vector<Row> float_rows() {
  const std::vector<std::uint32_t> corners = {
      0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000,
      0xffc12345, 0x7f800001, 0xff923456, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff,
      0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3fc00000, 0x40200000,
      0x4f000000, 0xcf000000, 0x4effffff, 0x4f800000, 0x4f7fffff, 0xbf7fffff, 0x3f7fffff,
      0x34000000, 0x33800000, 0x7fffffff, 0x80000000};
  std::vector<Row> rows;
  Draw draw(2);
  const auto any = [&draw] { return draw(); };
  for (const std::uint32_t a : corners) {
    for (const std::uint32_t b : corners) {
      rows.push_back({a, b, corners[draw() % corners.size()], draw() % 2});
    }
  }
  for (unsigned n = 0; n < 700; ++n) {
    rows.push_back({any(), any(), any(), any() & 31u});
    // Exponents close to each other, so that sums cancel and quotients are ordinary.
    const std::uint32_t exponent = (1 + draw() % 253) << 23;
    const auto near = [&] {
      return (any() & 0x807fffffu) | (exponent + ((draw() % 5) << 23) - (2u << 23));
    };
    rows.push_back({near(), near(), near(), draw() % 2});
    // The addend cancels the product up to a few last places.
    const std::uint32_t a = (any() & 0x807fffffu) | ((100 + draw() % 50) << 23);
    const std::uint32_t b = (any() & 0x807fffffu) | ((100 + draw() % 50) << 23);
    const float product = std::bit_cast<float>(a) * std::bit_cast<float>(b);
    rows.push_back({a, b, std::bit_cast<std::uint32_t>(-product) + draw() % 3 - 1, draw() % 2});
  }
  return rows;
}

std::vector<Row> half_rows() {
  const std::vector<std::uint32_t> corners = {
      0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xfd55, 0x0001,
      0x8001, 0x03ff, 0x0400, 0x8400, 0x7bff, 0xfbff, 0x3800, 0x3e00, 0x7800, 0x1400};
  std::vector<Row> rows;
  Draw draw(3);
  const auto any = [&draw] { return draw(); };
  for (const std::uint32_t a : corners) {
    for (const std::uint32_t b : corners) {
      rows.push_back(
          {a | any() << 16, b | any() << 16, corners[draw() % corners.size()], draw() % 2});
    }
  }
  for (unsigned n = 0; n < 1500; ++n) {
    rows.push_back({any(), any(), any(), draw() % 2});
  }
  return rows;
}

constexpr const char* kModes[] = {"rne", "rtz", "rdn", "rup", "rmm", "dyn"};

// One block per instruction and rounding mode. `r` is the prefix of its registers ("fa" or "a");
// results that are not floating-point go to an x register in both cases.
void add_float_blocks(Program& program, const std::string& size, bool f_registers) {
  const std::string r = f_registers ? "fa" : "a";
  const std::string in =
      f_registers ? "  fmv.w.x fa0, a0\n  fmv.w.x fa1, a1\n  fmv.w.x fa2, a2\n" : "";
  const std::string out = f_registers ? "  fmv.x.w a3, fa3\n" : "";
  unsigned frm = 0;
  const auto add = [&](const std::string& text, bool to_float, const std::string& mode) {
    std::string body = in + "  csrw fflags, a5\n";
    if (mode == "dyn") {
      body += "  csrwi frm, " + std::to_string(frm++ % 5) + "\n";
    }
    program.block(body + "  " + text + "\n  csrr a4, fflags\n" + (to_float ? out : ""));
  };
  const std::string d = r + "3, ";
  const std::string a = r + "0";
  const std::string ab = a + ", " + r + "1";
  const std::string abc = ab + ", " + r + "2";
  for (const std::string mode : kModes) {
    for (const char* op : {"fmadd.", "fmsub.", "fnmsub.", "fnmadd."}) {
      add(op + size + " " + d + abc + ", " + mode, true, mode);
    }
    for (const char* op : {"fadd.", "fsub.", "fmul.", "fdiv."}) {
      add(op + size + " " + d + ab + ", " + mode, true, mode);
    }
    add("fsqrt." + size + " " + d + a + ", " + mode, true, mode);
    for (const char* op : {"fcvt.w.", "fcvt.wu."}) {
      add(op + size + " a3, " + a + ", " + mode, false, mode);
    }
    for (const char* op : {".w ", ".wu "}) {
      add("fcvt." + size + op + d + "a0, " + mode, true, mode);
    }
    if (size == "h") {
      add("fcvt.h.s " + d + a + ", " + mode, true, mode);
    }
  }
  // qemu 7.2 returns one constant for fsgnjn.h and fsgnjx.h under Zhinx, whatever the operands:
  // these two are held to their definition in a unit test.
  for (const std::string op : {"fsgnj.", "fsgnjn.", "fsgnjx.", "fmin.", "fmax."}) {
    if (size != "h" || (op != "fsgnjn." && op != "fsgnjx.")) {
      add(op + size + " " + d + ab, true, "");
    }
  }
  for (const char* op : {"feq.", "flt.", "fle."}) {
    add(op + size + " a3, " + ab, false, "");
  }
  add("fclass." + size + " a3, " + a, false, "");
  if (size == "h") {
    add("fcvt.s.h " + d + a, true, "");
  }
}

}  // namespace

TEST_CASE("integer instructions give the values of qemu") {
  Program program(integer_rows());
  const auto one = [&program](const std::string& text) {
    program.block("  li a4, 0\n  " + text + "\n");
  };
  for (const char* op : {"add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and",
                         "mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu"}) {
    one(std::string(op) + " a3, a0, a1");
    one("mv a3, a0\n  " + std::string(op) + " a3, a3, a3");
  }
  for (const char* op : {"addi", "slti", "sltiu", "xori", "ori", "andi"}) {
    for (const char* imm : {"0", "1", "-1", "2047", "-2048", "1365"}) {
      one(std::string(op) + " a3, a0, " + imm);
    }
  }
  for (const char* op : {"slli", "srli", "srai"}) {
    for (const char* imm : {"0", "1", "13", "31"}) {
      one(std::string(op) + " a3, a0, " + imm);
    }
  }
  one("lui a3, 0xfffff");
  one("auipc a3, 0x12345\n  sub a3, a3, s1");
  one("jal a3, 2f\n  li a4, 1\n2: sub a3, a3, s1");
  for (const char* op : {"beq", "bne", "blt", "bge", "bltu", "bgeu"}) {
    one("li a3, 1\n  " + std::string(op) + " a0, a1, 2f\n  li a3, 0\n2:");
  }
  // Compressed forms that the assembler picks by itself on registers a0..a5.
  one("mv a3, a0\n  addi a3, a3, -7\n  slli a3, a3, 3\n  srai a3, a3, 2\n  andi a3, a3, 29\n"
      "  sub a3, a3, a1\n  xor a3, a3, a2\n  or a3, a3, a0\n  and a3, a3, a1");
  program.check("rv32im", "rv32");
  program.check("rv32imc", "rv32");
}

TEST_CASE("loads and stores, aligned or not, give the values of qemu") {
  Program program(integer_rows());
  for (const char* load : {"lb", "lh", "lw", "lbu", "lhu"}) {
    for (const char* store : {"sb", "sh", "sw"}) {
      program.block("  la a4, scratch\n  andi a5, a1, 31\n  add a4, a4, a5\n  " +
                    std::string(store) + " a0, 3(a4)\n  " + load + " a3, 2(a4)\n  lw a4, 4(a4)\n");
    }
  }
  program.check("rv32imc", "rv32");
}

TEST_CASE("floating-point CSRs give the values of qemu") {
  Program program(integer_rows());
  for (const char* csr : {"fflags", "frm", "fcsr"}) {
    for (const char* op : {"csrrw", "csrrs", "csrrc"}) {
      program.block("  csrw fcsr, a1\n  " + std::string(op) + " a3, " + csr +
                    ", a0\n  csrr a4, fcsr\n");
      program.block("  csrw fcsr, a1\n  " + std::string(op) + "i a3, " + csr +
                    ", 21\n  csrr a4, fcsr\n");
    }
  }
  program.check("rv32imfc_zicsr", "rv32,d=off");
}

TEST_CASE("F gives the values and flags of qemu in every rounding mode") {
  Program program(float_rows());
  add_float_blocks(program, "s", true);
  program.check("rv32imfc_zicsr", "rv32,d=off");
}

TEST_CASE("Zfinx gives the values and flags of qemu in every rounding mode") {
  Program program(float_rows());
  add_float_blocks(program, "s", false);
  program.check("rv32imc_zfinx_zicsr", "rv32,f=off,d=off,zfinx=on");
}

TEST_CASE("Zhinx gives the values and flags of qemu in every rounding mode") {
  Program program(half_rows());
  add_float_blocks(program, "h", false);
  program.check("rv32imc_zfinx_zhinx_zicsr", "rv32,f=off,d=off,zfinx=on,zhinx=on");
}
