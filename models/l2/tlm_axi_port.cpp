// SPDX-License-Identifier: Apache-2.0
#include "models/l2/tlm_axi_port.h"

#include <cstdio>

namespace etude {

Cycle TlmAxiPort::send(tlm::tlm_command command, Address address, std::uint8_t* data,
                       std::size_t bytes, std::span<const std::uint8_t> strobe, Cycle when) {
  payload_.set_command(command);
  payload_.set_address(address.raw());
  payload_.set_data_ptr(data);
  payload_.set_data_length(static_cast<unsigned>(bytes));
  payload_.set_streaming_width(static_cast<unsigned>(bytes));
  payload_.set_byte_enable_ptr(strobe.empty() ? nullptr : const_cast<std::uint8_t*>(strobe.data()));
  payload_.set_byte_enable_length(static_cast<unsigned>(strobe.size()));
  payload_.set_dmi_allowed(false);
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = clock_.delay_to(when);
  out_bus_->b_transport(payload_, delay);
  if (payload_.is_response_error()) {
    char text[96];
    std::snprintf(text, sizeof text, "%s of %zu bytes at 0x%08x: nothing there answers %s",
                  command == tlm::TLM_READ_COMMAND ? "read" : "write", bytes, address.raw(),
                  basename());
    throw ProgramError(text);
  }
  return clock_.after(delay);
}

}  // namespace etude
