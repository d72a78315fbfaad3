// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>

#include "models/base/cluster_clock.h"
#include "models/base/counter.h"
#include "models/base/lazy_memory.h"
#include "models/base/tlm_access.h"
#include "models/base/types.h"
#include "models/l2/l2_config.h"

namespace etude {

/// The L2 memory: storage behind one read and one write channel of 8 bytes per cycle that all
/// initiators share, reserved in the order of the calls (that is: of time, then of initiator).
/// Timing: docs/models/l2.md. Addresses of transactions are offsets from the start of the memory.
class L2Memory : public sc_core::sc_module, public TlmTarget {
 public:
  L2Memory(const sc_core::sc_module_name& name, const L2Config& config, const ClusterClock& clock);

  tlm::tlm_target_socket<> in_bus_{"in_bus"};

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
  unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

  /// The stored bytes, without time (loading, instruction words, results).
  std::uint8_t* data() { return storage_.data(); }
  const std::uint8_t* data() const { return storage_.data(); }
  Bytes size() const { return Bytes{storage_.size()}; }

  /// One past the highest byte that an initiator read or wrote since the reset; 0: none did.
  Bytes touched() const { return touched_; }

  /// Forgets reservations and counts; the contents stay.
  void reset();
  void visit_counters(const CounterVisitor& visit) const;

  Counter reads_{"reads", "accesses", "bursts and words read"};
  Counter writes_{"writes", "accesses", "bursts and words written"};
  Counter read_bytes_{"read_bytes", "bytes", "bytes read"};
  Counter write_bytes_{"write_bytes", "bytes", "bytes written"};
  Counter read_busy_{"read_busy", "cycles", "beats on the read channel"};
  Counter write_busy_{"write_busy", "cycles", "beats on the write channel"};
  Counter conflicts_{"conflicts", "initiator cycles",
                     "cycles accesses waited for the channel taken by another one"};

 private:
  /// A channel that moves one 8-byte beat per cycle, first come, first served.
  class Channel {
   public:
    /// The first of `beats` cycles, not before `earliest`.
    std::uint64_t reserve(std::uint64_t earliest, std::uint64_t beats) {
      const std::uint64_t first = earliest > free_ ? earliest : free_;
      free_ = first + beats;
      return first;
    }

   private:
    std::uint64_t free_{0};
  };

  std::uint64_t time_word(bool write, std::uint64_t now);
  std::uint64_t time_read(std::uint64_t now, std::uint64_t beats);
  std::uint64_t time_write(std::uint64_t first_w, std::uint64_t last_w, std::uint64_t beats);

  const L2Config config_;
  const ClusterClock clock_;
  LazyMemory storage_;
  Channel read_channel_, write_channel_;
  Bytes touched_;
};

}  // namespace etude
