// SPDX-License-Identifier: Apache-2.0
// Whole programs of one core and of eight behind the instruction cache, against the RTL's cycles
// (icache_core.csv, prefetch off). The programs themselves are not recorded. Kernels A, C and F are
// straight additions between two stores, in a loop of so many passes as the row has numbers: as
// many additions as the row of ideal fetch has cycles, less one for the store. B, D and E (jumps)
// cannot be written anew from their cycles. What later passes of C find in the private cache hangs
// on every line that was replaced before, in kernels that are not known: they are kept beside.
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <sstream>

#include "models/icache/icache.h"
#include "models/iss/core/core.h"
#include "tests/support/core_bench.h"
#include "tests/support/fixed_latency_port.h"
#include "tests/support/shared_data.h"
#include "tests/support/validation.h"

using namespace etude;
using namespace etude::test;

namespace {

constexpr std::uint32_t kReset = 0x80;
constexpr std::uint32_t kMarkers = 0x1000F000;  ///< START, END, EXIT: stores are granted at once

/// Cycles from START to END of each pass of core 0, while `cores` cores run the same program.
std::vector<std::uint64_t> passes(const std::vector<std::uint8_t>& program, unsigned cores,
                                  unsigned latency) {
  std::vector<std::uint8_t> code(0x10000);
  std::copy(program.begin(), program.end(), code.begin() + kReset);
  DecodeCache decode(parse_isa("rv32imc_zfinx_zicsr_xcvmem"));
  decode.map(Address{0}, code);
  FixedLatencyPort memory(latency);
  Icache icache(sc_core::sc_gen_unique_name("icache"), IcacheConfig{}, 8, memory);
  std::vector<std::unique_ptr<Core>> core;
  for (unsigned h = 0; h < cores; ++h) {
    core.push_back(std::make_unique<Core>(sc_core::sc_gen_unique_name("core"), CoreConfig{}, decode,
                                          CsrMap::kCoreBench, h));
    core[h]->set_icache(&icache, h);
    core[h]->reset(kReset, Cycle{0});
  }
  std::vector<std::uint64_t> out;
  std::uint64_t start = 0;
  for (std::uint64_t now = 0; now < 100'000; ++now) {
    for (unsigned h = 0; h < cores; ++h) {
      for (bool more = true; more;) {
        const CoreWait wait = core[h]->run(Cycle{now + 1});
        more = false;
        if (wait == CoreWait::kData && core[h]->access().when.raw() == now) {
          const std::uint32_t marker = core[h]->access().address - kMarkers;
          core[h]->complete(Cycle{now}, Cycle{now + 1}, 0, StallReason::kTcdmConflict);
          if (h == 0 && marker == 8) {
            return out;
          }
          if (h == 0 && marker == 4) {
            out.push_back(now - start);
          }
          start = h == 0 && marker == 0 ? now : start;
        } else if (wait == CoreWait::kFetch && core[h]->fetch_when().raw() == now) {
          icache.request(h, core[h]->fetch_line().raw(), Cycle{now});
          core[h]->fetch_posted();
          more = true;
        }
      }
    }
    if (icache.next_activity() <= Cycle{now}) {
      const std::uint32_t done = icache.step(Cycle{now});
      for (unsigned h = 0; h < cores; ++h) {
        if ((done >> h & 1u) != 0) {
          core[h]->complete_fetch(Cycle{now});
        }
      }
    }
  }
  return out;
}

std::vector<std::uint64_t> numbers(const std::string& cell) {
  std::istringstream in(cell);
  std::vector<std::uint64_t> out;
  for (std::uint64_t n = 0; in >> n;) {
    out.push_back(n);
  }
  return out;
}

std::vector<std::uint8_t> program(std::uint64_t additions, std::size_t times, bool compressed) {
  const std::string body = ".rept " + std::to_string(additions) +
                           (compressed ? "\n c.addi a0,1\n .endr\n" : "\n addi a0,a0,1\n .endr\n");
  return assemble_flat(".option norvc\n lui tp,0x1000f\n .balign 16\n li s0," +
                           std::to_string(times) + "\n1: sw x0,0(tp)\n" +
                           (compressed ? ".option rvc\n" : "") + body +
                           ".option norvc\n sw x0,4(tp)\n addi s0,s0,-1\n bnez s0,1b\n"
                           " sw x0,8(tp)\n9: j 9b\n",
                       "rv32imc_zfinx_xcvmem");
}

}  // namespace

TEST_CASE("cold and hot kernels of one core and of eight take the RTL's cycles within 1 %",
          "[icache_core][rtl]") {
  const auto table = shared_file("reference/icache_core.csv");
  ValidationPoints points("icache_core", {"program", "kernel", "L", "pass"});
  const auto rows = read_csv(table);
  unsigned compared = 0;
  for (const auto& ideal : rows) {
    const std::string kernel = ideal.at("kernel");
    if (ideal.at("fetch_path") != "ideal" || std::string("ACF").find(kernel) == std::string::npos) {
      continue;
    }
    const auto alone = numbers(ideal.at("iterations_cycles"));
    const std::string name = ideal.at("program");
    const auto code = program(alone[0] - 1, alone.size(), name == "fetchc");
    for (const auto& row : rows) {
      if (row.at("program") != name || row.at("kernel") != kernel ||
          row.at("fetch_path") != "icache" || row.at("prefetch") != "0") {
        continue;
      }
      const auto rtl = numbers(row.at("iterations_cycles"));
      const auto model =
          passes(code, name == "fetch_all" ? 8 : 1, static_cast<unsigned>(std::stoul(row.at("L"))));
      REQUIRE(model.size() == rtl.size());
      for (std::size_t i = 0; i < rtl.size(); ++i) {
        // A hot pass with misses: which lines were gone is not known.
        const bool unknown_lines = kernel == "C" && i > 0 && rtl[i] != alone[i];
        const auto expected = static_cast<double>(rtl[i]);
        const auto got = static_cast<double>(model[i]);
        points.add({name, kernel, row.at("L"), std::to_string(i + 1)},
                   name + ", kernel " + kernel + (unknown_lines ? ", later passes" : ""), expected,
                   got, !unknown_lines);
        if (!unknown_lines) {
          CAPTURE(name, kernel, row.at("L"), i, expected, got);
          CHECK(std::abs(got - expected) <= 0.01 * expected);
          ++compared;
        }
      }
    }
  }
  CHECK(compared >= 80);
}
