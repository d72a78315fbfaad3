// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/axi_port.h"
#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/dma/dma_config.h"

namespace etude {

/// Answer of the control port in the cycle of the access.
struct DmaReply {
  bool granted = false;     ///< else the core repeats the access unchanged in the next cycle
  std::uint32_t rdata = 0;  ///< of a granted read; the core sees it one cycle later
};

/// One word access that the DMA wants from the TCDM in this cycle.
struct DmaPortRequest {
  std::uint32_t address = 0;  ///< of the aligned word, as software programmed it (not an offset)
  std::uint32_t wdata = 0;
  std::uint8_t enable = 0;  ///< byte enables of a write
  bool write = false;
};

/// What software or the environment did that the hardware does not expect; kept for the user.
struct DmaFault {
  bool happened = false;
  unsigned core = 0;
  std::string what;
};

/// A completed transfer, for traces and comparisons.
struct DmaRecord {
  unsigned core = 0;
  std::uint32_t id = 0;
  bool to_l1 = false;
  std::uint32_t bytes = 0;  ///< all rows together
  std::uint32_t l1 = 0;
  std::uint32_t ext = 0;
  Cycle launched;  ///< the last programming access was granted
  Cycle done;
};

/// The cluster's DMA engine: control port for the harts, four word ports to the TCDM, one AXI port.
/// One cycle of the cluster's loop is: every access() of the cycle, requests(), arbitration of the
/// banks, commit(), take_events(). Cycles before next_activity() may be left out altogether.
class ClusterDma : public sc_core::sc_module {
 public:
  static constexpr unsigned kPorts = 4;
  static constexpr unsigned kMaxCores = 16;
  static constexpr Range kHarts{.min = 1, .max = kMaxCores};
  using Requests = std::array<DmaPortRequest, kPorts>;

  explicit ClusterDma(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}

  virtual void reset() = 0;
  /// Tells which harts will read a transfer id in this cycle, before their access() calls, so that
  /// the engine's own arbiter decides; without it the first to ask wins.
  virtual void announce(std::uint32_t /*readers*/) {}
  /// A 32-bit access of `core` to the register at `offset` in cycle `now`; several cores may ask in
  /// one cycle, each once.
  virtual DmaReply access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                          Cycle now) = 0;
  /// The word accesses wanted in cycle `now`: bit p of the result stands for out[p].
  virtual std::uint32_t requests(Cycle now, Requests& out) = 0;
  /// Ends cycle `now`: `granted` has one bit per port, `rdata` the words of granted reads (as they
  /// are in the cycle of the grant).
  virtual void commit(Cycle now, std::uint32_t granted,
                      const std::array<std::uint32_t, kPorts>& rdata) = 0;
  /// The harts to which a completion event is sent in cycle `now` (call after commit()).
  virtual std::uint32_t take_events(Cycle now) = 0;
  /// take_events() or take_record() may have something; false only if neither has.
  bool has_news() const { return news_; }
  /// Earliest cycle in which anything can happen without a new access(); kNever when idle.
  Cycle next_activity() const { return Cycle{next_}; }
  /// True while a transfer is under way or queued.
  virtual bool busy() const = 0;
  /// The first fault since the last call.
  virtual DmaFault take_fault() = 0;
  /// The same as a warning for the user, if there is one.
  std::vector<std::string> take_warnings() {
    const DmaFault fault = take_fault();
    if (!fault.happened) {
      return {};
    }
    return {"cluster DMA, programmed by hart " + std::to_string(fault.core) + ": " + fault.what};
  }
  /// The oldest record not taken yet, of the last 32; false if there is none.
  bool take_record(DmaRecord& record) {
    if (records_taken_ == records_made_) {
      return false;
    }
    record = records_[records_taken_++ % kRecords];
    return true;
  }
  virtual void visit_counters(const CounterVisitor& visit) const = 0;

 protected:
  Cycle::rep next_ = kNever.raw();  // what next_activity() says; kept by the engine
  bool news_ = true;                // what has_news() says; kept by the engine, if it can say

  void add_record(const DmaRecord& record) {
    records_[records_made_++ % kRecords] = record;
    if (records_made_ - records_taken_ > kRecords) {
      ++records_taken_;  // nobody takes them: the oldest goes
    }
  }
  void forget_records() { records_taken_ = records_made_; }

 private:
  static constexpr unsigned kRecords = 32;
  std::array<DmaRecord, kRecords> records_{};
  unsigned records_made_ = 0;
  unsigned records_taken_ = 0;
};

/// The engine that `config` selects, for `cores` harts. Throws UserError if a parameter is out of
/// range.
std::unique_ptr<ClusterDma> make_dma(const sc_core::sc_module_name& name, const DmaConfig& config,
                                     unsigned cores, AxiPort& axi);

}  // namespace etude
