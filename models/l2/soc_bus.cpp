// SPDX-License-Identifier: Apache-2.0
#include "models/l2/soc_bus.h"

#include "models/base/pulp_map_regs.h"

namespace etude {

SocBus::SocBus(const sc_core::sc_module_name& name, Bytes l2_size, Bytes hyperram_size,
               Bytes flash_size)
    : sc_module(name),
      ranges_{{{ETUDE_L2_BASE, l2_size.raw(), false, &out_l2_},
               {ETUDE_HYPERRAM_BASE, hyperram_size.raw(), true, &out_hyperram_},
               {ETUDE_FLASH_BASE, flash_size.raw(), true, &out_flash_}}} {
  constexpr std::array<const char*, kBusInitiators> kNames = {"in_cores", "in_icache",
                                                              "in_cluster_dma", "in_soc_dma"};
  for (unsigned i = 0; i < kBusInitiators; ++i) {
    in_ports_[i] = std::make_unique<tlm::tlm_target_socket<>>(kNames[i]);
    in_ports_[i]->bind(*this);
  }
  for (const Range& range : ranges_) {
    range.target->bind(*this);
  }
}

const SocBus::Range* SocBus::decode(const tlm::tlm_generic_payload& payload) const {
  const std::uint64_t first = payload.get_address();
  const std::uint64_t end = first + payload.get_data_length();
  for (const Range& range : ranges_) {
    if (first >= range.base && end <= range.base + range.size) {
      return &range;
    }
  }
  return nullptr;
}

void SocBus::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const Range* range = decode(payload);
  const AccessExtension& access = access_of(payload);
  if (range == nullptr || (range->soc_dma_only && access.initiator != BusInitiator::kSocDma) ||
      (access.kind == AccessExtension::Kind::kErase && range->target != &out_flash_)) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  payload.set_address(payload.get_address() - range->base);
  (*range->target)->b_transport(payload, delay);
  payload.set_address(payload.get_address() + range->base);
}

unsigned SocBus::transport_dbg(tlm::tlm_generic_payload& payload) {
  const Range* range = decode(payload);
  if (range == nullptr) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return 0;
  }
  payload.set_address(payload.get_address() - range->base);
  const unsigned bytes = (*range->target)->transport_dbg(payload);
  payload.set_address(payload.get_address() + range->base);
  return bytes;
}

}  // namespace etude
