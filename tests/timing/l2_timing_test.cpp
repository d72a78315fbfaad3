// SPDX-License-Identifier: Apache-2.0
// L2 behind the SoC bus: latency 10 for bursts, 20 for words of cores, 8 bytes a cycle each way.
#include <array>
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/support/in_child.h"
#include "tests/support/soc_bench.h"

using namespace etude;
using etude::test::in_child;
using etude::test::Numbers;
using etude::test::SocBench;

TEST_CASE("L2: a burst's first beat comes after the latency, the channel is then taken", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    return Numbers{soc.read(soc.dma, ETUDE_L2_BASE, 256, 100),
                   soc.read(soc.icache, ETUDE_L2_BASE + 1024, 16, 101),
                   soc.read(soc.dma, ETUDE_L2_BASE + 4, 8, 200),
                   soc.read(soc.icache, ETUDE_L2_BASE + 64, 16, 201),
                   soc.l2.conflicts_.value,
                   soc.l2.read_busy_.value,
                   soc.l2.read_bytes_.value};
  });
  // 100 + 10; the burst's 256 / 8 = 32 beats take 110..141, so the line asked for in 101 starts in
  // 142 instead of 111 (31 cycles late). 8 bytes from offset 4 are two beats, 210 and 211.
  CHECK(found == Numbers{110, 142, 210, 212, 31 + 1, 32 + 2 + 2 + 2, 256 + 16 + 8 + 16});
}

TEST_CASE("L2: the response of a write comes a latency after its last beat", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    return Numbers{soc.write(soc.dma, ETUDE_L2_BASE, 256, 100, 131),
                   soc.write(soc.dma, ETUDE_L2_BASE + 256, 256, 132, 180),
                   soc.write(soc.icache, ETUDE_L2_BASE + 512, 64, 140, 147),
                   soc.read(soc.dma, ETUDE_L2_BASE, 8, 150)};
  });
  // 131 + 10. Beats with gaps, 132..180: 180 + 10. Those 32 beats hold the channel until 163, so 8
  // more start in 164 and end in 171, + 10. Reading has a channel of its own: 150 + 10.
  CHECK(found == Numbers{141, 190, 181, 160});
}

TEST_CASE("L2: the highest byte that anybody touched since the reset", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    Numbers ends{soc.l2.touched().raw()};
    soc.read(soc.dma, ETUDE_L2_BASE + 1024, 100, 100);
    ends.push_back(soc.l2.touched().raw());
    soc.write(soc.icache, ETUDE_L2_BASE + 512, 64, 200, 207);
    ends.push_back(soc.l2.touched().raw());
    soc.write(soc.dma, ETUDE_L2_BASE + 2048, 8, 300, 300);
    ends.push_back(soc.l2.touched().raw());
    soc.l2.reset();
    ends.push_back(soc.l2.touched().raw());
    return ends;
  });
  CHECK(found == Numbers{0, 1024 + 100, 1024 + 100, 2048 + 8, 0});
}

TEST_CASE("L2: a core's word takes 20 cycles and one beat of the channel", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::array<std::uint8_t, 4> word = {1, 2, 3, 4};
    const auto stored = soc.cores.write_word(Address{ETUDE_L2_BASE + 8}, word, Cycle{50}).raw();
    word = {};
    const auto loaded = soc.cores.read_word(Address{ETUDE_L2_BASE + 8}, word, Cycle{100}).raw();
    soc.read(soc.dma, ETUDE_L2_BASE, 256, 200);
    const auto late = soc.cores.read_word(Address{ETUDE_L2_BASE + 8}, word, Cycle{201}).raw();
    return Numbers{stored, loaded, late, word[0], word[3]};
  });
  // 50 + 20, 100 + 20. The burst of 200 holds 210..241; the word's beat is 242, its way back 10.
  CHECK(found == Numbers{70, 120, 252, 1, 4});
}

TEST_CASE("L2: byte strobes keep what they leave out", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    const std::array<std::uint8_t, 4> data = {9, 9, 9, 9};
    const std::array<std::uint8_t, 4> strobe = {0, 1, 0, 1};
    soc.dma.write(Address{ETUDE_L2_BASE}, data, strobe, Cycle{1}, Cycle{1});
    return Numbers{soc.l2.data()[0], soc.l2.data()[1], soc.l2.data()[2], soc.l2.data()[3]};
  });
  CHECK(found == Numbers{0, 9, 0, 9});
}

TEST_CASE("SoC bus: external memories answer the SoC DMA only, holes nobody", "[l2]") {
  const Numbers found = in_child([] {
    SocBench soc;
    Numbers refused;
    for (const std::uint32_t address : {ETUDE_HYPERRAM_BASE, ETUDE_FLASH_BASE, ETUDE_L2_BASE - 8,
                                        ETUDE_L2_BASE + 2048 * 1024 - 4, 0x00000000u}) {
      try {
        soc.read(soc.dma, address, 8, 1);
        refused.push_back(0);
      } catch (const ProgramError& error) {
        refused.push_back(std::string(error.what()).find("dma") != std::string::npos ? 1 : 2);
      }
    }
    return refused;
  });
  CHECK(found == Numbers{1, 1, 1, 1, 1});
}

TEST_CASE("L2: another latency moves bursts, another clock does not", "[l2]") {
  const Numbers found = in_child([] {
    L2Config config;
    config.latency = Cycle{25};
    config.core_latency = Cycle{20};
    SocBench soc(config);
    std::array<std::uint8_t, 4> word{};
    return Numbers{soc.read(soc.dma, ETUDE_L2_BASE, 8, 100),
                   soc.cores.read_word(Address{ETUDE_L2_BASE}, word, Cycle{200}).raw()};
  });
  CHECK(found == Numbers{125, 220});
}
