// SPDX-License-Identifier: Apache-2.0
// Every row of the table of encodings that were read from the RTL decodes to the named instruction.
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <string>

#include "models/iss/isa/decode.h"
#include "models/iss/isa/disassemble.h"
#include "tests/support/corev_words.h"
#include "tests/support/shared_data.h"

using namespace etude;

TEST_CASE("the table of CORE-V encodings decodes to the instructions it names") {
  const auto file = test::shared_file("reference/xcv_encodings.md");
  const IsaConfig isa = test::corev_isa();
  std::ifstream in(file);
  const std::regex row(R"(^\| `([^`]+)` \| ([0-9a-f]{8}) \|)");
  unsigned rows = 0;
  for (std::string line; std::getline(in, line);) {
    std::smatch cells;
    if (std::regex_search(line, cells, row)) {
      std::string expected = cells[1];
      if (expected.find("imm a") != std::string::npos) {  // a branch: ours is an address
        expected.replace(expected.rfind(' ') + 1, std::string::npos, "0x8");
      }
      const auto word = static_cast<std::uint32_t>(std::stoul(cells[2], nullptr, 16));
      CHECK(disassemble(word, isa, 0) == expected);
      ++rows;
    }
  }
  CHECK(rows >= 47);
}

TEST_CASE("cv.elw is legal with COREV_CLUSTER only") {
  IsaConfig isa = test::corev_isa();
  CHECK(decode(0x0045b50b, isa).op == Op::kCvElw);
  isa.corev_cluster = false;
  CHECK(decode(0x0045b50b, isa).op == Op::kIllegal);
}

TEST_CASE("the table's hardware-loop forms decode with loop number, count and addresses") {
  // Form of the table: opcode 0x2b, funct3 4, rd field = op * 2 + L.
  const IsaConfig isa = test::corev_isa();
  const auto loop = [&isa](std::uint32_t op, std::uint32_t l, std::uint32_t rs1,
                           std::uint32_t imm) {
    return disassemble(0x402bu | (op * 2 + l) << 7 | rs1 << 15 | imm << 20, isa, 0x100);
  };
  CHECK(loop(0, 0, 0, 3) == "cv.starti 0, 0x10c");
  CHECK(loop(1, 1, 5, 0) == "cv.start 1, t0");
  CHECK(loop(2, 1, 0, 4095) == "cv.endi 1, 0x40fc");
  CHECK(loop(3, 0, 6, 0) == "cv.end 0, t1");
  CHECK(loop(4, 1, 0, 77) == "cv.counti 1, 77");
  CHECK(loop(5, 0, 10, 0) == "cv.count 0, a0");
  CHECK(loop(6, 0, 31, 100) == "cv.setupi 0, 100, 0x17c");
  CHECK(loop(7, 1, 11, 8) == "cv.setup 1, a1, 0x120");
  // Reserved fields must be zero, and there are eight operations.
  CHECK(loop(0, 0, 1, 3) == ".word 0x30c02b");
  CHECK(loop(1, 0, 5, 1) == ".word 0x12c12b");
  CHECK(loop(8, 0, 0, 0) == ".word 0x482b");
}
