// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/axi_port.h"

namespace etude::test {

/// A memory behind an AXI port whose first beat comes `latency` cycles after the address, and whose
/// write response `latency` cycles after the last beat. It holds no data.
class FixedLatencyPort : public AxiPort {
 public:
  explicit FixedLatencyPort(std::uint64_t latency) : latency_(latency) {}
  Cycle read(Address address, std::span<std::uint8_t>, Cycle ar) override {
    last_address = address;
    ++reads;
    return Cycle{ar.raw() + latency_};
  }
  Cycle write(Address, std::span<const std::uint8_t>, std::span<const std::uint8_t>, Cycle,
              Cycle last) override {
    return Cycle{last.raw() + latency_};
  }

  Address last_address{};
  unsigned reads{0};

 private:
  std::uint64_t latency_;
};

}  // namespace etude::test
