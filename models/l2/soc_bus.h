// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <systemc>

#include "models/base/tlm_access.h"
#include "models/base/types.h"

namespace etude {

/// The interconnect of the SoC: decodes the PULP addresses to L2, HyperRAM and flash, and hands the
/// targets offsets. HyperRAM and flash answer the SoC DMA only. It adds no time: latencies are
/// those of the way to each memory, contention is at the memories' channels.
class SocBus : public sc_core::sc_module, public TlmTarget, private TlmInitiator {
 public:
  /// Sizes of the memories behind it; the addresses are those of models/base/pulp_map_regs.h.
  SocBus(const sc_core::sc_module_name& name, Bytes l2_size, Bytes hyperram_size, Bytes flash_size);

  /// One port per initiator.
  tlm::tlm_target_socket<>& in_port(BusInitiator initiator) {
    return *in_ports_[static_cast<unsigned>(initiator)];
  }
  tlm::tlm_initiator_socket<> out_l2_{"out_l2"};
  tlm::tlm_initiator_socket<> out_hyperram_{"out_hyperram"};
  tlm::tlm_initiator_socket<> out_flash_{"out_flash"};

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
  unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

 private:
  struct Range {
    std::uint64_t base;
    std::uint64_t size;
    bool soc_dma_only;
    tlm::tlm_initiator_socket<>* target;
  };
  const Range* decode(const tlm::tlm_generic_payload& payload) const;

  std::array<std::unique_ptr<tlm::tlm_target_socket<>>, kBusInitiators> in_ports_;
  std::array<Range, 3> ranges_;
};

}  // namespace etude
