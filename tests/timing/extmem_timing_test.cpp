// SPDX-License-Identifier: Apache-2.0
// HyperRAM and flash through the SoC bus, asked for directly. 300 MHz: ns * 0.3 = cycles.
#include <array>
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

/// One access to a memory behind its socket, in cycle `now`; the first cycle after it.
std::uint64_t access(ClusterClock& clock, TlmTarget& target, tlm::tlm_command command,
                     std::uint64_t offset, std::vector<std::uint8_t>& data, std::uint64_t now,
                     AccessExtension::Kind kind = AccessExtension::Kind::kBurst) {
  tlm::tlm_generic_payload payload;
  auto* extension = new AccessExtension;
  extension->kind = kind;
  payload.set_extension(extension);
  payload.set_command(command);
  payload.set_address(offset);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  sc_core::sc_time delay = clock.delay_to(Cycle{now});
  target.b_transport(payload, delay);
  return payload.is_response_ok() ? clock.after(delay).raw() : 0;
}

}  // namespace

TEST_CASE("HyperRAM: access time once per burst, then 333 MB/s, then recovery", "[extmem]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::vector<std::uint8_t> piece(256);
    const auto read = [&](std::uint64_t offset, std::uint64_t now) {
      return access(soc.clock, soc.hyperram, tlm::TLM_READ_COMMAND, offset, piece, now);
    };
    const std::uint64_t first = read(0, 100);
    const std::uint64_t second = read(256, first);
    const std::uint64_t elsewhere = read(4096, second);
    const std::uint64_t idle = read(8192, 5000);
    return Numbers{first,
                   second,
                   elsewhere,
                   idle,
                   soc.hyperram.bursts_.value,
                   soc.hyperram.burst_bytes().raw()};
  });
  // 56 ns + 256 B / 333 MB/s = 824.8 ns = 247.4 cycles -> 248: 100 + 248.
  // It goes on: 56 + 1537.5 = 1593.5 ns = 478.1 -> 479 from the same start: 100 + 479.
  // Elsewhere: 36 ns = 10.8 -> 11 cycles of recovery, then 248: 579 + 11 + 248.
  // Long after: 5000 + 248. A burst holds (3500 - 56) ns * 0.333 = 1146.8 -> 1146 bytes.
  CHECK(found == Numbers{348, 579, 838, 5248, 3, 1146});
}

TEST_CASE("HyperRAM: a long access is cut where the controller must let the device refresh",
          "[extmem]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::vector<std::uint8_t> block(2048);
    return Numbers{access(soc.clock, soc.hyperram, tlm::TLM_WRITE_COMMAND, 0, block, 0),
                   access(soc.clock, soc.hyperram, tlm::TLM_READ_COMMAND, 0, block, 0),
                   soc.hyperram.bursts_.value, soc.hyperram.conflicts_.value};
  });
  // 1146 B: 56 + 3441.4 ns = 1049.2 -> 1050; recovery 11; 902 B: 56 + 2708.7 = 829.4 -> 830.
  // The read was asked for in 0 and waits for the write: 1891 + 11, then the same 1891 again.
  CHECK(found == Numbers{1050 + 11 + 830, 1891 + 11 + 1891, 4, 1891});
}

TEST_CASE("Flash: reading, programming that only clears, erasing, wear", "[extmem]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::vector<std::uint8_t> page(256);
    Numbers result;
    result.push_back(access(soc.clock, soc.flash, tlm::TLM_READ_COMMAND, 0, page, 100));
    result.push_back(page[0]);
    std::fill(page.begin(), page.end(), std::uint8_t{0xF0});
    result.push_back(access(soc.clock, soc.flash, tlm::TLM_WRITE_COMMAND, 0, page, 1000));
    std::fill(page.begin(), page.end(), std::uint8_t{0x3C});
    access(soc.clock, soc.flash, tlm::TLM_WRITE_COMMAND, 0, page, 200000);
    access(soc.clock, soc.flash, tlm::TLM_READ_COMMAND, 0, page, 400000);
    result.push_back(page[0]);
    result.push_back(soc.flash.lost_bits_.value);
    result.push_back(soc.flash.take_warnings().size());
    std::vector<std::uint8_t> range(4097);
    result.push_back(access(soc.clock, soc.flash, tlm::TLM_WRITE_COMMAND, 0, range, 1000000,
                            AccessExtension::Kind::kErase));
    access(soc.clock, soc.flash, tlm::TLM_READ_COMMAND, 0, page, 70000000);
    result.push_back(page[0]);
    result.push_back(soc.flash.max_wear());
    result.push_back(soc.flash.sectors_.value);
    return result;
  });
  // Read: 115 ns + 256 B / 400 MB/s = 755 ns = 226.5 -> 227 cycles. Erased bytes are 0xFF.
  // Program: 640 ns into the page buffer + 150 us = 45192 cycles.
  // 0xF0 then 0x3C leaves 0x30; none of the 256 bytes became 0x3C: one warning.
  // 4097 bytes touch two sectors: 160 ms = 48,000,000 cycles.
  CHECK(found == Numbers{327, 0xFF, 46192, 0x30, 256, 1, 49000000, 0xFF, 1, 2});
}

TEST_CASE("Flash: reads that follow each other pay one command", "[extmem]") {
  const Numbers found = in_child([] {
    SocBench soc;
    std::vector<std::uint8_t> piece(256);
    const auto first = access(soc.clock, soc.flash, tlm::TLM_READ_COMMAND, 0, piece, 0);
    const auto second = access(soc.clock, soc.flash, tlm::TLM_READ_COMMAND, 256, piece, first);
    return Numbers{first, second, soc.flash.reads_.value};
  });
  CHECK(found == Numbers{227, 419, 1});  // (115 + 640) ns, (115 + 1280) ns
}

TEST_CASE("external memories: addresses outside and wrong parameters", "[extmem]") {
  ClusterClock clock(300e6);
  HyperramConfig ram;
  ram.size = Bytes{4096};
  Hyperram hyperram("hyperram", ram, clock);
  std::vector<std::uint8_t> data(8);
  CHECK(access(clock, hyperram, tlm::TLM_READ_COMMAND, 4092, data, 0) == 0);
  ram.burst_cap_ns = 50;
  CHECK_THROWS_AS(Hyperram("capped", ram, clock), UserError);
  FlashConfig nor;
  nor.size = Bytes{4095};
  CHECK_THROWS_AS(Flash("odd", nor, clock), UserError);
  nor = {};
  nor.read_mb_s = 0;
  CHECK_THROWS_AS(Flash("still", nor, clock), UserError);
}
