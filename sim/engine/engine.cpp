// SPDX-License-Identifier: Apache-2.0
// The cycle loop. What each route does with an access is in engine_access.cpp, the account of steps
// in engine_steps.cpp.
#include "sim/engine/engine.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "models/base/error.h"
#include "models/iss/core/core_calm.h"
#include "sim/engine/engine_users.h"
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
      core_ports_(platform.all_harts()),
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
  const std::vector<AccessObserver*> watches =
      options_.watch != nullptr ? options_.watch->begin(platform_) : std::vector<AccessObserver*>{};
  for (unsigned h = 0; h < harts_; ++h) {
    cores_[h] = &platform_.core(h);
    cores_[h]->reset(entry.raw(), Cycle{0});
    if (h < options_.observers.size()) {
      cores_[h]->set_observer(options_.observers[h]);
      observed_ = true;  // observers: of all harts, or none
    }
    if (h < watches.size()) {
      cores_[h]->set_access_observer(watches[h]);
      observed_ = true;
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
    if (options_.debugger != nullptr && !closed_) {
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
    if (in_dma_queue_ != 0) {
      other |= leave_dma_queue();
    }
    raise(banked);
    bool dma_moves = false;
    if (other == 0 && units_next_ > now_ && pulp) [[likely]] {
      if (hci_->raised() != 0) {
        step_quietly<kLockstep>();
      }
    } else {
      step<kLockstep>(other);
      if (ended_) {
        break;
      }
      if (!kLockstep && std::min(due_[Platform::kDma], due_[Platform::kRedmule]) <= now_ + 1 &&
          (hci_->raised() & core_ports_) == 0) {
        run_users(std::min({agenda_.next(), others_next_, options_.max_cycles.raw()}));
      }
      dma_moves = dma_stepped_;
    }
    // The next cycle in which anything can happen: whose bank was taken asks again at once.
    std::uint64_t next = now_ + 1;
    if (!pulp || hci_->raised() == 0) {
      next = agenda_.next();
      if (next > now_ + 2 && units_next_ == now_ + 1 && due_[Platform::kRedmule] == now_ + 1) {
        advance_redmule(next);
      }
      if (!kLockstep && next > now_ + 2 && due_[Platform::kDma] == now_ + 1) {
        advance_dma(next);
      }
      next = std::min(next, units_next_);
      if (in_dma_queue_ != 0 && dma_moves) {
        next = now_ + 1;  // perhaps with an access that is granted
      }
    }
    if (next >= options_.max_cycles.raw()) [[unlikely]] {
      stop(next);
    }
    go_to(std::max(next, now_ + 1));
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
  if (harts == 0) {
    return;
  }
  Hci::Raising raising(*hci_);
  for (; harts != 0; harts &= harts - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(harts));
    raising.add(h, bank_[h]);
  }
}

// A cycle in which only cores act, and only on the shared memory: nothing that they do can reach
// another core in the same cycle, so that each goes on as soon as it is served.
template <bool kLockstep>
void Engine::step_quietly() {
  requests_.wide = false;
  serve_banked<kLockstep>(arbitrate().mask, true);
  for (; answered_ != 0; answered_ &= answered_ - 1) {
    after_answer<kLockstep>(static_cast<unsigned>(std::countr_zero(answered_)));
  }
}

// Harts whose access to the shared memory is granted go on at once, each to where it asks for
// something again: most of a simulation is spent here, so that the straight code of a core is
// compiled into this loop. What a unit does in this cycle reaches a core in it only if it may be
// interrupted or its line comes; such a one goes on when the units have acted.
[[gnu::noinline]] void Engine::serve_and_go_on(std::uint32_t granted) {
  const std::uint64_t now = now_;
  const std::uint64_t horizon = run_ahead_horizon();
  // With observers no core goes on by itself.
  const unsigned flushes = observed_ ? Core::kNeverStraight : platform_.icache().flushes();
  const std::uint32_t tcdm_size = tcdm_->size();
  Hci::Raising raising(*hci_);
  for (; granted != 0; granted &= granted - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(granted));
    Core& core = *cores_[h];
    std::uint64_t limit = horizon;
    if (core.stays()) [[unlikely]] {
      limit = stay_limit(h, now);
      if (limit == now + 1) {
        serve_tcdm(h);
        continue;
      }
    }
    const DataAccess& access = core.access();
    const std::uint32_t rdata = access_tcdm(access, tcdm_offset(h, access));
    constexpr StallReason kWhy = StallReason::kTcdmConflict;
    CoreWait wait;
    if (core.in_straight_code(flushes)) [[likely]] {
      wait = core.complete_straight_and_run(Cycle{now}, rdata, kWhy, Cycle{limit});
    } else if (!observed_) {
      wait = Core::complete_and_run(core, Cycle{now}, rdata, kWhy, Cycle{limit});
    } else {
      wait = Core::complete_observed_and_run(core, Cycle{now}, rdata, kWhy, Cycle{limit});
    }
    if (wait == CoreWait::kData) [[likely]] {
      const std::uint32_t offset = access.address - ETUDE_L1_BASE;
      if (offset < tcdm_size) [[likely]] {
        // As before, but for the place and the time.
        const unsigned bank = tcdm_->bank_of(offset);
        const std::uint64_t asked = access.when.raw();
        if (asked <= now + 1) {  // this cycle's requests are served: it stands with the next's
          raising.add(h, bank);
          continue;
        }
        bank_[h] = static_cast<std::uint8_t>(bank);
        private_end_ = std::max(private_end_, asked);
        agenda_.add(h, asked);
        continue;
      }
    }
    agenda_.add(h, ask(h, wait, now + 1, limit));
  }
}

// Harts whose access to the shared memory is granted. They wait for the end of the cycle if another
// hart asks for more than a bank (`alone` is false), which may end the run, cut the account or
// flush the instruction cache.
template <bool kLockstep>
inline void Engine::serve_banked(std::uint32_t granted, bool alone) {
  if (!kLockstep && alone) [[likely]] {
    if (granted != 0) {
      serve_and_go_on(granted);
    }
    return;
  }
  for (; granted != 0; granted &= granted - 1) {
    serve_tcdm(static_cast<unsigned>(std::countr_zero(granted)));
  }
}

// A cycle in which anything may happen: all requests, then arbitration, then all commits, then the
// units, then the cores that were answered.
template <bool kLockstep>
void Engine::step(std::uint32_t other) {
  const bool spoken_to = other != 0;
  if (spoken_to) {
    other = serve_dma_controls(other);
  }
  const WideRequest* const wide = ask_users();
  HciGrants grants;
  if (requests_.wide || (hci_ != nullptr && hci_->raised() != 0)) {
    grants = arbitrate();
    serve_banked<kLockstep>(grants.mask & core_ports_, other == 0);
  }
  commit_users(wide, grants);
  if (other != 0) {
    serve_others(other);
  }
  if (spoken_to || others_next_ <= now_ || users_have_news() || !platform_.is_pulp()) {
    step_units();
    find_others_next();
  }
  for (; answered_ != 0; answered_ &= answered_ - 1) {
    after_answer<kLockstep>(static_cast<unsigned>(std::countr_zero(answered_)));
  }
  find_units_next();
}

// The cycles behind this one in which only DMA and RedMulE act: before `until`, in which somebody
// else does, and up to one in which they tell something. The last one is the present one then.
void Engine::run_users(std::uint64_t until) {
  while (in_dma_queue_ == 0 || !dma_queue_moves()) {
    std::uint64_t next = now_ + 1;
    if (hci_->raised() == 0) {
      const std::uint64_t dma = due_[Platform::kDma];
      if (due_[Platform::kRedmule] == next && dma > next + 1) {
        break;  // alone: advance_redmule() is faster
      }
      if (dma == next && due_[Platform::kRedmule] > next + 1 && mchan_ != nullptr &&
          mchan_->alone()) {
        break;  // advance_dma() is
      }
      next = std::max(next, std::min(dma, due_[Platform::kRedmule]));
    }
    if (next >= until) {
      break;
    }
    go_to(next);
    ++stepped_;
    const WideRequest* const wide = ask_users();
    HciGrants grants;
    if (requests_.wide || hci_->raised() != 0) {
      grants = arbitrate();
    }
    commit_users(wide, grants);
    if (users_have_news()) [[unlikely]] {
      step_units();
      find_others_next();
      for (; answered_ != 0; answered_ &= answered_ - 1) {
        after_answer<false>(static_cast<unsigned>(std::countr_zero(answered_)));
      }
      break;
    }
  }
  find_units_next();
}

// The next cycle in which anything happens is `next`.
inline void Engine::go_to(std::uint64_t next) {
  if (private_end_ > now_ + 1) {  // cycles in which a core was at work by itself
    stepped_ += std::min(next, private_end_) - (now_ + 1);
  }
  now_ = next;
  if (now_ - systemc_now_ >= kQuantum) {
    sync_systemc();
  }
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

template <bool kLockstep>
inline std::uint64_t Engine::resume(unsigned hart, std::uint64_t earliest) {
  return resume(hart, earliest, kLockstep ? now_ + 1 : run_ahead_limit(hart, earliest));
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
