// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/events.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/iss/isa/isa_config.h"
#include "sim/energy/energy.h"

namespace etude {
namespace {
/// Every class of retired instruction.
std::vector<std::string> core_instructions() {
  return {"core.alu",         "core.mul",       "core.mulh",     "core.div",        "core.loads",
          "core.stores",      "core.branches",  "core.jal",      "core.jalr",       "core.csr",
          "core.fences",      "core.fp_addmul", "core.fp_other", "core.fp_divsqrt", "core.hw_loops",
          "core.event_loads", "core.system",    "core.fp_packed"};
}

bool starts_with_any(const std::string& event, std::initializer_list<const char*> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const char* start) { return event.rfind(start, 0) == 0; });
}

/// True if a counter is there on `platform`, whose cores have packed FP16 or not.
bool is_counted(const std::string& event, const PlatformConfig& platform, bool packed) {
  if (starts_with_any(event, {"stall."})) {
    return false;  // cycles of harts, which are no counters
  }
  return (packed || !starts_with_any(event, {"core.fp_packed", "core.fp16_"})) &&
         (platform.cluster.redmule.enabled || !starts_with_any(event, {"redmule."}));
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
      {"cores", "cores/icache_refill", &E::icache_refill, {"icache.shared_hits", "icache.refills"}},
      {"tcdm",
       "tcdm/access",
       &E::tcdm_access_16kib,
       {"tcdm.reads", "tcdm.writes", "tcdm.wasted_reads"}},
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
      {"redmule", "redmule/busy_bit", &E::redmule_busy_bit, {"redmule.active"}},
      {"dma", "dma/byte", &E::dma_byte, {"dma.bytes_in", "dma.bytes_out"}},
      {"dma", "dma/busy_cycle", &E::dma_busy_cycle, {"dma.busy"}},
      {"dma",
       "dma/soc_byte",
       &E::soc_dma_byte,
       {"soc_dma.ext_to_l2_bytes", "soc_dma.l2_to_ext_bytes", "soc_dma.l2_to_l2_bytes",
        "soc_dma.ext_to_ext_bytes"}},
      {"l2", "l2/byte", &E::l2_byte, {"l2.read_bytes", "l2.write_bytes"}},
      {"extmem", "extmem/byte", &E::extmem_byte, {"hyperram.read_bytes", "hyperram.write_bytes"}},
      {"flash", "flash/read_byte", &E::flash_read_byte, {"flash.read_bytes"}},
      {"flash", "flash/program_page", &E::flash_program_page, {"flash.pages"}},
      {"flash", "flash/erase_sector", &E::flash_erase_sector, {"flash.sectors"}},
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
  static const std::vector<std::string> events{"hyperram.read_bytes", "flash.read_bytes"};
  return events;
}

const std::vector<std::string>& l3_l2_write() {
  static const std::vector<std::string> events{"hyperram.write_bytes", "flash.program_bytes"};
  return events;
}

const std::vector<std::string>& external_busy() {
  static const std::vector<std::string> events{"hyperram.busy", "flash.busy"};
  return events;
}

const std::vector<std::string>& redmule_beats() {
  static const std::vector<std::string> events{"redmule.x_beats", "redmule.w_beats",
                                               "redmule.y_beats", "redmule.z_beats"};
  return events;
}

std::vector<std::string> counted_events(const PlatformConfig& platform) {
  const bool packed = parse_isa(platform.cluster.core.isa).xfvec;
  std::vector<std::string> events;
  const auto add = [&](const std::vector<std::string>& some) {
    for (const std::string& event : some) {
      if (is_counted(event, platform, packed) &&
          std::find(events.begin(), events.end(), event) == events.end()) {
        events.push_back(event);
      }
    }
  };
  for (const EventPrice& price : event_prices()) {
    add(price.events);
  }
  for (const auto& traffic : {l2_l1_read(), l2_l1_write(), l3_l2_read(), l3_l2_write(),
                              redmule_beats(), external_busy()}) {
    add(traffic);
  }
  return events;
}

void check_events(const CounterSnapshot& counters, const PlatformConfig& platform) {
  for (const std::string& event : counted_events(platform)) {
    const bool there = std::any_of(counters.begin(), counters.end(), [&](const auto& counter) {
      return is_event(counter.first, event);
    });
    if (!there) {
      throw UserError("/counters", event + " is priced and was not counted",
                      "the run must be of this version and of this platform");
    }
  }
}

}  // namespace etude
