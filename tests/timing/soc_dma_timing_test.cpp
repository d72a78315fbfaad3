// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>

#include "models/base/error.h"
#include "tests/support/in_child.h"
#include "tests/support/soc_bench.h"

using namespace etude;
using etude::test::in_child;
using etude::test::Numbers;
using etude::test::SocBench;

namespace {
constexpr std::uint32_t kL2 = ETUDE_L2_BASE;
constexpr std::uint32_t kRam = ETUDE_HYPERRAM_BASE;
constexpr std::uint32_t kFlash = ETUDE_FLASH_BASE;
}  // namespace

TEST_CASE("SoC DMA: HyperRAM to L2, one piece and many", "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    for (unsigned i = 0; i < 4096; ++i) {
      soc.hyperram.data()[i] = static_cast<std::uint8_t>(i * 7 + (i >> 8));
    }
    soc.launch(kRam, kL2, 256, 100);
    Numbers result = soc.drain(100);
    soc.launch(kRam, kL2 + 4096, 4096, 10100);
    result.push_back(soc.drain(10100).at(0));
    result.push_back(
        static_cast<std::uint64_t>(std::memcmp(soc.l2.data() + 4096, soc.hyperram.data(), 4096)));
    result.push_back(soc.soc_dma.ext_to_l2_.value);
    result.push_back(soc.soc_dma.completed());
    return result;
  });
  // Launch 4, 256 B read 248 (56 ns + 256 B / 333 MB/s), 32 beats into L2 and its latency of 10:
  // the last beat is in 352 + 31, the response in 393.
  CHECK(found[0] == 100 + 4 + 248 + 31 + 10);
  // 4096 B are 3 bursts of 1146 B (1050 cycles + 11 of recovery) and one of 658 B (56 + 1976 ns ->
  // 610); writing is hidden behind reading, except the last piece.
  CHECK(found[1] == 10100 + 4 + 3 * (1050 + 11) + 610 + 31 + 10);
  CHECK(found[2] == 0);
  CHECK(found[3] == 256 + 4096);
  CHECK(found[4] == 2);
}

TEST_CASE("SoC DMA: L2 to HyperRAM keeps the burst open", "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    soc.launch(kL2, kRam, 1024, 0);
    Numbers result = soc.drain(0);
    result.push_back(soc.hyperram.bursts_.value);
    result.push_back(soc.soc_dma.l2_to_ext_.value);
    return result;
  });
  // First piece from L2: 4 + 10 + 32 beats = 46; then 56 ns + 1024 B / 333 MB/s = 3131 ns -> 940.
  CHECK(found == Numbers{46 + 940, 1, 1024});
}

TEST_CASE("SoC DMA: rows with a stride on the external side, dense in L2", "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    for (unsigned i = 0; i < 1000; ++i) {
      soc.hyperram.data()[i] = static_cast<std::uint8_t>(i);
    }
    soc.launch(kRam + 10, kL2, 20, 0, 3, 100);
    soc.launch(kL2, kRam + 2000, 20, 0, 3, 50);
    soc.drain(0);
    Numbers wrong(2, 0);
    for (unsigned row = 0; row < 3; ++row) {
      for (unsigned i = 0; i < 20; ++i) {
        const auto value = static_cast<std::uint8_t>(10 + row * 100 + i);
        wrong[0] += soc.l2.data()[row * 20 + i] != value;
        wrong[1] += soc.hyperram.data()[2000 + row * 50 + i] != value;
      }
    }
    return wrong;
  });
  CHECK(found == Numbers{0, 0});
}

TEST_CASE("SoC DMA: a page-in launched right after its page-out reads what was written",
          "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::memset(soc.l2.data(), 0x5A, 2048);
    soc.launch(kL2, kRam, 2048, 0);
    soc.launch(kRam, kL2 + 8192, 2048, 1);
    const Numbers done = soc.drain(1);
    return Numbers{done.size(), static_cast<std::uint64_t>(
                                    std::memcmp(soc.l2.data(), soc.l2.data() + 8192, 2048))};
  });
  CHECK(found == Numbers{2, 0});
}

TEST_CASE("SoC DMA: stepping every cycle or only the named ones is the same", "[soc_dma]") {
  const auto run = [](bool every) {
    return in_child([every] {
      SocBench soc;
      soc.launch(kRam, kL2, 3000, 0);
      soc.launch(kL2 + 4096, kRam + 8192, 700, 0);
      soc.launch(kL2 + 8192, kL2 + 16384, 5000, 0);
      soc.launch(kRam, kRam + 65536, 600, 0);
      return soc.drain(0, every);
    });
  };
  const Numbers jumped = run(false);
  CHECK(jumped.size() == 4);
  CHECK(jumped == run(true));
}

TEST_CASE("SoC DMA and cluster DMA share the L2 channel", "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    soc.launch(kRam, kL2, 256, 0);
    soc.soc_dma.step(soc.soc_dma.next_activity());
    const std::uint64_t ready = soc.soc_dma.next_activity().raw();
    soc.soc_dma.step(Cycle{ready});  // 32 beats on the write channel from here
    return Numbers{ready, soc.write(soc.dma, kL2 + 4096, 64, ready + 1, ready + 8),
                   soc.l2.conflicts_.value};
  });
  // 8 beats that could go out from ready + 1 wait until ready + 32, and end in ready + 39, + 10.
  CHECK(found == Numbers{252, 252 + 39 + 10, 39 - 8});
}

TEST_CASE("SoC DMA: erase and program a flash page, page it back in", "[soc_dma]") {
  const Numbers found = in_child([] {
    FlashConfig config;
    config.size = Bytes{1 << 20};
    config.page_program_us = 1;
    config.sector_erase_ms = 0.001;
    SocBench soc({}, {}, config);
    std::memset(soc.l2.data(), 0x11, 512);
    soc.launch(ETUDE_SOC_DMA_SRC_ERASE, kFlash, 512, 0);
    soc.launch(kL2, kFlash, 512, 0);
    soc.launch(kFlash, kL2 + 4096, 512, 0);
    Numbers result = soc.drain(0);
    result.push_back(
        static_cast<std::uint64_t>(std::memcmp(soc.l2.data(), soc.l2.data() + 4096, 512)));
    result.push_back(soc.flash.pages_.value);
    return result;
  });
  // Launch 4 + 1 us of erasing = 304. First page from L2: 42 cycles; each page 640 ns + 1 us =
  // 492. Reading 512 B: 115 + 1280 ns = 418.5 -> 419; the last piece into L2: 31 + 10.
  CHECK(found == Numbers{304, 304 + 42 + 2 * 492, 304 + 42 + 2 * 492 + 419 + 41, 0, 2});
}

TEST_CASE("SoC DMA: queue, empty transfers, wrong addresses", "[soc_dma]") {
  const Numbers found = in_child([] {
    SocBench soc;
    Numbers result;
    for (unsigned i = 0; i < 16; ++i) {
      result.push_back(soc.launch(kRam, kL2, 64, 0) == i ? 1 : 0);
    }
    const bool full = !soc.soc_dma.read_register(ETUDE_SOC_DMA_START, Cycle{1});
    Numbers summary{static_cast<std::uint64_t>(std::count(result.begin(), result.end(), 1)),
                    full ? 1u : 0u, soc.drain(0).size()};
    soc.launch(kRam, kL2, 0, 100000);
    summary.push_back(soc.drain(100000).size());
    summary.push_back(soc.soc_dma.take_warnings().size());
    soc.launch(ETUDE_L1_BASE, kL2, 64, 200000);
    try {
      soc.drain(200000);
      summary.push_back(0);
    } catch (const ProgramError&) {
      summary.push_back(1);
    }
    return summary;
  });
  CHECK(found == Numbers{16, 1, 16, 1, 1, 1});
}
