// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/events.h"

namespace etude {
namespace {
/// Every class of retired instruction.
std::vector<std::string> core_instructions() {
  return {"core.alu",         "core.mul",       "core.mulh",     "core.div",        "core.loads",
          "core.stores",      "core.branches",  "core.jal",      "core.jalr",       "core.csr",
          "core.fences",      "core.fp_addmul", "core.fp_other", "core.fp_divsqrt", "core.hw_loops",
          "core.event_loads", "core.system",    "core.fp_packed"};
}
}  // namespace

const std::vector<EventPrice>& event_prices() {
  using E = EnergyConfig;
  static const std::vector<EventPrice> prices{
      {"cores", "cores/instruction", &E::core_instruction, core_instructions()},
      {"cores", "cores/stall_cycle", &E::core_stall_cycle, {"stall.awake"}},
      {"cores", "cores/sleep_cycle", &E::core_sleep_cycle, {"stall.sleep"}},
      {"cores", "cores/fp32_fma", &E::core_fp32_fma, {"core.fp_addmul"}},
      {"cores", "cores/fp32_other", &E::core_fp32_other, {"core.fp_other", "core.fp_divsqrt"}},
      {"cores", "cores/fp16_fma", &E::core_fp16_fma, {"core.fp16_elements"}},
      {"cores", "cores/fp16_other", &E::core_fp16_other, {"core.fp16_other"}},
      {"cores",
       "cores/icache_refill",
       &E::icache_refill,
       {"icache.icache_shared_hits", "icache.icache_refills"}},
      {"tcdm", "tcdm/access", &E::tcdm_access, {"tcdm.reads", "tcdm.writes", "tcdm.wasted_reads"}},
      {"redmule",
       "redmule/fp16_fma",
       &E::redmule_fp16_fma,
       {"redmule.fma_useful", "redmule.fma_padded"},
       RedmuleConfig::Format::kFp16},
      {"redmule",
       "redmule/fp32_fma",
       &E::redmule_fp32_fma,
       {"redmule.fma_useful", "redmule.fma_padded"},
       RedmuleConfig::Format::kFp32},
      {"redmule", "redmule/busy_cycle", &E::redmule_busy_cycle, {"redmule.active"}},
      {"dma", "dma/byte", &E::dma_byte, {"dma.bytes_in", "dma.bytes_out"}},
      {"dma", "dma/busy_cycle", &E::dma_busy_cycle, {"dma.busy"}},
      {"dma",
       "dma/soc_byte",
       &E::soc_dma_byte,
       {"soc_dma.soc_dma_ext_to_l2_bytes", "soc_dma.soc_dma_l2_to_ext_bytes",
        "soc_dma.soc_dma_l2_to_l2_bytes", "soc_dma.soc_dma_ext_to_ext_bytes"}},
      {"l2", "l2/byte", &E::l2_byte, {"l2.l2_read_bytes", "l2.l2_write_bytes"}},
      {"extmem",
       "extmem/byte",
       &E::extmem_byte,
       {"extmem.hyperram_read_bytes", "extmem.hyperram_write_bytes"}},
      {"flash", "flash/read_byte", &E::flash_read_byte, {"flash.flash_read_bytes"}},
      {"flash", "flash/program_page", &E::flash_program_page, {"flash.flash_pages"}},
      {"flash", "flash/erase_sector", &E::flash_erase_sector, {"flash.flash_sectors"}},
  };
  return prices;
}

const std::vector<std::string>& l2_l1_read() {
  static const std::vector<std::string> events{"dma.bytes_in"};
  return events;
}

const std::vector<std::string>& l2_l1_write() {
  static const std::vector<std::string> events{"dma.bytes_out"};
  return events;
}

const std::vector<std::string>& l3_l2_read() {
  static const std::vector<std::string> events{"extmem.hyperram_read_bytes",
                                               "flash.flash_read_bytes"};
  return events;
}

const std::vector<std::string>& l3_l2_write() {
  static const std::vector<std::string> events{"extmem.hyperram_write_bytes"};
  return events;
}

const std::vector<std::string>& redmule_beats() {
  static const std::vector<std::string> events{"redmule.x_beats", "redmule.w_beats",
                                               "redmule.y_beats", "redmule.z_beats"};
  return events;
}

}  // namespace etude
