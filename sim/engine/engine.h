// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "models/dma/mchan.h"
#include "sim/engine/accounting.h"
#include "sim/engine/agenda.h"
#include "sim/engine/debugger.h"
#include "sim/engine/job.h"
#include "sim/engine/run_record.h"
#include "sim/engine/tracer.h"
#include "sim/engine/watch.h"
#include "sim/platform/platform.h"

namespace etude {

/// How a run is driven and when it stops.
struct EngineOptions {
  bool lockstep{false};      ///< every core one cycle at a time (the oracle of the fast engine)
  Cycle max_cycles{kNever};  ///< then ProgramError
  std::optional<Address> tohost;  ///< htif map: a store there ends the run
  /// Name of a code address in messages; the bare number if empty.
  std::function<std::string(Address)> symbol;
  /// Called for each character that the program prints.
  std::function<void(char)> console;
  const Job* job{nullptr};      ///< steps, probes and layers; none for a plain ELF
  Timeline* timeline{nullptr};  ///< draws the run
  /// Told what each hart does, by hart; empty: nobody is.
  std::vector<CoreObserver*> observers;
  /// Checks what the program does; null: nobody does.
  EngineWatch* watch{nullptr};
  /// A program that fails leaves its account, with RunRecord::error, in place of a ProgramError.
  bool account_of_failure{false};
  /// Holds the run, whose cores are driven in lockstep then; null: nobody does.
  Debugger* debugger{nullptr};
};

/// A store to a marker word of the core bench.
struct Marker {
  std::uint32_t offset;
  std::uint32_t value;
  Cycle when;
  std::uint64_t instructions;  ///< retired before the store
};

/// The cluster's clock: one process that owns the order of a cycle: all requests, then arbitration,
/// then all commits. Cores run ahead privately to their next shared access (fast) or one cycle at a
/// time (lockstep); both give the same cycles and the same memory. Cycles in which nothing can
/// change are jumped over. SystemC's time follows every `kQuantum` cycles and at each access that
/// leaves the cluster.
class Engine : public sc_core::sc_module, private DebugTarget {
 public:
  Engine(const sc_core::sc_module_name& name, Platform& platform, const EngineOptions& options);

  /// Starts every hart at `entry` and runs until the program ends. Call once per process.
  /// Throws ProgramError (trap without handler, unmapped access, everything asleep, cycle limit),
  /// unless the options want an account.
  RunRecord run(Address entry);

  const std::vector<Marker>& markers() const { return markers_; }

 private:
  static constexpr unsigned kMaxHarts = 16;
  static constexpr std::uint64_t kQuantum = 1000;
  static constexpr std::uint64_t kNone = Agenda::kNone;
  // Private execution is cut at multiples of these cycles: the first bounds what a core remembers
  // of it, the second says where it stands when an operation begins, whoever drove it.
  static constexpr std::uint64_t kRunAhead = 1u << 12;
  static constexpr std::uint64_t kHorizon = 1u << 16;

  /// What a hart waits for; the agenda knows until when.
  struct Slot {
    CoreWait wait{CoreWait::kLimit};
    Route route{Route::kUnmapped};
    std::uint32_t offset{0};  ///< in the block that `route` names
    bool posted{false};       ///< the answering block knows the request already
  };

  void process();
  template <bool kLockstep>
  void loop();
  template <bool kLockstep>
  std::uint32_t wake(std::uint32_t harts, std::uint32_t& banked);
  template <bool kLockstep>
  void step_quietly();
  template <bool kLockstep>
  void step(std::uint32_t other);
  std::uint32_t serve_dma_controls(std::uint32_t harts);
  std::uint32_t leave_dma_queue();
  bool dma_queue_moves() const;
  void serve_others(std::uint32_t harts);
  template <bool kLockstep>
  void serve_banked(std::uint32_t granted, bool alone);
  void serve_and_go_on(std::uint32_t granted);
  HciGrants arbitrate();
  void raise(std::uint32_t harts);
  void run_users(std::uint64_t until);
  void go_to(std::uint64_t next);
  const WideRequest* ask_users();
  void commit_users(const WideRequest* wide, const HciGrants& grants);
  void ask_dma();
  void commit_dma(std::uint32_t granted);
  void advance_redmule(std::uint64_t next);
  void advance_dma(std::uint64_t next);
  std::uint64_t run_ahead_horizon() const { return (now_ / kRunAhead + 1) * kRunAhead; }
  std::uint64_t run_ahead_limit(unsigned hart, std::uint64_t from) const {
    return cores_[hart]->stays() ? stay_limit(hart, from) : run_ahead_horizon();
  }
  std::uint64_t stay_limit(unsigned hart, std::uint64_t from) const;
  template <bool kLockstep>
  std::uint64_t resume(unsigned hart, std::uint64_t earliest);
  std::uint64_t resume(unsigned hart, std::uint64_t earliest, std::uint64_t limit);
  std::uint64_t ask(unsigned hart, CoreWait wait, std::uint64_t earliest, std::uint64_t limit);
  void answer(unsigned hart, std::uint64_t granted, std::uint64_t responded, std::uint32_t rdata,
              StallReason why);
  void go_on(unsigned hart);
  template <bool kLockstep>
  void after_answer(unsigned hart);
  /// Of an access of the hart to the shared memory, which is there under another address, too.
  std::uint32_t tcdm_offset(unsigned hart, const DataAccess& access) const {
    const std::uint32_t offset = access.address - ETUDE_L1_BASE;
    return offset < tcdm_->size() ? offset : slot_[hart].offset;
  }
  /// Here, and nowhere else, an access of a core to the shared memory is completed.
  std::uint32_t access_tcdm(const DataAccess& access, std::uint32_t offset) {
    if (access.write) {
      tcdm_->write(offset, access.bytes, access.wdata);
      return 0;
    }
    return tcdm_->read(offset, access.bytes);
  }

  void post_fetch(unsigned hart);
  std::uint32_t serve_fpus(std::uint32_t harts);
  void serve_data(unsigned hart);
  void serve_tcdm(unsigned hart);
  void serve_dma_control(unsigned hart);
  void serve_peripheral(unsigned hart);
  void serve_soc_peripheral(unsigned hart);
  void serve_external(unsigned hart);
  void serve_sim_port(unsigned hart);
  void serve_marker(unsigned hart);
  void serve_tohost(const DataAccess& access);
  void write_cluster_ctrl(std::uint32_t offset, std::uint32_t value);
  /// One of the memory's users that acted in this cycle tells something.
  bool users_have_news() const {
    return (dma_stepped_ && dma_->has_news()) ||
           (redmule_may_be_done_ && redmule_->has_done_event());
  }
  bool wants_routing() const {
    return users_have_news() || due(Platform::kSocDma) || due(Platform::kTimer);
  }
  void step_units();
  void route_events();
  void update_interrupts();
  /// To be called after anybody spoke to `unit` or stepped it.
  void refresh(Platform::Unit unit) { due_[unit] = platform_.next_activity(unit, now_ + 1); }
  bool due(Platform::Unit unit) const { return due_[unit] <= now_; }
  /// ... of one that does not use the shared memory.
  void find_others_next() {
    static_assert(Platform::kUnits == 6);
    others_next_ = std::min(std::min(due_[Platform::kSocDma], due_[Platform::kIcache]),
                            std::min(due_[Platform::kEventUnit], due_[Platform::kTimer]));
  }
  void find_units_next() {
    units_next_ = std::min({others_next_, due_[Platform::kDma], due_[Platform::kRedmule]});
  }
  bool others_asleep(unsigned hart) const;
  void finish_cores();
  void tell_ends();
  void settle_cores();
  void check_books() const;

  // engine_debug.cpp
  CoreWait run_core(unsigned hart, std::uint64_t limit) {
    if (options_.debugger != nullptr) [[unlikely]] {
      return run_held(hart, limit);
    }
    return cores_[hart]->run(Cycle{limit});
  }
  CoreWait run_held(unsigned hart, std::uint64_t limit);
  bool let_act(unsigned hart);
  void tell_after(unsigned hart);
  bool may_begin_anew(unsigned hart) const;
  void note_changed(unsigned hart);
  bool take_changed(unsigned hart);
  unsigned harts() const override;
  const Core& hart(unsigned hart) const override;
  std::string hart_name(unsigned hart) const override;
  Cycle cycle() const override;
  std::string state_text(unsigned hart) const override;
  std::optional<std::uint32_t> csr(unsigned hart, std::uint32_t number) const override;
  std::optional<std::vector<std::uint8_t>> read(Address address, Bytes bytes) override;
  bool write(Address address, std::span<const std::uint8_t> bytes) override;
  bool set_register(unsigned hart, unsigned n, std::uint32_t value) override;
  bool set_csr(unsigned hart, std::uint32_t number, std::uint32_t value) override;
  bool set_pc(unsigned hart, std::uint32_t pc) override;

  [[noreturn]] void stop(std::uint64_t next);
  void sync_systemc();
  void end(int status);
  [[noreturn]] void fail(unsigned hart, const std::string& what);
  [[noreturn]] void fail_fetch(unsigned hart);
  [[noreturn]] void fail_halted(unsigned hart);
  [[noreturn]] void fail_asleep();
  std::string illegal_text(std::uint32_t word) const;
  std::string where(unsigned hart) const;
  std::string where(unsigned hart, Address pc) const;
  Snapshot snapshot();
  StallReason reason_of_wait(unsigned hart) const;
  void begin_op(unsigned hart, std::uint32_t op);
  void call_probes(std::uint32_t op);
  void after_step(const Job& job);
  void load(const std::vector<MemoryImage>& images);

  Platform& platform_;
  Tcdm* tcdm_;  ///< these on the PULP map, else null
  Hci* hci_;
  ClusterDma* dma_;
  Mchan* mchan_;       ///< the DMA, if it is of this kind
  Redmule* redmule_;   ///< or null
  unsigned dma_port_;  ///< first of the DMA at the arbiter
  std::uint32_t core_ports_;
  ClusterDma::Requests dma_requests_{};
  bool dma_stepped_{false};          ///< in this cycle
  bool redmule_may_be_done_{false};  ///< in this cycle
  EngineOptions options_;
  Accounting books_;
  std::optional<Tracer> tracer_;
  RunRecord record_;
  std::vector<Marker> markers_;
  std::exception_ptr failure_;

  bool observed_{false};
  bool private_fpu_;
  unsigned harts_;
  std::uint64_t now_{0};
  std::uint64_t systemc_now_{0};
  std::uint64_t due_[Platform::kUnits];  ///< next cycle in which each unit acts by itself
  std::uint64_t units_next_{0};          ///< a unit acts in this cycle or before
  std::uint64_t others_next_{0};         ///< one that does not use the shared memory does
  std::uint32_t in_dma_queue_{0};        ///< harts whose access MCHAN cannot grant before a commit
  Agenda agenda_;                        ///< of the harts
  Slot slot_[kMaxHarts + 1];
  Core* cores_[kMaxHarts + 1]{};
  std::uint32_t banked_{0};             ///< harts that ask for a bank of the shared memory
  std::uint8_t bank_[kMaxHarts + 1]{};  ///< of each of them
  HciRequests requests_;  ///< of the cycle: RedMulE's; the others' stay up at the arbiter
  std::uint64_t last_arbitrated_{0};  ///< the cycle behind it
  std::uint32_t periph_taken_{0};     ///< peripherals that were accessed in this cycle
  std::uint32_t interrupting_{0};     ///< harts whose lines were perhaps up
  std::uint32_t interrupt_lines_[kMaxHarts + 1]{};
  std::uint32_t answered_{0};     ///< harts whose access was completed in this cycle
  std::uint64_t stepped_{0};      ///< cycles in which something happened
  std::uint64_t private_end_{0};  ///< first cycle that no core has run to by itself
  double outside_seconds_{0};     ///< of the job's callbacks
  unsigned acting_{kMaxHarts};    ///< the hart whose access a debugger is asked about
  std::uint32_t changed_{0};      ///< harts that a debugger has changed
  bool ended_{false};
  bool closed_{false};  ///< the books of the cores
  unsigned step_{0};
  bool stopped_{false};                     ///< the job wants no further step
  std::vector<std::uint32_t> probe_order_;  ///< indices of the job's probes by operation
  std::size_t next_probe_{0};
};

}  // namespace etude
