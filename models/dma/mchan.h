// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/dma/cluster_dma.h"
#include "models/dma/dma_books.h"
#include "models/dma/mchan_lane.h"

namespace etude {

/// MCHAN, the DMA of PULP clusters: two independent directions, bursts of at most 256 bytes, eight
/// of them outstanding per direction, sixteen transfer ids. The core that programmed a transfer
/// gets no further access until the engine has begun to unpack it. Source: mchan 3f2ae92 (RTL,
/// measured); the queues and their depths are written out in docs/models/dma.md.
class Mchan final : public ClusterDma {
 public:
  Mchan(const sc_core::sc_module_name& name, const DmaConfig& config, unsigned cores, AxiPort& axi);

  void reset() override;
  void announce(std::uint32_t readers) override { readers_ = readers; }
  DmaReply access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                  Cycle now) override;
  std::uint32_t requests(Cycle now, Requests& out) override;
  void commit(Cycle now, std::uint32_t granted,
              const std::array<std::uint32_t, kPorts>& rdata) override;
  std::uint32_t take_events(Cycle now) override;
  bool busy() const override { return active() || events_ != 0; }
  DmaFault take_fault() override;
  void visit_counters(const CounterVisitor& visit) const override;

 private:
  static constexpr unsigned kIds = 16;
  enum class Step : std::uint8_t {
    kIdle,
    kCommand,
    kL1Address,
    kExtAddress,
    kExtCount,
    kExtStride,
    kL1Count,
    kL1Stride,
    kBlocked  // until the engine has begun to unpack the transfer
  };
  struct Programmer {
    Step step = Step::kIdle;
    std::uint8_t id = 0;
    Cycle::rep not_before = 0;  // next cycle in which an access can be granted
    MchanTransfer transfer;
    bool waiting = false;  // for the command arbiter
    Cycle::rep ready = 0;  // ... from this cycle on
  };

  bool active() const {
    return commands_ != 0 || !read_.idle() || !write_.idle() || completing_ != 0;
  }
  DmaReply access_idle(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                       Cycle::rep now);
  DmaReply allocate(unsigned core, Cycle::rep now);
  DmaReply program(unsigned core, std::uint32_t wdata, Cycle::rep now);
  void arbitrate_commands(Cycle::rep now);
  void account(Cycle::rep now, const MchanWork& in, const MchanWork& out);
  void digest(const MchanWork& work, Cycle::rep now);
  void complete(Cycle::rep now);
  void find_next();
  void fault(unsigned core, const char* what);
  static unsigned pick(std::uint32_t requests, unsigned turn);

  DmaConfig config_;
  unsigned cores_;
  MchanLane read_;   // to L1
  MchanLane write_;  // from L1

  std::array<Programmer, kMaxCores> programmers_{};
  std::uint32_t readers_ = 0;
  Cycle::rep id_given_ = kNever.raw();  // last cycle in which an id was given
  unsigned id_turn_ = 0;
  unsigned command_turn_ = 0;
  unsigned commands_ = 0;  // programmed, not yet in the queue

  // Per transfer id.
  std::uint32_t reserved_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t completing_ = 0;  // completion known, cycle in done_
  std::uint32_t events_ = 0;      // complete, event not yet sent
  std::array<Cycle::rep, kIds> done_{};
  std::array<MchanTransfer, kIds> by_id_{};

  Cycle::rep last_commit_ = 0;
  bool moved_ = false;
  Cycle::rep woken_ = kNever.raw();  // an access() asks for this cycle's commit
  DmaBooks::Use waiting_for_ = DmaBooks::Use::kIdle;
  mutable DmaBooks books_;  // the lanes' figures are fetched when it is read
  DmaFault fault_;
};

}  // namespace etude
