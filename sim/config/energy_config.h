// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>

namespace etude {

/// One number of the energy table, with where it comes from.
struct Coefficient {
  enum class Status { kMeasured, kDerived, kAssumed };  ///< the later, the less certain
  double value = 0;
  std::string unit;
  std::string source;
  Status status = Status::kAssumed;
  double low = 0;   ///< what it may be; low and high both 0: no range is known
  double high = 0;  ///< "

  /// Ends of the range; a value set outside it widens it, without a range both are the value.
  double least() const { return low == 0 && high == 0 ? value : std::min(low, value); }
  double most() const { return low == 0 && high == 0 ? value : std::max(high, value); }
};

/// Energy and area of one technology, resolved: /energy. Dynamic energies and powers hold at the
/// table's operating point and are scaled to `supply_v`; areas do not change with it.
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
  // tcdm, pJ per access of a bank that is a macro of so many KiB
  Coefficient tcdm_access_2kib, tcdm_access_4kib, tcdm_access_8kib, tcdm_access_16kib,
      tcdm_access_32kib, tcdm_access_64kib;
  // redmule: pJ at three pipeline registers, share of it per register, pJ per stored bit and cycle
  Coefficient redmule_fp16_fma, redmule_fp32_fma;
  Coefficient redmule_fp16_stage, redmule_fp32_stage;
  Coefficient redmule_busy_bit;
  // dma, l2, external memories, pJ
  Coefficient dma_byte, dma_busy_cycle, soc_dma_byte;
  Coefficient l2_byte;
  Coefficient extmem_byte;
  Coefficient flash_read_byte, flash_program_page, flash_erase_sector;
  // every cycle of the cluster clock, pJ
  Coefficient background_cycle;
  // leakage, uW
  Coefficient leakage_cluster, leakage_core, leakage_sram_kib, leakage_logic_mm2;
  // area: um2 per gate equivalent (GE), then GE or kGE of each block (sim/energy/area.h)
  bool area_gemm_ops = false;  ///< elements of the array with minimum and maximum, not a plain FMA
  Coefficient area_gate;
  Coefficient area_core, area_fpu_fp32, area_fpu_fp16, area_icache_byte, area_shared_icache_kib;
  Coefficient area_fma_fp16_p1, area_fma_fp16_p2, area_fma_fp16_p3;
  Coefficient area_fma_fp32_p1, area_fma_fp32_p2, area_fma_fp32_p3;
  Coefficient area_ops_fp16_p1, area_ops_fp16_p3, area_ops_fp32_p1, area_ops_fp32_p3;
  Coefficient area_x_bit, area_w_bit, area_z_bit, area_fifo_bit, area_port_bit;
  Coefficient area_crossbar, area_other_ports, area_wide_bank, area_wide_stage;
  Coefficient area_mchan, area_idma, area_other;
  // SRAM macros: um2 per cell; columns and rows of cells that the periphery adds
  Coefficient area_sram_cell, area_sram_bits, area_sram_words;
};

}  // namespace etude
