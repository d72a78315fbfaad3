// SPDX-License-Identifier: Apache-2.0
#include "models/tcdm/tcdm.h"

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "models/base/error.h"

using namespace etude;
using namespace etude::literals;

namespace {

std::map<std::string, std::uint64_t> counters(const Tcdm& tcdm) {
  std::map<std::string, std::uint64_t> all;
  tcdm.visit_counters([&](const Counter& c) { all[c.name] = c.value; });
  return all;
}

}  // namespace

TEST_CASE("bytes, halves and words are little endian and words lie in successive banks", "[tcdm]") {
  Tcdm tcdm(sc_core::sc_gen_unique_name("tcdm"), {16, 4_KiB});
  tcdm.write(8, 4, 0x04030201);
  CHECK(tcdm.read(8, 1) == 0x01);
  CHECK(tcdm.read(10, 2) == 0x0403);
  CHECK(tcdm.read(9, 3) == 0x040302);
  tcdm.write(9, 1, 0xFFFFFFAA);
  tcdm.write(10, 2, 0xBBCC);
  CHECK(tcdm.read(8, 4) == 0xBBCCAA01);
  tcdm.write_enabled(8, 0x11223344, 0b0110);
  CHECK(tcdm.read(8, 4) == 0xBB223301);
  CHECK(tcdm.bank_of(8) == 2);
  CHECK(tcdm.bank_of(64) == 0);
  CHECK(tcdm.size() == 4096);
  CHECK(counters(tcdm)["reads"] == 5);
  CHECK(counters(tcdm)["writes"] == 4);
}

TEST_CASE("test-and-set returns the old word and leaves ones", "[tcdm]") {
  Tcdm tcdm(sc_core::sc_gen_unique_name("tcdm"), {16, 4_KiB});
  tcdm.write(12, 4, 7);
  CHECK(tcdm.test_and_set(12) == 7);
  CHECK(tcdm.read(12, 4) == 0xFFFFFFFF);
}

TEST_CASE("a wide access runs over the row and over the end, and writes what it may", "[tcdm]") {
  Tcdm tcdm(sc_core::sc_gen_unique_name("tcdm"), {4, 1_KiB});
  for (std::uint32_t i = 0; i < 256; ++i) {
    tcdm.write(4 * i, 4, i);
  }
  std::array<std::uint8_t, 16> line{};
  tcdm.read_wide(1016, 4, line.data());  // words 254, 255, 0, 1
  CHECK(line[0] == 254);
  CHECK(line[4] == 255);
  CHECK(line[8] == 0);
  CHECK(line[12] == 1);

  for (std::uint8_t i = 0; i < 16; ++i) {
    line[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  const std::uint64_t enable = 0xF0F1;  // byte 0 of word 0, word 1 not, word 2 not, word 3 whole
  // From word 254: banks 2, 3, 0, 1; bank 1 (the last word) is not won.
  tcdm.write_wide(1016, 4, line.data(), &enable, 0b1101);
  CHECK(tcdm.read(1016, 4) == 0xA0);
  CHECK(tcdm.read(1020, 4) == 0xA7A6A5A4);
  CHECK(tcdm.read(0, 4) == 0);
  CHECK(tcdm.read(4, 4) == 1);
  CHECK(counters(tcdm)["partial_writes"] == 3);
  CHECK(counters(tcdm)["writes"] == 256 + 3);

  tcdm.write_wide(1016, 4, line.data(), &enable);
  CHECK(tcdm.read(4, 4) == 0xAFAEADAC);
  CHECK(counters(tcdm)["partial_writes"] == 3);
}

TEST_CASE("a memory that cannot be built is refused", "[tcdm]") {
  const auto make = [](TcdmConfig config) {
    Tcdm tcdm(sc_core::sc_gen_unique_name("tcdm"), config);
  };
  CHECK_THROWS_AS(make({3, 4_KiB}), UserError);
  CHECK_THROWS_AS(make({0, 4_KiB}), UserError);
  CHECK_THROWS_AS(make({128, 4_KiB}), UserError);
  CHECK_THROWS_AS(make({16, 0_B}), UserError);
  CHECK_THROWS_AS(make({16, 100_B}), UserError);
}

TEST_CASE("reset clears bytes and counters", "[tcdm]") {
  Tcdm tcdm(sc_core::sc_gen_unique_name("tcdm"), {16, 4_KiB});
  tcdm.write(0, 4, 1);
  tcdm.count_wasted_reads(3);
  CHECK(counters(tcdm)["wasted_reads"] == 3);
  tcdm.reset();
  CHECK(tcdm.data()[0] == 0);
  CHECK(counters(tcdm)["wasted_reads"] == 0);
  CHECK(counters(tcdm)["writes"] == 0);
}
