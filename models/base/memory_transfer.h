// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <tlm>

namespace etude {

/// The range of `payload` lies inside a memory of `size` bytes; otherwise the response says so.
inline bool in_range(tlm::tlm_generic_payload& payload, std::size_t size) {
  const std::uint64_t address = payload.get_address();
  if (address > size || payload.get_data_length() > size - address) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return false;
  }
  return true;
}

/// Calls `write(offset, value)` for each byte that the payload's byte enables let through.
template <class Write>
void for_each_enabled_byte(const tlm::tlm_generic_payload& payload, Write write) {
  const std::uint8_t* data = payload.get_data_ptr();
  const std::uint8_t* enable = payload.get_byte_enable_ptr();
  const unsigned enables = payload.get_byte_enable_length();
  for (unsigned i = 0; i < payload.get_data_length(); ++i) {
    if (enable == nullptr || enable[i % enables] != 0) {
      write(i, data[i]);
    }
  }
}

/// Moves the data of a read or write transaction from or to `memory` (byte enables for writes) and
/// sets the response; false when the address is outside.
inline bool transfer_data(tlm::tlm_generic_payload& payload, std::uint8_t* memory,
                          std::size_t size) {
  if (!in_range(payload, size)) {
    return false;
  }
  std::uint8_t* place = memory + payload.get_address();
  if (payload.is_read()) {
    std::memcpy(payload.get_data_ptr(), place, payload.get_data_length());
  } else if (payload.get_byte_enable_ptr() == nullptr) {
    std::memcpy(place, payload.get_data_ptr(), payload.get_data_length());
  } else {
    for_each_enabled_byte(payload, [place](unsigned i, std::uint8_t value) { place[i] = value; });
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return true;
}

}  // namespace etude
