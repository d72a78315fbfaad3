// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/iss/core/core_port.h"
#include "sim/check/finding.h"
#include "sim/check/memory.h"
#include "sim/check/order.h"
#include "sim/platform/platform.h"

namespace etude::check {

/// An access of a hart to a register.
struct RegisterAccess {
  unsigned hart;
  std::uint32_t pc;
  std::uint64_t cycle;
  std::uint32_t offset;  ///< in its block
  bool write;
  std::uint32_t data;  ///< stored or loaded
};

/// One transfer of a DMA or job of RedMulE.
struct Work {
  unsigned by;           ///< hart
  std::uint32_t pc;      ///< of the access that posted it
  std::uint32_t number;  ///< of its engine, from 0
  std::uint32_t id;
  std::uint64_t posted;      ///< cycle
  std::vector<Rows> places;  ///< RedMulE: X, W, Z
};

/// The DMAs and RedMulE as programs see them: what was posted, whose work a poster hands on with
/// it, and who learns by which register or event that it is over. Its footprints are booked when it
/// is posted, with a clock of its own: whatever touches them later must have learned of its end.
class Engines {
 public:
  Engines(Platform& platform, Memory& memory, Findings& findings, Context context,
          std::vector<Thread>& threads);

  void cluster_dma(const RegisterAccess& access);
  void soc_dma(const RegisterAccess& access);
  void redmule(const RegisterAccess& access);
  void transfer_done(const DmaRecord& record);
  void job_done() {
    ++events_;
    jobs_done_ = std::max(jobs_done_, cleared_at_ + events_);
  }
  /// A store of the running job behind its event.
  void stored_late(const WideRequest& beat, std::uint64_t cycle);
  /// `hart` has taken note of the event unit's events `bits`.
  void noticed(unsigned hart, std::uint32_t bits);

  /// Whether `hart`, which has asked for the register at `offset` since cycle `since`, waits for an
  /// id of MCHAN that only another command can free.
  bool waits_for_id(unsigned hart, std::uint32_t offset, std::uint64_t since) const;

  /// The work that a stamp of an engine's lane stands for.
  const Work& work(Stamp by) const;
  bool over(Stamp by) const { return clock_of(by) <= done_[thread_of(by)]; }

 private:
  enum class Step : std::uint8_t {
    kIdle,
    kCommand,
    kL1,
    kExt,
    kExtRow,
    kExtPitch,
    kL1Row,
    kL1Pitch
  };
  struct Mchan {
    Step step{Step::kIdle};
    std::uint32_t id{0}, command{0}, l1{0}, ext{0};
    std::uint64_t given{0};  ///< cycle of the last id
    std::uint32_t ext_row{0}, ext_pitch{0}, l1_row{0}, l1_pitch{0};
  };

  void mchan(const RegisterAccess& access);
  void mchan_status(const RegisterAccess& access);
  bool mchan_word(const RegisterAccess& access, Mchan& m);
  void mchan_post(const RegisterAccess& access, const Mchan& m);
  void idma(const RegisterAccess& access);
  void trigger(const RegisterAccess& access);
  void jobs_over(unsigned hart, std::uint32_t clock);
  bool place(const RegisterAccess& access, const char* what, Rows& rows, bool write);
  void book(const RegisterAccess& access, const char* what, Thread& thread, Rows rows, bool write);
  Thread begin(unsigned lane, std::uint32_t clock, const RegisterAccess& access, Work work);
  void move(unsigned lane, std::uint32_t id, const RegisterAccess& access,
            const std::vector<Rows>& from, const std::vector<Rows>& to);
  void fault(const RegisterAccess& access, const std::string& where, const std::string& text,
             Kind kind = Kind::kDma);

  Platform& platform_;
  Memory& memory_;
  Findings& findings_;
  Context context_;
  std::vector<Thread>& threads_;
  std::array<std::vector<Work>, kThreads> works_;
  std::array<std::uint32_t, kThreads> done_{};  ///< clock of each lane up to which all is over

  bool is_idma_;
  std::uint32_t transfers_{0};
  std::array<Mchan, kHarts> mchan_;
  std::uint32_t reserved_{0};  ///< ids of MCHAN that were given
  std::array<std::array<std::uint32_t, 7>, kHarts> idma_{};
  std::array<std::uint32_t, 5> soc_{0, 0, 0, 0, 1};
  std::array<std::array<std::uint32_t, 6>, 2> job_{};
  unsigned context_number_{0};
  std::uint32_t events_{0};      ///< sent since the last SOFT_CLEAR
  std::uint32_t jobs_done_{0};   ///< known to be over, but perhaps for the last rows of Z
  std::uint32_t cleared_at_{0};  ///< jobs before the last SOFT_CLEAR
  std::vector<Order> job_orders_;
};

}  // namespace etude::check
