// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/cluster_clock.h"
#include "models/base/counter.h"
#include "models/base/tlm_access.h"
#include "models/base/types.h"

namespace etude {

/// Parameters of the SoC DMA (ours, modelled after uDMA channels).
struct SocDmaConfig {
  unsigned queue = 16;   ///< transfers launched and not yet finished, 8 at least
  unsigned buffers = 2;  ///< pieces between the reading and the writing side
  Bytes piece{256};      ///< longest burst on either side; power of two
  Cycle launch{4};       ///< launch to the first request of the reading side
};

/// The SoC's own DMA: moves rows between L2, HyperRAM and flash in pieces, reading one piece while
/// an earlier one is written. A stepped component: call step() in each cycle that next_activity()
/// names; transactions are made at that cycle. Registers: models/base/pulp_map_regs.h; behaviour:
/// docs/models/soc_dma.md.
class SocDma : public sc_core::sc_module, private TlmInitiator {
 public:
  SocDma(const sc_core::sc_module_name& name, const SocDmaConfig& config,
         const ClusterClock& clock);

  tlm::tlm_initiator_socket<> out_bus_{"out_bus"};

  /// A load of a register in cycle `now`. Nothing: START and the queue is full, so the load is not
  /// granted yet; try again in a later cycle.
  std::optional<std::uint32_t> read_register(std::uint32_t offset, Cycle now);
  void write_register(std::uint32_t offset, std::uint32_t value, Cycle now);

  /// One cycle. Returns the number of transfers that completed in it: each raises SoC event 27.
  /// Throws ProgramError when nothing answers at an address.
  unsigned step(Cycle now);
  /// The next cycle in which step() has something to do; kNever when idle.
  Cycle next_activity() const;
  bool idle() const { return jobs_.empty(); }
  std::uint32_t completed() const { return completed_; }

  void reset();
  void visit_counters(const CounterVisitor& visit) const;
  /// What the user should know (empty transfers), handed over once.
  std::vector<std::string> take_warnings();

  Counter transfers_{"transfers", "transfers", "transfers completed"};
  Counter ext_to_l2_{"ext_to_l2_bytes", "bytes", "bytes from external memory to L2"};
  Counter l2_to_ext_{"l2_to_ext_bytes", "bytes", "bytes from L2 to external memory"};
  Counter l2_to_l2_{"l2_to_l2_bytes", "bytes", "bytes within L2"};
  Counter ext_to_ext_{"ext_to_ext_bytes", "bytes", "bytes within external memories"};
  Counter busy_{"busy", "cycles", "cycles with a transfer under way", CounterRole::kBusy};

 private:
  /// One launched transfer.
  struct Job {
    std::uint32_t source, destination, row_bytes, rows;
    std::uint32_t source_pitch, destination_pitch;
    std::uint64_t start;  ///< first cycle of its reading side
    bool erase;
    std::uint32_t read_row{0}, read_offset{0};  ///< next piece to read
    std::uint32_t left{0};                      ///< pieces read and not yet written
    bool all_read{false};
    std::uint64_t end{0};  ///< cycle of the last response
  };
  struct Piece {
    std::size_t job;  ///< index counted from the oldest job
    std::uint32_t address;
    std::uint64_t ready;  ///< first cycle in which its data is there
    std::vector<std::uint8_t> data;
  };

  std::uint32_t launch(Cycle now);
  std::uint32_t piece_bytes(const Job& job) const;
  bool may_read(std::size_t index) const;
  std::optional<std::size_t> reading_job() const;
  std::uint64_t next_read() const;
  std::uint64_t next_write() const;
  void read_piece(std::size_t index, std::uint64_t now);
  void write_piece(std::uint64_t now);
  std::uint64_t transport(const Job& job, tlm::tlm_command command, std::uint32_t address,
                          std::uint8_t* data, std::uint32_t bytes, std::uint64_t now);
  void count_bytes(const Job& job);

  const SocDmaConfig config_;
  const ClusterClock clock_;
  AccessExtension* extension_;
  tlm::tlm_generic_payload payload_;

  std::uint32_t source_{0}, destination_{0}, length_{0}, stride_{0}, repetitions_{1};
  std::uint32_t launched_{0}, completed_{0};
  std::deque<Job> jobs_;
  std::deque<Piece> pieces_;
  unsigned in_use_{0};                  ///< buffers taken
  std::deque<std::uint64_t> releases_;  ///< cycles in which buffers of writes under way get free
  std::uint64_t reader_free_{0}, writer_free_{0};
  std::uint64_t busy_since_{0};
  std::vector<std::string> warnings_;
};

}  // namespace etude
