// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude {

/// One number of the energy table, with where it comes from.
struct Coefficient {
  enum class Status { kMeasured, kDerived, kAssumed };
  double value = 0;
  std::string unit;
  std::string source;
  Status status = Status::kAssumed;
};

/// Energy and area of one technology, resolved: /energy. Dynamic energies and powers hold at the
/// table's operating point and are scaled to `supply_v`.
struct EnergyConfig {
  std::string name;
  double node_nm = 22;
  double voltage_v = 0.65;  ///< of the table
  double clock_hz = 470e6;  ///< of the table
  double supply_v = 0;  ///< of the run; 0: the table's. Dynamic energy and leakage scale with it

  // cores, pJ
  Coefficient core_instruction, core_stall_cycle, core_sleep_cycle;
  Coefficient core_fp32_fma, core_fp32_other, core_fp16_fma, core_fp16_other;
  Coefficient icache_refill;
  // tcdm, pJ
  Coefficient tcdm_access;
  // redmule, pJ
  Coefficient redmule_fp16_fma, redmule_fp32_fma, redmule_busy_cycle;
  // dma, l2, external memories, pJ
  Coefficient dma_byte, dma_busy_cycle, soc_dma_byte;
  Coefficient l2_byte;
  Coefficient extmem_byte, extmem_byte_alternative;
  Coefficient flash_read_byte, flash_program_page, flash_erase_sector;
  // every cycle of the cluster clock, pJ
  Coefficient background_cycle;
  // leakage, uW
  Coefficient leakage_cluster, leakage_core, leakage_tcdm_bank, leakage_redmule_fma, leakage_l2_kib;
  // area, mm2
  Coefficient area_core, area_tcdm_kib, area_redmule_fp16_fma, area_redmule_fp32_fma, area_other,
      area_l2_kib;
};

}  // namespace etude
