// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "models/base/types.h"

namespace etude {

/// The way out of the cluster for one initiator (DMA, core L2 port, instruction-cache refill): one
/// burst per call, data moved at once, timing annotated. Calls come in ascending cycle order per
/// initiator, at the moment when simulated time is exactly the cycle named, so that shared channels
/// can be reserved in (time, initiator) order. The cluster implements it with a TLM-2.0 socket;
/// tests use a fixed latency.
class AxiPort {
 public:
  virtual ~AxiPort() = default;
  /// Reads `data.size()` bytes at `address`; the address is accepted in cycle `ar`.
  /// Returns the cycle of the first 8-byte beat; the others follow one per cycle.
  virtual Cycle read(Address address, std::span<std::uint8_t> data, Cycle ar) = 0;
  /// Writes `data` at `address` (with `strobe`, one byte per data byte, 0 = keep; empty = all
  /// written); the first beat goes out in `first_w`, the last in `last_w`. Returns the cycle of the
  /// response (B).
  virtual Cycle write(Address address, std::span<const std::uint8_t> data,
                      std::span<const std::uint8_t> strobe, Cycle first_w, Cycle last_w) = 0;
};

}  // namespace etude
