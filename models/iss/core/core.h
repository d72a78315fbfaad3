// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/iss/core/core_config.h"
#include "models/iss/core/core_observer.h"
#include "models/iss/core/core_port.h"
#include "models/iss/core/core_reports.h"
#include "models/iss/core/hazard.h"
#include "models/iss/core/history.h"
#include "models/iss/isa/arch_state.h"
#include "models/iss/isa/csr.h"
#include "models/iss/isa/decode.h"

namespace etude {

class Icache;

/// One CV32E40P core: executes RISC-V instructions and knows the cycle of each.
///
/// Call order: reset(), then run(limit) again and again; each answer but kLimit is followed by its
/// complete...() before the next run(). A core's cycles depend on its own history and on these
/// answers only, so that run(now + 1) in each cycle and run(far away) give the same.
/// Timing: reference rules in docs/models/core.md, each a mechanism of the pipeline: when an
/// instruction is in ID, when EX is free, when an operand is there, who has the write port.
class Core : public sc_core::sc_module, private DecodeUser {
 public:
  /// `decode` is shared by all cores of the cluster and outlives them.
  Core(const sc_core::sc_module_name& name, const CoreConfig& config, DecodeCache& decode,
       CsrMap csr_map, unsigned hart_id);
  ~Core() override;

  /// Instruction fetches go through port `port` of `icache`; without it every fetch is ideal.
  void set_icache(const Icache* icache, unsigned port) {
    icache_ = icache;
    icache_port_ = port;
  }

  /// Everything to its reset value; the first fetch is asked for in cycle `start`.
  void reset(std::uint32_t pc, Cycle start);

  /// Executes every instruction that enters EX before `limit`, up to the next one that needs
  /// something shared. Comes back early, with kLimit, when interrupts_possible() or needs_present()
  /// becomes true.
  CoreWait run(Cycle limit);

  /// run() for debuggers: `holder` is asked in the place of each instruction that needs nothing
  /// shared, so that everything else goes as in run().
  CoreWait run_held(Cycle limit, CoreHolder& holder);
  static constexpr std::uint32_t kNoPc = ~0u;

  /// The access that run() waits for; loads and stores of 1, 2 or 4 bytes, parts of misaligned ones
  /// of 1, 2 or 3.
  const DataAccess& access() const { return access_; }
  /// The access was granted in cycle `granted` and its response (`rdata` in the low bytes) came in
  /// `responded`; the cycles between access().when and the grant are booked under `why`.
  void complete(Cycle granted, Cycle responded, std::uint32_t rdata, StallReason why);
  /// complete() of an access whose response came in the cycle behind the grant, then run(limit).
  static CoreWait complete_and_run(Core& core, Cycle granted, std::uint32_t rdata, StallReason why,
                                   Cycle limit);
  /// The access is one of straight code, and the cache that was emptied `flushes` times still has
  /// the lines around it: then complete_straight_and_run() does the same in the place of its call,
  /// core_calm.h must be included for it.
  bool in_straight_code(unsigned flushes) const { return calm_flushes_ == flushes; }
  static constexpr unsigned kNeverStraight = ~1u;  ///< no number of flushes is so large
  CoreWait complete_straight_and_run(Cycle granted, std::uint32_t rdata, StallReason why,
                                     Cycle limit);
  /// The same of a core with an observer: a function of its own, so that the others do not ask.
  static CoreWait complete_observed_and_run(Core& core, Cycle granted, std::uint32_t rdata,
                                            StallReason why, Cycle limit);

  /// Address of the 16-byte line that is missing, and the cycle in which it is asked for.
  Address fetch_line() const { return Address{fetch_address_ & ~15u}; }
  Cycle fetch_when() const { return Cycle{fetch_when_}; }
  /// The cache was asked for the line. The instructions that are here go on meanwhile.
  void fetch_posted();
  /// A line is on its way, and changes in a cycle that is not known yet what the core does next:
  /// then run() must not be let ahead.
  bool fetching() const { return stay_.line; }
  /// Something that others do may reach it in a cycle that is not known before.
  bool stays() const { return std::bit_cast<std::uint32_t>(stay_) != 0; }
  /// The next instruction reads the interrupt lines (mip): it is executed in its own cycle only, by
  /// a run() that ends behind it.
  bool needs_present() const { return stay_.present; }
  /// The first word of the line is valid in cycle `rvalid`; told in this cycle, whatever the core
  /// waits for then.
  void complete_fetch(Cycle rvalid);

  /// A shared FPU is asked for in this cycle; it takes the operation in cycle `granted`.
  Cycle fpu_when() const { return Cycle{fpu_when_}; }
  void complete_fpu(Cycle granted);
  /// Of the operation that asks: cycles for which it keeps the FPU's divider; 0: it needs none.
  unsigned division_cycles() const {
    return instr_.timing == TimingClass::kFpDivSqrt ? fdiv_cycles(instr_) & ~kHeldInEx : 0;
  }

  /// Interrupt lines (mip) as they are from cycle `from` on.
  void set_irq_lines(std::uint32_t mip, Cycle from);
  /// True if a rising line could interrupt the program: then run() must not be let far ahead.
  bool interrupts_possible() const { return (state_.csr.mstatus & 8u) != 0 && state_.csr.mie != 0; }
  /// The lines that have interrupted the program since this was last taken, a bit each.
  std::uint32_t interrupted() const { return interrupted_; }
  std::uint32_t take_interrupted() { return std::exchange(interrupted_, 0u); }

  bool halted() const { return halted_; }
  /// Why the core halted: text with the pc.
  const std::string& error() const { return error_; }
  /// The cycle of it; a core that runs ahead halts ahead.
  Cycle halted_when() const { return Cycle{halted_when_}; }
  const TrapInfo& last_trap() const { return trap_; }

  /// Retired instructions, and those of one class.
  std::uint64_t instructions() const;
  std::uint64_t retired(TimingClass timing) const {
    return retired_[static_cast<unsigned>(timing)].value;
  }
  /// Cycles since reset() that are accounted for: up to next_cycle(), busy + stalls.
  std::uint64_t busy_cycles() const;
  std::uint64_t stall_cycles(StallReason reason) const {
    return stalls_[static_cast<unsigned>(reason)];
  }
  /// The cycle in which the last access was granted.
  Cycle last_grant() const { return Cycle{answered_ - 1}; }
  /// First cycle in which EX is free: all before it is executed and booked.
  Cycle next_cycle() const { return Cycle{ex_free_}; }
  /// Says that the run does not end before `now`: what was booked up to there stays.
  void keep_books(Cycle now) {
    if (ex_free_ <= now.raw()) {
      if (observer_ != nullptr) [[unlikely]] {
        tell_observer();
      }
      history_.clear();
    }
  }
  /// The run is over in cycle `end`: takes back what is booked behind it, and pc(). `end` is
  /// not before the last answer or keep_books(). The core must not be run any more.
  void close_books(Cycle end);

  std::uint32_t pc() const { return state_.pc; }
  const ArchState& state() const { return state_; }
  ArchState& state() { return state_; }

  // For debuggers, between two instructions.
  /// The value of CSR `number` in cycle `now`, or nothing if there is no such register.
  std::optional<std::uint32_t> csr(std::uint32_t number, Cycle now) const;
  /// False if there is none, or it cannot be written.
  bool set_csr(std::uint32_t number, std::uint32_t value, Cycle now);
  /// The first part of a misaligned access is done, the other one not.
  bool between_parts() const { return second_part_; }
  /// Forgets what run() waits for: it begins the instruction at pc() anew.
  void begin_anew();
  /// Jumps to `pc`, which is even, from cycle `now` on.
  void go_to(std::uint32_t pc, Cycle now);

  /// Warnings for the user, each once.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

  /// Called for each instruction that has left EX; null (the default) costs nothing.
  using RetireHook = void (*)(void* context, const Core& core, const Retired& retired);
  void set_retire_hook(RetireHook hook, void* context) {
    retire_hook_ = hook;
    retire_context_ = context;
    leave_calm_access();
  }

  /// Told of each booked cycle; null (the default) costs nothing. After close_books() what is left
  /// in history() is for the caller to tell. Cycles are the same with and without one.
  void set_observer(CoreObserver* observer) {
    observer_ = observer;
    told_ = observer_ != nullptr || accesses_ != nullptr;
  }
  /// Told of each data access; null (the default) costs nothing.
  void set_access_observer(AccessObserver* observer) {
    accesses_ = observer;
    told_ = observer_ != nullptr || accesses_ != nullptr;
  }
  /// What was booked since the observer was last told.
  const History& history() const { return history_; }
  /// The instruction at `pc` as the core decodes it, or nullptr where nothing is mapped.
  const Instr* instruction(std::uint32_t pc) const { return decode_.at(pc); }

  /// Instructions by class.
  void visit_counters(const CounterVisitor& visit) const;

 private:
  enum class Waiting : std::uint8_t { kNothing, kData, kFetch, kLine, kFpu, kSleep };
  /// How soon an FP operation gives its result, as the core's dispatcher sees it.
  enum class FpClass : std::uint8_t { kSameCycle = 1, kNextCycle = 2, kMultiCycle = 3 };
  /// The one FP operation of class kMultiCycle that may be under way.
  struct SlowFp {
    bool pending{false};
    std::uint8_t reg{0};
    std::uint64_t due{0};       ///< earliest cycle of its return
    std::uint64_t returned{0};  ///< cycle of its return, when it is no longer pending
  };

  // With an observer: out of the way of those without.
  void tell_observer();
  void tell_observer(std::uint64_t granted, std::uint32_t rdata, StallReason why);
  void complete_observed(Cycle granted, Cycle responded, std::uint32_t rdata, StallReason why);
  CoreWait complete_and_go_on(Cycle granted, std::uint32_t rdata, StallReason why, Cycle limit);
  void complete_now(Cycle granted, Cycle responded, std::uint32_t rdata, StallReason why);
  template <bool kCached, bool kHeld = false>
  CoreWait run_loop(std::uint64_t limit);
  template <bool kCached>
  CoreWait enter_loop(std::uint64_t limit);
  void complete_calmly(std::uint64_t granted, std::uint32_t rdata, StallReason why);
  bool complete_quickly(std::uint64_t granted, std::uint32_t rdata, StallReason why);
  template <bool kCached>
  bool calm();
  template <bool kCached, bool kResumed = false>
  bool run_calm(std::uint64_t stop, bool awaited);
  template <bool kCached>
  std::uint32_t calm_bound(std::uint32_t pc);
  template <bool kCached>
  std::uint32_t find_calm_bound(std::uint32_t pc);
  bool look_at(std::uint32_t pc);
  bool in_run(const CalmOp& op, std::uint32_t pc);
  void offer(const CalmOp& op, std::uint64_t enter, std::uint32_t address, std::uint32_t wdata,
             std::uint8_t bytes, bool write);
  template <bool kPost, bool kWrite>
  bool offer_word(const CalmOp& op, std::uint64_t enter, std::uint32_t by);
  bool offer_access(const CalmOp& op, const Instr& instr, std::uint64_t enter);
  bool next_is_word(std::uint64_t enter, std::uint64_t stop) const;
  bool go_on_with_word(std::uint64_t enter);
  void leave_calm_access();
  void before_flush() override { leave_calm_access(); }
  void forget_calm_lines();
  CoreWait fetch_wait() const;
  const Instr* decoded();

  // core_timing.cpp: when an instruction may enter EX, and how long it stays.
  std::uint64_t id_after_floor(const Instr& instr, std::uint64_t arrival) const;
  std::uint64_t wait_operands(const Instr& instr, std::uint64_t arrival, std::uint64_t enter);
  std::uint64_t jalr_id(const Instr& instr, std::uint64_t arrival) const;
  void bubble(std::uint64_t enter);
  std::uint64_t hold(const Instr& instr, std::uint64_t enter, std::uint64_t leave);
  bool return_blocked(const Instr& instr, std::uint64_t enter, std::uint64_t cycle);
  /// Cycle in which the pending slow FP operation returns if EX stays empty.
  std::uint64_t slow_fp_return() const { return slow_fp_.due > ex_free_ ? slow_fp_.due : ex_free_; }
  void slow_fp_returned(std::uint64_t when);
  void redirect(std::uint64_t fetch, std::uint64_t arrival, StallReason why);
  void add_hazard(std::uint8_t reg, std::uint64_t ready, bool fp);
  void stall(StallReason reason, std::uint64_t cycles);
  bool reads(const Instr& instr, unsigned reg) const;
  bool apu_reads(const Instr& instr, unsigned reg) const;
  bool writes_alu_port(const Instr& instr) const;
  static std::uint8_t alu_port_register(const Instr& instr);
  /// First cycle in which an instruction that IF hands over late can be in ID.
  std::uint64_t id_open() const { return ex_free_ + (stale_jalr_ && is_target() ? 1 : 0); }

  // core_fp.cpp
  FpClass fp_class(TimingClass timing) const;
  void fp_mode_changed();
  bool issue_fp(const Instr& instr, std::uint64_t enter);
  void finish_fp(std::uint64_t issue);
  static constexpr unsigned kHeldInEx = 1u << 16;  ///< flag in fdiv_cycles()'s answer
  unsigned fdiv_cycles(const Instr& instr) const;

  // core_system.cpp
  void start_access(const Instr& instr, std::uint64_t enter);
  void complete_slowly(Cycle granted, Cycle responded, std::uint32_t rdata);
  void finish_access(std::uint64_t granted, std::uint64_t responded);
  void execute_csr(const Instr& instr, std::uint64_t enter);
  bool execute_system(const Instr& instr, std::uint64_t enter);
  void take_trap(Cause cause, std::uint32_t tval, std::uint64_t enter);
  bool take_branch(const Instr& instr, std::uint64_t enter);
  void check_loop(const Instr& instr);
  void finish_sleep();
  void update_irq();
  void warn(const std::string& text);
  void fail(const std::string& text, std::uint64_t when);

  // core_fetch.cpp
  void forget_lines();
  /// The program goes back to the start of a hardware loop before the line behind that of `pc`
  /// begins. Not in the last pass, in which the words behind the loop are asked for.
  bool loop_goes_back(std::uint32_t pc) const;
  /// True if the words of a line are here whether the cache has it or not.
  bool is_held(std::uint32_t line) const;
  /// True if a line is known to be in the private cache, without asking it.
  bool known(std::uint32_t address) const;
  /// The same with asking. A line that is found stays there until the core's next miss.
  bool here(std::uint32_t address);
  bool find_line(std::uint32_t address);
  bool fetch_lines(const Instr& instr, std::uint64_t limit);
  bool fetch_behind_access(const Instr& instr, std::uint64_t enter);
  bool fetch_ahead(const Instr& instr, std::uint64_t arrival, std::uint64_t limit);
  bool fetch_target(const Instr& instr, std::uint64_t id, std::uint64_t limit);
  void target_fetched(std::uint64_t id);
  std::uint64_t id_after_miss(const Instr& instr, std::uint64_t arrival) const;
  std::uint32_t last_needed(const Instr& instr, std::uint32_t pc, bool target) const;
  void note_refused(const Instr& instr, std::uint64_t arrival);
  /// The instruction at state_.pc was jumped to.
  bool is_target() const { return redirected_ && id_floor_ >= ex_enter_; }
  /// First cycle in which a jump can ask for its target.
  std::uint64_t jump_free() const { return fetch_free_ + (refused_ ? 1 : 0); }
  bool look_up(std::uint32_t address, std::uint64_t when, bool ahead = false);

  /// `instr`, at state_.pc, was in EX from `enter` on and has left it before `leave`.
  void retire(const Instr& instr, std::uint64_t enter, std::uint64_t leave);
  void report_retired(const Instr& instr, std::uint64_t enter, std::uint64_t leave);
  unsigned div_cycles(const Instr& instr) const;

  static constexpr std::uint32_t bit(TimingClass timing) {
    return 1u << static_cast<unsigned>(timing);
  }
  static constexpr unsigned kFirstFp = static_cast<unsigned>(TimingClass::kFpAddMul);
  static constexpr std::uint32_t kAlwaysSlow = 1u << static_cast<unsigned>(TimingClass::kJalr) |
                                               1u << static_cast<unsigned>(TimingClass::kCsr);

  const CoreConfig config_;
  DecodeCache& decode_;
  const Icache* icache_{nullptr};
  unsigned icache_port_{0};

  ArchState state_;
  std::uint64_t start_{0};
  std::uint64_t gated_{0};  ///< cycles with a stopped clock: mcycle does not count them
  std::uint32_t page_number_{~0u};
  const Instr* page_{nullptr};  ///< decoded instructions of the present 4 KiB page
  CalmOp* calm_ops_{nullptr};   ///< beside them

  // The pipeline.
  std::uint64_t ex_enter_{0};  ///< first EX cycle of the last instruction
  std::uint64_t ex_free_{0};   ///< first cycle in which EX is free after it
  std::uint64_t id_floor_{0};  ///< the next instruction is not in ID before this cycle
  std::uint64_t wb_busy_{0};   ///< EX is left in this cycle at the earliest (response in WB)
  bool redirected_{false};     ///< id_floor_ is that of a jump target
  /// The jalr in EX writes its own rs1: what is left of it in ID waits for it, and ID takes
  /// nothing.
  bool stale_jalr_{false};
  StallReason floor_reason_{StallReason::kJump};
  StallReason wb_reason_{StallReason::kL2Access};
  StallReason operand_reason_{StallReason::kLoadUse};
  Hazard hazard_;  ///< the last load or FP operation of the next-cycle class
  Hazard older_hazard_;
  SlowFp slow_fp_;
  std::uint64_t fp_return_{0};   ///< return of the last FP operation that has one
  std::uint64_t response_[2]{};  ///< cycles of the last two data responses
  /// Classes of FP operations, by TimingClass from kFpAddMul on.
  std::array<FpClass, 3> fp_kind_{};
  bool fp_may_trap_{true};  ///< FP switched off or a rounding mode that is none, perhaps
  /// FP operations that issue each cycle unchecked: additions and multiplications, the other short
  /// ones, dynamic ones with frm to nearest.
  static constexpr std::uint8_t kCalmAddMul = 1, kCalmOther = 2, kCalmNearest = 4;
  std::uint8_t calm_fp_{0};
  std::uint8_t last_rd_{0xff};  ///< what the last instruction writes through the ALU port
  std::uint32_t slow_classes_{kAlwaysSlow};  ///< timing classes that need the slow path now

  // What run() waits for.
  Waiting waiting_{Waiting::kNothing};
  bool second_part_{false};
  bool halted_{false};
  std::uint64_t halted_when_{0};
  Instr instr_;  ///< the instruction that waits, copied: another core may flush the decode cache
  std::uint64_t enter_{0};
  std::uint64_t first_response_{0};
  std::uint32_t first_data_{0};
  std::uint32_t store_data_{0};
  std::uint8_t first_bytes_{0};  ///< bytes of a misaligned access in its first word, else 0
  DataAccess access_;
  /// It is run_calm()'s, and nothing else has happened since: how often lines had been taken out
  /// of the instruction cache when it was offered. Then instr_ and enter_ are left to
  /// leave_calm_access(), should anybody want them.
  static constexpr unsigned kNoCalmAccess = ~0u;
  unsigned calm_flushes_{kNoCalmAccess};
  const CalmOp* calm_op_{nullptr};  ///< of such an access ...
  std::uint32_t calm_rs1_{0};       ///< ... what it leaves in rs1
  std::uint64_t fpu_when_{0};
  CoreHolder* holder_{nullptr};  ///< of run_held()
  bool acted_{false};            ///< ... who was asked before the last instruction, but not after
  std::uint64_t sleep_from_{0};

  /// Why others may reach it; one word, since it is asked with each access.
  struct Stay {
    bool line{false};        ///< that of fetch_address_ is under way
    bool present{false};     ///< needs_present()
    bool interrupts{false};  ///< interrupts_possible()
    bool unused{false};
  };
  Stay stay_;

  // Instruction fetch.
  std::uint64_t fetch_when_{0};
  std::uint32_t fetch_address_{0};
  std::uint64_t redirect_fetch_{0};  ///< cycle in which the target of a jump is asked for
  std::uint64_t fetch_free_{0};      ///< no fetch is asked for before this cycle
  bool refused_{false};  ///< the word behind the missing one was asked for before that had come
  std::uint64_t stood_until_{0};  ///< end of the last wait for a line, plus one
  std::uint64_t missed_rvalid_{0};
  std::uint32_t missed_word_{0};
  std::uint64_t older_missed_rvalid_{0};  ///< the miss before: its words may still be on their way
  std::uint32_t older_missed_word_{0};
  std::uint32_t fetched_[2]{~0u, ~0u};  ///< the last two lines that were missing
  std::uint32_t held_[2]{~0u, ~0u};  ///< of the instruction in ID when the last one was asked for
  static constexpr unsigned kKnown = 16;
  std::array<std::uint32_t, kKnown> known_{};  ///< lines found in the cache since the last miss
  unsigned icache_flushes_{0};
  std::uint32_t line_{~0u};     ///< line of the last instruction
  std::uint8_t jump_step_{0};   ///< 1: first word of a target to be asked for, 2: the second
  std::uint8_t ahead_step_{0};  ///< the same for the target of a jump that is still in ID
  std::uint64_t ahead_fetch_{0};
  std::uint64_t answered_{0};  ///< last answer of the cluster, plus one

  // Straight runs; offsets in the present page.
  /// Lines that are known, as is the one behind each.
  std::uint32_t calm_begin_{0}, calm_end_{0};
  /// Of them the part from the end of a hardware loop, or the beginning, to the next such end.
  std::uint32_t calm_from_{0}, calm_bound_{0};
  /// 1 + the loop that must not be in its last pass for this, and its end; else 0.
  std::uint32_t calm_loop_{0}, calm_loop_end_{0};
  /// Behind a data access: the next operation, before the bound, or null.
  const CalmOp* calm_next_{nullptr};
  const CalmOp* calm_bound_op_{nullptr};

  // Interrupts.
  std::uint32_t mip_{0};
  std::uint64_t mip_from_{0};
  std::uint64_t irq_from_{~std::uint64_t{0}};
  bool became_interruptible_{false};
  std::uint32_t interrupted_{0};

  std::array<Counter, 18> retired_{instruction_counters()};  ///< have left EX, by TimingClass
  std::array<std::uint64_t, kStallReasons> stalls_{};
  History history_;  ///< what was booked since the last answer
  TrapInfo trap_;
  std::string error_;
  std::vector<std::string> warnings_;
  bool told_{false};  ///< there is one of the following two
  CoreObserver* observer_{nullptr};
  AccessObserver* accesses_{nullptr};
  RetireHook retire_hook_{nullptr};
  void* retire_context_{nullptr};
};

}  // namespace etude
