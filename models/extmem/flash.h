// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/cluster_clock.h"
#include "models/base/counter.h"
#include "models/base/lazy_memory.h"
#include "models/base/tlm_access.h"
#include "models/extmem/extmem_config.h"

namespace etude {

/// An octal NOR flash: fast to read, slow to program (a 256-byte page at a time; programming only
/// clears bits) and very slow to erase (a 4 KiB sector at a time, to all ones). One operation at a
/// time; closed form and sources: docs/models/extmem.md. The annotated delay is, on the way in, the
/// cycle of the request; on the way out, the first cycle in which the operation is over.
class Flash : public sc_core::sc_module, public TlmTarget {
 public:
  static constexpr std::uint64_t kPageBytes = FlashConfig::kPageBytes;
  static constexpr std::uint64_t kSectorBytes = FlashConfig::kSectorBytes;

  /// Throws UserError when a rate or time is not positive or the size no whole number of sectors.
  Flash(const sc_core::sc_module_name& name, const FlashConfig& config, const ClusterClock& clock);

  tlm::tlm_target_socket<> in_bus_{"in_bus"};

  /// Reads, programs (write) or erases (AccessExtension::Kind::kErase: every sector that the range
  /// touches).
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) override;
  /// Without time and without the rules of programming (loading, results).
  unsigned transport_dbg(tlm::tlm_generic_payload& payload) override;

  Bytes size() const { return Bytes{storage_.size()}; }
  /// Erase cycles of the sector that was erased most often.
  std::uint64_t max_wear() const { return most_wear_; }
  /// What the user should know (bits that programming could not set, endurance passed), handed over
  /// once.
  std::vector<std::string> take_warnings();

  /// Forgets operations and counts; contents and wear stay.
  void reset();
  void visit_counters(const CounterVisitor& visit) const;

  Counter read_bytes_{"read_bytes", "bytes", "bytes read"};
  Counter reads_{"reads", "accesses", "read commands"};
  Counter program_bytes_{"program_bytes", "bytes", "bytes programmed"};
  Counter pages_{"pages", "pages", "page programs"};
  Counter sectors_{"sectors", "sectors", "sectors erased"};
  Counter most_worn_{"most_worn", "cycles", "erases of the sector that was erased most often"};
  Counter busy_{"busy", "cycles", "cycles with an operation under way"};
  Counter conflicts_{"conflicts", "cycles", "cycles accesses waited for the one before to end"};
  Counter lost_bits_{"lost_bytes", "bytes", "bytes that kept zeros which programming cannot set"};

 private:
  void read(tlm::tlm_generic_payload& payload);
  void program(tlm::tlm_generic_payload& payload);
  void erase(tlm::tlm_generic_payload& payload);

  const FlashConfig config_;
  const ClusterClock clock_;
  LazyMemory storage_;  ///< inverted, so that what was never touched reads as erased
  std::vector<std::uint32_t> wear_;
  std::uint64_t most_wear_{0};
  std::uint64_t free_{0};      ///< first cycle without an operation
  bool reading_{false};        ///< the last operation was a read that ...
  std::uint64_t next_{0};      ///< ... would go on here, ...
  std::uint64_t start_{0};     ///< ... began in this cycle ...
  std::uint64_t streamed_{0};  ///< ... and moved this many bytes
  std::vector<std::string> warnings_;
  bool lost_warned_{false}, wear_warned_{false};
};

}  // namespace etude
