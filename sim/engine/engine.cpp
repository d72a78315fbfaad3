// SPDX-License-Identifier: Apache-2.0
// The cycle loop. What each route does with an access is in engine_access.cpp, the account of steps
// in engine_steps.cpp.
#include "sim/engine/engine.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "models/base/error.h"
#include "sim/engine/sanitizer.h"
#include "sim/engine/thread_seconds.h"

namespace etude {
Engine::Engine(const sc_core::sc_module_name& name, Platform& platform,
               const EngineOptions& options)
    : sc_module(name),
      platform_(platform),
      tcdm_(platform.is_pulp() ? &platform.tcdm() : nullptr),
      hci_(platform.is_pulp() ? &platform.hci() : nullptr),
      dma_(platform.is_pulp() ? &platform.dma() : nullptr),
      mchan_(dynamic_cast<Mchan*>(dma_)),
      redmule_(platform.has_redmule() ? &platform.redmule() : nullptr),
      dma_port_(platform.harts() + Platform::kExtPorts),
      options_(options),
      private_fpu_(platform.config().cluster.core.private_fpu),
      harts_(platform.harts()) {
  if (redmule_ != nullptr) {
    redmule_->follow_recordings(!options.lockstep);
  }
  std::fill(std::begin(due_), std::end(due_), kNone);
  for (const PlatformUnit& unit : platform_.units()) {
    books_.add(unit.name, unit.visit_counters);
  }
  books_.set_harts(platform_.hart_names());
  if (options_.job != nullptr) {
    const std::vector<Probe>& probes = options_.job->probes;
    probe_order_.resize(probes.size());
    std::iota(probe_order_.begin(), probe_order_.end(), 0u);
    std::stable_sort(probe_order_.begin(), probe_order_.end(),
                     [&](auto a, auto b) { return probes[a].op < probes[b].op; });
  }
  if (options_.timeline != nullptr) {
    static const Job kNoJob{};  // a program without a task list: its work has no names
    tracer_.emplace(options_.job != nullptr ? *options_.job : kNoJob, platform_.hart_names(),
                    *options_.timeline);
  }
  SC_HAS_PROCESS(Engine);
  SC_THREAD(process);
}

RunRecord Engine::run(Address entry) {
  for (unsigned h = 0; h < harts_; ++h) {
    cores_[h] = &platform_.core(h);
    cores_[h]->reset(entry.raw(), Cycle{0});
    if (h < options_.observers.size()) {
      cores_[h]->set_observer(options_.observers[h]);
      complete_and_run_ = Core::complete_observed_and_run;  // observers: of all harts, or none
    }
    slot_[h] = Slot{};
    agenda_.add(h, 0);
  }
  const double start = thread_seconds();
  sc_core::sc_start();
  back_on_first_stack();
  record_.engine_seconds = thread_seconds() - start - outside_seconds_;
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  record_.cycles = Cycle{now_};
  record_.l2_touched = platform_.l2_touched();
  record_.stepped_cycles = stepped_;
  books_.finish(snapshot(), record_);
  tell_ends();
  for (const PlatformUnit& unit : platform_.units()) {
    for (std::string& text : unit.take_warnings()) {
      record_.warnings.push_back(std::move(text));
    }
  }
  return std::move(record_);
}

void Engine::process() {
  // An exception must not cross SystemC's scheduler.
  try {
    if (options_.debugger != nullptr) {
      options_.debugger->begin(*this);
      changed_ = 0;  // nothing has begun
      loop<true>();
    } else if (options_.lockstep) {
      loop<true>();
    } else {
      loop<false>();
    }
  } catch (const ProgramError& error) {
    if (options_.debugger != nullptr) {
      options_.debugger->failed(error.what());
    }
    if (options_.account_of_failure) {
      record_.error = error.what();
      finish_cores();
    } else {
      failure_ = std::current_exception();
    }
  } catch (...) {
    failure_ = std::current_exception();
  }
  sc_core::sc_stop();
}

// One cycle after the other, without those in which nothing can happen. Most of them are quiet:
// only cores want something, and it is the shared memory.
template <bool kLockstep>
void Engine::loop() {
  const bool pulp = platform_.is_pulp();
  while (true) {
    ++stepped_;
    if constexpr (kLockstep) {
      if (options_.debugger != nullptr && stepped_ % 1024 == 0) {
        options_.debugger->poll();
      }
    }
    const std::uint32_t ready = agenda_.take(now_);
    std::uint32_t banked = ready & banked_;
    std::uint32_t other = ready & ~banked_;
    if (other != 0) {
      other = wake<kLockstep>(other, banked);
    }
    raise(banked);
    if (other == 0 && units_next_ > now_ && pulp) [[likely]] {
      if (hci_->raised() != 0) {
        step_quietly<kLockstep>();
      }
    } else {
      step<kLockstep>(other);
      if (ended_) {
        break;
      }
    }
    // The next cycle in which anything can happen: whose bank was taken asks again at once.
    std::uint64_t next = now_ + 1;
    if (!pulp || hci_->raised() == 0) {
      next = agenda_.next();
      if (next > now_ + 2 && units_next_ == now_ + 1 && due_[Platform::kRedmule] == now_ + 1) {
        advance_redmule(next);
      }
      next = std::min(next, units_next_);
    }
    if (next >= options_.max_cycles.raw()) [[unlikely]] {
      stop(next);
    }
    next = std::max(next, now_ + 1);
    if (private_end_ > now_ + 1) {  // cycles in which a core was at work by itself
      stepped_ += std::min(next, private_end_) - (now_ + 1);
    }
    now_ = next;
    if (now_ - systemc_now_ >= kQuantum) {
      sync_systemc();
    }
  }
  finish_cores();
  check_books();
}

// Cores that have work of their own go on until they need something shared. Returns those of
// `harts` that ask for something else than a bank in this cycle, and adds to `banked` the others.
template <bool kLockstep>
std::uint32_t Engine::wake(std::uint32_t harts, std::uint32_t& banked) {
  std::uint32_t other = 0;
  for (; harts != 0; harts &= harts - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(harts));
    if (slot_[h].wait == CoreWait::kFetch) {
      post_fetch(h);
    }
    if (slot_[h].wait == CoreWait::kLimit) {
      agenda_.add(h, resume<kLockstep>(h, now_));
    } else {
      other |= 1u << h;
    }
  }
  const std::uint32_t asking = agenda_.take(now_);
  banked |= asking & banked_;
  return other | (asking & ~banked_);
}

// Harts ask for their banks from this cycle on.
inline void Engine::raise(std::uint32_t harts) {
  for (; harts != 0; harts &= harts - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(harts));
    hci_->raise(h, bank_[h]);
  }
}

// A cycle in which only cores act, and only on the shared memory: nothing that they do can reach
// another core in the same cycle, so that each goes on as soon as it is served.
template <bool kLockstep>
void Engine::step_quietly() {
  requests_.wide = false;
  for (std::uint32_t left = arbitrate().mask; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    if constexpr (kLockstep) {
      serve_tcdm(h);
      agenda_.add(h, now_ + 1);
    } else {
      serve_and_go_on(h, run_ahead_limit(*cores_[h]));
    }
  }
  if constexpr (kLockstep) {
    answered_ = 0;
  }
}

// The hart's access to the shared memory is granted, and it goes on at once.
[[gnu::always_inline]] inline void Engine::serve_and_go_on(unsigned hart, std::uint64_t limit) {
  Core& core = *cores_[hart];
  Slot& slot = slot_[hart];
  const DataAccess& access = core.access();
  const std::uint32_t rdata = access_tcdm(access, slot.offset);
  const CoreWait wait =
      complete_and_run_(core, Cycle{now_}, rdata, StallReason::kTcdmConflict, Cycle{limit});
  if (wait == CoreWait::kData) [[likely]] {
    const Routed routed = platform_.map().route(access.address);
    if (routed.route == Route::kTcdm) [[likely]] {
      // As before, but for the place and the time.
      slot.offset = routed.offset;
      bank_[hart] = static_cast<std::uint8_t>(platform_.tcdm_bank(routed.offset));
      const std::uint64_t asked = std::max(access.when.raw(), now_ + 1);
      private_end_ = std::max(private_end_, asked);
      agenda_.add(hart, asked);
      return;
    }
  }
  agenda_.add(hart, ask(hart, wait, now_ + 1, limit));
}

// Harts whose access to the shared memory is granted in a cycle in which units act. What a unit
// does reaches a core in this cycle only if it waits for a line or may be interrupted; others go on
// at once, unless another hart asks for more than a bank (`alone` is false), which may end the run,
// cut the account or flush the instruction cache.
template <bool kLockstep>
inline void Engine::serve_banked(std::uint32_t granted, bool alone) {
  const std::uint64_t horizon = kLockstep || !alone ? now_ + 1 : run_ahead_horizon();
  for (std::uint32_t left = granted; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    if (horizon > now_ + 1 && !must_stay(*cores_[h])) [[likely]] {
      serve_and_go_on(h, horizon);
    } else {
      serve_tcdm(h);
    }
  }
}

// A cycle in which anything may happen: all requests, then arbitration, then all commits, then the
// units, then the cores that were answered.
template <bool kLockstep>
void Engine::step(std::uint32_t other) {
  const bool spoken_to = other != 0;
  // The DMA's control port comes first: what it takes in this cycle counts in this cycle.
  for (std::uint32_t left = other; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    if (slot_[h].wait == CoreWait::kData && slot_[h].route == Route::kDmaControl) {
      serve_dma_control(h);
      other &= ~(1u << h);
    }
  }
  dma_stepped_ = due(Platform::kDma);
  if (dma_stepped_) {
    ask_dma();
  }
  const WideRequest* wide = nullptr;
  requests_.wide = false;
  redmule_may_be_done_ = due(Platform::kRedmule);
  if (redmule_may_be_done_) {
    wide = &redmule_->request_lightly(Cycle{now_});
    requests_.wide = wide->valid;
    if (wide->valid) {
      requests_.wide_write = wide->write;
      requests_.wide_bank = static_cast<std::uint8_t>(platform_.tcdm_bank(wide->address));
    }
  }
  HciGrants grants;
  if (requests_.wide || (hci_ != nullptr && hci_->raised() != 0)) {
    grants = arbitrate();
  }
  serve_banked<kLockstep>(grants.mask & ((1u << dma_port_) - 1), other == 0);
  if (dma_stepped_) {
    commit_dma(grants.mask >> dma_port_);
  }
  if (wide != nullptr) {
    platform_.commit_redmule(Cycle{now_}, *wide, grants);
    due_[Platform::kRedmule] = redmule_->next_activity().raw();
  }
  if (!private_fpu_ && other != 0) {
    other = serve_fpus(other);
  }
  for (; other != 0; other &= other - 1) {
    serve_data(static_cast<unsigned>(std::countr_zero(other)));
  }
  if (spoken_to || !platform_.is_pulp() || units_have_news()) {
    step_units();
  }
  for (; answered_ != 0; answered_ &= answered_ - 1) {
    after_answer<kLockstep>(static_cast<unsigned>(std::countr_zero(answered_)));
  }
  find_units_next();
}

// Any unit but the memory's users acts in this cycle, or one of those tells something.
inline bool Engine::units_have_news() const {
  return due(Platform::kIcache) || due(Platform::kEventUnit) || wants_routing();
}

// The words that the DMA wants in this cycle; those that were refused before are up already.
inline void Engine::ask_dma() {
  const std::uint32_t up = hci_->raised() >> dma_port_;
  if (mchan_ != nullptr) [[likely]] {
    for (std::uint32_t left = mchan_->ask() & ~up; left != 0; left &= left - 1) {
      const auto p = static_cast<unsigned>(std::countr_zero(left));
      hci_->raise(dma_port_ + p, platform_.tcdm_bank(mchan_->wanted(p)));
    }
    return;
  }
  for (std::uint32_t left = dma_->requests(Cycle{now_}, dma_requests_) & ~up; left != 0;
       left &= left - 1) {
    const auto p = static_cast<unsigned>(std::countr_zero(left));
    hci_->raise(dma_port_ + p, platform_.tcdm_bank(dma_requests_[p].address));
  }
}

inline void Engine::commit_dma(std::uint32_t granted) {
  if (mchan_ != nullptr) [[likely]] {
    mchan_->commit_words(Cycle{now_}, granted, Platform::UnitMemory(platform_));
  } else {
    platform_.commit_dma(Cycle{now_}, dma_requests_, granted);
  }
  due_[Platform::kDma] = dma_->next_activity().raw();
}

// The requests of this cycle; those in which there were none have passed before.
inline HciGrants Engine::arbitrate() {
  if (now_ > last_arbitrated_) {
    hci_->idle_cycles(now_ - last_arbitrated_);
  }
  last_arbitrated_ = now_ + 1;
  return hci_->arbitrate_raised(requests_);
}

// RedMulE acts in the next cycle. If nobody else touches the memory until after it, the accelerator
// may take many cycles at once, up to the end of a job, which others see. `next` is the next cycle
// of a core.
void Engine::advance_redmule(std::uint64_t next) {
  static_assert(Platform::kRedmule + 1 == Platform::kUnits);
  next = std::min({next, due_[0], due_[1], due_[2], due_[3], due_[4]});
  if (next > now_ + 2 && !platform_.redmule().has_done_event()) {
    const std::uint64_t limit = std::min({next, options_.max_cycles.raw(), now_ + kHorizon});
    const std::uint64_t taken = platform_.advance_redmule(Cycle{now_ + 1}, limit - now_ - 1);
    stepped_ += taken;
    now_ += taken;
    refresh(Platform::kRedmule);
    find_units_next();
  }
}

// Where a core may run to by itself, from now on.
inline std::uint64_t Engine::run_ahead_limit(const Core& core) const {
  return must_stay(core) ? now_ + 1 : run_ahead_horizon();
}

template <bool kLockstep>
std::uint64_t Engine::resume(unsigned hart, std::uint64_t earliest) {
  return resume(hart, earliest, kLockstep ? now_ + 1 : run_ahead_limit(*cores_[hart]));
}

// Lets a hart go on up to cycle `limit`; it asks for nothing before cycle `earliest`. Returns the
// cycle in which it acts next.
std::uint64_t Engine::resume(unsigned hart, std::uint64_t earliest, std::uint64_t limit) {
  Core& core = *cores_[hart];
  core.keep_books(Cycle{now_});
  CoreWait wait = run_core(hart, limit);
  // A core may learn only with an answer that it wanted a line in a cycle that is past: it asks as
  // soon as it can, which is the same cycle in both engines.
  while (wait == CoreWait::kFetch && std::max(core.fetch_when().raw(), earliest) <= now_) {
    post_fetch(hart);
    limit = now_ + 1;
    wait = run_core(hart, limit);
  }
  return ask(hart, wait, earliest, limit);
}

// The hart waits for `wait`. Returns the cycle in which it asks for it.
inline std::uint64_t Engine::ask(unsigned hart, CoreWait wait, std::uint64_t earliest,
                                 std::uint64_t limit) {
  const Core& core = *cores_[hart];
  Slot& slot = slot_[hart];
  slot.wait = wait;
  slot.posted = false;
  if (wait == CoreWait::kData) [[likely]] {
    const DataAccess& access = core.access();
    const Routed routed = platform_.map().route(access.address);
    slot.route = routed.route;
    slot.offset = routed.offset;
    if (routed.route == Route::kTcdm) {
      banked_ |= 1u << hart;
      bank_[hart] = static_cast<std::uint8_t>(platform_.tcdm_bank(routed.offset));
    } else {
      banked_ &= ~(1u << hart);
    }
    const std::uint64_t asked = std::max(access.when.raw(), earliest);
    private_end_ = std::max(private_end_, asked);
    return routed.route == Route::kPeripheral ? asked + platform_.peripheral_latency() : asked;
  }
  banked_ &= ~(1u << hart);
  private_end_ = std::max(private_end_, core.next_cycle().raw());
  switch (wait) {
    case CoreWait::kLimit:
      return std::max(now_ + 1, std::min(core.next_cycle().raw(), limit));
    case CoreWait::kFetch:
      return std::max(core.fetch_when().raw(), earliest);
    case CoreWait::kFpu:
      // Fetching runs ahead of execution: an instruction that waited for a line is told of it when
      // its own time is past, and asks as soon as it can.
      return std::max(core.fpu_when().raw(), earliest);
    case CoreWait::kHalt:
      return std::max(core.halted_when().raw(), earliest);
    default:
      return kNone;  // kLine: the cache wakes it; kSleep: an interrupt
  }
}

// Hands the answer to the core. It goes on at the end of the cycle, when everything that this cycle
// changed (interrupt lines among it) is known.
void Engine::answer(unsigned hart, std::uint64_t granted, std::uint64_t responded,
                    std::uint32_t rdata, StallReason why) {
  cores_[hart]->complete(Cycle{granted}, Cycle{responded}, rdata, why);
  go_on(hart);
  if (options_.debugger != nullptr) [[unlikely]] {
    tell_after(hart);
  }
}

// The hart has what it waited for.
void Engine::go_on(unsigned hart) {
  slot_[hart].wait = CoreWait::kLimit;
  banked_ &= ~(1u << hart);
  answered_ |= 1u << hart;
}

template <bool kLockstep>
void Engine::after_answer(unsigned hart) {
  if (!kLockstep && !ended_) {
    agenda_.move(hart, resume<false>(hart, now_ + 1));
  } else if (slot_[hart].wait == CoreWait::kLimit) {  // else it has been settled meanwhile
    agenda_.move(hart, now_ + 1);
  }
}

}  // namespace etude
