// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

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
  /// `core` has programmed a transfer that is not unpacked yet: no access of it is granted, and
  /// none has an effect. It ends with a commit.
  bool blocked(unsigned core) const { return programmers_[core].step == Step::kBlocked; }
  /// requests() and commit() in one go for a loop that keeps refused requests up by itself: the
  /// ports whose word is wanted in this cycle, and after the arbitration the end of cycle `now`, in
  /// which the words of the `granted` ones are moved. `memory` reads and writes the TCDM:
  /// std::uint32_t read(address), void write(address, bytes, enable).
  std::uint32_t ask() { return swapped(write_.ask() << 2 | read_.ask()); }
  /// Address of the word that `port`, one of ask(), wants.
  std::uint32_t wanted(unsigned port) const {
    return port < 2 ? read_.word(1 - port).address : write_.word(3 - port).address;
  }
  template <class Memory>
  void commit_words(Cycle now, std::uint32_t granted, const Memory& memory);
  /// A transfer of one direction is under way, and until something of it is complete no core is
  /// told anything.
  bool alone() const {
    return read_.idle() != write_.idle() && commands_ == 0 && blocked_ == 0 && completing_ == 0 &&
           events_ == 0;
  }
  /// Takes up to `cycles` cycles from `now` on, which has come to next_activity(), in which nobody
  /// else wants the memory: each is ask(), all of it granted, and commit_words(). Ends where
  /// alone() or the moves of the next cycle end. `memory` is told of each grant, too: void
  /// grant(port, address). Returns how many cycles it took. Needs an even number of banks, so that
  /// the two words of a cycle never meet.
  template <class Memory>
  std::uint64_t advance_alone(Cycle now, std::uint64_t cycles, const Memory& memory);
  /// For tests: every cycle is stepped.
  void use_automata(bool on) {
    read_.use_automaton(on);
    write_.use_automaton(on);
  }
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

  // The cluster connects MCHAN's ports to the interconnect in reverse order (tcdm_master[3:0] to
  // s_hci_dma[0:3]): reads of the memory stand on its DMA ports 3 and 2, writes on 1 and 0; of both
  // lane 0 has the higher one.
  static_assert(kPorts == 4);
  // Lanes of the writes above those of the reads to ports, and back.
  static constexpr std::uint32_t swapped(std::uint32_t lanes) { return kSwapped[lanes & 15]; }
  static constexpr std::array<std::uint8_t, 16> kSwapped = [] {
    std::array<std::uint8_t, 16> of{};
    for (unsigned lanes = 0; lanes < 16; ++lanes) {
      of[lanes] = static_cast<std::uint8_t>((lanes & 0b0101) << 1 | (lanes & 0b1010) >> 1);
    }
    return of;
  }();
  bool active() const {
    return commands_ != 0 || !read_.idle() || !write_.idle() || completing_ != 0;
  }
  template <class Memory>
  unsigned run_on(std::uint64_t cycles, const Memory& memory);
  void commit_lanes(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata);
  DmaReply access_idle(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                       Cycle::rep now);
  DmaReply allocate(unsigned core, Cycle::rep now);
  DmaReply program(unsigned core, std::uint32_t wdata, Cycle::rep now);
  void arbitrate_commands(Cycle::rep now);
  void account(Cycle::rep now, const MchanWork& work);
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
  unsigned blocked_ = 0;   // cores whose transfer is not unpacked yet

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

template <class Memory>
[[gnu::always_inline]] inline void Mchan::commit_words(Cycle now, std::uint32_t granted,
                                                       const Memory& memory) {
  std::uint32_t rdata[2] = {};  // of lanes 0 and 1
  if ((granted & 1) != 0) {
    const MchanLane::Word& word = read_.word(1);
    memory.write(word.address, word.data, word.enable);
  }
  if ((granted & 2) != 0) {
    const MchanLane::Word& word = read_.word(0);
    memory.write(word.address, word.data, word.enable);
  }
  if ((granted & 4) != 0) {
    rdata[1] = memory.read(write_.word(1).address);
  }
  if ((granted & 8) != 0) {
    rdata[0] = memory.read(write_.word(0).address);
  }
  // The usual cycle of a transfer that is well under way.
  const std::uint32_t lanes = swapped(granted);
  const std::uint32_t reads = lanes & 3;
  const std::uint32_t writes = lanes >> 2;
  const bool in = read_.hands_on(reads);
  const bool out = write_.hands_on(writes);
  if ((in || read_.idle()) && (out || write_.idle()) && (in || out) && commands_ == 0 &&
      completing_ == 0) {
    MchanWork work;
    if (out) {
      write_.hand_on(writes, rdata, work);
    }
    if (in) {
      read_.hand_on(reads, rdata, work);
    }
    readers_ = 0;
    moved_ = true;
    if (work.data && waiting_for_ == DmaBooks::Use::kIdle) {
      ++books_.busy;
    } else {
      account(now.raw(), work);
    }
    last_commit_ = now.raw();
    next_ = now.raw() + 1;
    return;
  }
  commit_lanes(now.raw(), granted, rdata);
}

// The middle of a piece, in which every cycle moves data.
template <class Memory>
inline unsigned Mchan::run_on(std::uint64_t cycles, const Memory& memory) {
  if (!read_.idle()) {
    return read_.run_on(cycles, [&](unsigned lane, const MchanLane::Word& word) {
      memory.grant(1 - lane, word.address);
      memory.write(word.address, word.data, 0xF);
    });
  }
  return write_.run_on(cycles, [&](unsigned lane, const MchanLane::Word& word) {
    memory.grant(3 - lane, word.address);
    const std::uint32_t value = memory.read(word.address);
    std::memcpy(word.data, &value, sizeof value);
  });
}

template <class Memory>
std::uint64_t Mchan::advance_alone(Cycle now, std::uint64_t cycles, const Memory& memory) {
  std::uint64_t taken = 0;
  while (taken < cycles && alone()) {
    const Cycle::rep cycle = now.raw() + taken;
    if (moved_ && waiting_for_ == DmaBooks::Use::kIdle && last_commit_ + 1 == cycle) {
      if (const unsigned more = run_on(cycles - taken, memory)) {
        readers_ = 0;
        books_.busy += more;
        taken += more;
        last_commit_ = cycle + more - 1;
        next_ = cycle + more;
        continue;
      }
    }
    const std::uint32_t asked = ask();
    for (std::uint32_t left = asked; left != 0; left &= left - 1) {
      const auto port = static_cast<unsigned>(std::countr_zero(left));
      memory.grant(port, wanted(port));
    }
    commit_words(Cycle{cycle}, asked, memory);
    ++taken;
    if (next_ != now.raw() + taken) {
      break;
    }
  }
  return taken;
}

}  // namespace etude
