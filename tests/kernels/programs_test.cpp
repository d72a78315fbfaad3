// SPDX-License-Identifier: Apache-2.0
// The self-contained programs of kernels/tests, run as a user runs them.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "tests/support/program.h"
#include "tests/support/shared_data.h"

using namespace etude::test;

namespace {

ProgramRun run_program(const std::string& name, const std::string& options = "") {
  return run_etude_sim("elf " + (binary_dir() / "kernels" / (name + ".elf")).string() + options);
}

void gemm_sizes_on(const std::string& cores) {
  const ProgramRun run = run_program("gemm_sizes", " --set /platform/cluster/cores=" + cores);
  INFO(run.text);
  CHECK(run.status == 0);
  CHECK(run.text.find("3516 products on " + cores + " cores, all right") != std::string::npos);
}

}  // namespace

TEST_CASE("GEMM at every small shape, 1 core", "[programs]") { gemm_sizes_on("1"); }
TEST_CASE("GEMM at every small shape, 3 cores", "[programs]") { gemm_sizes_on("3"); }
TEST_CASE("GEMM at every small shape, 8 cores", "[programs]") { gemm_sizes_on("8"); }
TEST_CASE("GEMM at every small shape, 9 cores", "[programs]") { gemm_sizes_on("9"); }

TEST_CASE("operators with assembly at every small size, bit by bit", "[programs]") {
  for (const std::string cores : {"1", "8", "9"}) {
    const ProgramRun run = run_program("operator_sizes", " --set /platform/cluster/cores=" + cores);
    INFO(run.text);
    CHECK(run.status == 0);
    CHECK(run.text.find("operations on " + cores + " cores, all right") != std::string::npos);
  }
}

TEST_CASE("64x128x128 FP32 on 8 cores: MAC per cycle of every form", "[programs]") {
  const ProgramRun run = run_program("gemm_bench");
  INFO(run.text);
  REQUIRE(run.status == 0);
  // 16 MAC take 24 instructions, so 8 cores reach at most 5.33; the best published figure is 4.39
  int lines = 0;
  for (std::size_t at = run.text.find("cycles, "); at != std::string::npos;
       at = run.text.find("cycles, ", at + 1)) {
    const double rate = std::strtod(run.text.c_str() + at + 8, nullptr);
    CHECK(rate > 4.8);
    CHECK(rate < 5.34);
    ++lines;
  }
  CHECK(lines == 16);
}
