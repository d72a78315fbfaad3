// SPDX-License-Identifier: Apache-2.0
// Decoder and disassembler against llvm-mc-19: the same words are legal, and they read the same.
#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "models/iss/isa/decode.h"
#include "models/iss/isa/disassemble.h"
#include "models/iss/isa/op_info.h"
#include "tests/support/skip.h"
#include "tests/support/toolchain.h"

using namespace etude;
using etude::test::TempDir;

namespace {

// Runs the disassembler on `words`; the text of each word it accepts, by word.
std::map<std::uint32_t, std::string> llvm(const std::vector<std::uint32_t>& words,
                                          const std::string& attributes, unsigned bytes,
                                          const std::string& options) {
  test::need_program("llvm-mc-19");
  TempDir folder;
  std::string input;
  for (const std::uint32_t word : words) {
    for (unsigned k = 0; k < bytes; ++k) {
      char text[8];
      std::snprintf(text, sizeof text, "0x%02x ", word >> (8 * k) & 255u);
      input += text;
    }
    input += '\n';
  }
  test::write_text(folder / "in.txt", input);
  std::istringstream lines(test::capture(
      "llvm-mc-19 --disassemble --arch=riscv32 --show-encoding "
      "--mattr=" +
          attributes + " " + options + " " + (folder / "in.txt").string() + " 2>/dev/null",
      false));
  std::map<std::uint32_t, std::string> result;
  for (std::string line; std::getline(lines, line);) {
    const auto mark = line.find("# encoding: [");
    if (mark == std::string::npos) {
      continue;
    }
    std::uint32_t word = 0;
    unsigned shift = 0;
    for (std::size_t at = mark + 13; line[at] != ']'; at += line[at + 4] == ',' ? 5 : 4) {
      word |= static_cast<std::uint32_t>(std::stoul(line.substr(at, 4), nullptr, 16)) << shift;
      shift += 8;
    }
    std::string text = line.substr(0, mark);
    for (char& c : text) {
      c = c == '\t' ? ' ' : c;
    }
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    result[word] = text;
  }
  return result;
}

// llvm-mc writes branch offsets in decimal; ours are absolute.
std::string with_target(const std::string& text, std::uint32_t pc) {
  const std::size_t at = text.find_last_of(' ') + 1;
  char target[16];
  std::snprintf(target, sizeof target, "0x%x",
                pc + static_cast<std::uint32_t>(std::stol(text.substr(at))));
  return text.substr(0, at) + target;
}

// Words that llvm-mc takes although they are reserved: shift amounts above 31 in RV32I, and a
// bit-reversal with any of bits 29:27 set (illegal in the core's decoder).
bool reserved(std::uint32_t word) {
  const bool shift = (word & 0x7f) == 0x13 && (word >> 12 & 3) == 1;
  const bool bitrev = (word & 0xc000707f) == 0xc000105b;
  return (shift && (word >> 25 & 1) != 0) || (bitrev && (word >> 27 & 7) != 0);
}

void compare(const std::vector<std::uint32_t>& words, const std::string& isa_string,
             const std::string& attributes) {
  IsaConfig isa = parse_isa(isa_string);
  isa.corev_cluster = true;
  const auto expected = llvm(words, attributes, 4, "-M no-aliases");
  constexpr std::uint32_t kPc = 0x00100000;
  unsigned different = 0;
  unsigned legal = 0;
  for (const std::uint32_t word : words) {
    const Instr instr = decode(word, isa);
    const auto found = expected.find(word);
    const bool known = found != expected.end() && !reserved(word);
    const std::string ours = instr.op == Op::kIllegal ? "illegal" : disassemble(instr, kPc);
    std::string theirs = known ? found->second : "illegal";
    if (instr.timing == TimingClass::kCsr && ours.find_first_of("0123456789") < ours.rfind(',')) {
      continue;  // a register that has no name here
    }
    if (known && (instr.timing == TimingClass::kBranch || instr.timing == TimingClass::kJal)) {
      theirs = with_target(theirs, kPc);
    }
    // The dynamic rounding mode goes without saying in ours.
    if (theirs.ends_with(", dyn")) {
      theirs.resize(theirs.size() - 5);
    }
    legal += known ? 1 : 0;
    if (ours != theirs && ++different <= 40) {
      char text[16];
      std::snprintf(text, sizeof text, "%08x", word);
      UNSCOPED_INFO(text << ": " << ours << " | llvm: " << theirs);
    }
  }
  CHECK(different == 0);
  CHECK(legal > words.size() / 20);
}

constexpr const char* kXcv = "_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvelw";
constexpr const char* kXcvAttributes =
    ",+xcvmem,+xcvmac,+xcvsimd,+xcvalu,+xcvbitmanip,+xcvbi,+xcvelw";

// Every value of the selecting fields, the others drawn.
std::vector<std::uint32_t> sweep(const std::vector<std::uint32_t>& opcodes, unsigned repeats) {
  std::mt19937 draw(20240611);
  std::vector<std::uint32_t> words;
  for (const std::uint32_t opcode : opcodes) {
    for (std::uint32_t f7 = 0; f7 < 128; ++f7) {
      for (std::uint32_t f3 = 0; f3 < 8; ++f3) {
        for (unsigned n = 0; n < repeats; ++n) {
          const std::uint32_t fields = draw() & 0x01ff8f80u;
          const std::uint32_t rs2 = n == 0 ? 0u : fields & 0x01f00000u;
          words.push_back(opcode | f3 << 12 | f7 << 25 | (fields & 0x000f8f80u) | rs2);
        }
      }
    }
  }
  return words;
}

}  // namespace

TEST_CASE("base instructions decode and read as llvm-mc has them") {
  std::vector<std::uint32_t> words =
      sweep({0x03, 0x13, 0x17, 0x23, 0x33, 0x37, 0x63, 0x67, 0x6f, 0x73}, 4);
  // The specification has reserved fields of fence ignored; llvm-mc wants them zero.
  for (std::uint32_t sets = 0; sets < 256; ++sets) {
    words.push_back(sets << 20 | 0x0f);
  }
  words.insert(words.end(),
               {0x8330000fu, 0x100fu, 0x00000073u, 0x00100073u, 0x30200073u, 0x10500073u});
  compare(words, "rv32im_zicsr_zifencei", "+m,+zicsr,+zifencei");
}

TEST_CASE("privileged instructions of other modes and long compressed shifts are illegal") {
  const IsaConfig isa = parse_isa("rv32imc_zicsr");
  for (const std::uint32_t word : {0x10200073u, 0x12000073u, 0x7b200073u, 0x1002u, 0x9001u}) {
    CHECK(decode(word, isa).op == Op::kIllegal);
  }
}

TEST_CASE("F decodes and reads as llvm-mc has it") {
  compare(sweep({0x07, 0x27, 0x43, 0x47, 0x4b, 0x4f, 0x53}, 8), "rv32if", "+f");
}

TEST_CASE("Zfinx and Zhinx decode and read as llvm-mc has them") {
  compare(sweep({0x07, 0x27, 0x43, 0x47, 0x4b, 0x4f, 0x53}, 8), "rv32i_zfinx_zhinx",
          "+zfinx,+zhinx");
}

TEST_CASE("CORE-V instructions decode and read as llvm-mc has them") {
  std::vector<std::uint32_t> words = sweep({0x0b, 0x2b, 0x5b, 0x7b}, 6);
  // Hardware loops (0x2b, funct3 4) are unknown to llvm-mc.
  std::erase_if(words, [](std::uint32_t word) { return (word & 0x707f) == 0x402b; });
  compare(words, std::string("rv32im") + kXcv, std::string("+m") + kXcvAttributes);
}

TEST_CASE("each compressed word is legal as for llvm-mc, and expands to what it assembles") {
  for (const bool with_f : {false, true}) {
    const IsaConfig isa = parse_isa(with_f ? "rv32ifc" : "rv32ic");
    std::vector<std::uint32_t> halves;
    for (std::uint32_t half = 0; half < 0x10000; ++half) {
      // llvm-mc takes shift amounts above 31, which RV32C leaves to custom extensions.
      const bool slli = (half & 0xe003) == 0x0002;
      const bool srli_srai = (half & 0xe803) == 0x8001;
      const bool long_shift = (slli || srli_srai) && (half & 0x1000) != 0;
      if ((half & 3) != 3 && !long_shift) {
        halves.push_back(half);
      }
    }
    const auto texts = llvm(halves, with_f ? "+c,+f" : "+c", 2, "");
    TempDir folder;
    std::string source;
    std::vector<std::uint32_t> legal;
    std::vector<std::uint32_t> hints;
    for (const auto& [half, text] : texts) {
      if (half == 0 || text.starts_with("lui") || text.starts_with("c.lui")) {
        // All zeros, and c.lui without an immediate, are reserved.
        if (half == 0 || (half & 0x107c) == 0) {
          continue;
        }
      }
      if (text.starts_with("mv")) {
        // The specification's expansion is add rd, x0, rs2; llvm-mc's alias is an addi.
        source += "add " + text.substr(3, text.find(',') - 3) + ", zero" +
                  text.substr(text.find(',')) + "\n";
        legal.push_back(half);
        continue;
      }
      if (text.starts_with("c.")) {  // a hint has no 32-bit spelling
        hints.push_back(half);
        continue;
      }
      source += text + "\n";
      legal.push_back(half);
    }
    test::write_text(folder / "all.s", source);
    test::capture("llvm-mc-19 --arch=riscv32 --mattr=-c,+f --filetype=obj -o " +
                  (folder / "all.o").string() + " " + (folder / "all.s").string());
    test::capture("llvm-objcopy-19 -O binary -j .text " + (folder / "all.o").string() + " " +
                  (folder / "all.bin").string());
    const auto image = test::read_bytes(folder / "all.bin");
    REQUIRE(image.size() == 4 * legal.size());
    std::map<std::uint32_t, std::uint32_t> expansion;
    for (std::size_t n = 0; n < legal.size(); ++n) {
      expansion[legal[n]] = image[4 * n] | image[4 * n + 1] << 8 | image[4 * n + 2] << 16 |
                            static_cast<std::uint32_t>(image[4 * n + 3]) << 24;
    }
    unsigned different = 0;
    for (const std::uint32_t half : hints) {
      const Instr hint = decode(half, isa);
      const bool shift_by_0 = hint.op >= Op::kSlli && hint.op <= Op::kSrai && hint.imm == 0;
      const bool add_0 = hint.op == Op::kAddi && hint.imm == 0 && hint.rd == hint.rs1;
      const bool nothing = hint.d == kSinkReg || shift_by_0 || add_0;
      if (hint.op == Op::kIllegal || !nothing) {
        UNSCOPED_INFO(std::hex << half << " is a hint: " << texts.at(half));
        ++different;
      }
      expansion[half] = expand_compressed(static_cast<std::uint16_t>(half), isa);
    }
    for (const std::uint32_t half : halves) {
      const std::uint32_t ours = expand_compressed(static_cast<std::uint16_t>(half), isa);
      const auto found = expansion.find(half);
      const std::uint32_t theirs = found == expansion.end() ? 0 : found->second;
      if (ours != theirs && ++different <= 20) {
        UNSCOPED_INFO(std::hex << half << ": " << ours << " | llvm: " << theirs << " "
                               << (found == expansion.end() ? "" : texts.at(half)));
      }
      const Instr instr = decode(half, isa);
      if ((instr.op == Op::kIllegal) != (theirs == 0)) {
        ++different;
      }
    }
    CHECK(different == 0);
  }
}
