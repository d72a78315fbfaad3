// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>

#include "models/base/cluster_clock.h"
#include "models/base/counter.h"
#include "models/base/lazy_memory.h"
#include "models/base/tlm_access.h"
#include "models/extmem/extmem_config.h"

namespace etude {

/// A HyperRAM behind its controller: one access at a time, bursts that open with the access time,
/// stream at the bus's bandwidth, end at the controller's cap and are followed by a recovery time.
/// An access that continues the one before, asked for before its last byte, stays in its burst.
/// Closed form and sources: docs/models/extmem.md. The annotated delay is, on the way in, the cycle
/// of the request; on the way out, the first cycle in which all data has been moved.
class Hyperram : public sc_core::sc_module, public TlmTarget {
 public:
  Hyperram(const sc_core::sc_module_name& name, const HyperramConfig& config,
           const ClusterClock& clock);

  tlm::tlm_target_socket<> in_bus_{"in_bus"};

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
  unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

  /// The stored bytes, without time.
  std::uint8_t* data() { return storage_.data(); }
  const std::uint8_t* data() const { return storage_.data(); }
  Bytes size() const { return Bytes{storage_.size()}; }
  /// Bytes that fit into one burst before the controller must close it.
  Bytes burst_bytes() const { return Bytes{burst_bytes_}; }

  /// Forgets the open burst and the counts; the contents stay.
  void reset();
  void visit_counters(const CounterVisitor& visit) const;

  Counter read_bytes_{"read_bytes", "bytes", "bytes read"};
  Counter write_bytes_{"write_bytes", "bytes", "bytes written"};
  Counter bursts_{"bursts", "bursts", "bursts opened (chip select falls)"};
  Counter busy_{"busy", "cycles", "cycles with chip select low or in recovery"};
  Counter conflicts_{"conflicts", "cycles", "cycles accesses waited for the one before to end"};

 private:
  struct Burst {
    bool open{false};
    bool write{false};
    std::uint64_t start{0};  ///< cycle in which chip select falls
    std::uint64_t next{0};   ///< address of the byte that would continue it
    std::uint64_t bytes{0};
    std::uint64_t end{0};  ///< first cycle after its last byte
  };

  const HyperramConfig config_;
  const ClusterClock clock_;
  const std::uint64_t burst_bytes_;
  LazyMemory storage_;
  Burst burst_;
};

}  // namespace etude
