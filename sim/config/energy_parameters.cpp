// SPDX-License-Identifier: Apache-2.0
// Declarations below /energy. Values have no default in the program: the table is a file.
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
    {"tcdm/access", &EnergyConfig::tcdm_access, "pJ",
     "One access of a bank, of up to 32 bits, wasted ones included."},
    {"redmule/fp16_fma", &EnergyConfig::redmule_fp16_fma, "pJ",
     "One FP16 multiply-add in the array."},
    {"redmule/fp32_fma", &EnergyConfig::redmule_fp32_fma, "pJ",
     "One FP32 multiply-add in the array."},
    {"redmule/busy_cycle", &EnergyConfig::redmule_busy_cycle, "pJ",
     "One cycle of a running job: streamers, buffers, control."},
    {"dma/byte", &EnergyConfig::dma_byte, "pJ", "One byte moved by the cluster DMA."},
    {"dma/busy_cycle", &EnergyConfig::dma_busy_cycle, "pJ",
     "One cycle in which the cluster DMA works."},
    {"dma/soc_byte", &EnergyConfig::soc_dma_byte, "pJ", "One byte moved by the SoC DMA."},
    {"l2/byte", &EnergyConfig::l2_byte, "pJ", "One byte read from or written to L2."},
    {"extmem/byte", &EnergyConfig::extmem_byte, "pJ",
     "One byte over the HyperBus, device included."},
    {"extmem/byte_alternative", &EnergyConfig::extmem_byte_alternative, "pJ",
     "A second source for the same byte; reports state the total with it too."},
    {"flash/read_byte", &EnergyConfig::flash_read_byte, "pJ", "One byte read from flash."},
    {"flash/program_page", &EnergyConfig::flash_program_page, "pJ",
     "Programming one 256-byte page."},
    {"flash/erase_sector", &EnergyConfig::flash_erase_sector, "pJ", "Erasing one 4 KiB sector."},
    {"static/background_cycle", &EnergyConfig::background_cycle, "pJ",
     "Clock tree and idle logic of the cluster, every cycle."},
    {"static/cluster", &EnergyConfig::leakage_cluster, "uW", "Leakage of the cluster's rest."},
    {"static/core", &EnergyConfig::leakage_core, "uW", "Leakage per core."},
    {"static/tcdm_bank", &EnergyConfig::leakage_tcdm_bank, "uW", "Leakage per TCDM bank."},
    {"static/redmule_fma", &EnergyConfig::leakage_redmule_fma, "uW",
     "Leakage per multiply-adder of the array."},
    {"static/l2_kib", &EnergyConfig::leakage_l2_kib, "uW", "Leakage per KiB of L2."},
    {"area/core", &EnergyConfig::area_core, "mm2", "One core with its FPU and private cache."},
    {"area/tcdm_kib", &EnergyConfig::area_tcdm_kib, "mm2", "One KiB of TCDM."},
    {"area/redmule_fp16_fma", &EnergyConfig::area_redmule_fp16_fma, "mm2",
     "One FP16 multiply-adder of the array with its share of buffers."},
    {"area/redmule_fp32_fma", &EnergyConfig::area_redmule_fp32_fma, "mm2",
     "One FP32 multiply-adder of the array with its share of buffers."},
    {"area/other", &EnergyConfig::area_other, "mm2",
     "Interconnect, DMA, event unit and shared cache."},
    {"area/l2_kib", &EnergyConfig::area_l2_kib, "mm2", "One KiB of L2."},
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
            .range = {.max = 5}});
  for (const Row& row : kRows) {
    declare_coefficient(table, row.name, row.member, row.unit, row.sentence);
  }
}

}  // namespace etude
