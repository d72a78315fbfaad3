// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/area.h"

#include <algorithm>
#include <cmath>

#include "models/iss/isa/isa_config.h"

namespace etude {
namespace {
using Status = Coefficient::Status;
using Member = Coefficient EnergyConfig::*;

constexpr double kSquareMicrometres = 1e-6;  // in mm2
constexpr double kFifoLines = 14;            // lines of the port that RedMulE's FIFOs hold
constexpr double kWordBits = 32;             // of a TCDM bank
constexpr double kL2WordBits = 64;
constexpr std::uint64_t kL2Macro = 64 * 1024;  // bytes of the macros that L2 is made of
constexpr double kNotable = 0.1;               // of a part: below, a term does not mark it

/// Bits of an array's buffers, one by one.
struct Buffers {
  double x, w, z, fifo;
  double port;  ///< payload of the port
};

Buffers buffers_of(const RedmuleConfig& redmule) {
  const double element = 8.0 * redmule.element_bytes();
  const double port = redmule.columns() * element;
  const double operands = 2.0 * redmule.height * redmule.width * element;
  return {redmule.width * port + operands, redmule.height * port, redmule.width * port,
          kFifoLines * port, port};
}

/// Adds terms to a bill.
class Bill {
 public:
  explicit Bill(const EnergyConfig& table) : table_(table) {
    for (const std::string& part : area_parts()) {
      bill_.part[part] = 0;
    }
    bill_.part["l2"] = 0;
  }

  /// `count` gate equivalents, or thousands of them, at the coefficient's unit.
  void gates(const char* part, const char* name, const Coefficient& coefficient, double count) {
    const double ge = count * coefficient.value * (coefficient.unit == "kGE" ? 1000 : 1);
    add(part, name, coefficient, count, ge * table_.area_gate.value * kSquareMicrometres,
        std::max(coefficient.status, table_.area_gate.status));
  }
  void gates(const char* part, const char* name, Member member, double count) {
    gates(part, name, table_.*member, count);
  }

  /// `count` SRAM macros of so many words of so many bits: the cells, and what stands around them.
  void macros(const char* part, double count, double words, double bits) {
    const Coefficient& cell = table_.area_sram_cell;
    const Coefficient& rows = table_.area_sram_words;
    const Coefficient& columns = table_.area_sram_bits;
    const double cells = count * words * bits;
    const double all = count * (words + rows.value) * (bits + columns.value);
    const double each = cell.value * kSquareMicrometres;
    add(part, "area/sram_cell", cell, cells, cells * each, cell.status);
    add(part, "area/sram_words", rows, all - cells, (all - cells) * each,
        std::max(rows.status, columns.status));
  }

  void add(const char* part, const char* name, const Coefficient& coefficient, double count,
           double mm2, Status status) {
    if (mm2 != 0) {
      bill_.terms.push_back({part, name, count, mm2, status, coefficient.source});
      bill_.part[part] += mm2;
    }
  }

  AreaBill finish() {
    for (const std::string& part : area_parts()) {
      bill_.cluster += bill_.part[part];
    }
    bill_.total = bill_.cluster + bill_.part["l2"];
    for (const auto& [part, mm2] : bill_.part) {
      Status& mark = bill_.mark.emplace(part, Status::kMeasured).first->second;
      for (const AreaTerm& term : bill_.terms) {
        if (term.part == part && term.mm2 >= kNotable * mm2) {
          mark = std::max(mark, term.status);
        }
      }
    }
    return std::move(bill_);
  }

 private:
  const EnergyConfig& table_;
  AreaBill bill_;
};

/// The coefficient of an element of the array, by format (FP16, FP32).
struct Element {
  const char* name;
  Member member;
};
using E = EnergyConfig;
constexpr Element kFma[2][3] = {{{"area/fma_fp16_p1", &E::area_fma_fp16_p1},
                                 {"area/fma_fp16_p2", &E::area_fma_fp16_p2},
                                 {"area/fma_fp16_p3", &E::area_fma_fp16_p3}},
                                {{"area/fma_fp32_p1", &E::area_fma_fp32_p1},
                                 {"area/fma_fp32_p2", &E::area_fma_fp32_p2},
                                 {"area/fma_fp32_p3", &E::area_fma_fp32_p3}}};
constexpr Element kOps[2][2] = {
    {{"area/ops_fp16_p1", &E::area_ops_fp16_p1}, {"area/ops_fp16_p3", &E::area_ops_fp16_p3}},
    {{"area/ops_fp32_p1", &E::area_ops_fp32_p1}, {"area/ops_fp32_p3", &E::area_ops_fp32_p3}}};

/// Elements with one to three registers as the table has them, others on the line through those of
/// one and of three: beyond three it is an assumption.
void add_elements(Bill& bill, const RedmuleConfig& redmule, const EnergyConfig& table) {
  const double elements = static_cast<double>(redmule.height) * redmule.width;
  const int format = redmule.format == RedmuleConfig::Format::kFp32 ? 1 : 0;
  if (!table.area_gemm_ops && redmule.pipe <= 3) {
    const Element& element = kFma[format][redmule.pipe - 1];
    bill.gates("redmule", element.name, element.member, elements);
    return;
  }
  const Coefficient& one = table.*(table.area_gemm_ops ? kOps[format][0] : kFma[format][0]).member;
  const Element& last = table.area_gemm_ops ? kOps[format][1] : kFma[format][2];
  Coefficient element = table.*last.member;
  element.value += (element.value - one.value) / 2 * (static_cast<double>(redmule.pipe) - 3);
  const Status least = redmule.pipe > 3    ? Status::kAssumed
                       : redmule.pipe == 2 ? Status::kDerived
                                           : Status::kMeasured;
  element.status = std::max(element.status, least);
  bill.gates("redmule", last.name, element, elements);
}

void add_array(Bill& bill, const ClusterConfig& cluster, const EnergyConfig& table) {
  const Buffers bits = buffers_of(cluster.redmule);
  add_elements(bill, cluster.redmule, table);
  bill.gates("redmule", "area/x_bit", &EnergyConfig::area_x_bit, bits.x);
  bill.gates("redmule", "area/w_bit", &EnergyConfig::area_w_bit, bits.w);
  bill.gates("redmule", "area/z_bit", &EnergyConfig::area_z_bit, bits.z);
  bill.gates("redmule", "area/fifo_bit", &EnergyConfig::area_fifo_bit, bits.fifo);
  bill.gates("redmule", "area/port_bit", &EnergyConfig::area_port_bit, bits.port);
  const double banks = cluster.tcdm.banks;
  bill.gates("interconnect", "area/wide_bank", &EnergyConfig::area_wide_bank, banks);
  bill.gates("interconnect", "area/wide_stage", &EnergyConfig::area_wide_stage,
             banks * std::log2(banks));
}

void add_cores(Bill& bill, const ClusterConfig& cluster, const EnergyConfig& table) {
  const IsaConfig isa = parse_isa(cluster.core.isa);
  const double harts = cluster.harts();
  bill.gates("cores", "area/core", &EnergyConfig::area_core, harts);
  const double fpus = cluster.core.private_fpu ? harts : cluster.core.shared_fpus;
  if (isa.zhinx || isa.xfvec) {
    bill.gates("fpus", "area/fpu_fp16", &EnergyConfig::area_fpu_fp16, fpus);
  } else if (isa.f || isa.zfinx) {
    bill.gates("fpus", "area/fpu_fp32", &EnergyConfig::area_fpu_fp32, fpus);
  }
  const IcacheConfig& cache = cluster.icache;
  if (cache.enabled) {
    bill.gates("icache", "area/icache_byte", &EnergyConfig::area_icache_byte,
               harts * cache.private_ways * cache.private_sets *
                   static_cast<double>(IcacheConfig::kLineBytes));
    const double kib = cache.shared_banks * cache.shared_ways * cache.shared_sets *
                       IcacheConfig::kLineBytes / 1024.0;
    const Coefficient& shared = table.area_shared_icache_kib;
    bill.add("icache", "area/shared_icache_kib", shared, kib, kib * shared.value, shared.status);
  }
}
}  // namespace

const std::vector<std::string>& area_parts() {
  static const std::vector<std::string> parts{"cores",   "fpus", "tcdm",   "interconnect",
                                              "redmule", "dma",  "icache", "other"};
  return parts;
}

std::uint64_t stored_bits(const RedmuleConfig& redmule) {
  const Buffers bits = buffers_of(redmule);
  return static_cast<std::uint64_t>(bits.x + bits.w + bits.z + bits.fifo);
}

AreaBill area_of(const PlatformConfig& platform, const EnergyConfig& table) {
  const ClusterConfig& cluster = platform.cluster;
  Bill bill(table);
  add_cores(bill, cluster, table);
  const double banks = cluster.tcdm.banks;
  bill.macros("tcdm", banks, static_cast<double>(cluster.tcdm.size.raw()) / (banks * 4), kWordBits);
  bill.gates("interconnect", "area/crossbar", &EnergyConfig::area_crossbar,
             (cluster.harts() + table.area_other_ports.value) * banks);
  if (cluster.redmule.enabled) {
    add_array(bill, cluster, table);
  }
  if (cluster.dma.engine == DmaConfig::Engine::kIdma) {
    bill.gates("dma", "area/idma", &EnergyConfig::area_idma, 1);
  } else {
    bill.gates("dma", "area/mchan", &EnergyConfig::area_mchan, 1);
  }
  bill.gates("other", "area/other", &EnergyConfig::area_other, 1);
  const std::uint64_t l2 = platform.l2.size.raw();
  bill.macros("l2", static_cast<double>(l2 / kL2Macro), kL2Macro / 8.0, kL2WordBits);
  if (l2 % kL2Macro != 0) {
    bill.macros("l2", 1, static_cast<double>(l2 % kL2Macro) / 8.0, kL2WordBits);
  }
  return bill.finish();
}

}  // namespace etude
