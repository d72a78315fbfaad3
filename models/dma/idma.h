// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/dma/cluster_dma.h"
#include "models/dma/dma_books.h"
#include "models/dma/idma_backend.h"

namespace etude {

/// iDMA with the register front end of PULP clusters: one engine for both directions, bursts up to
/// 2 KiB, transfers strictly in order; the programming core is held only when the queue is full.
/// Source: iDMA 0.5.1 in pulp_cluster's idma_wrap (RTL, measured); see docs/models/dma.md.
class Idma final : public ClusterDma {
 public:
  Idma(const sc_core::sc_module_name& name, const DmaConfig& config, unsigned cores, AxiPort& axi);

  void reset() override;
  void announce(std::uint32_t readers) override { readers_ = readers; }
  DmaReply access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                  Cycle now) override;
  std::uint32_t requests(Cycle now, Requests& out) override {
    return backend_.requests(now.raw(), out);
  }
  void commit(Cycle now, std::uint32_t granted,
              const std::array<std::uint32_t, kPorts>& rdata) override;
  std::uint32_t take_events(Cycle now) override;
  bool busy() const override { return !backend_.idle(); }
  DmaFault take_fault() override;
  void visit_counters(const CounterVisitor& visit) const override;

 private:
  struct Registers {
    IdmaTransfer transfer;
    bool rows = false;
    std::uint32_t reps = 0;
  };

  DmaReply launch(unsigned core, Cycle::rep now);
  DmaReply read(unsigned core, std::uint32_t offset) const;
  void fault(unsigned core, const char* what);
  static unsigned pick(std::uint32_t requests, unsigned turn);

  DmaConfig config_;
  unsigned cores_;
  IdmaBackend backend_;
  std::array<Registers, kMaxCores> registers_{};
  std::uint32_t readers_ = 0;
  unsigned turn_ = 0;
  Cycle::rep launched_ = kNever.raw();  // last cycle in which a transfer was launched
  std::uint32_t next_id_ = 2;           // as after reset of the hardware
  std::uint32_t done_id_ = 1;
  bool event_ = false;

  Cycle::rep last_commit_ = 0;
  bool moved_ = false;
  Cycle::rep woken_ = kNever.raw();
  DmaBooks::Use waiting_for_ = DmaBooks::Use::kIdle;
  mutable DmaBooks books_;  // the back end's figures are fetched when it is read
  DmaFault fault_;
};

}  // namespace etude
