// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <systemc>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/event_unit/event_unit_config.h"
#include "models/event_unit/sync_units.h"

namespace etude {

/// The event unit of a cluster, cycle by cycle: per-core event buffers and masks, blocking loads
/// that put cores to sleep, barriers, mutex, dispatch FIFO and software events. Source: the RTL of
/// event_unit_flex (docs/models/event_unit.md).
///
/// Order of calls in a cycle: request(), set_event(), periph_request() for it, then step(). What is
/// granted in cycle t has its data in cycle t + 1. Nothing happens in cycles before
/// next_activity(), so these need no step().
class EventUnit : public sc_core::sc_module {
 public:
  /// Throws UserError when a number of the configuration is out of range.
  EventUnit(const sc_core::sc_module_name& name, const EventUnitConfig& config);

  /// The demux port of `core` raises a request in cycle `now`; it stays up until it is granted.
  /// `offset` is from ETUDE_EU_DEMUX_BASE.
  void request(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata, Cycle now);
  /// The core takes its ungranted request back (an interrupt ends its wait). A wait that is asked
  /// for again does not trigger its barrier, mutex or FIFO a second time.
  void withdraw(unsigned core);
  /// Event line `line` (0..31) of the cores in `core_mask` is up in cycle `now`, and only in it;
  /// the bit is in their buffers from now + 1. `now` may be the cycle just stepped, or any later.
  void set_event(unsigned line, std::uint32_t core_mask, Cycle now);

  /// One cycle. Returns the mask of ports that are granted in it.
  std::uint32_t step(Cycle now);
  /// Read data of the last grant of `core`, valid in the cycle after the grant.
  std::uint32_t rdata(unsigned core) const { return ports_[core].rdata; }
  /// The first cycle in which anything can happen without new input; kNever when all is still.
  Cycle next_activity() const;

  /// The request of `core` is up and was not granted yet.
  bool waiting(unsigned core) const { return ports_[core].up; }
  /// The interrupt lines of `core`: one bit, the highest-numbered pending event that its interrupt
  /// mask lets through, or 0. After step(t): the lines of cycle t + 1.
  std::uint32_t irq_lines(unsigned core) const;
  /// Cores whose interrupt lines may be up.
  std::uint32_t interrupting() const { return interrupting_; }
  /// The core takes interrupt `line` in the cycle that is stepped next: its buffer bit is cleared.
  void irq_acknowledge(unsigned core, unsigned line);

  /// A request of the peripheral interconnect (offset from ETUDE_EU_PERIPH_BASE) is up in cycle
  /// `now`. True: granted. It acts in now + 1 at the earliest, one access per cycle. False: the
  /// two-deep FIFO in front is full, try again.
  bool periph_request(std::uint32_t offset, bool write, std::uint32_t wdata, unsigned id,
                      Cycle now);
  /// Answer of the access that acted in the last step; its response is valid one cycle after it.
  struct PeriphResponse {
    unsigned id;
    std::uint32_t rdata;
  };
  std::optional<PeriphResponse> periph_response() const { return periph_response_; }

  /// Cycles in which the clock of `core` was stopped during finished waits.
  Cycle gated_cycles(unsigned core) const { return Cycle{ports_[core].gated}; }
  /// The gated cycles of the last wait of `core`: max(0, grant - request - busy - 1).
  Cycle last_gated_cycles(unsigned core) const { return Cycle{ports_[core].last_gated}; }

  void reset();
  void visit_counters(const CounterVisitor& visit) const;

  Counter accesses_{"accesses", "accesses", "granted accesses through the cores' private ports"};
  Counter periph_accesses_{"periph_accesses", "accesses",
                           "accesses through the peripheral interconnect"};
  Counter waits_{"waits", "accesses", "blocking loads granted"};
  Counter wait_cycles_{"wait_cycles", "core cycles", "cycles that blocking loads stayed up"};
  Counter gated_cycles_{"gated_cycles", "core cycles", "cycles with a stopped core clock"};
  Counter barriers_{"barriers", "events", "barriers completed"};
  Counter conflicts_{"conflicts", "core cycles",
                     "cycles a core waited for another one at the registers of a barrier"};

 private:
  struct Port {
    bool up{false};
    bool write{false};
    std::uint32_t offset{0};
    std::uint32_t wdata{0};
    std::uint64_t since{0};
    std::uint32_t rdata{0};
    std::uint64_t gated{0};
    std::uint64_t last_gated{0};
  };
  /// Registers of one event_unit_core.
  struct CoreUnit {
    std::uint32_t mask{0};
    std::uint32_t irq_mask{0};
    std::uint32_t buffer{0};
    std::uint32_t sw_mask{0};
    bool may_trigger{true};     ///< false from the first cycle of a wait to its grant
    std::uint32_t cleared{0};   ///< bits that the last step removed for good
    std::uint32_t irq_ack{0};   ///< bits acknowledged in the next step
    std::uint32_t irq_line{0};  ///< registered interrupt output
  };
  /// What the requests of one cycle ask of the shared units.
  struct Cause {
    std::vector<std::uint32_t> lines;  ///< event lines of each core
    std::uint32_t lock{0}, unlock{0}, message{0};
    std::uint32_t pop{0}, wake{0};
    bool push{false}, team{false};
    std::uint32_t push_data{0}, team_data{0};
    std::vector<std::uint32_t> arrivals;  ///< cores, per barrier
    std::uint32_t arrived{0};             ///< barriers that have some
    std::uint32_t port_write{0};  ///< barriers whose registers a demux port writes this cycle
  };
  struct Post {
    std::uint64_t cycle;
    unsigned line;
    std::uint32_t cores;
  };
  struct PeriphAccess {
    std::uint64_t since;
    std::uint32_t offset;
    bool write;
    std::uint32_t wdata;
    unsigned id;
  };
  /// A register file write that takes effect at the end of the cycle.
  struct Writes {
    std::optional<std::uint32_t> mask, irq_mask, buffer, sw_mask;
  };

  void raise(std::uint32_t cores, unsigned line);
  void software_event(unsigned event, std::uint32_t cores);
  bool step_private(unsigned core);
  bool step_barrier_wait(unsigned core);
  bool wait(CoreUnit& unit, std::uint32_t bit, bool clears);
  void step_barrier_port(unsigned core);
  std::uint32_t raise_barrier_events();
  void step_ports(std::uint64_t now);
  void commit_shared_units(std::uint32_t matched);
  void step_peripheral(std::uint64_t now);
  void commit_core(unsigned core);
  void core_register_write(const CoreUnit& unit, std::uint32_t offset, std::uint32_t data,
                           Writes& writes) const;
  std::uint32_t core_register_read(const CoreUnit& unit, std::uint32_t offset) const;
  void barrier_register_write(unsigned barrier, std::uint32_t offset, std::uint32_t data);
  std::uint32_t barrier_register_read(unsigned barrier, std::uint32_t offset) const;
  std::uint32_t read_data(unsigned core) const;
  std::uint32_t periph_read_data() const;
  void grant(unsigned core, std::uint64_t now);

  const EventUnitConfig config_;
  const std::uint32_t all_;
  std::vector<Port> ports_;
  std::vector<CoreUnit> units_;
  std::vector<HwBarrier> barrier_units_;
  HwMutex mutex_;
  DispatchFifo dispatch_;
  std::vector<Writes> demux_writes_, periph_writes_;
  Cause cause_;
  std::vector<Post> posts_;
  std::vector<PeriphAccess> periph_queue_;
  std::optional<PeriphResponse> periph_response_;
  std::uint32_t periph_offset_{0};
  bool periph_reads_{false};
  // Masks of cores and of barriers, so that a cycle costs what happens in it.
  std::uint32_t clearing_{0};       ///< a wait-and-clear was granted: the next cycle clears
  std::uint32_t was_clearing_{0};   ///< the last step was that next cycle
  std::uint32_t cleared_{0};        ///< cores whose `cleared` is not 0
  std::uint32_t touched_{0};        ///< with event lines up, register writes, acknowledged bits
  std::uint32_t written_{0};        ///< of them those with register writes
  std::uint32_t barrier_waits_{0};  ///< ports whose request is a load that waits at a barrier
  std::uint32_t dormant_{0};        ///< waits that have done all but wait for a bit of the buffer
  std::uint32_t interrupting_{0};   ///< with an interrupt mask or line
  std::uint32_t met_{0};            ///< barriers at which a core has arrived
  std::uint32_t up_{0};             ///< ports with a request
  std::uint32_t granted_{0};        ///< in the last step
  std::uint64_t last_{0};
  bool stepped_{false};
  bool changed_{false};
};

}  // namespace etude
