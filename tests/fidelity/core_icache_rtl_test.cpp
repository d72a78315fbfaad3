// SPDX-License-Identifier: Apache-2.0
// Whole programs on a core behind the instruction cache against the RTL: cold straight code of 128
// additions (kernel F of icache_core.csv) and the first pass of a loop of 160 instructions (kernel
// C), in 32-bit and compressed encoding, without the cache's own prefetcher. Within 1 %. The other
// kernels' sources are not recorded; later passes of C depend on which lines were replaced before.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/core_bench.h"
#include "tests/support/shared_data.h"

using namespace etude;
using namespace etude::test;

namespace {

/// Grants of the stores to the START marker, in order.
std::vector<std::uint64_t> marks(const std::vector<std::uint8_t>& code, unsigned latency) {
  CoreBench bench("rv32imc_zfinx_zicsr_xcvmem");
  bench.load(0x80, code);
  bench.use_icache(latency);
  std::vector<std::uint64_t> marks;
  bench.core().set_retire_hook(
      [](void* context, const Core&, const Retired& retired) {
        if (retired.instr->timing == TimingClass::kStore) {
          static_cast<std::vector<std::uint64_t>*>(context)->push_back(retired.enter.raw());
        }
      },
      &marks);
  bench.run(1000000, false);
  REQUIRE(bench.exit_status() == 0u);
  return marks;
}

std::string program(unsigned additions, bool compressed) {
  const std::string count = std::to_string(additions);
  return ".option norvc\n lui tp,0x1000f\n li s0,3\n .balign 16\n1: sw x0,0(tp)\n .option push\n" +
         std::string(compressed ? " .option rvc\n .rept " + count + "\n c.addi a0,1\n .endr\n"
                                : " .rept " + count + "\n addi a0,a0,1\n .endr\n") +
         " .option pop\n";
}

}  // namespace

TEST_CASE("programs behind the instruction cache take the RTL's cycles within 1 %",
          "[core][icache][rtl]") {
  const auto table = shared_file("reference/icache_core.csv");
  const std::string end = " sw x0,8(tp)\n9: j 9b\n";
  unsigned compared = 0;
  for (const bool compressed : {false, true}) {
    const auto straight =
        assemble_flat(program(128, compressed) + " sw x0,0(tp)\n" + end, "rv32imc_zfinx");
    const auto loop = assemble_flat(
        program(157, compressed) +
            (compressed ? " .option rvc\n c.addi s0,-1\n c.bnez s0,1b\n .option norvc\n"
                        : " addi s0,s0,-1\n bnez s0,1b\n") +
            end,
        "rv32imc_zfinx");
    for (const auto& row : read_csv(table)) {
      const bool wanted = row.at("program") == (compressed ? "fetchc" : "fetch") &&
                          row.at("fetch_path") == "icache" && row.at("prefetch") == "0";
      if (!wanted || (row.at("kernel") != "F" && row.at("kernel") != "C")) {
        continue;
      }
      const auto latency = static_cast<unsigned>(std::stoul(row.at("L")));
      const double rtl = std::stod(row.at("iterations_cycles"));
      const auto marked = marks(row.at("kernel") == "F" ? straight : loop, latency);
      const auto model = static_cast<double>(marked[1] - marked[0]);
      CAPTURE(compressed, row.at("kernel"), latency, rtl, model);
      CHECK(std::abs(model - rtl) <= 0.01 * rtl);
      ++compared;
    }
  }
  CHECK(compared == 16);
}
