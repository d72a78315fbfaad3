// SPDX-License-Identifier: Apache-2.0
// Declarations below /energy. Values have no default in the program: the table is a file.
#include "models/base/error.h"
#include "sim/config/declarations.h"

namespace etude {
namespace {

void declare_coefficient(ParameterTable& table, const std::string& name,
                         Coefficient EnergyConfig::* member, const std::string& unit,
                         const std::string& sentence) {
  using Status = Coefficient::Status;
  const std::string source = "configs/energy/";
  Section<Coefficient>(
      table, "/energy/" + name,
      [member](RootConfig& c, const std::string&) -> Coefficient& { return c.energy.*member; })
      .add("value", &Coefficient::value,
           {.unit = unit,
            .sentence = sentence,
            .source = source,
            .range = {.max = 1e12},
            .required = true})
      .add("low", &Coefficient::low,
           {.unit = unit,
            .sentence = "Least that it may be; low and high both 0: no range is known.",
            .source = source,
            .range = {.max = 1e12}})
      .add("high", &Coefficient::high,
           {.unit = unit,
            .sentence = "Most that it may be; a value outside the range widens it.",
            .source = source,
            .range = {.max = 1e12}})
      .add("source", &Coefficient::source,
           {.sentence = "Where the value comes from.", .source = source, .required = true})
      .add("status", &Coefficient::status,
           Choices<Status>{{"measured", Status::kMeasured},
                           {"derived", Status::kDerived},
                           {"assumed", Status::kAssumed}},
           {.sentence = "How far to trust it.", .source = source, .required = true})
      .add("unit", &Coefficient::unit, Choices<std::string>{{unit, unit}},
           {.sentence = "Unit of the value.", .source = source, .required = true});
}

struct Row {
  const char* name;
  Coefficient EnergyConfig::* member;
  const char* unit;
  const char* sentence;
};

// Per event, on top of what stands above it in the same component.
constexpr Row kRows[] = {
    {"cores/instruction", &EnergyConfig::core_instruction, "pJ",
     "One retired instruction, fetch included."},
    {"cores/stall_cycle", &EnergyConfig::core_stall_cycle, "pJ",
     "One cycle of a core that is awake and retires nothing."},
    {"cores/sleep_cycle", &EnergyConfig::core_sleep_cycle, "pJ",
     "One cycle of a sleeping core (clock-gated)."},
    {"cores/fp32_fma", &EnergyConfig::core_fp32_fma, "pJ",
     "FP32 multiply, add or multiply-add, beyond its instruction."},
    {"cores/fp32_other", &EnergyConfig::core_fp32_other, "pJ",
     "Any other FP32 instruction, beyond its instruction."},
    {"cores/fp16_fma", &EnergyConfig::core_fp16_fma, "pJ",
     "FP16 multiply-add, per element, beyond its instruction."},
    {"cores/fp16_other", &EnergyConfig::core_fp16_other, "pJ",
     "Any other FP16 instruction, beyond its instruction."},
    {"cores/icache_refill", &EnergyConfig::icache_refill, "pJ",
     "One 16-byte line brought into a private instruction cache."},
    {"tcdm/access_2kib", &EnergyConfig::tcdm_access_2kib, "pJ",
     "One access, of up to 32 bits, of a bank of 2 KiB, wasted ones included; linear between "
     "sizes."},
    {"tcdm/access_4kib", &EnergyConfig::tcdm_access_4kib, "pJ", "The same, 4 KiB."},
    {"tcdm/access_8kib", &EnergyConfig::tcdm_access_8kib, "pJ", "The same, 8 KiB."},
    {"tcdm/access_16kib", &EnergyConfig::tcdm_access_16kib, "pJ", "The same, 16 KiB."},
    {"tcdm/access_32kib", &EnergyConfig::tcdm_access_32kib, "pJ", "The same, 32 KiB."},
    {"tcdm/access_64kib", &EnergyConfig::tcdm_access_64kib, "pJ", "The same, 64 KiB."},
    {"redmule/fp16_fma", &EnergyConfig::redmule_fp16_fma, "pJ",
     "One FP16 multiply-add in an array of three pipeline registers."},
    {"redmule/fp32_fma", &EnergyConfig::redmule_fp32_fma, "pJ",
     "One FP32 multiply-add in an array of three pipeline registers."},
    {"redmule/fp16_stage", &EnergyConfig::redmule_fp16_stage, "share",
     "Part of an FP16 multiply-add that a register more, or less, adds or saves."},
    {"redmule/fp32_stage", &EnergyConfig::redmule_fp32_stage, "share",
     "Part of an FP32 multiply-add that a register more, or less, adds or saves."},
    {"redmule/busy_bit", &EnergyConfig::redmule_busy_bit, "pJ",
     "One cycle of a running job, per bit that the array's buffers store."},
    {"dma/byte", &EnergyConfig::dma_byte, "pJ", "One byte moved by the cluster DMA."},
    {"dma/busy_cycle", &EnergyConfig::dma_busy_cycle, "pJ",
     "One cycle in which the cluster DMA works."},
    {"dma/soc_byte", &EnergyConfig::soc_dma_byte, "pJ", "One byte moved by the SoC DMA."},
    {"l2/byte", &EnergyConfig::l2_byte, "pJ", "One byte read from or written to L2."},
    {"extmem/byte", &EnergyConfig::extmem_byte, "pJ",
     "One byte over the HyperBus, device included."},
    {"flash/read_byte", &EnergyConfig::flash_read_byte, "pJ", "One byte read from flash."},
    {"flash/program_page", &EnergyConfig::flash_program_page, "pJ",
     "Programming one 256-byte page."},
    {"flash/erase_sector", &EnergyConfig::flash_erase_sector, "pJ", "Erasing one 4 KiB sector."},
    {"static/background_cycle", &EnergyConfig::background_cycle, "pJ",
     "Clock tree and idle logic of the cluster, every cycle."},
    {"static/cluster", &EnergyConfig::leakage_cluster, "uW", "Leakage of the cluster's rest."},
    {"static/core", &EnergyConfig::leakage_core, "uW", "Leakage per core."},
    {"static/sram_kib", &EnergyConfig::leakage_sram_kib, "uW",
     "Leakage per KiB of TCDM and of L2, in however many banks."},
    {"static/logic_mm2", &EnergyConfig::leakage_logic_mm2, "uW",
     "Leakage per mm2 of the array and of the interconnect."},
    {"area/gate", &EnergyConfig::area_gate, "um2", "One gate equivalent (GE), laid out."},
    {"area/core", &EnergyConfig::area_core, "kGE", "One core without FPU and private cache."},
    {"area/fpu_fp32", &EnergyConfig::area_fpu_fp32, "kGE", "One FPU of an ISA without FP16."},
    {"area/fpu_fp16", &EnergyConfig::area_fpu_fp16, "kGE",
     "One FPU of an ISA with zhinx or xfvec: FP32 and packed FP16."},
    {"area/icache_byte", &EnergyConfig::area_icache_byte, "GE",
     "One byte of a core's private instruction cache."},
    {"area/shared_icache_kib", &EnergyConfig::area_shared_icache_kib, "mm2",
     "One KiB of the shared instruction cache."},
    {"area/fma_fp16_p1", &EnergyConfig::area_fma_fp16_p1, "kGE",
     "One FP16 element of the array, one pipeline register."},
    {"area/fma_fp16_p2", &EnergyConfig::area_fma_fp16_p2, "kGE", "The same, two registers."},
    {"area/fma_fp16_p3", &EnergyConfig::area_fma_fp16_p3, "kGE",
     "The same, three registers; each further one as the mean of the last two."},
    {"area/fma_fp32_p1", &EnergyConfig::area_fma_fp32_p1, "kGE",
     "One FP32 element of the array, one pipeline register."},
    {"area/fma_fp32_p2", &EnergyConfig::area_fma_fp32_p2, "kGE", "The same, two registers."},
    {"area/fma_fp32_p3", &EnergyConfig::area_fma_fp32_p3, "kGE",
     "The same, three registers; each further one as the mean of the last two."},
    {"area/ops_fp16_p1", &EnergyConfig::area_ops_fp16_p1, "kGE",
     "One FP16 element with GEMM-Ops, one register; linear over registers."},
    {"area/ops_fp16_p3", &EnergyConfig::area_ops_fp16_p3, "kGE", "The same, three registers."},
    {"area/ops_fp32_p1", &EnergyConfig::area_ops_fp32_p1, "kGE",
     "One FP32 element with GEMM-Ops, one register; linear over registers."},
    {"area/ops_fp32_p3", &EnergyConfig::area_ops_fp32_p3, "kGE", "The same, three registers."},
    {"area/x_bit", &EnergyConfig::area_x_bit, "GE", "One bit of the array's X buffer."},
    {"area/w_bit", &EnergyConfig::area_w_bit, "GE", "One bit of the array's W buffer."},
    {"area/z_bit", &EnergyConfig::area_z_bit, "GE", "One bit of the array's Z buffer."},
    {"area/fifo_bit", &EnergyConfig::area_fifo_bit, "GE",
     "One bit of the array's FIFOs, which hold 14 lines of its port."},
    {"area/port_bit", &EnergyConfig::area_port_bit, "GE",
     "Streamers and control of the array, per payload bit of its port."},
    {"area/crossbar", &EnergyConfig::area_crossbar, "GE", "TCDM crossbar, per port and bank."},
    {"area/other_ports", &EnergyConfig::area_other_ports, "ports",
     "Ports of the crossbar beside the harts': DMA and from outside."},
    {"area/wide_bank", &EnergyConfig::area_wide_bank, "GE",
     "Arbiter between crossbar and the array's port, per bank."},
    {"area/wide_stage", &EnergyConfig::area_wide_stage, "GE",
     "Rotators of the array's port, per bank and log2(banks)."},
    {"area/mchan", &EnergyConfig::area_mchan, "kGE", "The cluster DMA, engine mchan."},
    {"area/idma", &EnergyConfig::area_idma, "kGE", "The cluster DMA, engine idma."},
    {"area/other", &EnergyConfig::area_other, "kGE", "Event unit and buses of the cluster."},
    {"area/sram_cell", &EnergyConfig::area_sram_cell, "um2", "One SRAM cell."},
    {"area/sram_bits", &EnergyConfig::area_sram_bits, "cells",
     "Width of an SRAM macro beside its cells: as so many columns."},
    {"area/sram_words", &EnergyConfig::area_sram_words, "cells",
     "Height of an SRAM macro beside its cells: as so many rows."},
};
}  // namespace

void declare_energy(ParameterTable& table) {
  const std::string source = "configs/energy/";
  Section<EnergyConfig>(table, "/energy",
                        [](RootConfig& c, const std::string&) -> EnergyConfig& { return c.energy; })
      .add("name", &EnergyConfig::name,
           {.sentence = "Name of the technology.", .source = source, .required = true})
      .add("node_nm", &EnergyConfig::node_nm,
           {.unit = "nm",
            .sentence = "Node that every coefficient belongs to.",
            .source = source,
            .range = {.above_min = true, .max = 1000},
            .required = true})
      .add("voltage_v", &EnergyConfig::voltage_v,
           {.unit = "V",
            .sentence = "Supply that every coefficient belongs to.",
            .source = source,
            .range = {.above_min = true, .max = 5},
            .required = true})
      .add("clock_hz", &EnergyConfig::clock_hz,
           {.unit = "Hz",
            .sentence = "Clock of the published points at that supply.",
            .source = source,
            .range = {.above_min = true, .max = 5e9},
            .required = true})
      .add("supply_v", &EnergyConfig::supply_v,
           {.unit = "V",
            .sentence = "Supply of this run, 0: the table's; dynamic energy scales with its "
                        "square, leakage with its cube.",
            .source = "user",
            .range = {.max = 5}})
      .add("area/gemm_ops", &EnergyConfig::area_gemm_ops,
           {.sentence = "Area of an array whose elements also compute minimum and maximum "
                        "(GEMM-Ops); false: plain multiply-add.",
            .source = "user"});
  for (const Row& row : kRows) {
    declare_coefficient(table, row.name, row.member, row.unit, row.sentence);
  }
}

void check_ranges(const EnergyConfig& table) {
  for (const Row& row : kRows) {
    const Coefficient& coefficient = table.*row.member;
    if (coefficient.low > coefficient.high) {
      throw UserError(
          "/energy/" + std::string(row.name),
          "low " + Json(coefficient.low).dump() + " is above high " + Json(coefficient.high).dump(),
          "give a range that holds the value, or neither");
    }
  }
}

}  // namespace etude
