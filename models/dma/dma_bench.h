// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/dma/cluster_dma.h"

namespace etude {

/// An external memory behind an AXI port of fixed latency: always ready, in order, 8 bytes per
/// cycle each way, reads and writes independent.
class FixedLatencyMemory final : public AxiPort {
 public:
  /// `read_latency`: address accepted -> first beat; `write_latency`: last beat -> response.
  FixedLatencyMemory(std::size_t bytes, unsigned read_latency, unsigned write_latency)
      : bytes_(bytes), read_latency_(read_latency), write_latency_(write_latency) {}

  Cycle read(Address address, std::span<std::uint8_t> data, Cycle ar) override;
  Cycle write(Address address, std::span<const std::uint8_t> data,
              std::span<const std::uint8_t> strobe, Cycle first_w, Cycle last_w) override;
  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  unsigned read_latency_;
  unsigned write_latency_;
};

/// One transfer of a bench run; row_bytes 0 = that side is one-dimensional.
struct DmaBenchTransfer {
  unsigned core = 0;
  bool to_l1 = true;
  std::uint32_t bytes = 0;
  std::uint32_t l1 = 0;   ///< offset in the TCDM
  std::uint32_t ext = 0;  ///< offset in the memory
  std::uint32_t ext_row_bytes = 0;
  std::uint32_t ext_stride = 0;
  std::uint32_t l1_row_bytes = 0;
  std::uint32_t l1_stride = 0;
  std::uint64_t launched = 0;  ///< result: cycle of the last programming access
  std::uint64_t done = 0;      ///< result
  DmaRecord record;            ///< result: what the engine says that it was
};

/// A run of a DMA engine alone: cores that program transfers one after the other, a TCDM that
/// grants at once unless `deny(cycle, port)` says otherwise, and the memory that the engine was
/// built with.
struct DmaBench {
  DmaConfig::Engine engine = DmaConfig::Engine::kMchan;
  unsigned gap = 0;  ///< idle cycles between two accesses of a core
  std::vector<DmaBenchTransfer> transfers;
  std::vector<std::uint8_t> tcdm;
  std::function<bool(std::uint64_t, unsigned)> deny;
  bool every_cycle = false;     ///< commit every cycle instead of those that next_activity() names
  std::uint64_t committed = 0;  ///< result: cycles that were committed

  /// Programs and completes all transfers, filling in their results. Throws ProgramError if they
  /// are not complete after `limit` cycles.
  void run(ClusterDma& dma, std::uint64_t limit);
};

}  // namespace etude
