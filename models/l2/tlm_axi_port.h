// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <systemc>

#include "models/base/axi_port.h"
#include "models/base/cluster_clock.h"
#include "models/base/error.h"
#include "models/base/tlm_access.h"

namespace etude {

/// The way out of the cluster for one initiator, as blocking TLM-2.0 transactions. Throws
/// ProgramError when nothing answers at an address.
class TlmAxiPort : public sc_core::sc_module, public AxiPort, private TlmInitiator {
 public:
  TlmAxiPort(const sc_core::sc_module_name& name, BusInitiator initiator, const ClusterClock& clock)
      : sc_module(name), clock_(clock), extension_(new AccessExtension) {
    extension_->initiator = initiator;
    payload_.set_extension(extension_);  // the payload owns it
    out_bus_.bind(*this);
  }

  tlm::tlm_initiator_socket<> out_bus_{"out_bus"};

  Cycle read(Address address, std::span<std::uint8_t> data, Cycle ar) override {
    extension_->kind = AccessExtension::Kind::kBurst;
    return send(tlm::TLM_READ_COMMAND, address, data.data(), data.size(), {}, ar);
  }
  Cycle write(Address address, std::span<const std::uint8_t> data,
              std::span<const std::uint8_t> strobe, Cycle first_w, Cycle last_w) override {
    extension_->kind = AccessExtension::Kind::kBurst;
    extension_->first_w = first_w;
    return send(tlm::TLM_WRITE_COMMAND, address, const_cast<std::uint8_t*>(data.data()),
                data.size(), strobe, last_w);
  }
  /// A load of a core, 1 to 4 bytes, asked for in cycle `now`. Returns the cycle of its data.
  Cycle read_word(Address address, std::span<std::uint8_t> data, Cycle now) {
    extension_->kind = AccessExtension::Kind::kWord;
    return send(tlm::TLM_READ_COMMAND, address, data.data(), data.size(), {}, now);
  }
  /// A store of a core, 1 to 4 bytes, asked for in cycle `now`. Returns the cycle of the response.
  Cycle write_word(Address address, std::span<const std::uint8_t> data, Cycle now) {
    extension_->kind = AccessExtension::Kind::kWord;
    return send(tlm::TLM_WRITE_COMMAND, address, const_cast<std::uint8_t*>(data.data()),
                data.size(), {}, now);
  }

 private:
  Cycle send(tlm::tlm_command command, Address address, std::uint8_t* data, std::size_t bytes,
             std::span<const std::uint8_t> strobe, Cycle when);

  const ClusterClock clock_;
  AccessExtension* extension_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace etude
