// SPDX-License-Identifier: Apache-2.0
// The area model with configs/energy/22fdx.json: arrays and whole clusters against figures worked
// out by hand from the same synthesis, the published cluster, and what each part follows.
#include "sim/energy/area.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "models/dma/cluster_dma.h"
#include "sim/config/load.h"
#include "sim/platform/platform.h"
#include "tests/support/shared_data.h"

using namespace etude;
using Format = RedmuleConfig::Format;
using Status = Coefficient::Status;

namespace {
EnergyConfig table_22fdx() {
  std::vector<std::string> warnings;
  return load_config((test::source_dir() / "configs/deep_ae.json").string(), {}, warnings).energy;
}

PlatformConfig with_array(unsigned height, unsigned width, unsigned pipe, Format format) {
  PlatformConfig platform;  // 8 cores and a controller, 256 KiB in 16 banks, 2 MiB of L2
  platform.cluster.redmule = {true, height, width, pipe, format};
  return platform;
}

double part(const PlatformConfig& platform, const char* name) {
  return area_of(platform, table_22fdx()).part.at(name);
}
}  // namespace

TEST_CASE("arrays are as large as their synthesis, within 3 %", "[area]") {
  struct Row {
    unsigned height, width, pipe;
    double fp16, fp16_ops, fp32, fp32_ops;  // mm2; ops: elements with GEMM-Ops
  };
  const Row rows[] = {{4, 12, 3, 0.097, 0.123, 0.224, 0.265},
                      {8, 8, 1, 0.102, 0.121, 0.244, 0.276},
                      {8, 8, 3, 0.149, 0.185, 0.339, 0.393},
                      {4, 16, 3, 0.122, 0.158, 0.285, 0.340}};
  EnergyConfig table = table_22fdx();
  for (const Row& row : rows) {
    INFO(row.height << "x" << row.width << " P" << row.pipe);
    const PlatformConfig fp16 = with_array(row.height, row.width, row.pipe, Format::kFp16);
    const PlatformConfig fp32 = with_array(row.height, row.width, row.pipe, Format::kFp32);
    table.area_gemm_ops = false;
    CHECK(area_of(fp16, table).part.at("redmule") == Approx(row.fp16).epsilon(0.03));
    CHECK(area_of(fp32, table).part.at("redmule") == Approx(row.fp32).epsilon(0.03));
    table.area_gemm_ops = true;
    CHECK(area_of(fp16, table).part.at("redmule") == Approx(row.fp16_ops).epsilon(0.03));
    CHECK(area_of(fp32, table).part.at("redmule") == Approx(row.fp32_ops).epsilon(0.03));
  }
}

TEST_CASE("an array is the sum of its elements and of the bits it stores", "[area]") {
  // 4x12, P = 3, FP16: B = 4 * 4 * 16 = 256 bits of payload; 48 elements of 4,370 GE; X
  // 12 * 256 + 2 * 48 * 16 = 4,608 bits, W 1,024, Z 3,072, FIFOs 14 * 256 = 3,584:
  // 209,760 + 10.85 * 4,608 + 12.5 * 1,024 + 14.25 * 3,072 + 10.8 * 3,584 + 117 * 256 = 384,992 GE
  CHECK(part(with_array(4, 12, 3, Format::kFp16), "redmule") == Approx(384'992 * 0.2507e-6));
  CHECK(stored_bits(with_array(4, 12, 3, Format::kFp16).cluster.redmule) == 12'288);
  CHECK(stored_bits(with_array(4, 12, 3, Format::kFp32).cluster.redmule) == 2 * 12'288);
  CHECK(stored_bits(with_array(8, 8, 3, Format::kFp32).cluster.redmule) ==
        1024 * (2 * 8 + 8 + 14) + 2 * 64 * 32);
  // the third register adds 0.11 kGE to an FP16 element, a fourth the mean of the last two, 0.32
  const EnergyConfig table = table_22fdx();
  const auto elements = [&](unsigned pipe) {
    for (const AreaTerm& term : area_of(with_array(4, 12, pipe, Format::kFp16), table).terms) {
      if (term.coefficient.rfind("area/fma_fp16", 0) == 0) {
        return term.mm2 / (48 * 0.2507e-3);  // kGE
      }
    }
    return 0.0;
  };
  CHECK(elements(2) == Approx(4.26));
  CHECK(elements(3) == Approx(4.37));
  CHECK(elements(4) == Approx(4.37 + 0.32));
}

TEST_CASE("whole clusters by array, banks and L1, within 3 %", "[area]") {
  struct Row {
    unsigned height, width, pipe;
    Format format;
    std::uint64_t kib;
    double mm2[3];  // 16, 32, 64 banks
  };
  const Row rows[] = {{4, 12, 3, Format::kFp16, 128, {0.57, 0.60, 0.65}},
                      {4, 12, 3, Format::kFp16, 256, {0.70, 0.72, 0.78}},
                      {4, 12, 3, Format::kFp32, 128, {0.70, 0.73, 0.78}},
                      {4, 12, 3, Format::kFp32, 256, {0.82, 0.85, 0.91}},
                      {8, 8, 1, Format::kFp16, 128, {0.58, 0.60, 0.66}},
                      {8, 8, 1, Format::kFp16, 256, {0.70, 0.73, 0.78}},
                      {8, 8, 1, Format::kFp32, 128, {0.72, 0.75, 0.80}},
                      {8, 8, 1, Format::kFp32, 256, {0.84, 0.87, 0.93}},
                      {8, 8, 3, Format::kFp16, 128, {0.62, 0.65, 0.70}},
                      {8, 8, 3, Format::kFp16, 256, {0.75, 0.78, 0.83}},
                      {8, 8, 3, Format::kFp32, 128, {0.81, 0.84, 0.89}},
                      {8, 8, 3, Format::kFp32, 256, {0.94, 0.97, 1.02}},
                      {4, 16, 3, Format::kFp16, 128, {0.60, 0.62, 0.68}},
                      {4, 16, 3, Format::kFp16, 256, {0.72, 0.75, 0.80}},
                      {4, 16, 3, Format::kFp32, 128, {0.76, 0.79, 0.84}},
                      {4, 16, 3, Format::kFp32, 256, {0.89, 0.91, 0.97}}};
  const EnergyConfig table = table_22fdx();
  for (const Row& row : rows) {
    PlatformConfig platform = with_array(row.height, row.width, row.pipe, row.format);
    platform.cluster.tcdm.size = Bytes{row.kib * 1024};
    for (unsigned i = 0; i < 3; ++i) {
      platform.cluster.tcdm.banks = 16u << i;
      INFO(row.height << "x" << row.width << " P" << row.pipe << ", " << row.kib << " KiB in "
                      << platform.cluster.tcdm.banks);
      const AreaBill bill = area_of(platform, table);
      CHECK(bill.cluster == Approx(row.mm2[i]).epsilon(0.03));
      CHECK(bill.total - bill.cluster == Approx(1.97).epsilon(0.01));  // 2 MiB of L2
    }
  }
}

TEST_CASE("the published cluster: 0.07 mm2 of RedMulE in 0.5 mm2", "[area]") {
  // arXiv 2204.11192: 8 cores, 32 FMA in FP16, P = 3; 128 KiB in 16 banks are assumed of it.
  PlatformConfig platform = with_array(4, 8, 3, Format::kFp16);
  platform.cluster.controller = false;
  platform.cluster.tcdm.size = Bytes{128 * 1024};
  const AreaBill bill = area_of(platform, table_22fdx());
  CHECK(bill.part.at("redmule") == Approx(0.07).epsilon(0.03));
  CHECK(bill.cluster == Approx(0.5).epsilon(0.10));
  CHECK(bill.cluster == Approx(0.517).epsilon(0.003));  // as worked out by hand
  CHECK(bill.part.at("redmule") / bill.cluster == Approx(0.14).epsilon(0.05));
}

TEST_CASE("memory is paid by macros, the interconnect by ports and banks", "[area]") {
  PlatformConfig platform = with_array(4, 12, 3, Format::kFp16);
  platform.cluster.controller = false;  // 8 + 4 of the DMA + 4 from outside = 16 ports
  // 16 macros of 4,096 words of 32 bits: 16 * 0.110 um2 * (4,096 + 163) * (32 + 2.8)
  CHECK(part(platform, "tcdm") == Approx(16 * 0.110e-6 * 4'259 * 34.8));
  // 186 GE * 16 * 16, and the port's 116 * 16 + 158 * 16 * 4
  CHECK(part(platform, "interconnect") == Approx((47'616 + 1'856 + 10'112) * 0.2507e-6));
  platform.cluster.redmule.enabled = false;
  CHECK(part(platform, "redmule") == 0);
  CHECK(part(platform, "interconnect") == Approx(47'616 * 0.2507e-6));
  // 512 KiB in 64-bit macros of 64 KiB, and half a macro more
  platform.l2.size = Bytes{512 * 1024};
  const double eight = 8 * 0.110e-6 * (8'192 + 163) * (64 + 2.8);
  CHECK(part(platform, "l2") == Approx(eight));
  platform.l2.size = Bytes{(512 + 32) * 1024};
  CHECK(part(platform, "l2") == Approx(eight + 0.110e-6 * (4'096 + 163) * (64 + 2.8)));
  // the table counts the ports that the modelled arbiter has
  CHECK(table_22fdx().area_other_ports.value == Platform::kExtPorts + ClusterDma::kPorts);
}

TEST_CASE("cores, FPUs, caches and the DMA are those of the configuration", "[area]") {
  PlatformConfig platform = with_array(4, 12, 3, Format::kFp16);
  const double kge = 0.2507e-3;
  CHECK(part(platform, "cores") == Approx(9 * 67.7 * kge));
  CHECK(part(platform, "fpus") == Approx(9 * 23.7 * kge));
  CHECK(part(platform, "icache") == Approx(9 * 512 * 48.8e-3 * kge + 0.012));
  CHECK(part(platform, "dma") == Approx(55 * kge));
  platform.cluster.cores = 4;
  platform.cluster.core.private_fpu = false;
  platform.cluster.core.shared_fpus = 2;
  platform.cluster.dma.engine = DmaConfig::Engine::kIdma;
  CHECK(part(platform, "cores") == Approx(5 * 67.7 * kge));
  CHECK(part(platform, "fpus") == Approx(2 * 23.7 * kge));
  CHECK(part(platform, "dma") == Approx(0.9 * 55 * kge));
  platform.cluster.core.isa = "rv32imc_zfinx_zicsr";
  CHECK(part(platform, "fpus") == Approx(2 * 14.7 * kge));
  platform.cluster.core.isa = "rv32imc_zicsr";
  CHECK(part(platform, "fpus") == 0);
  platform.cluster.icache.enabled = false;
  CHECK(part(platform, "icache") == 0);
}

TEST_CASE("parts sum to the cluster, terms to their part, and each part has its mark", "[area]") {
  const AreaBill bill = area_of(with_array(8, 8, 3, Format::kFp32), table_22fdx());
  double cluster = 0;
  for (const std::string& name : area_parts()) {
    INFO(name);
    CHECK(bill.part.at(name) > 0);
    cluster += bill.part.at(name);
  }
  CHECK(bill.cluster == Approx(cluster));
  CHECK(bill.total == Approx(bill.cluster + bill.part.at("l2")));
  for (const auto& [name, mm2] : bill.part) {
    const double sum = std::accumulate(
        bill.terms.begin(), bill.terms.end(), 0.0,
        [&](double s, const AreaTerm& term) { return term.part == name ? s + term.mm2 : s; });
    CHECK(sum == Approx(mm2));
  }
  CHECK(bill.mark.at("cores") == Status::kDerived);  // measured gates, fitted layout
  CHECK(bill.mark.at("redmule") == Status::kDerived);
  CHECK(bill.mark.at("tcdm") == Status::kAssumed);  // the cell is recalled
  CHECK(bill.mark.at("other") == Status::kAssumed);
  // more than three registers were not synthesised
  CHECK(area_of(with_array(4, 4, 5, Format::kFp32), table_22fdx()).mark.at("redmule") ==
        Status::kAssumed);
}
