// SPDX-License-Identifier: Apache-2.0
// The self-contained programs of kernels/tests, run as a user runs them.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "kernels/tests/operator_cases.h"
#include "tests/support/kernel_host.h"
#include "tests/support/program.h"
#include "tests/support/shared_data.h"

using namespace etude::test;

namespace {

ProgramRun run_kernels_program(const std::string& name, const std::string& options = "") {
  return run_etude_sim("elf --quiet " + (binary_dir() / "kernels" / (name + ".elf")).string() +
                       options);
}

void gemm_sizes_on(const std::string& cores) {
  const ProgramRun run =
      run_kernels_program("gemm_sizes", " --set /platform/cluster/cores=" + cores);
  INFO(run.text);
  CHECK(run.status == 0);
  CHECK(run.text.find("3516 products on " + cores + " cores, all right") != std::string::npos);
}

}  // namespace

TEST_CASE("GEMM at every small shape, 1 core", "[programs]") { gemm_sizes_on("1"); }
TEST_CASE("GEMM at every small shape, 3 cores", "[programs]") { gemm_sizes_on("3"); }
TEST_CASE("GEMM at every small shape, 8 cores", "[programs]") { gemm_sizes_on("8"); }
TEST_CASE("GEMM at every small shape, 9 cores", "[programs]") { gemm_sizes_on("9"); }

TEST_CASE("FP16 GEMM at every small shape, on cores with packed FP", "[programs]") {
  const std::string isa =
      " --set /platform/cluster/isa=rv32imc_zfinx_zhinx_xfvec_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_"
      "xcvalu_xcvbitmanip_xcvbi_xcvhwlp --set /platform/cluster/cores=";
  for (const std::string cores : {"3", "8"}) {
    const ProgramRun run = run_kernels_program("gemm_fp16_sizes", isa + cores);
    INFO(run.text);
    CHECK(run.status == 0);
    CHECK(run.text.find("879 products on " + cores + " cores, all right") != std::string::npos);
  }
}

TEST_CASE("without packed FP the FP16 GEMM is an illegal instruction", "[programs]") {
  const ProgramRun run = run_kernels_program("gemm_fp16_bench");
  INFO(run.text);
  CHECK(run.status == 3);
  CHECK(run.text.find("mcause 2") != std::string::npos);
}

TEST_CASE("operators with assembly at every small size, bit by bit", "[programs]") {
  for (const std::string cores : {"1", "8", "9"}) {
    const ProgramRun run =
        run_kernels_program("operator_sizes", " --set /platform/cluster/cores=" + cores);
    INFO(run.text);
    CHECK(run.status == 0);
    CHECK(run.text.find("operations on " + cores + " cores, all right") != std::string::npos);
  }
}

namespace {
std::string host_hashes;
}

TEST_CASE("decoding at many shapes, bit by bit", "[programs]") {
  for (unsigned cores = 1; cores <= 9; ++cores) {
    const std::string count = std::to_string(cores);
    const ProgramRun run =
        run_kernels_program("decode_sizes", " --set /platform/cluster/cores=" + count);
    INFO(run.text);
    CHECK(run.status == 0);
    CHECK(run.text.find("180 calls on " + count + " cores, all right") != std::string::npos);
  }
}

TEST_CASE("every operator: the modelled cores and this machine agree in every bit", "[programs]") {
  Arena arena(5 * ETUDE_CASE_WORDS + 64);
  host_hashes.clear();
  const etude_case_env env{arena.matrix(1, 5 * ETUDE_CASE_WORDS), 1,
                           [](etude_case_kernel kernel, const void* args) {
                             run_on_host(kernel, args, ETUDE_CASE_WORKERS);
                           },
                           [] {},
                           [](const char* name, std::uint32_t hash) {
                             host_hashes += std::string(name) + " " + std::to_string(hash) + "\n";
                           }};
  etude_operator_cases(&env);
  const ProgramRun run = run_kernels_program("operator_hashes");
  CHECK(run.status == 0);
  CHECK(run.text == host_hashes);
}

TEST_CASE("64x128x128 FP32 on 8 cores: MAC per cycle of every form", "[programs]") {
  const ProgramRun run = run_kernels_program("gemm_bench");
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
